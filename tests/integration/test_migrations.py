"""One migration history for both databases: up, down, up, and equal to what the tables say."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel, text

from app.db.database import Database
from app.db.migrations import downgrade, is_newest, upgrade
from app.db.tables import import_all
from app.errors import Refused
from app.ledger import repository as ledger
from app.people import sessions
from tests.accounts import made
from tests.visited_round import Visited

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)


def test_schema_equals_the_tables(database: Database) -> None:
    import_all()
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []


def test_down_to_nothing_and_up_again(database: Database) -> None:
    downgrade(database, "base")
    with database.engine.connect() as connection:
        left = set(connection.dialect.get_table_names(connection))
    assert left == {"alembic_version"}
    upgrade(database)
    with database.write() as session:
        ledger.keep(session, "r", "a.json", b"{}\n", NOW)


def test_step_by_step_down_and_up_again_with_data(visited: Visited) -> None:
    """A seated round with its visits, an account signed in: no step either way refuses rows or loses what it keeps."""
    db = visited.desk.db
    account = made(db, "li", "inspector", inspector="P001")
    with db.write() as session:
        sessions.begin(session, datetime.now(UTC), account=account.id)
    before = {
        name: count(db, name) for name in ("target", "log_entry", "inspector", "account", "sign_in", "visit")
    }
    assert all(before.values())
    seen: set[str] = set()
    while (left := tables(db)) != {"alembic_version"}:
        kept = left & before.keys()
        assert {name: count(db, name) for name in kept} == {name: before[name] for name in kept}
        seen |= left
        downgrade(db, "-1")
        upgrade(db, "+1")
        downgrade(db, "-1")
    assert before.keys() <= seen
    upgrade(db)
    assert tables(db) == seen
    with db.write() as session:
        ledger.keep(session, "r", "a.json", b"{}\n", NOW)


def tables(db: Database) -> set[str]:
    with db.engine.connect() as connection:
        return set(connection.dialect.get_table_names(connection))


def count(db: Database, table: str) -> int:
    with db.read() as session:
        return int(session.connection().execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_a_newer_schema_is_refused_and_left_alone(database: Database) -> None:
    newer = text("UPDATE alembic_version SET version_num = '9999_later'")
    with database.write() as session:
        session.execute(newer)
    with pytest.raises(Refused) as refused:
        upgrade(database)
    problem = refused.value.problem
    assert (problem.code, problem.params["found"]) == ("database.newer", "9999_later")
    assert "9999_later" in problem.zh
    assert all((problem.en, problem.remedy_zh, problem.remedy_en))
    assert not is_newest(database)


@pytest.mark.parametrize("kind", ["no database", "a folder"])
def test_what_is_no_database_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file.db"
    if kind == "a folder":
        path.mkdir()
    else:
        path.write_text("no database, but a text that is long enough to be looked at" * 9)
    database = Database(f"sqlite:///{path}")
    with pytest.raises(Refused, match=r"database\.unreadable"):
        upgrade(database)
    database.close()


@pytest.mark.parametrize("table", ["log_entry", "artefact"])
@pytest.mark.parametrize("change", ["UPDATE {} SET subject = 'other'", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_what_is_logged(
    database: Database, table: str, change: str
) -> None:
    with database.write() as session:
        ledger.append(session, {"type": "t", "subject": "r", "actor_role": "service", "digest": "0"}, NOW)
        ledger.keep(session, "r", "a.json", b"{}\n", NOW)
    with pytest.raises(DBAPIError, match="append-only"), database.write() as session:
        session.execute(text(change.format(table)))
