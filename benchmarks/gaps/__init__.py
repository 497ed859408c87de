"""Where a gap lies: by side, by size of gang, over time."""
