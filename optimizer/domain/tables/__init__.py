"""All modes of an instance at once, as arrays."""
