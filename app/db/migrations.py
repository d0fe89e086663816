"""Bring a database to the newest schema; every command does so before it starts."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from app.db import journal
from app.db.database import Database
from app.db.tables import import_all
from app.errors import refuse

ROOT = Path(__file__).resolve().parents[2]


def config(url: str) -> Config:
    """Alembic's configuration for `url`; percent signs are escaped for its ini format."""
    settings = Config()
    settings.set_main_option("script_location", str(ROOT / "alembic"))
    settings.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return settings


def upgrade(database: Database, revision: str = "head") -> None:
    """Run the migrations that are still missing; rows that they changed are journaled as they are then.

    Raises Refused `database.newer` where a later version of the service has been here, for what it has written this
    one can't read, and `database.unreadable` where nothing answers as a database.
    """
    steps = ScriptDirectory.from_config(config(database.url))
    found = _current(database)
    if found is not None and found not in {step.revision for step in steps.walk_revisions()}:
        raise refuse(
            "database.newer",
            f"数据库结构（{found}）比本程序（{steps.get_current_head()}）新，本程序不能使用它，也没有改动它。",
            f"The database's schema ({found}) is newer than this version's ({steps.get_current_head()}); "
            "it can't be used here, and nothing in it was changed.",
            "请改用建立该结构的新版本；或用 DATABASE_URL、DATA_DIR 指向升级前的备份。",
            "Use the newer version that made it; or a backup from before, named with DATABASE_URL or DATA_DIR.",
            found=found,
            newest=str(steps.get_current_head()),
        )
    if found is None or found != steps.get_current_head():
        command.upgrade(config(database.url), revision)
        if is_newest(database):
            import_all()
            with database.write() as session:
                journal.adopt(session)


def _current(database: Database) -> str | None:
    """The schema's revision; None for an empty database."""
    try:
        with database.read() as session:
            return MigrationContext.configure(session.connection()).get_current_revision()
    except DBAPIError as error:
        raise refuse(
            "database.unreadable",
            f"无法使用数据库：{error.orig}",
            f"The database can't be used: {error.orig}",
            "请检查 DATABASE_URL 或 DATA_DIR、数据库服务是否已启动、文件是否可写。",
            "Check DATABASE_URL or DATA_DIR, whether the database server runs, and whether the file can be written.",
        ) from error


def downgrade(database: Database, revision: str) -> None:
    """Step back to `revision` (`base` removes everything)."""
    command.downgrade(config(database.url), revision)


def is_newest(database: Database) -> bool:
    """Whether the database has this version's schema."""
    return _current(database) == _head()


@cache
def _head() -> str | None:
    """This version's schema: told by the migrations' files, which don't change under a program that runs."""
    return ScriptDirectory(str(ROOT / "alembic")).get_current_head()
