"""What else could be used to place jobs, run beside us on the same instances.

greedy      plain numpy: the best value for its chip-hours first, where and when it first fits
highs       plain HiGHS on the time-indexed model; `lp` its relaxation, for a bound alone
cpsat       plain CP-SAT on intervals, without a plan to start from
rebalancer  Rebalancer of Meta on instances of one period; in a Python of its own

Each runs in a process of its own, `python -m benchmarks.rivals NAME INSTANCE SECONDS PLAN`, and has
so many seconds for all: loading, building its model, solving, writing a plan file, which our
checker then judges (`benchmarks/rivals/run.py`).

Rebalancer needs Python 3.12 or later and no other package; our own environment is left alone:
`python3.12 -m venv rebalancer-env && rebalancer-env/bin/pip install rebalancer==1.0.4`, then
`--rebalancer rebalancer-env/bin/python`.
"""
