"""Alembic's entry: the metadata of all rooms, batch mode for SQLite, a write transaction from the start."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from app.db.database import Database
from app.db.tables import import_all

import_all()


def run() -> None:
    """Run the migrations in one transaction on the database that the configuration names.

    SQLite's batch mode makes a table anew and drops the old one, which its children's foreign keys would refuse: they
    are looked at when all is done instead (sqlite.org/lang_altertable.html, section 7).
    """
    url = context.config.get_main_option("sqlalchemy.url")
    if not url:
        raise SystemExit("alembic: no sqlalchemy.url; use `python -m app db upgrade`")
    database = Database(url)
    try:
        with database.engine.connect() as connection:
            on_sqlite = connection.dialect.name == "sqlite"
            if on_sqlite:  # no effect inside a transaction, so past SQLAlchemy, which begins one
                connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
            connection.begin()
            context.configure(
                connection=connection,
                target_metadata=SQLModel.metadata,
                render_as_batch=True,
                compare_type=False,
                transaction_per_migration=False,
            )
            context.run_migrations()
            if on_sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
                raise SystemExit(f"alembic: rows whose parent is missing: {broken[:5]}")
            connection.commit()
    finally:
        database.close()


run()
