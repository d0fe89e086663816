"""The demonstration's plan: tasks of every department that takes part, from `plan.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from app.registers import catalogue

FILE = Path(__file__).with_name("plan.toml")
BACKUPS = 2
COOLDOWN_PPM = 250_000
RISK_LIMIT_PPM = 600_000
PEOPLE_PER_VISIT = 12


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def tasks(size: str) -> list[dict[str, Any]]:
    """Tasks ascending by id, as `app.plans.schemas.Task` takes them. `min` 0 and systematic rounding keep every
    target's chance exactly the ratio, whatever its register's size: unequal chances would betray classes."""
    return [_task(task_id, row, size) for task_id, row in sorted(_file()["tasks"].items())]


def _task(task_id: str, row: dict[str, Any], size: str) -> dict[str, Any]:
    ratios = _file()["shapes"][row["shape"]][size]
    return {
        "task_id": task_id,
        "title_zh": row["zh"],
        "title_en": row["en"],
        "department": task_id.split("-")[0],
        "rules": row["rules"],
        "items": row["items"],
        "strata_by": ["credit"],
        "ratios": ratios,
        "default_ratio": ratios["B"],
        "rounding": "systematic",
        "min": 0,
        "cooldown": COOLDOWN_PPM,
        "stream": row.get("stream", "round"),
        "backups": BACKUPS,
    }


def demo_plan(size: str) -> dict[str, Any]:
    """The plan of one round by hand, with entropy that is labelled as made for the demonstration."""
    return {
        "code": f"demo-{size.lower()}",
        "title_zh": "跨部门综合监管联合抽查（演示）",
        "title_en": "Joint double-random inspection (demonstration)",
        "period": "2026-03",
        "starts_on": "2026-01-01",
        "privacy": "sealed",
        "tasks": tasks(size),
        "people_per_visit": PEOPLE_PER_VISIT,
        "entropy": [{"id": "demo-1", "kind": "demo", "title": "演示数值，不可预测性为零"}],
        "entropy_seats": [{"id": "demo-2", "kind": "demo", "title": "演示数值，不可预测性为零"}],
        "risk_limit_ppm": RISK_LIMIT_PPM,
    }


def minutes_of(task: dict[str, Any]) -> int:
    """Minutes on site of a task's check: all its items together."""
    return sum(int(catalogue.items()[item]["minutes"]) for item in task["items"])


def expected_checks(size: str, held: Mapping[tuple[tuple[str, ...], str], int]) -> dict[str, float]:
    """Checks each department must expect. `held`: targets by (rules that tag them, credit class).

    Draws of one department on the round's numbers are nested: what two of them want is one check.
    """
    found: dict[str, float] = {}
    wanted = [(task, frozenset(task["rules"])) for task in tasks(size)]
    for (rules, credit), count in held.items():
        chances: dict[tuple[str, str], float] = {}
        for task, population in wanted:
            if not population.isdisjoint(rules):
                key = (task["department"], task["stream"])
                chances[key] = max(chances.get(key, 0.0), task["ratios"][credit] / 1_000_000)
        for (department, _), chance in chances.items():
            found[department] = found.get(department, 0.0) + count * chance
    return found
