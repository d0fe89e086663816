"""A small real city: three departments, forty inspectors, 240 targets under one to three of them, and a plan."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlmodel import Session

from app.db.database import Database
from app.plans import service as plans
from app.registers.tables import (
    CheckItem,
    CreditClass,
    Department,
    Inspector,
    InspectorLeave,
    Recusal,
    Supervision,
    SupervisionRule,
    Target,
)

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
DEPARTMENTS = ("market", "fire", "health")
DISTRICTS = ("650102", "650103", "650104")
TARGETS = 240
QUARTERLY = "quarterly working-day 1 09:00"


@pytest.fixture
def now() -> datetime:
    """Monday, 2 March 2026, 09:00 in the city."""
    return NOW


@pytest.fixture
def city(database: Database) -> Database:
    """A database that holds the small city."""
    fill(database)
    return database


def fill(database: Database) -> None:
    """Put the small city into a migrated database."""
    with database.write() as session:
        _departments(session)
        _inspectors(session)
        _targets(session)


def _departments(session: Session) -> None:
    for place, code in enumerate(DEPARTMENTS):
        session.add(Department(code=code, name_zh=f"{code}局", name_en=code))
        session.flush()
        session.add(
            CheckItem(
                code=f"{code}-1", version=1, title_zh="现场检查", department=code, minutes=30 + 10 * place,
                status="published", changed_at=NOW,
            )
        )  # fmt: skip
        session.add(SupervisionRule(code=f"r-{code}", department=code, items=[f"{code}-1"]))


def _inspectors(session: Session) -> None:
    for place in range(42):
        code = f"P{place:03d}"
        session.add(
            Inspector(
                code=code, department=DEPARTMENTS[place % 3], name=f"姓名{place}", certificate_no=f"Z{place:05d}",
                certificate_expires=date(2026, 12, 31), lead=place % 2 == 0,
            )
        )  # fmt: skip
    session.flush()
    session.add(InspectorLeave(inspector="P000", start=date(2026, 3, 1), end=date(2026, 12, 31)))


def _targets(session: Session) -> None:
    for place in range(TARGETS):
        session.add(
            Target(
                id=place + 1, target_id=f"T{place:04d}", kind="firm", name=f"企业{place}",
                district=DISTRICTS[place % 3],
                district_source="given", address="某路1号", longitude_e6=87_600_000 + 700 * (place % 15),
                latitude_e6=43_800_000 + 900 * (place // 15), place_source="given", digest="0", changed_at=NOW,
            )
        )  # fmt: skip
    session.flush()
    for place in range(TARGETS):
        session.add(CreditClass(target=place + 1, since=date(2026, 1, 1), credit="AABC"[place // 6 % 4]))
        for number, code in enumerate(DEPARTMENTS):
            if number == 0 or place % (number + 1) == 0:
                session.add(Supervision(target=place + 1, rule=f"r-{code}"))
    session.add(Recusal(inspector="P001", target_id="T0001"))


def plan_data(**changes: Any) -> dict[str, Any]:
    """A plan of three tasks with demonstration entropy; `changes` replace top-level fields."""
    tasks = [
        {
            "task_id": f"t-{code}",
            "title_zh": f"{code}抽查",
            "department": code,
            "rules": [f"r-{code}"],
            "items": [f"{code}-1"],
            "ratios": {"A": 100_000, "B": 200_000, "C": 300_000},
            "backups": 1,
        }
        for code in DEPARTMENTS
    ]
    whole = {
        "code": "spring",
        "title_zh": "春季抽查",
        "period": "2026-Q1",
        "starts_on": "2026-01-01",
        "tasks": tasks,
        "entropy": [{"id": "demo-1", "kind": "demo"}],
        "entropy_seats": [{"id": "demo-2", "kind": "demo"}],
        "risk_limit_ppm": 600_000,
        "schedule": {"first_working_day": 8, "days": 10},
    }
    return {**whole, **changes}


@pytest.fixture
def publish(city: Database) -> Callable[..., str]:
    """Publish a plan (`plan_data` with changes) in the small city; gives its code."""

    def published(**changes: Any) -> str:
        document = plans.parse_document(plan_data(**changes))
        plans.create(city, document, NOW)
        plans.publish(city, document.code, NOW)
        return document.code

    return published
