"""Strategies for the goals beside value: least cost, earliest end, fair shares."""
