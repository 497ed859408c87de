"""What follows from plans of an expansion: named plans valued, plans side by side."""
