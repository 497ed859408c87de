"""Reading and writing instances: strict JSON, every finding at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from optimizer.domain.fields import shown
from optimizer.domain.findings.cross import cross_findings
from optimizer.domain.findings.parts import Parts
from optimizer.domain.findings.strict import LONG, MANY, first_entries, strict_json
from optimizer.domain.findings.where import code_of, located
from optimizer.domain.fleet.mix import Mix
from optimizer.domain.growth.expand import Expand
from optimizer.domain.horizon import Horizon
from optimizer.domain.instance import SCHEMA, Instance
from optimizer.domain.jobs import Moves
from optimizer.errors import Finding, InstanceError

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

__all__ = ["instance_of", "parse_instance", "read_instance", "write_instance"]

MAX_BYTES = 512 * 2**20
"""No instance is half a gigabyte."""
MAX_FINDINGS = 1000
"""More fields than that are not looked at one by one where they are wrong."""

_MAPS = ("chips", "domains", "workloads", "sites", "pools", "tenants", "budgets", "spreads")
_INNER_MAPS = (
    "supplies", "mix.offers", "mix.demand", "mix.ranges", "mix.supply_chips",
    *(f"expand.{part}" for part in ("sites", "builds", "permits", "compute", "supply_chips")),
    *(f"expand.{part}" for part in ("demand", "contracts", "drivers", "futures", "plans")),
)  # fmt: skip

_PLACED = ("pools", "jobs")
"""What an instance has to say that asks neither for a mix nor for an expansion."""


def read_instance(path: Path) -> Instance:
    """Return the instance of a JSON file.

    Raises
    ------
    InstanceError
        With every finding, if the file cannot be read as an instance.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InstanceError([f"{path}: larger than {MAX_BYTES // 2**20} MiB"])
        return parse_instance(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise InstanceError([f"{path}: cannot be read: {e.strerror}"]) from None
    except UnicodeDecodeError:
        raise InstanceError([f"{path}: is not UTF-8 text"]) from None


def parse_instance(text: str) -> Instance:
    """Return the instance written in a JSON text; see `read_instance`."""
    data, findings = strict_json(text)
    return _instance(data, findings, text)


def instance_of(data: Any) -> Instance:
    """Return the instance of JSON data; see `read_instance`."""
    return _instance(data, [], json.dumps(data))


def _instance(data: Any, findings: list[str], text: str) -> Instance:
    if not isinstance(data, dict):
        said = f"must be a JSON object, got {shown(data)}"
        raise InstanceError([*findings, Finding(said, "wrong_type")])
    if data.get("schema") != SCHEMA:
        said = f"schema: must be {SCHEMA!r}, got {shown(data.get('schema'))}"
        findings.append(Finding(said, "bad_value" if "schema" in data else "missing"))
    if "mix" not in data and "expand" not in data:
        lacks = (f"{part}: is missing; give it" for part in _PLACED if part not in data)
        findings.extend(Finding(said, "missing") for said in lacks)
    if len(text) > LONG and len(some := _some_findings(data)) > MANY:
        raise InstanceError([located(f, data) for f in findings + some])
    try:
        instance = Instance.model_validate_json(text)
    except ValidationError as e:
        found = _all_findings(data, findings, e)
        raise InstanceError([located(f, data) for f in found]) from None
    except ValueError as e:
        raise InstanceError([*findings, *str(e).splitlines()]) from None
    if findings:
        raise InstanceError([located(f, data) for f in findings])
    return instance


def write_instance(instance: Instance, path: Path) -> None:
    """Write an instance as JSON with one job a line."""
    path.write_text(instance_text(instance), encoding="utf-8")


def instance_text(instance: Instance) -> str:
    """Return an instance as JSON with one job a line."""
    data = instance.data()
    jobs = data.pop("jobs", [])
    sources = data.pop("sources", {})
    head = json.dumps(data, indent=1, ensure_ascii=False).removesuffix("\n}")
    lines = ",\n  ".join(json.dumps(job, ensure_ascii=False) for job in jobs)
    tail = json.dumps(sources, indent=1, ensure_ascii=False)
    return f'{head},\n "jobs": [\n  {lines}\n ],\n "sources": {tail}\n}}\n'


def _all_findings(data: dict[str, Any], findings: list[str], error: ValidationError) -> list[str]:
    """Field findings of pydantic, then the cross findings of what could be read."""
    if error.error_count() > MAX_FINDINGS:
        count = f"{error.error_count():,} fields are wrong; these are among the first of them"
        return [*findings, Finding(count, "inconsistent"), *_some_findings(data)]
    for item in error.errors(include_url=False):
        if item["type"] == "value_error" and not item["loc"]:
            whole = item["ctx"]["error"]  # of a readable instance
            lines = whole.findings if isinstance(whole, InstanceError) else str(whole).splitlines()
            findings.extend(lines)
            continue
        if item["loc"] == ("schema",):
            continue
        findings.append(_finding(item, data))
    findings.extend(cross_findings(_readable(data)))
    return list(dict.fromkeys(findings))


def _some_findings(data: dict[str, Any]) -> list[str]:
    """Return the findings of the first few entries of every list and object.

    A file can have millions of wrong fields, and each would take a kilobyte to be described. Only
    fields that are wrong whatever stands beside them are told.
    """
    try:
        Instance.model_validate_json(json.dumps(first_entries(data)))
    except ValidationError as e:
        items = e.errors(include_url=False)[:MAX_FINDINGS]
        return [_finding(x, data) for x in items if x["loc"] and x["type"] != "value_error"]
    return []


def _finding(item: ErrorDetails, data: Any) -> Finding:
    line = _say(item["loc"], item["msg"], item["type"], item.get("input"), data)
    return located(Finding(line, code_of(item["type"])), data, item["loc"])


def _say(loc: tuple[int | str, ...], message: str, kind: str, value: Any, data: Any) -> str:
    path, here = "", data
    for step in loc:
        if isinstance(step, int):
            path += f"[{step}]"
        elif (isinstance(here, dict) and path in _MAPS) or path.endswith(_INNER_MAPS):
            path += f"[{step!r}]"
        else:
            path += f".{step}" if path else step
        try:
            here = here[step]
        except (KeyError, IndexError, TypeError):
            here = None
    if kind == "missing":
        return f"{path}: is missing; give it"
    if kind == "extra_forbidden":
        return f"{path}: is not a field that is known here; take it out or mend its name"
    said = message.removeprefix("Value error, ").removeprefix("Input should be ").rstrip()
    said = said if message.startswith("Value error") else f"must be {said}"
    return said_with_value(path, said, value)


def said_with_value(path: str, said: str, value: Any) -> str:
    """Return one finding with the value that was got, unless it is said already."""
    if "got " in said:
        return f"{path}: {said}"
    return f"{path}: {said}, got {shown(value)}"


def _readable(data: dict[str, Any]) -> Parts:
    """Return what can be read of bad data, entity by entity."""
    fields = Instance.model_fields
    maps: dict[str, dict[str, Any]] = {}
    names: dict[str, frozenset[str]] = {}
    for kind in _MAPS:
        raw = data.get(kind, {})
        raw = raw if isinstance(raw, dict) else {}
        names[kind] = frozenset(raw)
        entity = fields[kind].annotation.__args__[1]  # type: ignore[union-attr]
        maps[kind] = {k: v for k, v in ((k, _try(entity, v)) for k, v in raw.items()) if v}
    raw_jobs = data.get("jobs", [])
    raw_jobs = raw_jobs if isinstance(raw_jobs, list) else []
    entity = fields["jobs"].annotation.__args__[0]  # type: ignore[union-attr]
    jobs = {i: v for i, v in ((i, _try(entity, j)) for i, j in enumerate(raw_jobs)) if v}
    ids = (j.get("id") for j in raw_jobs if isinstance(j, dict))
    names["jobs"] = frozenset(i for i in ids if isinstance(i, str))
    horizon = _try(Horizon, data.get("horizon"))
    mix = _try(Mix, data["mix"]) if data.get("mix") else None
    moves = _try(Moves, data["moves"]) if data.get("moves") is not None else None
    expand = _try(Expand, data["expand"]) if data.get("expand") else None
    return Parts(
        horizon=horizon, **maps, jobs=jobs, names=names, mix=mix, moves=moves, expand=expand
    )


def _try(entity: Any, value: Any) -> Any:
    """Return the entity, without the fields that cannot be read; None where one is needed."""
    for _ in range(2):
        try:
            return TypeAdapter(entity).validate_json(json.dumps(value))
        except ValidationError as e:
            found = e.errors(include_url=False, include_input=False, include_context=False)
            bad = {item["loc"][0] for item in found if item["loc"]}
            if not isinstance(value, dict):
                return None
            value = {k: v for k, v in value.items() if k not in bad}
        except (ValueError, RecursionError):
            return None
    return None
