"""One migration history for both databases: up, down, up, and equal to what the tables say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel, text

from app.db.database import Database
from app.db.migrations import downgrade, upgrade
from app.db.tables import import_all
from app.ledger import repository as ledger

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
