"""What the certified bound is added up from: right sides, and prices of columns."""
