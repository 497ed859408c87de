"""Serial schedule generation: lists of jobs, placed one by one at the earliest end, and bred."""
