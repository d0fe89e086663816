"""Rows that go in by the thousand are journaled as they lie in the database, without being read back."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Table, text
from sqlmodel import Session, SQLModel

from app.db import journal
from app.db.bulk import upsert
from app.db.database import Database

NOON = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=8)))
COLUMNS = (
    "target_id", "kind", "name", "code", "enterprise_type", "scope", "trade", "district", "district_source", "address",
    "longitude_e6", "latitude_e6", "place_source", "registered_on", "status", "closed_weekdays", "people_cap",
    "digest", "changed_at",
)  # fmt: skip


def target(place: int, **changes: Any) -> list[Any]:
    """A row of the target register; `changes` replace values by column."""
    row = {
        "target_id": f"T{place:04d}", "kind": "firm", "name": f'企业"{place}\\\u2028\t', "code": "",
        "enterprise_type": "", "scope": "零售", "trade": "F", "district": "650102", "district_source": "given",
        "address": "某路1号",
        "longitude_e6": -place, "latitude_e6": 0, "place_source": "given",
        "registered_on": date(2020, 2, 29) if place % 2 else None, "status": "active",
        "closed_weekdays": [6, 7] if place % 3 else [], "people_cap": None, "digest": "0", "changed_at": NOON,
    }  # fmt: skip
    return list({**row, **changes}.values())


def table(name: str) -> Table:
    """A table by its name."""
    return SQLModel.metadata.tables[name]


def put(session: Session, name: str, columns: tuple[str, ...], rows: list[list[Any]], *key: str) -> None:
    """Write rows as an import does."""
    upsert(session, table(name), columns, rows, key)


def differences(database: Database, name: str) -> list[tuple[str, bool]]:
    """(key, whether the journal knows it) of the rows that are not as journaled."""
    with database.read() as session:
        return [(key, known) for key, _, known in journal.differing(session, table(name))]


def test_bulk_rows_are_journaled_as_they_lie_in_the_database(database: Database) -> None:
    """New and changed, with and without keys of the database's own, values in every type that registers have."""
    with database.write() as session:
        put(session, "target", COLUMNS, [target(place) for place in range(700)], "target_id")
    with database.write() as session:
        changed = [target(place, name="改名", changed_at=NOON.astimezone(UTC)) for place in range(0, 900, 3)]
        put(session, "target", COLUMNS, changed, "target_id")
        ids = {row[0]: row[1] for row in session.execute(text("SELECT target_id, id FROM target"))}
        classes = [[ids["T0001"], date(2026, 1, 1), "A", "test"], [ids["T0002"], date(2026, 1, 2), "B", ""]]
        put(session, "credit_class", ("target", "since", "credit", "source"), classes, "target", "since")
    assert differences(database, "target") == []
    assert differences(database, "credit_class") == []


def test_the_last_of_two_rows_of_one_key_counts(sqlite_database: Database) -> None:
    """PostgreSQL refuses such a pair; on SQLite the later one stays, and is what the journal says."""
    with sqlite_database.write() as session:
        put(session, "target", COLUMNS, [target(1, name="乙"), target(1, name="甲")], "target_id")
    assert differences(sqlite_database, "target") == []


def test_a_change_past_the_journal_is_found(database: Database) -> None:
    with database.write() as session:
        put(session, "target", COLUMNS, [target(1), target(2)], "target_id")
        key = session.execute(text("SELECT id FROM target WHERE target_id = 'T0002'")).scalar_one()
        session.connection().execute(
            text("UPDATE target SET closed_weekdays = '[1]' WHERE target_id = 'T0002'")
        )
    assert differences(database, "target") == [(str(key), True)]


@pytest.mark.parametrize("place", range(6))
def test_a_digest_is_that_of_the_canonical_text(place: int) -> None:
    """BLAKE2b over JSON of [column, value] pairs, as journals of earlier versions hold it."""
    values = target(place)
    said = [
        [name, value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value]
        for name, value in zip(COLUMNS, values, strict=True)
        if value not in (None, "")
    ]
    plain = json.dumps(
        said, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=date.isoformat
    )
    assert journal.digester(COLUMNS)(values) == hashlib.blake2b(plain.encode(), digest_size=24).digest()
