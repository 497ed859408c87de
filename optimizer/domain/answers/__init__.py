"""What every answer of a question is made of."""
