"""What studies of an expansion say to people: each one a `Report`."""
