"""The world: what instances are made of. Import from the defining module."""
