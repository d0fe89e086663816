"""The shipped catalogue: departments, check items and supervision rules as data, and its way into the database.

Files in `data/catalogue`: `departments.toml`, `items/<department>.toml`, `conditions.toml` (what a business does) and
`rules.toml` (who supervises it). A shipped item is published as version 1; a published version never changes.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlmodel import Session, SQLModel, select

from app.db.bulk import upsert
from app.db.database import Database
from app.registers.tables import CheckItem, Department, SupervisionRule

FOLDER = Path(__file__).parent / "data" / "catalogue"
_EXAMPLES = ("yes", "no")
_DEFAULTS: dict[str, Any] = {
    "kind": "general",
    "method": "on_site",
    "minutes": 30,
    "officers": 2,
    "specialties": [],
    "partners": [],
    "cap": None,
    "basis": "",
}


@dataclass(frozen=True, slots=True)
class Example:
    """A target that a condition must (`expected`) or must not hold for."""

    condition: str
    expected: bool
    target: dict[str, str]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What `load_catalogue` found missing or different and wrote."""

    departments: int
    items: int
    rules: int


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))


@cache
def departments() -> dict[str, dict[str, str]]:
    """Departments by code: `role`, `zh`, `en`."""
    found: dict[str, dict[str, str]] = _read("departments.toml")["departments"]
    return found


@cache
def specialties() -> dict[str, str]:
    """The vocabulary of specialties, Chinese to English."""
    found: dict[str, str] = _read("departments.toml")["specialties"]
    return found


@cache
def conditions() -> dict[str, dict[str, list[str]]]:
    """Named conditions as rules store them, without their examples."""
    return {
        name: {field: words for field, words in table.items() if field not in _EXAMPLES}
        for name, table in _read("conditions.toml").items()
    }


def examples() -> Iterator[Example]:
    """What stands beside each condition: targets it must hold for (`yes`) and must not (`no`)."""
    for name, table in _read("conditions.toml").items():
        for field in _EXAMPLES:
            for text in table.get(field, []):
                yield Example(name, field == "yes", _target(text))


def _target(text: str) -> dict[str, str]:
    """`{kind=project;trade=水利工程}scope`: fields in braces, then the scope; a firm in 天山 unless said otherwise."""
    fields = {"kind": "firm", "district": "650102", "trade": "", "enterprise_type": "", "name": ""}
    if text.startswith("{"):
        head, _, text = text[1:].partition("}")
        fields |= dict(pair.split("=", 1) for pair in head.split(";"))
    return fields | {"scope": text}


def groups() -> Iterator[tuple[str, dict[str, Any]]]:
    """Groups of the check-item catalogue, with their department."""
    for code in departments():
        for group in _read(f"items/{code}.toml")["group"]:
            yield code, group


@cache
def items() -> dict[str, dict[str, Any]]:
    """Check items by code (`department-group-number`), as columns of `CheckItem` without version and status."""
    procedures = _read("departments.toml")["procedures"]
    return {
        f"{department}-{group['code']}-{number}": _item(department, group, item, procedures)
        for department, group in groups()
        for number, item in enumerate(group["items"], start=1)
    }


def _item(
    department: str, group: dict[str, Any], item: dict[str, Any], procedures: dict[str, str]
) -> dict[str, Any]:
    merged = _DEFAULTS | group | {"minutes": _share(group)} | item
    row = {key: merged[key] for key in _DEFAULTS if key != "basis"}
    return row | {
        "department": department,
        "cap": merged["cap"] or (2 if merged["kind"] == "general" else None),
        "title_zh": item["zh"],
        "title_en": item["en"],
        "content": item["content"],
        "procedure": procedures[merged["method"]],
        "legal_basis": merged["basis"],
    }


def _share(group: dict[str, Any]) -> int:
    """Minutes of an item that states none: its part of the group's, in steps of five, ten at least."""
    stated = [int(item["minutes"]) for item in group["items"] if "minutes" in item]
    silent = max(1, len(group["items"]) - len(stated))
    return max(10, -((sum(stated) - int(group["minutes"])) // silent // 5) * 5)


@cache
def rules() -> dict[str, dict[str, Any]]:
    """Supervision rules by code (`department-name`), as columns of `SupervisionRule`."""
    return {
        f"{department}-{name}": {
            "department": department,
            "items": sorted(_expand(department, rule["items"])),
            "condition": conditions()[rule["where"]],
            "reason_zh": rule["zh"],
            "reason_en": rule["en"],
        }
        for department, table in _read("rules.toml").items()
        for name, rule in table.items()
    }


def _expand(department: str, codes: list[str]) -> Iterator[str]:
    for code in codes:
        exact = f"{department}-{code}"
        if exact in items():
            yield exact
            continue
        found = [item for item in items() if item.rpartition("-")[0] == exact]
        if not found:
            raise LookupError(f"rules.toml: no item or group {exact}")
        yield from found


def _write(session: Session, model: type[SQLModel], rows: list[dict[str, Any]], key: list[str]) -> int:
    if rows:
        columns = list(rows[0])
        table = SQLModel.metadata.tables[str(model.__tablename__)]
        upsert(session, table, columns, ([row[c] for c in columns] for row in rows), key)
    return len(rows)


def _same(stored: Any, row: dict[str, Any]) -> bool:
    return all(json.dumps(getattr(stored, c)) == json.dumps(v) for c, v in row.items())


def _changed(session: Session, model: type[Any], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows that are missing or differ from what is stored; a new row is active."""
    stored = {row.code: row for row in session.exec(select(model))}
    new = [row for row in rows if row["code"] not in stored or not _same(stored[row["code"]], row)]
    return [row | {"active": stored[row["code"]].active if row["code"] in stored else True} for row in new]


def _department_rows() -> list[dict[str, Any]]:
    return [
        {"code": code, "name_zh": row["zh"], "name_en": row["en"], "role": row["role"]}
        for code, row in departments().items()
    ]


def load_catalogue(db: Database, now: datetime) -> Loaded:
    """Bring departments, items and rules into the database; a second time changes nothing.

    A department or rule that was switched off stays off. An item version that exists is left as it is.
    """
    with db.write() as session:
        known = {row.code for row in session.exec(select(CheckItem))}
        fresh = [
            {"code": code, "version": 1, **row, "status": "published", "changed_at": now}
            for code, row in items().items()
            if code not in known
        ]
        rule_rows = [{"code": code, **row} for code, row in rules().items()]
        return Loaded(
            _write(session, Department, _changed(session, Department, _department_rows()), ["code"]),
            _write(session, CheckItem, fresh, ["code", "version"]),
            _write(session, SupervisionRule, _changed(session, SupervisionRule, rule_rows), ["code"]),
        )
