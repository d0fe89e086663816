"""Which rows a department sees: by the filter on both databases, and on PostgreSQL without it just the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, text

from app.db import scope as scopes
from app.db.database import Database
from app.db.scope import EVERYTHING, NOTHING, Scope
from app.people.tables import Sanction
from app.registers.tables import CheckItem, Inspector, Target
from app.rounds.tables import PlannedCheck
from tests.small_city import NOW, fill

FIRE = Scope("fire")
FIRE_HERE = Scope("fire", frozenset({"650103"}))
ONE_FIRM = Scope("", frozenset(), "T0007")


@pytest.fixture
def mixed(database: Database) -> Database:
    """The small city with a draft of two departments' items and planned checks of two."""
    return filled(database)


def filled(database: Database) -> Database:
    fill(database)
    with database.write() as session:
        for code in ("fire", "health"):
            draft = CheckItem(code=f"{code}-2", version=1, title_zh="草稿", department=code, changed_at=NOW)
            session.add(draft)
        for action, subject in (("round.void", "p-1"), ("cap.exemption", "T0001")):
            session.add(Sanction(action=action, subject=subject, requested_at=NOW))
        session.execute(
            text(
                "INSERT INTO plan (code, version, title_zh, title_en, status, document, digest, starts_on, created_at)"
                " VALUES ('p', 1, 'p', '', 'draft', '{}', '', '2026-01-01', :at)"
            ),
            {"at": NOW.isoformat(timespec="microseconds")},
        )
    return database


def counts(db: Database, scope: Scope) -> dict[str, int]:
    """Rows of each ruled table that the scope sees, asked through the tables themselves."""
    with db.within(scope).read() as session:
        return {
            name: session.execute(
                select(func.count()).select_from(SQLModel.metadata.tables[name])
            ).scalar_one()
            for name in scopes.RULES
        }


EXPECTED: dict[Scope, dict[str, int]] = {
    EVERYTHING: {"inspector": 42, "inspector_leave": 1, "recusal": 1, "target": 240, "credit_class": 240,
                 "supervision": 440, "check_item": 5, "sanction": 2},
    FIRE: {"inspector": 14, "inspector_leave": 0, "recusal": 1, "target": 120, "credit_class": 120,
           "supervision": 120, "check_item": 4, "sanction": 1},
    FIRE_HERE: {"inspector": 14, "target": 40, "credit_class": 40, "check_item": 4},
    Scope("market"): {"inspector": 14, "inspector_leave": 1, "recusal": 0, "target": 240,
                       "check_item": 3, "sanction": 2},
    NOTHING: dict.fromkeys(("inspector", "inspector_leave", "recusal", "target", "credit_class", "supervision"), 0)
    | {"check_item": 3, "sanction": 0},
    ONE_FIRM: {"target": 1, "inspector": 0, "credit_class": 0, "check_item": 3, "sanction": 0},
}  # fmt: skip
IDS = ("everything", "fire", "fire_in_one_district", "market", "nothing", "one_firm")


@pytest.mark.parametrize("scope", list(EXPECTED), ids=IDS)
def test_a_scope_sees_its_own_rows(mixed: Database, scope: Scope) -> None:
    found = counts(mixed, scope)
    assert {name: found[name] for name in EXPECTED[scope]} == EXPECTED[scope]


@pytest.mark.parametrize("scope", list(EXPECTED), ids=IDS)
def test_without_the_filter_postgresql_says_the_same(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch, scope: Scope
) -> None:
    filled(postgres_database)
    monkeypatch.setattr(scopes, "_limit", lambda state: None)
    found = counts(postgres_database, scope)
    assert {name: found[name] for name in EXPECTED[scope]} == EXPECTED[scope]


def test_without_its_settings_the_members_role_sees_nothing(postgres_database: Database) -> None:
    filled(postgres_database)
    with postgres_database.read() as session:
        session.execute(text(f"SET LOCAL ROLE {scopes.MEMBER}"))
        for name in scopes.RULES:
            if name != "check_item":
                assert session.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() == 0, name


@pytest.mark.parametrize(
    "table", ["account", "sign_in", "api_token", "firm_contact", "message", "access_record"]
)
def test_secrets_are_not_granted_to_the_members_role(postgres_database: Database, table: str) -> None:
    with (
        pytest.raises(DBAPIError, match="permission denied"),
        postgres_database.within(FIRE).read() as session,
    ):
        session.execute(text(f"SELECT * FROM {table}"))


def test_every_shape_of_statement_is_kept_to_the_scope(mixed: Database) -> None:
    target, inspector = SQLModel.metadata.tables["target"].c, SQLModel.metadata.tables["inspector"].c
    other = aliased(Inspector)
    inner = select(inspector.department).distinct().subquery()
    with mixed.within(FIRE).read() as session:
        assert session.get(Inspector, "P000") is None
        assert session.get(Inspector, "P001") is not None
        assert {row.department for row in session.execute(select(other)).scalars()} == {"fire"}
        assert session.execute(select(inner.c.department)).scalars().all() == ["fire"]
        joined = select(inspector.code).join(Target, target.id.in_((1, 2)))
        assert len(session.execute(joined).all()) == 14
        either = select(inspector.code).union_all(select(inspector.code))
        assert len(session.execute(either).all()) == 28
        scalar = select(select(func.count()).select_from(Inspector).scalar_subquery())
        assert session.execute(scalar).scalar_one() == 14


def test_another_departments_rows_can_not_be_changed(mixed: Database) -> None:
    with mixed.within(FIRE).write() as session:
        changed: Any = session.execute(SQLModel.metadata.tables["inspector"].update().values(cap=9))
        assert changed.rowcount == 14
        removed: Any = session.execute(SQLModel.metadata.tables["recusal"].delete())
        assert removed.rowcount == 1


@contextmanager
def as_member(db: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setattr(scopes, "_limit", lambda state: None)
    with db.within(FIRE).write() as session:
        yield session


def test_postgresql_refuses_rows_made_for_another_department(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(postgres_database)
    refused = pytest.raises(DBAPIError, match="row-level security")
    with refused, as_member(postgres_database, monkeypatch) as session:
        session.add(Inspector(code="P999", department="health"))
        session.flush()
    with as_member(postgres_database, monkeypatch) as session:
        session.add(Inspector(code="P999", department="fire"))


def test_every_table_of_a_department_has_a_rule(database: Database) -> None:
    """A column that names a department, a target or an inspector asks for a rule, or a reason to have none."""
    open_to_all = {
        "department", "supervision_rule",  # who supervises what is public
        "account", "sign_in", "firm_code", "firm_contact",  # never granted to a scope at all
        "published_result",  # made to be read by everybody
        "seat_event",  # read by the seats' service alone, which shows no target
    }  # fmt: skip
    owned = {
        table.name
        for table in SQLModel.metadata.tables.values()
        if {"department", "target_id", "inspector", "target"} & set(table.c.keys())
    }
    assert owned - open_to_all <= set(scopes.RULES)
    assert PlannedCheck.__tablename__ in owned
