"""How sure we are: bound, gap and where it lies, checker, roundings, assumed rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.answers.say import counted, dollars, figure, money, percent
from optimizer.domain.reports import Column, Fact, Section, Table, Value
from optimizer.place.account.prices import GapTerm, gap_terms
from optimizer.place.plan import Certificate, Status
from optimizer.units import usd

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from optimizer.place.account.ledger import Ledger, Run
    from optimizer.place.account.prices import PriceBook
    from optimizer.place.certificate import Bound
    from optimizer.place.plan import PlacePlan, Verdict, Violation

__all__ = ["assumed_table", "gap_table", "proof_section"]

TOP = 5
"""Parts of the gap that are named."""


def proof_section(ledger: Ledger, bound: Bound, book: PriceBook, verdict: Verdict) -> Section:
    """Return the proof box."""
    is_none = bound.total is None or ledger.plan.status is Status.INFEASIBLE
    terms = () if is_none else gap_terms(ledger, bound, book)
    tables = (gap_table(ledger, terms),) if terms else ()
    return Section(
        "How sure we are",
        tuple(_sentences(ledger, bound, verdict)),
        tuple(_facts(ledger, bound, verdict)),
        tables,
        kind="proof",
        reach=None if is_none else _reach(ledger.plan.objective.total, bound.total),
    )


def _reach(objective: int, bound: int | None) -> float | None:
    """Return the objective as a share of the bound, where both are amounts that one can compare."""
    return objective / bound if bound and 0 <= objective <= bound else None


def _sentences(ledger: Ledger, bound: Bound, verdict: Verdict) -> Iterator[str]:
    plan = ledger.plan
    yield _proven(plan, bound)
    yield (
        "Anyone can check this: `fleetwatt check` reads the instance and plan.json anew "
        "and re-derives every rule, the objective and the bound with code that it does not share "
        "with the search. What it adds up stands in docs/MODEL.md, section 6: enough to write a "
        "checker of one's own."
    )
    yield (
        "The bound leaves out (so it can only be too high): when those end that a job waits for, "
        "and that slices keep their domain over time."
    )
    is_gap = bound.total is not None and plan.objective.total != bound.total
    if is_gap and plan.status is not Status.INFEASIBLE:
        yield (
            "A job's part of the gap: what its best run would earn at the certified prices above "
            "the run it has (or has not)."
        )
    if plan.run.stopped_by == "cancel":
        yield (
            "The search was stopped early, so what it does last was left out: putting in whatever "
            "still fits, and shifting runs to where they bring more."
        )
    refused = _refused(plan, verdict)
    if refused:
        yield f"The checker refuses the plan: {'; '.join(map(str, refused[:3]))}."


def _proven(plan: PlacePlan, bound: Bound) -> str:
    """Return what the prices prove."""
    prices = None if plan.conflict is None else plan.conflict.prices
    if plan.status is Status.INFEASIBLE and prices in (None, Certificate()):
        return (
            "A job that has to run has no run that the rules and the running jobs leave it, "
            "whatever else is placed: that proves that there is no plan."
        )
    if plan.status is Status.INFEASIBLE:
        return (
            "There is no plan: the prices under `conflict` in plan.json prove it. At these the "
            "jobs that must run take more of the limits than there is of them."
        )
    if plan.objective.total == bound.total:
        return "Proven optimal: the plan reaches the bound."
    if bound.total is None or plan.status is Status.UNKNOWN:
        return "Not all that must run was placed; that it cannot be is not proven."
    return (
        f"No plan is worth more than {dollars(bound.total)}; this one is worth "
        f"{dollars(plan.objective.total)}. The bound is recomputed in whole numbers from the "
        f"instance and the plan's prices alone, without a solver."
    )


def _refused(plan: PlacePlan, verdict: Verdict) -> list[Violation]:
    """Return what is wrong; that must jobs are missing only where the file says it is a plan."""
    is_plan = plan.status.has_plan
    return [v for v in verdict.violations if is_plan or v.rule != "one_placement"]


def _facts(ledger: Ledger, bound: Bound, verdict: Verdict) -> Iterator[Fact]:
    plan, run = ledger.plan, ledger.plan.run
    parts = plan.objective
    total = None if bound.total is None else usd(bound.total)
    yield Fact("Objective", usd(parts.total), "USD", note=_parts(ledger))
    if plan.status is not Status.INFEASIBLE:
        yield Fact("Bound", total, "USD", note=plan.bound_kind)
    if plan.status.has_plan:
        yield Fact("Gap", plan.gap, "share", note="of the objective")
    found = len(_refused(plan, verdict))
    kept = "every rule kept" if verdict.is_good else "every rule kept by what is placed"
    yield Fact(
        "Checker",
        kept if not found else counted(found, "breach", "breaches"),
        tone="bad" if found else "good",
        note="rules, objective, bound and gap re-derived from the file",
    )
    yield Fact("Status", plan.status.value, note=f"stopped by {run.stopped_by}")
    options = run.options
    yield Fact("Search", run.seconds, "s", note=", ".join(_limits(options)))
    yield Fact("Seed", options.get("seed"))
    others = ", ".join(f"{k} {v}" for k, v in run.versions.items() if k != "fleetwatt")
    own = run.versions.get("fleetwatt")
    version = "run from its sources, no release" if own == "source" else own
    yield Fact("Version", version, note=others)
    yield Fact("Instance", plan.instance, note=f"sha256 {plan.instance_hash[:16]}")
    yield from _roundings(ledger)
    kinds = [s.kind for s in ledger.instance.sources.values()]
    if kinds:
        each = [f"{kinds.count(k)} {k}" for k in ("reported", "derived", "assumed") if k in kinds]
        yield Fact("Sources of the data", ", ".join(each), note="entries of the sources map")


def _limits(options: Mapping[str, object]) -> Iterator[str]:
    """Yield what the search was allowed."""
    for key, text in (
        ("seconds", "limit {:g} s"),
        ("gap", "to stop at a gap of {:.3%}"),
        ("rounds", "{:,} rounds"),
        ("threads", "{} threads"),
    ):
        given = options.get(key)
        if isinstance(given, int | float) and given:
            yield text.format(given)


def _parts(ledger: Ledger) -> str:
    parts = ledger.plan.objective
    said = [f"value {money(parts.value)}"]
    for name, amount in (
        ("lateness", parts.lateness),
        ("one-off costs", parts.one_off),
        ("energy and carbon price", parts.energy),
        ("demand charges", parts.demand),
    ):
        if amount:
            said.append(f"less {name} {money(amount)}")
    return ", ".join(said)


def gap_table(ledger: Ledger, terms: tuple[GapTerm, ...]) -> Table:
    """Return where the gap lies: its largest parts, and the rest by kind; they add up exactly."""
    total = sum(t.amount for t in terms)
    says = {"job": "job {}", "row": "{}", "supply": "{}"}
    rows: list[tuple[Value, ...]] = []
    for t in terms[:TOP]:
        what = says[t.kind].format(t.name)
        if t.kind == "job":
            what += " (not placed)" if ledger.index[t.name] not in ledger.runs else " (placed)"
        rows.append((what, usd(t.amount), t.amount / total if total else None))
    names = {"job": "other job", "row": "other limit", "supply": "other part of supply"}
    many = {"supply": "other parts of supply"}
    for kind, name in names.items():
        rest = [t.amount for t in terms[TOP:] if t.kind == kind]
        if rest:
            what = counted(len(rest), name, many.get(kind, ""))
            rows.append((what, usd(sum(rest)), sum(rest) / total))
    columns = (
        Column("part"),
        Column("amount", "USD", "right"),
        Column("of the gap", "share", "right"),
    )
    return Table("Where the gap lies: bound less objective", columns, tuple(rows))


def _derived(ledger: Ledger) -> Iterator[tuple[Run, float, str]]:
    """Return placed runs of derived modes, how long they take before rounding, and a caveat."""
    instance = ledger.instance
    for run in ledger.runs.values():
        job, mode = instance.jobs[run.job], run.mode
        if job.running is not None or len(mode.parts) != 1 or not mode.origin.startswith("gangs"):
            continue
        part, workload = mode.parts[0], instance.workloads[job.workload or ""]
        pool = instance.pools[part.pool]
        found = workload.rate(pool.chip, pool.domain, part.slice_chips, part.chips)
        if found is None or job.work is None:
            continue
        speed = instance.chips[pool.chip].levels[mode.level].speed_share
        hours = job.work / (found.work_per_hour * speed)
        sizes = [
            r.chips
            for r in workload.rates
            if (r.chip, r.domain, r.slice_chips) == (pool.chip, pool.domain, part.slice_chips)
        ]
        caveat = ""
        if found.is_assumed:
            is_inside = min(sizes) <= part.chips <= max(sizes)
            caveat = "assumed row" if is_inside else "outside the measured gang sizes"
        elif mode.level != "full":
            caveat = f"speed at power level {mode.level}"
        yield run, hours, caveat


def _roundings(ledger: Ledger) -> Iterator[Fact]:
    """Whole periods and whole watts: how much the integer image adds."""
    ph = ledger.horizon.period_hours
    exact = counted_hours = 0.0
    worst, name = 0.0, ""
    for run, hours, _ in _derived(ledger):
        exact += hours * run.mode.chips
        counted_hours += run.mode.duration * ph * run.mode.chips
        extra = run.mode.duration * ph - hours
        if extra > worst:
            worst, name = extra, run.placement.job
    if name:
        yield Fact(
            "Largest rounding",
            f"{figure(worst)} h",
            note=f"run of {name}; whole periods add {percent(counted_hours - exact, exact)} "
            "to the chip-hours placed",
        )
    yield Fact("Power is rounded", "by less than 1 W", note="a gang, once; caps down, draws up")


def assumed_table(ledger: Ledger) -> Table:
    """Return the rates in use that no measurement covers."""
    found: dict[tuple[str, str, str], list[Run]] = {}
    for run, _, caveat in _derived(ledger):
        if caveat:
            job = ledger.instance.jobs[run.job]
            chip = ledger.instance.pools[run.mode.parts[0].pool].chip
            found.setdefault((job.workload or "", chip, caveat), []).append(run)
    rows = []
    for (workload, chip, caveat), runs in found.items():
        chips = sorted({r.mode.chips for r in runs})
        sizes = f"{chips[0]:,}" if len(chips) == 1 else f"{chips[0]:,} to {chips[-1]:,}"
        hours = sum(r.mode.chips * (r.end - r.start) for r in runs) * ledger.horizon.period_hours
        row: tuple[Value, ...] = (workload, chip, caveat, sizes, len(runs), hours)
        rows.append(row)
    rows.sort(key=lambda row: (-float(row[5]), *map(str, row[:3])))  # type: ignore[arg-type]
    columns = (
        Column("workload"),
        Column("chip"),
        Column("what is assumed"),
        Column("gangs [chips]"),
        Column("jobs", "", "right"),
        Column("chip-hours", "", "right"),
    )
    return Table("Rates used that no measurement covers", columns, tuple(rows), show=6)
