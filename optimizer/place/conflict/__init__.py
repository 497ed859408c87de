"""Where must jobs cannot all be placed: the proof, the rules in conflict, the cheapest way out."""
