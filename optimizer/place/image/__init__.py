"""Pieces of the numeric image that the engines work on, beside `arrays.py`."""
