"""Schedules from lists of jobs, and their breeding: the compiled part."""
