"""Batteries that are charged: operation of a period as a linear program over all its blocks."""
