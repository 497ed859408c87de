"""Reasons and fixes as reports: one job asked about, or all that are turned away or late."""
