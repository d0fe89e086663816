"""The database says whether anybody has committed anything, and pages that are kept are those of its newest state."""

from __future__ import annotations

from sqlmodel import text

from app.db.database import Database
from app.registers.tables import Department


def add(database: Database, code: str) -> None:
    with database.write() as session:
        session.add(Department(code=code, name_zh=f"{code}局", name_en=code))


def test_every_commit_of_anybody_is_another_version(database: Database) -> None:
    other = Database(database.url)
    seen = [database.version()]
    assert database.version() == seen[0]
    for place, writer in enumerate((database, other, other)):
        add(writer, f"d{place}")
        seen.append(database.version())
    assert len(set(seen)) == 4
    with other.read() as session:
        session.execute(text("SELECT count(*) FROM department")).scalar_one()
    assert database.version() == seen[-1]
    other.close()


def test_a_database_that_is_gone_has_no_version(sqlite_database: Database) -> None:
    gone = Database(sqlite_database.url.replace("test.db", "nowhere/none.db"))
    assert gone.version() is None
    gone.close()
