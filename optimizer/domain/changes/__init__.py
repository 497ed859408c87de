"""Changes of an instance file as data, and the instance with changes."""
