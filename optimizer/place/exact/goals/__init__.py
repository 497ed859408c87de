"""Goals beside value by CP-SAT."""
