"""Commands of an expansion: seek or value plans, lay plans side by side."""
