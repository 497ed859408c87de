"""What the dual asks of all columns, side by side."""
