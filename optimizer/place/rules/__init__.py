"""The rules of placement as the judge sees them, one function a rule."""
