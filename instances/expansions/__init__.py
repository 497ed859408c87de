"""Expansions: built from their recipes, and drawn at random."""
