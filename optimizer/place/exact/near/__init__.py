"""CP-SAT on neighbourhoods of large plans: a few jobs are free, all other runs stay."""
