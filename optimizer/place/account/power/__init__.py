"""What the report says of batteries and demand charges."""
