"""Expand: which sites to build or grow, when, with what power and chips, under uncertainty.

The question: sites with what stands there; builds (steps of the grid, turbines, halls, chips) in
whole units with lead times; who pays for compute or MW; money with its covenants; futures of
demand, prices, dates and defaults. Chosen are orders, retirements and contracts, for all futures
and, where something has been learnt, for those it is learnt of; how what stands is operated follows
from them, future by future, by merit order.

The text is MODEL section 4, and 8 to the last integer; the mathematics stands in
`engines/first.py` (what is decided; on a tree `engines/tree/stage.py`), `engines/extensive.py` and
`engines/operate.py` (operation).
What operation brings is cut to few rows, period by period, by the slopes that it leaves behind, and
the rest goes to a mixed-integer solver; the model of all futures at once is there as a cross-check
and for any other solver. Values of plans are exact, and re-derived by
`check.py` without any solver; the bound is the engine's claim.

Batteries with storage are charged as the plan says, block by block of a day; the engines find the
best by linear programs (`engines/storage/`).

Left out: what batteries carry from one period to another, taxes, other orders of operation than by
merit, starts and ramps of turbines within a period.

References: Birge and Louveaux 2011, Introduction to Stochastic Programming (recourse, cuts);
Rockafellar and Uryasev 2000 (CVaR by linear rows); Ben-Ameur and Neto 2007 (in-out separation).

    expand, instance = QUESTIONS["expand"], load("nscale-uk")
    plan = expand.solve(instance, expand.options(objective="cvar"))
    verdict = expand.check(instance, plan)
"""
