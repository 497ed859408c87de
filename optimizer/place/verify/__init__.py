"""Fixes tried out: a plan carried over to a changed instance, and the search from there."""
