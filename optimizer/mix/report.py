"""The report of a mix: what to take and what it costs, what runs where, what binds, how sure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optimizer.domain.fleet.image import DOMAIN
from optimizer.domain.reports import Fact, Report, Section
from optimizer.mix.account.tables import (
    fleet_chart,
    fleet_table,
    limits_table,
    offers_table,
    ranges_table,
    where_table,
    work_table,
)
from optimizer.mix.account.ways import nothing
from optimizer.mix.plan import Status
from optimizer.mix.rules.case import Case
from optimizer.units import NANO, usd

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Tone
    from optimizer.mix.plan import Goal, MixPlan, Verdict

__all__ = ["report"]

ASKED: dict[Goal, str] = {
    "cost": "least total cost, what is not served counted at its value",
    "profit": "most value of what is served, less cost",
    "work": "most useful work within the limits",
}
UNIT: dict[Goal, str] = {"cost": "USD", "profit": "USD", "work": ""}


def report(instance: Instance, plan: MixPlan, verdict: Verdict) -> Report:
    """Return the report of a plan that the checker has seen."""
    case = Case(instance, plan)
    title = f"{instance.name}: {instance.title}" if instance.title else instance.name
    proof = _proof(plan, verdict)
    if not plan.status.has_plan:
        return Report(title, (*nothing(plan), proof, _assumed(instance, case)))
    fleet = Section("What to take", tables=(fleet_table(case),), charts=(fleet_chart(case),))
    work = Section("What it does", tables=(work_table(case, plan), where_table(case)))
    return Report(
        title,
        (
            _answer(case, plan),
            fleet,
            _bill(case, plan),
            work,
            _binds(case, plan),
            _out(instance, plan),
            proof,
            _assumed(instance, case),
        ),
    )


def _answer(case: Case, plan: MixPlan) -> Section:
    parts, goal = plan.objective, plan.objective.goal
    taken = [
        f"{count:,} domains of {offer.name} ({count * offer.chips:,} chips)"
        for offer, _, count in case.offers()
    ]
    what = "; ".join(taken) or "nothing"
    served, wanted = usd(parts.earned), usd(parts.earned + parts.unserved)
    sentences = (
        f"Asked was the {ASKED[goal]}, over {_years(case):.3g} years.",
        f"Take {what}.",
    )
    facts = (
        Fact("cost, discounted", usd(parts.spent), "USD"),
        Fact("paid at deliveries", usd(_capex(case)), "USD"),
        Fact(
            "value served", served / wanted if wanted else None, "share", note="of what is wanted"
        ),
        Fact("largest load", _load_mw(case), "MW", note="at the meters of all sites"),
        Fact("gap", plan.gap, "share", note="certified"),
    )
    return Section("Answer", sentences, facts, kind="summary")


def _years(case: Case) -> float:
    return sum(f.hours for f in case.image.phases) / 8760


def _capex(case: Case) -> int:
    return sum(tier.upfront_cash * count for _, tier, count in case.offers())


def _load_mw(case: Case) -> float:
    image = case.image
    loads = (sum(case.load(s, f) for s in image.sites) for f in range(len(image.phases)))
    return max(float(x) for x in loads) / 1e6


def _bill(case: Case, plan: MixPlan) -> Section:
    image, parts = case.image, plan.objective
    hours = chips = energy = 0.0
    for use, way, _ in case.used:
        count = case.instance.domains[way.stock[1]].chips
        chips += use.amount / DOMAIN * count * image.phases[use.phase].hours
    for f, phase in enumerate(image.phases):
        hours += phase.hours
        energy += sum(float(case.load(s, f)) for s in image.sites) / 1e6 * phase.hours
    spent = usd(parts.spent)
    facts = (
        Fact("upfront less residual value", usd(parts.upfront), "USD"),
        Fact("rent", usd(parts.rent), "USD"),
        Fact("upkeep", usd(parts.upkeep), "USD"),
        Fact("energy", usd(parts.energy), "USD"),
        Fact("all costs", spent, "USD", note="discounted"),
        Fact("value of what is not served", usd(parts.unserved), "USD", note="not discounted"),
        Fact("value of what is served", usd(parts.earned), "USD", note="not discounted"),
        Fact("cost of a chip-hour in training", spent / chips if chips else None, "USD/chip-h"),
        Fact("cost for each MWh drawn", spent / energy if energy else None, "USD/MWh"),
        Fact("energy drawn", energy, "MWh"),
    )
    return Section("The bill", facts=facts)


def _binds(case: Case, plan: MixPlan) -> Section:
    says = (
        "What one more unit is worth is the slope of the bound that prices of the whole problem "
        "prove, over the whole horizon: at most that much, and less where whole domains leave "
        "gaps.",
    )
    return Section("What binds", says, tables=(limits_table(case, plan),))


def _out(instance: Instance, plan: MixPlan) -> Section:
    says = (
        "Prices at which an offer would pay are estimates at the certified prices; a new solve on "
        "either side of one settles it.",
    )
    return Section("What stays out", says, tables=(offers_table(instance, plan),))


def _proof(plan: MixPlan, verdict: Verdict) -> Section:
    goal, claim = plan.objective.goal, plan.run.claim
    scale = NANO
    bound = None if verdict.bound is None else verdict.bound / scale
    rules = len(verdict.violations)
    tone: Tone = "bad" if rules and plan.status.has_plan else "good"
    facts = [
        Fact("objective", plan.objective.total / scale, UNIT[goal], note=ASKED[goal]),
        Fact("bound", bound, UNIT[goal], note="recomputed from the certificate without a solver"),
        Fact("gap", verdict.gap, "share"),
        Fact("status", str(plan.status)),
        Fact("stopped by", plan.run.stopped_by),
        Fact("breaches of rules", rules or "none", tone=tone),
    ]
    if claim is not None:
        claimed = None if claim.bound is None else claim.bound / scale
        note = f"{claim.engine}: {claim.status}; a claim, no proof"
        facts.append(Fact("bound of the solver", claimed, UNIT[goal], note=note))
    reach = None
    if goal != "cost" and bound and 0 <= plan.objective.total / scale <= bound:
        reach = plan.objective.total / scale / bound
    word = "costs less" if goal == "cost" else "is better"
    says = (f"No mix {word} than the bound: its prices stand in the plan file.",)
    if plan.status is Status.INFEASIBLE:
        says = ("The prices in the plan file prove that no mix keeps all rules.",)
    return Section("Proof", says, tuple(facts), kind="proof", reach=reach)


def _assumed(instance: Instance, case: Case) -> Section:
    mix = instance.mix
    says = list(instance.notes)
    unreal = [o for o, x in (mix.offers.items() if mix else ()) if x.is_hypothetical]
    if unreal:
        says.append(f"Hypothetical offers, which nobody makes today: {', '.join(unreal)}.")
    guessed = sorted({use.demand for use, way, _ in case.used if way.gang.is_assumed})
    if guessed:
        says.append(f"Work that runs at estimated rates: {', '.join(guessed)}.")
    if mix is not None:
        says.append(f"Planned with the {mix.draw} draw of chips.")
    return Section("What is assumed", tuple(says), tables=(ranges_table(instance),))
