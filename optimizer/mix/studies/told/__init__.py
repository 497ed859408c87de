"""What studies say to people: each one a `Report` of sentences, tables and charts."""
