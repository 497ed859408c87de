"""Plans in whole units from a master whose columns are not."""
