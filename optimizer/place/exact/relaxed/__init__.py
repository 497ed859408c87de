"""The relaxed model: a bound on all plans from the rows that prices are put on."""
