"""What follows from plans of an expansion: named plans, plans side by side, what they hang on.

Each study states cases (changes of the instance), has them solved by the function it is given, and
makes of the plans data and a `Report`. Nothing here solves or runs workers; `optimizer/studies.py`
does.
"""
