"""Plans on many futures, and studies, side by side: the same answers as one after the other."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from test_optimum_expand import few
from tiny_expand import made

from optimizer.expand.answer import arrays_of
from optimizer.expand.evaluate import decided
from optimizer.expand.plan import Options
from optimizer.expand.studies import weigh as weighing
from optimizer.expand.studies.ask import Ask, answer
from optimizer.expand.studies.named import valued
from optimizer.expand.studies.weigh import weigh, weighed
from optimizer.questions import EXPAND
from optimizer.studies import NEEDS, Backend, Sweep
from service.cli.main import main

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance
    from optimizer.domain.reports import Report

CLUSTERS = tuple(pytest.param(b, marks=pytest.mark.slow) for b in ("loky", *sorted(NEEDS)))
"""What takes seconds to start."""

DRAWN = Options(draw=40, seed=3)


def ranged() -> Instance:
    """Return an expansion with two named plans and drivers with ranges."""
    data = few(1).data()
    expand = data["expand"]
    expand["drivers"] = {"demand": {"low": 0.3, "high": 1.5}}
    orders = [
        {"build": name, "site": "s", "at": "2027-01-01", "units": 1}
        for name in ("grid", "hall", "racks")
    ]
    expand["plans"] = {"one": {"orders": orders}, "none": {"contracts": ["cloud"]}}
    return made(data)


def side_by_side(sweep: Sweep) -> Report:
    """Return the named plans on drawn futures."""
    instance = ranged()
    plans = {name: valued(instance, name) for name in ("one", "none")}
    return weigh(instance, plans, DRAWN, sweep.each)


def usable(backend: Backend) -> Backend:
    """Return a backend, or skip where it is not installed."""
    if backend in NEEDS:
        pytest.importorskip(NEEDS[backend])
    elif backend == "loky" and "coverage" in sys.modules:
        pytest.skip("workers start slowly under coverage")
    return backend


@pytest.mark.filterwarnings("ignore")  # of clusters, about this machine
@pytest.mark.parametrize("backend", ("threading", *CLUSTERS))
def test_plans_on_many_futures_are_the_same_whoever_values_them(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weighing, "PART", 7)
    alone = side_by_side(Sweep(workers=1))
    assert alone == side_by_side(Sweep(workers=2, backend=usable(backend)))


def test_parts_of_the_futures_make_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = ranged()
    arrays = arrays_of(instance, DRAWN)
    plans = {name: decided(arrays, valued(instance, name)) for name in ("one", "none")}
    whole = weighed(arrays, plans)
    monkeypatch.setattr(weighing, "PART", 7)
    for a, b in zip(whole, weighed(arrays, plans), strict=True):
        assert (a.values == b.values).all() and (a.flows.running == b.flows.running).all()
        assert a.name == b.name and a.debt == b.debt
        assert (a.unserved, a.mwh, a.tonnes) == pytest.approx((b.unserved, b.mwh, b.tonnes))
        assert a.power_mw == pytest.approx(b.power_mw) and a.chips == pytest.approx(b.chips)
        assert a.breaches == pytest.approx(b.breaches)
    assert whole[0].unserved < whole[1].unserved


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", ("loky", *sorted(NEEDS)))
@pytest.mark.parametrize("what", ("information", "tornado"))
def test_studies_say_the_same_whoever_solves_them(backend: Backend, what: str) -> None:
    instance, options = ranged(), Options(gap=1e-9)

    def said(sweep: Sweep) -> Report:
        solve = sweep.of(EXPAND, instance, {"gap": 1e-9})
        return answer(what, Ask(instance, options, solve, sweep.each)).report

    assert said(Sweep(workers=1)) == said(Sweep(workers=2, backend=usable(backend)))


def test_the_command_values_futures_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["compare", "nscale-uk", "stay-at-50", "both", "--draw", "300"]
    said = []
    for more in ([], ["--workers", "2", "--backend", "threading"]):
        main([*asked, *more])
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] and "300 futures drawn" in said[0]
    assert main([*asked, "--workers", "0"]) == 2
