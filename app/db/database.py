"""The database: one object with a way to read and a way to write, the same on SQLite and PostgreSQL.

SQLite runs in WAL mode with `synchronous=FULL`; a write transaction begins IMMEDIATE, so that it never has to
upgrade a read lock and fails early, while reads are never blocked by it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from threading import Lock
from typing import Any, Self

from sqlalchemy import Connection, Engine, event
from sqlalchemy import create_engine as sa_create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from app.db.journal import JournaledSession
from app.db.scope import EVERYTHING, Scope, bind

LOCK_MS = 30_000
"""How long a transaction waits for another one's lock before it is refused; nothing waits for ever."""
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
_READING_KIB, _WRITING_KIB = 2_000, 16_000
"""SQLite's page cache: what writes is one connection and keeps the upper pages of a large index at hand."""


def _on_postgres_connect(connection: Any, _record: Any) -> None:
    connection.execute(f"SET lock_timeout = {LOCK_MS}")
    connection.commit()


def _postgres_engine(url: str) -> Engine:
    engine = sa_create_engine(url, pool_pre_ping=True)
    event.listen(engine, "connect", _on_postgres_connect)
    return engine


def _sqlite_engine(url: str, begin: str, cache_kib: int) -> Engine:
    engine = sa_create_engine(url)

    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's begin events below issue BEGIN, not the driver
        for pragma in (*_PRAGMAS, f"busy_timeout={LOCK_MS}", f"cache_size=-{cache_kib}"):
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", on_connect)

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "begin", on_begin)
    return engine


class Watch:
    """A connection that is kept to ask one thing, for SQLite tells it relative to the connection that asks."""

    def __init__(self, url: str, engine: Engine) -> None:
        self._path, self._engine = url.removeprefix("sqlite:///"), engine
        self._lock = Lock()
        self._sqlite: sqlite3.Connection | None = None
        self._server: Connection | None = None

    def version(self) -> object:
        """The count of others' commits, or who has committed as a snapshot knows it."""
        with self._lock:
            return self._data_version() if self._engine.dialect.name == "sqlite" else self._snapshot()

    def _data_version(self) -> object:
        self._sqlite = self._sqlite or sqlite3.connect(self._path, check_same_thread=False)
        return self._sqlite.execute("PRAGMA data_version").fetchone()[0]

    def _snapshot(self) -> object:
        if self._server is None:
            self._server = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            return self._server.exec_driver_sql("SELECT pg_current_snapshot()::text").scalar_one()
        except SQLAlchemyError:
            self._close()
            raise

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        for connection in (self._sqlite, self._server):
            if connection is not None:
                connection.close()
        self._sqlite = self._server = None


class Database:
    """`read()` for queries, `write()` for one transaction that commits at its end or leaves nothing."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        if self.is_sqlite:
            self._reader = _sqlite_engine(url, "BEGIN", _READING_KIB)
            self._writer = _sqlite_engine(url, "BEGIN IMMEDIATE", _WRITING_KIB)
        else:
            self._reader = self._writer = _postgres_engine(url)
        self._watch = Watch(url, self._reader)
        self.scope = EVERYTHING

    def within(self, scope: Scope) -> Self:
        """The same database for somebody who sees no more than `scope`; it shares this one's connections."""
        narrow = copy(self)
        narrow.scope = scope
        return narrow

    @property
    def engine(self) -> Engine:
        """The engine that writes, for migrations and bulk loads."""
        return self._writer

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session to query with; nothing is committed."""
        with Session(self._reader, autoflush=False) as session:
            self._bind(session)
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction, journaled: committed when the block ends, rolled back when it raises."""
        with JournaledSession(self._writer, expire_on_commit=False) as session:
            self._bind(session)
            with session.begin():
                yield session

    def version(self) -> object:
        """What is another value after every commit, whoever made it; None where the database does not answer."""
        try:
            return self._watch.version()
        except (sqlite3.Error, SQLAlchemyError):
            return None

    def _bind(self, session: Session) -> None:
        if self.scope is not EVERYTHING:
            bind(session, self.scope)

    def close(self) -> None:
        """Give the connections back."""
        self._watch.close()
        self._reader.dispose()
        self._writer.dispose()


def sqlite_backup(url: str, target: str) -> None:
    """Copy the embedded database while it is in use (`VACUUM INTO`; never copy the file)."""
    path = url.removeprefix("sqlite:///")
    connection = sqlite3.connect(path)
    try:
        connection.execute("VACUUM INTO ?", (target,))
    finally:
        connection.close()
