"""Mix: which chips to buy or lease, for a demand, under limits of power, space and money.

The question: offers of whole domains (racks, cubes, servers) at prices, sites with MW, racks and
cooling, classes of training work with measured rates on every kind of domain, and a demand a
month, or as much as possible. Chosen are whole domains by offer and site, and what share of which
domains works on what, at which power level.

The mathematics stands in `engines/formulation.py`; to the last integer in MODEL sections 3 and 7.
Our own search (`engines/tree/`) splits the problem into cases and solves their relaxations; from
whole prices of these `certificate.py` recomputes a bound without any solver. Tiers of price and
least quantities are in that bound exactly. Left out of it is only that a gang needs several domains
at once, where a case can have so many: the bound stays valid, the gap is stated.

Left out of the model: failures beyond the utilisation and goodput that are given, networks between
domains, taxes and financing, resale before the end of the horizon, work that moves between months.

References: Griggs et al. 2024, Melange (whole GPUs against cost; its slices are shares here);
Narayanan et al. 2020, Gavel (time shares of heterogeneous chips).

    mix, instance = QUESTIONS["mix"], load("loughton-mix")
    plan = mix.solve(instance, mix.options(objective="cost"))
    verdict = mix.check(instance, plan)
"""
