"""What a mix comes to: its bill, its work, what binds, what stays out; as tables."""
