"""What a report of an expansion tells, as tables and charts."""
