"""Bring a database to the newest schema; every command does so before it starts."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.db.database import Database

ROOT = Path(__file__).resolve().parents[2]


def config(url: str) -> Config:
    """Alembic's configuration for `url`; percent signs are escaped for its ini format."""
    settings = Config()
    settings.set_main_option("script_location", str(ROOT / "alembic"))
    settings.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return settings


def upgrade(database: Database, revision: str = "head") -> None:
    """Run the migrations that are still missing."""
    command.upgrade(config(database.url), revision)


def downgrade(database: Database, revision: str) -> None:
    """Step back to `revision` (`base` removes everything)."""
    command.downgrade(config(database.url), revision)


def is_newest(database: Database) -> bool:
    """Whether the database has this version's schema."""
    newest = ScriptDirectory.from_config(config(database.url)).get_current_head()
    with database.read() as session:
        return MigrationContext.configure(session.connection()).get_current_revision() == newest
