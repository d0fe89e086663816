"""What endpoints ask for: the database, as far as whoever asks may see it, and the moment of the answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

from app.db.database import Database
from app.http.access import actor_of


def _scoped(request: Request) -> Database:
    return _database(request).within(actor_of(request).scope)


def _database(request: Request) -> Database:
    database = request.app.state.database
    if not isinstance(database, Database):
        raise TypeError("the application was made without a database")
    return database


def _now() -> datetime:
    return datetime.now(UTC)


DatabaseDep = Annotated[Database, Depends(_scoped)]
WholeDatabaseDep = Annotated[Database, Depends(_database)]
"""Without limits to rows: for rooms whose routes decide by role alone what they show (accounts, their record)."""
NowDep = Annotated[datetime, Depends(_now)]
