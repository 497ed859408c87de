"""Reading what strangers send, and checking it, in child processes that may be killed."""
