"""The cheapest way out of a conflict, as an instance: limits that give, at a price.

Every plan of the elastic instance is a way out, and its cost is what lacks to the value of all its
jobs; so its best plan is the cheapest way out, and a certified bound of it limits every other from
below. What gives:
  power     a supply "more-power" at every site, at the price of a MWh over the cap
  deadline  none; each hour after it is late, at the price of an hour
  must      jobs may stay out, and are worth what giving them up costs
  running   a job to which all that leaves no run is gone, and costs what giving it up does; others
            do not wait for it
  chips     pools have as many more domains as could help, and the power of their idling; jobs
            "relaxed-..." hold them for the whole horizon and are worth what they cost: a domain is
            bought where such a job gives way. Sizes 1, 2, 4, ... make up every number.
  quota, budget  larger likewise, held by jobs on tokens at a site of their own
  moves     all that may be moved may be, and each takes one of a budget that is larger likewise
  spread    more places at every site for the jobs of a group, held by jobs of that group, each with
            a token at every site
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer.domain.chips import Chip
from optimizer.domain.jobs import Budget, ExplicitMode, ExplicitPart, Job, Moves, Spread
from optimizer.domain.power import MAX_MW, Supply
from optimizer.domain.series import constant
from optimizer.domain.sites import Pool, Site
from optimizer.place.arrays import build_arrays
from optimizer.place.conflict.groups import fed, grown, slices_wanted
from optimizer.place.goal import changed, feasibility_image, has_to_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optimizer.domain.instance import Instance

__all__ = ["MORE_POWER", "UNIT_COSTS", "Elastic", "elastic"]

UNIT_COSTS = {
    "mw_hour": 1000.0,
    "chip_hour": 5.0,
    "deadline_hour": 1000.0,
    "quota_chip_hour": 5.0,
    "budget_unit": 1000.0,
    "move": 10_000.0,
    "spread_job": 100_000.0,
    "must": 1_000_000.0,
}
"""USD per MWh over a cap or permit, chip-hour more (for the whole horizon), hour after a deadline,
chip-hour over a quota, unit over a budget, running job moved beyond the limit, job of a group more
at any one site; least for a must job given up, if its value is lower. All are assumptions: who asks
gives others."""

MORE_POWER, TOKENS, MOVED = "more-power", "relaxed-tokens", "relaxed-moves"

WAITED_FOR_USD = 0.001
"""Worth of a job that only others wait for: enough for the search to place it."""

BUDGET_STEPS = 1024
"""Steps in which a budget grows, at most."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A job that holds what a limit could give: which limit, and how much of it."""

    rule: str
    of: str
    amount: float


@dataclass(frozen=True)
class Elastic:
    """The elastic instance, what its holders hold, the unit costs [USD].

    Attributes
    ----------
    ended
        Running jobs that have to end in every way out, and what each costs [USD].
    """

    instance: Instance
    holders: dict[str, Holder]
    costs: dict[str, float]
    ended: dict[str, float]


def elastic(instance: Instance, costs: dict[str, float]) -> Elastic:
    """Return the elastic instance of one in which must jobs cannot all be placed."""
    image = feasibility_image(instance)  # free of money; windows and must are set anew below
    by_id = {job.id: job for job in instance.jobs}
    jobs = tuple(_giving(job, by_id[job.id], costs) for job in image.jobs)
    made = _movable(changed(image, jobs=jobs))
    stuck = _stuck(made)
    ended = {name: max(by_id[name].value_usd, costs["must"]) for name in sorted(stuck)}
    made = changed(
        made, jobs=tuple(_without(job, stuck) for job in made.jobs if job.id not in stuck)
    )
    more = {name: n for name in made.pools if (n := slices_wanted(instance, name))}
    made = grown(made, more)
    for site in instance.sites:
        made = fed(made, site, MORE_POWER, MAX_MW, costs["mw_hour"])
    tokens = _Tokens(made, instance, costs)
    holders, extra, hours = tokens.holders, tokens.jobs, instance.horizon.hours
    for name, n in more.items():
        pool = instance.pools[name]
        size = instance.domain_chips(pool)
        idle_kw = instance.chips[pool.chip].idle_kw * size
        for amount in _doublings(n):
            job, usd = f"relaxed-{len(holders)}", amount * size * costs["chip_hour"] * hours
            part = ExplicitPart(
                pool=name, slice_chips=size, slices=amount, draw_kw=idle_kw * amount
            )
            extra.append(_holder(job, (part,), hours, usd))
            holders[job] = Holder("pool_capacity", name, amount)
    made = tokens.instance_with()
    return Elastic(changed(made, jobs=(*made.jobs, *extra)), holders, costs, ended)


def _stuck(made: Instance) -> frozenset[str]:
    """Return the running jobs that have to move and have no run, however much is added."""
    arrays, stuck = build_arrays(made), set()
    for j, job in enumerate(made.jobs):
        modes = slice(arrays.job_ptr[j], arrays.job_ptr[j + 1])
        if job.running is not None and not arrays.running[j] and not arrays.allowed[modes].any():
            stuck.add(job.id)
    return frozenset(stuck)


def _without(job: Job, stuck: frozenset[str]) -> Job:
    """Return a job that does not wait for those that have ended."""
    waits = tuple(name for name in job.predecessors if name not in stuck)
    return job.model_copy(update={"predecessors": waits})


def _giving(image: Job, job: Job, costs: dict[str, float]) -> Job:
    """Return a job of the image that may stay out, or end late, at a price."""
    if job.running is not None:
        return image
    worth = max(job.value_usd, costs["must"]) if job.must else WAITED_FOR_USD
    late = {"due": job.deadline, "late_usd_per_hour": costs["deadline_hour"]}
    return image.model_copy(
        update={
            "must": False,
            "value_usd": worth,
            "release": job.release,
            "deadline": None,
            **(late if job.deadline is not None else {}),
        }
    )


def _doublings(total: int) -> Iterator[int]:
    """Return 1, 2, 4, ... and a rest, which make up every number up to a total."""
    step = 1
    while total > 0:
        yield min(step, total)
        total -= step
        step *= 2


def _holder(name: str, parts: tuple[ExplicitPart, ...], hours: float, usd: float, **of: Any) -> Job:
    """Return a job that holds parts for so long; `of`: its tenant, its group, what it uses."""
    uses = of.pop("uses", {})
    link = "none" if len(parts) > 1 else None
    mode = ExplicitMode(parts=parts, hours=hours, uses=uses, link=link)
    return Job(id=name, value_usd=usd, modes=(mode,), **of)


def _movable(image: Instance) -> Instance:
    """Return the image with every move allowed, as far as a budget of them goes."""
    movers = {job.id for j, job in enumerate(image.jobs) if image.may_move(j)}
    if image.moves is None or not movers:
        return image

    def counted(job: Job) -> Job:
        gangs = (g.model_copy(update={"uses": {**g.uses, MOVED: 1.0}}) for g in job.gangs)
        modes = (m.model_copy(update={"uses": {**m.uses, MOVED: 1.0}}) for m in job.modes)
        return job.model_copy(update={"gangs": tuple(gangs), "modes": tuple(modes)})

    return changed(
        image,
        jobs=tuple(counted(job) if job.id in movers else job for job in image.jobs),
        moves=Moves(at_most=len(movers)),
        budgets={**image.budgets, MOVED: Budget(limit=image.moves.at_most, unit="moves")},
    )


class _Tokens:
    """Limits beside power and chips that can grow, and the jobs that hold what they grow by."""

    def __init__(self, made: Instance, instance: Instance, costs: dict[str, float]) -> None:
        self.made, self.instance, self.costs = made, instance, costs
        self.tenants, self.budgets = dict(made.tenants), dict(made.budgets)
        self.spreads = dict(made.spreads)
        self.holders: dict[str, Holder] = {}
        self.jobs: list[Job] = []
        self.counts: dict[str, int] = {}
        self._grow_quotas()
        self._grow_budgets()
        self._grow_spreads()

    def _grow_quotas(self) -> None:
        """All but those of tenants whose chip-hours a budget counts, as holders would use it up."""
        counted = {name for budget in self.budgets.values() for name in budget.chip_hours_of}
        needed = has_to_run(self.instance.jobs)
        each = self.costs["quota_chip_hour"] * self.instance.horizon.hours
        for name, tenant in self.made.tenants.items():
            own = [j for j in self.instance.jobs if j.id in needed and j.tenant == name]
            open_ = [j for j in own if j.running is None or j.running.move is not None]
            n = sum(_most_chips(job) for job in open_)
            if tenant.quota_chips is None or name in counted or not n:
                continue
            quota = tenant.quota_chips + n
            self.tenants[name] = tenant.model_copy(update={"quota_chips": quota})
            for amount in _doublings(n):
                self._hold(Holder("quota", name, amount), amount * each, amount, tenant=name)

    def _grow_budgets(self) -> None:
        for name, budget in self.made.budgets.items():
            wanted = sum(_most_used(self.made, j, name) for j in range(len(self.made.jobs)))
            if not wanted:
                continue
            step = -(-wanted // BUDGET_STEPS)  # thousandths of a unit
            rule, each = "budget", "budget_unit"
            if name == MOVED:
                step, rule, each = 1000, "moves", "move"
            n = -(-wanted // step)
            limit = budget.limit + n * step / 1000
            self.budgets[name] = budget.model_copy(update={"limit": limit})
            for steps in _doublings(n):
                amount = steps * step / 1000
                usd = amount * self.costs[each]
                self._hold(Holder(rule, name, amount), usd, uses={name: amount})

    def _grow_spreads(self) -> None:
        """A place at every site costs as much as at one: the limit is the same at all."""
        for name, spread in self.made.spreads.items():
            jobs = sum(job.group == name for job in self.made.jobs)
            most = self.made.most_at_a_site[name]
            more = max(0, jobs - most)
            of_jobs = max(spread.of_jobs or jobs, jobs + more)
            share = (most + more) / of_jobs
            self.spreads[name] = Spread(share=share, of_jobs=of_jobs)
            for _ in range(more):
                self._hold(Holder("spread", name, 1), self.costs["spread_job"], group=name)

    def _hold(self, holder: Holder, usd: float, chips: int = 1, **of: Any) -> None:
        """Add a job with tokens: at every site if it is of a group, else at one of their own."""
        sites = tuple(self.instance.sites) if holder.rule == "spread" else (TOKENS,)
        parts = tuple(
            ExplicitPart(pool=_tokens_at(site), slice_chips=1, slices=chips, draw_kw=0.0)
            for site in sites
        )
        name = f"relaxed-{len(self.holders)}"
        self.jobs.append(_holder(name, parts, self.instance.horizon.hours, usd, **of))
        self.holders[name] = holder
        for site in sites:
            self.counts[site] = self.counts.get(site, 0) + chips

    def instance_with(self) -> Instance:
        """Return the instance with larger limits, and the tokens to hold them."""
        if not self.counts:
            return self.made
        kinds: dict[str, Any] = {"hbm_gb": 1.0, "nameplate_kw": 1.0, "training_kw": 1.0}
        none = Supply(kind="grid", cap_mw=constant(0), price_usd_per_mwh=constant(0))
        place = Site(country="ZZ", pue=constant(1), supplies={"none": none})
        pools = {
            _tokens_at(site): Pool(site=site, chip=TOKENS, count=constant(count))
            for site, count in self.counts.items()
        }
        return changed(
            self.made,
            chips={**self.made.chips, TOKENS: Chip(**kinds)},
            sites={**self.made.sites, TOKENS: place},
            pools={**self.made.pools, **pools},
            tenants=self.tenants,
            budgets=self.budgets,
            spreads=self.spreads,
        )


def _tokens_at(site: str) -> str:
    """Return the pool of tokens at a site."""
    return TOKENS if site == TOKENS else f"{TOKENS}-{site}"


def _most_chips(job: Job) -> int:
    each = [g.chips for g in job.gangs]
    each += [sum(p.slices * p.slice_chips for p in m.parts) for m in job.modes]
    return max(each, default=0)


def _most_used(instance: Instance, j: int, budget: str) -> int:
    """Return the most that a job takes of a budget in any mode [thousandths]."""
    if instance.has_to_stay(j):
        return 0
    uses = [dict(mode.uses).get(budget, 0) for mode in instance.modes(j)]
    return max(uses, default=0)
