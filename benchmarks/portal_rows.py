"""Published results in any number, with the rows that they refer to: what the portal is measured and tested on."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, insert
from sqlmodel import SQLModel

from app.db.database import Database
from app.ledger import repository as ledger
from app.visits.search import pairs

NOW: Final = datetime(2027, 1, 4, 1, tzinfo=UTC)
TODAY: Final = date(2027, 1, 4)
ROUNDS: Final = 8
BATCH: Final = 5_000
_AREAS: Final = "天山昆仑博达华凌友好西域丝路金桥恒源宏盛瑞丰嘉禾中泰广汇特变红山亚欧祥云雪莲绿洲"
_TRADES: Final = (
    "商贸",
    "贸易",
    "餐饮管理",
    "建筑工程",
    "科技",
    "物流",
    "酒店",
    "药业",
    "食品",
    "装饰",
    "医疗",
    "教育咨询",
)
_DEPARTMENTS: Final = ("market", "fire", "health", "transport", "labour", "culture")
_CREDIT: Final = {"A": (486, 1), "B": (415, 3), "C": (64, 10), "D": (35, 25)}
"""Per mille of those drawn, and per cent of the register that is drawn."""
_FAULTS: Final = ("not_disclosed", "ordered_to_correct")
_RESULTS: Final = ("no_problem",) * 16 + (
    "not_disclosed",
    "not_disclosed",
    "ordered_to_correct",
    "not_contacted",
)


def name(chosen: random.Random) -> str:
    """A firm's name as registers have them: place, mark of two to four characters, trade, form."""
    mark = "".join(chosen.sample(_AREAS, chosen.choice((2, 3, 4))))
    return f"乌鲁木齐{mark}{chosen.choice(_TRADES)}有限公司"


def fill(db: Database, count: int, seed: int = 1) -> None:
    """Put `count` published results into a migrated database: of half as many firms, over `ROUNDS` revealed rounds."""
    chosen = random.Random(seed)
    with db.engine.begin() as connection:
        _insert(
            connection,
            "department",
            ({"code": c, "name_zh": f"{c}局", "name_en": c, "role": c, "active": True} for c in _DEPARTMENTS),
        )
        _insert(connection, "round", map(_round, range(ROUNDS)))
        lines = [_line(chosen, number) for number in range(count)]
        _insert(connection, "visit", map(_visit, lines))
        _insert(connection, "visit_check", map(_check, lines))
        _insert(connection, "published_result", lines)
        grams = (
            {"gram": gram, "result_id": line["result_id"]}
            for line in lines
            for gram in sorted(pairs(line["name"]))
        )
        _insert(connection, "result_gram", grams)


def fill_draws(db: Database, count: int) -> None:
    """The draws of those results, as estimates read them: what each round drew, by credit class, and who they are."""
    drawn: list[dict[str, list[str]]] = [{credit: [] for credit in _CREDIT} for _ in range(ROUNDS)]
    for number in range(count):
        drawn[number % ROUNDS][_credit(number // 2)].append(_code(number // 2))
    with db.engine.begin() as connection:
        _insert(connection, "target", map(_target, range((count + 1) // 2)))
    with db.write() as session:
        for number, strata in enumerate(drawn):
            for name, contents in _draw_files(strata).items():
                data = json.dumps(contents, ensure_ascii=False).encode()
                ledger.keep(session, f"annual-2026-{number}", name, data, NOW)


def _credit(firm: int) -> str:
    shares = [share for share, _ in _CREDIT.values()]
    return random.Random(firm).choices(list(_CREDIT), shares)[0]


def _code(firm: int) -> str:
    return f"91650100MA{firm:08d}"


def _draw_files(strata: dict[str, list[str]]) -> dict[str, object]:
    rows = {credit: len(found) * 100 // _CREDIT[credit][1] for credit, found in strata.items()}
    draw = {
        "draw_id": "t-1", "title": "综合抽查", "title_en": "Joint check", "department": "market", "directed": False,
        "items": [f"{department}-1@1" for department in _DEPARTMENTS], "strata_by": ["credit"], "cooldown": None,
        "frame_rows": sum(rows.values()),
    }  # fmt: skip
    result = [
        {
            "stratum": [credit],
            "N": rows[credit],
            "selected": [{"target_id": one} for one in found],
            "backups": [],
        }
        for credit, found in strata.items()
    ]
    return {"manifest.json": {"draws": [draw]}, "results/t-1.json": {"strata": result}, "events.json": []}


def _target(firm: int) -> dict[str, Any]:
    chosen = random.Random(firm)
    return {
        "target_id": _code(firm), "kind": "firm", "name": name(chosen), "code": _code(firm), "enterprise_type": "",
        "scope": "", "trade": chosen.choice(_TRADES), "district": f"65010{chosen.randrange(2, 8)}",
        "district_source": "given", "address": "", "longitude_e6": 87_600_000, "latitude_e6": 43_800_000,
        "place_source": "given", "status": "active", "closed_weekdays": [], "digest": "", "changed_at": NOW,
    }  # fmt: skip


def analyze(db: Database) -> None:
    """Let the database look at its tables, as it does by itself in time."""
    with db.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()


def _insert(
    connection: Connection, table: str, rows: Iterator[dict[str, Any]] | Sequence[dict[str, Any]]
) -> None:
    left = iter(rows)
    while batch := list(islice(left, BATCH)):
        connection.execute(insert(SQLModel.metadata.tables[table]), batch)


def _round(number: int) -> dict[str, Any]:
    return {
        "round_id": f"annual-2026-{number}", "plan": "annual", "plan_digest": "00" * 32, "period": f"2026-{number}",
        "sequence": 1, "stage": "revealed", "status": "done", "privacy": "sealed", "demo": False, "late": False,
        "assurance": 2, "created_at": NOW, "updated_at": NOW, "fence": 0, "takeovers": 0,
    }  # fmt: skip


def _line(chosen: random.Random, number: int) -> dict[str, Any]:
    checked = date(2026, 1, 5) + timedelta(days=chosen.randrange(330))
    result, department = chosen.choice(_RESULTS), chosen.choice(_DEPARTMENTS)
    firm = random.Random(number // 2)
    told = {"number": 1, "kind": "original", "result": result, "disposition": "none", "reason": None,
            "on": str(checked), "due_on": None, "on_time": None}  # fmt: skip
    return {
        "result_id": f"{number:020x}", "round_id": f"annual-2026-{number % ROUNDS}", "plan": "annual",
        "period": f"2026-{number % ROUNDS}", "draws": ["t-1"], "directed": False, "kind": "drawn", "name": name(firm),
        "code": _code(number // 2), "district": f"65010{chosen.randrange(2, 8)}", "department": department,
        "items": [f"{department}-1@1"], "item_codes": f" {department}-1 ", "checked_on": checked, "result": result,
        "disposition": "none", "rectify_by": None, "rectified_on": None, "disclosed_on": checked + timedelta(days=9),
        "due_on": checked + timedelta(days=28), "provisional": False, "on_time": True,
        "expires_on": checked + timedelta(days=1_096),
        "changed_on": checked + timedelta(days=9), "history": [told], "objection": None, "demo": False,
    }  # fmt: skip


def _visit(line: dict[str, Any]) -> dict[str, Any]:
    return {
        "key": line["result_id"], "round_id": line["round_id"], "planned_id": line["result_id"], "kind": "drawn",
        "target_id": line["code"], "name": line["name"], "code": line["code"], "district": line["district"],
        "address": "", "day": line["checked_on"], "start": 600, "nonce": "", "checklist": [], "demo": False,
        "created_at": NOW,
    }  # fmt: skip


def _check(line: dict[str, Any]) -> dict[str, Any]:
    return {
        "key": line["result_id"], "visit": line["result_id"], "department": line["department"], "items": line["items"],
        "draws": line["draws"], "directed": False, "route_id": "", "seats": [], "crew": [], "present": [],
        "state": "disclosed", "legal_review": False, "result": line["result"], "disposition": "none",
        "points": _points(line),
        "submissions": 1, "provisional": False, "number": 1,
    }  # fmt: skip


def _points(line: dict[str, Any]) -> list[str]:
    return [f"{line['department']}-1"] if line["result"] in _FAULTS else []
