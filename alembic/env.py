"""Alembic's entry: the metadata of all rooms, batch mode for SQLite, a write transaction from the start."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from app.db.database import Database
from app.db.tables import import_all

import_all()


def run() -> None:
    """Run the migrations in one transaction on the database that the configuration names."""
    url = context.config.get_main_option("sqlalchemy.url")
    if not url:
        raise SystemExit("alembic: no sqlalchemy.url; use `python -m app db upgrade`")
    database = Database(url)
    try:
        with database.engine.begin() as connection:
            context.configure(
                connection=connection,
                target_metadata=SQLModel.metadata,
                render_as_batch=True,
                compare_type=False,
                transaction_per_migration=False,
            )
            context.run_migrations()
    finally:
        database.close()


run()
