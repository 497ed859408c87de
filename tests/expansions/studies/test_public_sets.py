"""Public sets as expansions: exact where capacity of single sites does not bind, else a bound."""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.orlib import facility, servers
from benchmarks.orlib.__main__ import main
from benchmarks.orlib.as_expand import of_facilities, of_servers
from benchmarks.orlib.expansions import opened, solved

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.orlib.facility import Facilities
    from benchmarks.orlib.servers import Servers


def located(folder: Path, seed: int, *, is_tight: bool) -> Facilities:
    """Return a case of 4 sites and 6 customers, read back from a file as OR-Library has them."""
    rng = np.random.default_rng(seed)
    demand, cost = rng.integers(5, 20, 6), rng.integers(10, 400, (4, 6)) / 4
    capacity = 25 + 5 * seed if is_tight else int(demand.sum())
    sites = "\n".join(f" {capacity + i} {60 + 7 * i}." for i in range(4))
    rows = "\n".join(f" {d}\n {' '.join(map(str, cost[:, j]))}" for j, d in enumerate(demand))
    file = folder / f"cap{seed}.txt"
    file.write_text(f" 4 6\n{sites}\n{rows}\n", encoding="utf-8")
    return facility.read_facilities(file)


@pytest.mark.parametrize("is_tight", (False, True))
@pytest.mark.parametrize("seed", range(2))
def test_facilities_are_exact_without_capacity_and_bounded_with_it(
    seed: int, is_tight: bool, tmp_path: Path
) -> None:
    case = located(tmp_path, seed, is_tight=is_tight)
    assert case.is_uncapacitated is not is_tight
    tried = [facility.priced(case, np.array(x, bool), 10.0) for x in product((0, 1), repeat=4)]
    best = min(x for x in tried if x is not None)
    for prices in (np.zeros(4), facility.prices_of_capacity(case), np.full(4, 9.0)):
        asked = of_facilities(case, prices)
        plan, _ = solved(asked, 20.0)
        ours = facility.priced(case, opened(asked, plan), 10.0)
        assert plan.bound is not None
        assert asked.cost(plan.bound) <= best + 1e-6 and (ours is None or ours >= best - 1e-6)
    assert asked.free.all(), "at a price of 9, capacity is worth more than any site costs"
    asked = of_facilities(case, np.zeros(4))
    plan, _ = solved(asked, 20.0)
    ours = facility.priced(case, opened(asked, plan), 10.0)
    if not is_tight:
        assert asked.cost(plan.objective.total) == pytest.approx(best, abs=1e-5)
        assert ours == pytest.approx(best, abs=1e-5)


def test_single_source_is_read_by_rows_of_sites(tmp_path: Path) -> None:
    file = tmp_path / "small.txt"
    file.write_text("2 3\n9 100\n8 50\n4 5 3\n1 2 3\n4 5 6\n", encoding="utf-8")
    case = facility.read_facilities(file)
    assert case.is_single_source and case.cost.tolist() == [[1, 2, 3], [4, 5, 6]]
    both = np.array([True, True])
    assert facility.priced(case, both, 5.0) == 150 + 1 + 2 + 6  # 4 + 5 at the first, 3 at the other
    assert facility.priced(case, ~both, 5.0) is None
    assert facility.priced(case, np.array([True, False]), 5.0) is None


def scenarios(folder: Path, capacity: int) -> Servers:
    """Return a case of 2 sites, 3 clients and 3 scenarios, read back from SMPS."""
    load = {(1, 1): 5, (1, 2): 9, (2, 1): 7, (2, 2): 2, (3, 1): 4, (3, 2): 6}
    columns = "".join(
        f" x_{i} obj {c} c1 -1\n x_{i} c{i + 1} {capacity}\n" for i, c in ((1, 6), (2, 5))
    )
    for (j, i), n in load.items():
        columns += f" y_{j}_{i} obj -{n} c{i + 1} -{n}\n y_{j}_{i} c{j + 3} 1\n"
    columns += "".join(f" x_{i}_0 obj 100 c{i + 1} 1\n" for i in (1, 2))
    core = f"NAME t\nROWS\nCOLUMNS\n{columns}RHS\n rhs c1 -2 c4 1\n rhs c5 1 c6 1\nBOUNDS\nENDATA\n"
    told = (("0.5", "1 1 0"), ("0.25", "0 1 1"), ("0.25", "1 1 1"))
    story = "STOCH t\nSCENARIOS DISCRETE\n"
    for k, (odds, there) in enumerate(told):
        story += f" SC S{k} 'ROOT' {odds} STAGE-2\n"
        story += "".join(f" RHS c{j + 4} {x}\n" for j, x in enumerate(there.split()))
    (folder / "t.cor").write_text(core, encoding="utf-8")
    (folder / "t.sto").write_text(story, encoding="utf-8")
    return servers.read_servers(folder, "t")


@pytest.mark.parametrize("capacity", (100, 10))
def test_servers_are_bounded_and_exact_where_any_load_fits(capacity: int, tmp_path: Path) -> None:
    case = scenarios(tmp_path, capacity)
    assert case.there.tolist() == [[1, 1, 0], [0, 1, 1], [1, 1, 1]]
    some = [np.array(x, bool) for x in product((0, 1), repeat=2)]
    best = min(servers.priced(case, x) for x in some)
    asked = of_servers(case, case.load.min(0))
    plan, _ = solved(asked, 20.0)
    assert plan.bound is not None and asked.cost(plan.bound) <= best + 1e-6
    ours = servers.priced(case, opened(asked, plan))
    assert ours >= best - 1e-6
    if capacity == 100:
        assert ours == pytest.approx(best) == pytest.approx(asked.cost(plan.objective.total))


def test_the_table_has_a_line_for_every_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    located(tmp_path, 0, is_tight=False)
    known = {"best_known": 500.0, "optimal": False}
    values = {"facility/cap0": known | {"file": "cap0.txt"}, "stochastic/dcap1": known}
    (tmp_path / "values.json").write_text(json.dumps(values), encoding="utf-8")
    rows = tmp_path / "rows.csv"
    assert main([str(tmp_path), "--seconds", "10", "--csv", str(rows)]) == 0
    said = capsys.readouterr().out
    assert "carried exact" in said and "carried not at all" in said
    assert len(rows.read_text(encoding="utf-8").splitlines()) == 3
