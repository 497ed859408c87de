"""How a solver is run: limits, status, incumbents, bounds, and a stop that holds.

The only code that runs OR-Tools (`cpsat.py`) and PuLP (`milp.py`). What comes back is a `Run`
(`run.py`), which keeps apart what the engine proved and why it stopped. Its bound is the engine's
own claim: nothing here is a certificate.
"""
