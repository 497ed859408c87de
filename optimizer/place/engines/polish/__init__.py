"""The end of a search: whatever one more insertion or one other start would still gain."""
