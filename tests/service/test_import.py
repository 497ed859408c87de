"""`fleetwatt import`: tables become an instance, or every finding has file, row and column."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from optimizer.domain.files import read_instance
from service.cli.main import main
from service.tables.columns import JOBS, POOLS

if TYPE_CHECKING:
    from optimizer.domain.instance import Instance

ROOT = Path(__file__).parents[2]
HEAD = "id,workload,work,chips,slice_chips,value_usd"
GOOD = f"{HEAD}\na,chat,40,8,8,9000\nb,chat,20.5,8;16,8,100\n"


def base() -> dict[str, Any]:
    """Return a base of four servers with two jobs, one of them running."""
    rate = {"chip": "h8", "domain": "s8", "slice_chips": 8, "chips": 8, "work_per_hour": 10.0}
    grid = {"kind": "grid", "cap_mw": 0.1, "price_usd_per_mwh": 80.0}
    gang = {"chips": 8, "slice_chips": 8}
    part = {"pool": "here/h8", "slice_chips": 8, "slices": 1, "domains": [[0, 0]]}
    running = {"parts": [part], "periods_left": 3}
    return {
        "schema": "fleetwatt/instance/1",
        "name": "base",
        "title": "Four servers",
        "horizon": {"start": "2026-02-11T00:00:00Z", "periods": 24},
        "chips": {"h8": {"hbm_gb": 80.0, "nameplate_kw": 1.5, "training_kw": 1.2, "idle_kw": 0.2}},
        "domains": {"s8": {"chip": "h8", "chips": 8, "slice_chips": [8]}},
        "workloads": {"chat": {"unit": "billion tokens", "rates": [rate]}},
        "sites": {"here": {"country": "GB", "pue": 1.2, "supplies": {"grid": grid}}},
        "pools": {"here/h8": {"site": "here", "chip": "h8", "domain": "s8", "count": 4}},
        "tenants": {"acme": {}},
        "budgets": {"credit": {"limit": 5000.0, "unit": "USD"}},
        "spreads": {"apart": {"share": 0.5}},
        "jobs": [
            {"id": "now", "workload": "chat", "value_usd": 10.0, "running": running},
            {"id": "old", "workload": "chat", "work": 5.0, "gangs": [gang], "value_usd": 1.0},
        ],
        "sources": {
            "/jobs": {"source": "somebody", "kind": "assumed"},
            "/pools/here~1h8/count": {"source": "somebody", "kind": "reported"},
        },
    }


class Desk:
    """A folder with a base, into which tables are brought."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.out = folder / "new.json"
        self.base = folder / "base.json"
        self.base.write_text(json.dumps(base()))

    def bring(self, jobs: str | bytes, pools: str | None = None, *more: str) -> int:
        """Run the command on tables and return its exit code."""
        paths = {"--jobs": self.folder / "jobs.csv"}
        paths["--jobs"].write_bytes(jobs.encode() if isinstance(jobs, str) else jobs)
        if pools is not None:
            paths["--pools"] = self.folder / "pools.csv"
            paths["--pools"].write_text(pools)
        tables = [str(x) for pair in paths.items() for x in pair]
        return main(["import", *tables, "--base", str(self.base), "--out", str(self.out), *more])

    def made(self) -> Instance:
        """Return the instance that was written."""
        return read_instance(self.out)

    def refused(self, jobs: str | bytes, pools: str | None = None, *more: str) -> list[str]:
        """Return the findings on tables that must be refused, from the file's name on."""
        assert self.bring(jobs, pools, *more) == 2
        assert not self.out.exists()
        said = self.capsys.readouterr().err
        assert "Traceback" not in said
        assert "jobs[" not in said, said
        return said.replace(f"{self.folder}/", "").splitlines()


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A desk in a folder of its own."""
    return Desk(tmp_path, capsys)


def test_tables_become_an_instance(desk: Desk) -> None:
    assert desk.bring(GOOD, "pool,count,spares\nhere/h8,3,1\n") == 0
    assert "2 jobs from" in desk.capsys.readouterr().out
    made = desk.made()
    assert made.name == "new"
    assert [job.id for job in made.jobs] == ["a", "b"]
    assert made.jobs[1].work == 20.5
    assert [(g.chips, g.slice_chips) for g in made.jobs[1].gangs] == [(8, 8), (16, 8)]
    assert made.pools["here/h8"].spares == 1
    assert made.pools["here/h8"].present(made.horizon).tolist() == [3] * 24
    assert made.sources["/jobs"].source == "table jobs.csv"
    assert made.sources["/pools/here~1h8/count"].source == "table pools.csv"
    assert "from base, sha256" in made.notes[-1]


def test_every_column_reaches_the_job(desk: Desk) -> None:
    cells = {
        "id": "x.1", "workload": "chat", "work": "+4e1", "chips": "8", "slice_chips": "8.0",
        "value_usd": "9000", "name": "Größe; 8", "tenant": "acme", "pools": "here/h8;",
        "power_levels": "full", "release": "1.5", "deadline": "2026-02-11T20:00+01:00",
        "due": "2026-02-11T12:00", "late_usd_per_hour": "7", "must": "TRUE", "predecessors": "x.2",
        "countries": "GB; NO", "owners": "us", "one_off_usd": "3", "uses": "credit=12.5",
        "pauses_at_calls": "no", "restart_usd": "2", "group": "apart",
    }  # fmt: skip
    assert set(cells) == {rule.name for rule in JOBS}
    other = {"id": "x.2", "workload": "chat", "work": "1", "chips": "8", "slice_chips": "8"}
    other["value_usd"] = "0"
    lines = [
        ";".join(cells),
        *(";".join(f'"{c.get(k, "")}"' for k in cells) for c in (cells, other)),
    ]
    assert desk.bring("\ufeff" + "\r\n".join(lines) + "\r\n") == 0
    job = desk.made().jobs[0].model_dump(mode="json", exclude_defaults=True)
    gang = {"chips": 8, "slice_chips": 8, "pools": ["here/h8"], "power_levels": ["full"]}
    gang |= {"one_off_usd": 3.0, "uses": {"credit": 12.5}, "restart_usd": 2.0}
    assert job == {
        "id": "x.1", "name": "Größe; 8", "workload": "chat", "work": 40.0, "gangs": [gang],
        "release": 1.5, "deadline": "2026-02-11T19:00:00Z", "due": "2026-02-11T12:00:00Z",
        "late_usd_per_hour": 7.0, "value_usd": 9000.0, "tenant": "acme",
        "countries": ["GB", "NO"], "owners": ["us"], "predecessors": ["x.2"], "must": True,
        "group": "apart",
    }  # fmt: skip


def test_extending_keeps_the_bases_jobs_and_replaces_by_id(desk: Desk) -> None:
    table = f"{HEAD}\nnew,chat,40,8,8,9000\nold,chat,6,8,8,2\n"
    assert desk.bring(table, None, "--extend", "--name", "both") == 0
    made = desk.made()
    assert made.name == "both"
    assert [(job.id, job.work) for job in made.jobs] == [("now", None), ("old", 6), ("new", 40)]
    assert made.jobs[0].running is not None
    assert sorted(k for k in made.sources if "jobs" in k) == ["/jobs", "/jobs/1", "/jobs/2"]


def test_the_same_tables_give_the_same_instance(desk: Desk) -> None:
    assert desk.bring(GOOD) == 0
    first = desk.out.read_bytes()
    assert desk.bring(GOOD.replace(",", "\x00").replace(";", ",").replace("\x00", ";")) == 2
    swapped = "\n".join(
        ";".join(f'"{cell}"' for cell in line.split(",")) for line in GOOD.splitlines()
    )
    assert desk.bring(swapped) == 0
    assert desk.out.read_bytes() == first


BAD = {  # a row -> what is said of it, from the row's number on
    "a,chat,40,8,8,9000\n\na,chat,40,8,8,9000": "4 column 'id': the id of row 2; every job",
    "a,chat,40.0.1,8,8,1": "2 column 'work': must be a number with a decimal point, got '40.0.1'",
    'a,chat,"40,5",8,8,1': "2 column 'work': must be a number with a decimal point, got '40,5'",
    "a,chat,nan,8,8,1": "2 column 'work': must be a number with a decimal point, got 'nan'",
    "a,chat,1e308,8,8,1": "2 column 'work': must be less than or equal to 1000000000000000",
    "a,chat,,8,8,1": "2 column 'work': is empty; give amount of work",
    ",chat,1,8,8,1": "2 column 'id': is empty; give name of the job",
    "a b,chat,1,8,8,1": "2 column 'id': must be made of letters, digits and",
    "a,talk,1,8,8,1": "2 column 'workload': 'talk' is not a workload; known workloads: chat",
    "a,chat,1,8.5,8,1": "2 column 'chips': must be a whole number, got '8.5'",
    "a,chat,1,8;;16,8,1": "2 column 'chips': must have a name between two semicolons",
    "a,chat,1,8;16,8;8;8,1": "2 column 'slice_chips': must be one size, or one for each in",
    "a,chat,1,12,8,1": "2 column 'chips': 12 chips are not whole slices of 8; give a multiple",
    "a,chat,1,800,8,1": "2 column 'chips': no pool holds a gang of 800 chips in slices of 8",
    "a,chat,1,8,8,-5": "2 column 'value_usd': must be greater than or equal to 0, got -5.0",
    "a,chat,1,8,8,1,9": "2: has 7 cells, the heading has 6; put cells that hold the delimiter",
    'a,chat,1,8,8,"1': "2: is not CSV: unexpected end of data; look at its quotes",
}


@pytest.mark.parametrize("rows", BAD, ids=lambda rows: repr(BAD[rows][:30]))
def test_a_bad_row_is_refused_with_its_place(rows: str, desk: Desk) -> None:
    (said,) = desk.refused(f"{HEAD}\n{rows}\n")
    assert said.startswith(f"jobs.csv row {BAD[rows]}"), said


MORE = {  # column -> a bad cell and what is said of it
    "deadline": ("-1", "deadline -1 is before release 0; give a deadline after the release"),
    "due": ("soon", "must be hours from the start, or an ISO date-time, got 'soon'"),
    "release": ("25", "release 25 is not within the horizon of 24 h"),
    "must": ("perhaps", "must be yes or no, got 'perhaps'"),
    "tenant": ("nobody", "'nobody' is not a tenant; known tenants: acme"),
    "pools": ("there", "'there' is not a pool; known pools: here/h8"),
    "predecessors": ("z", "'z' is not a job"),
    "uses": ("credit", "must be name=amount, got 'credit'; write credit=1200"),
    "power_levels": ("low", "'low' is no power level of its chips"),
    "late_usd_per_hour": ("-1", "must be greater than or equal to 0, got -1.0"),
}


@pytest.mark.parametrize("column", MORE)
def test_a_bad_cell_is_refused_in_its_column(column: str, desk: Desk) -> None:
    cell, what = MORE[column]
    (said,) = desk.refused(f"{HEAD},{column}\na,chat,1,8,8,1,{cell}\n")
    assert said.startswith(f"jobs.csv row 2 column '{column}': {what}"), said


def test_all_findings_come_at_once_in_the_order_of_the_rows(desk: Desk) -> None:
    jobs = f"{HEAD},tenant\nb,chat,x,8,8,-1,nobody\na,chat,1,8,800,1,\n\nb,chat,1,12,8,1,acme\n"
    said = desk.refused(jobs, "pool,count\nhere/h9,3\nhere/h8,many\n")
    places = [line.split(":")[0] for line in said]
    assert places[:3] == [f"jobs.csv row 2 column '{c}'" for c in ("work", "value_usd", "tenant")]
    assert "jobs.csv row 5 column 'chips'" in places
    assert "jobs.csv row 5 column 'id'" in places
    assert places[-2:] == ["pools.csv row 2 column 'pool'", "pools.csv row 3 column 'count'"]
    assert [p.split()[0] for p in places] == sorted(p.split()[0] for p in places)


HEADS = {  # a table -> what is said of its heading
    "": "jobs.csv: is empty; give a heading with id, workload, work",
    "\n\n": "jobs.csv: is empty; give a heading with id, workload, work",
    HEAD: "jobs.csv: has no row below its heading; give one at least",
    f"{HEAD},Deadline\n": "jobs.csv row 1 column 'Deadline': is not a column that is known here; "
    "did you mean 'deadline'?",
    f"{HEAD},id\n": "jobs.csv row 1 column 'id': stands twice in the heading; keep one",
    HEAD.replace(",work,", ",") + "\n": "jobs.csv row 1 column 'work': is missing; give the column",
    HEAD.replace(",", "\t") + "\n": "jobs.csv row 1: is separated by tabs; save it with commas",
}


@pytest.mark.parametrize("table", HEADS, ids=lambda table: repr(HEADS[table][-30:]))
def test_a_bad_heading_is_refused(table: str, desk: Desk) -> None:
    (said,) = desk.refused(table)
    assert said.startswith(HEADS[table]), said


def test_what_is_not_utf8_is_refused(desk: Desk) -> None:
    assert desk.refused(GOOD.encode("utf-16")) == [
        "jobs.csv: is not UTF-8 text; save it as CSV UTF-8"
    ]


def test_too_few_domains_for_the_bases_jobs_are_said_with_both_files(desk: Desk) -> None:
    said = desk.refused(GOOD, "pool,count\nhere/h8,0\n", "--extend")
    assert any(line.startswith("jobs.csv row 2 column 'chips': no pool holds") for line in said)
    assert any(line.startswith("base.json job 'now'.running") for line in said)
    assert any(line.startswith("base.json job 'old'.gangs[0]: no pool holds") for line in said)


def test_a_circle_of_predecessors_names_the_column(desk: Desk) -> None:
    head = f"{HEAD},predecessors"
    (said,) = desk.refused(f"{head}\na,chat,1,8,8,1,b\nb,chat,1,8,8,1,a\n")
    assert said.startswith("jobs.csv column 'predecessors': predecessors form a circle through a")


def test_an_unfit_name_and_an_input_as_output_are_refused(desk: Desk) -> None:
    (said,) = desk.refused(GOOD, None, "--name", "a b")
    assert said.startswith("--name: must be made of letters")
    before = desk.base.read_bytes()
    desk.out = desk.base
    assert desk.bring(GOOD) == 2
    assert desk.base.read_bytes() == before


def test_help_and_document_name_every_column(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "--help"]) == 0
    said, document = capsys.readouterr().out, (ROOT / "docs" / "CSV.md").read_text("utf-8")
    for rule in (*JOBS, *POOLS):
        star = "*" if rule.is_needed else " "
        assert f"  {rule.name}{star}" in said
        assert f"| `{rule.name}` |" in document
        assert ("| yes |" in document.split(f"| `{rule.name}` |")[1].splitlines()[0]) is (
            rule.is_needed
        )


def test_a_drawn_instance_is_written_and_reads_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "s.json"
    assert main(["generate", "S", "--seed", "4", "--out", str(out)]) == 0
    made = read_instance(out)
    assert made.name == "s-4"
    assert made.hash[:12] in capsys.readouterr().out
    assert main(["generate", "XS"]) == 2
    assert "known sizes: S, M" in capsys.readouterr().err
