"""Recourse: one model of the tree while it is small, else a policy and a bound."""
