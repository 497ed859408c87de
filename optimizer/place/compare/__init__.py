"""Two plans of one instance side by side: what differs, and what the difference is worth."""
