"""The rules of an expansion, as the judge sees them."""
