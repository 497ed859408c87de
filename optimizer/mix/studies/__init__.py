"""What follows from a mix: frontiers, break-evens, tornado, alternatives, stress, prices, sharing.

Each study states cases (changes of the instance), has them solved by the function it is given, and
makes of the plans data and a `Report`. Nothing here runs workers; `optimizer/studies.py` does.
"""
