"""The commands that serve runs: the server and its workers."""
