"""What is wrong with an instance as a whole; `cross.py` is the door."""
