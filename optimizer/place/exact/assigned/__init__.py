"""All jobs in one period at the least cost: a compiled search over which mode each has."""
