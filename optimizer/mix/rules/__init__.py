"""The rules of a mix, as the judge sees them."""
