"""What endpoints ask for: the database, and the moment the request is answered at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

from app.db.database import Database


def _database(request: Request) -> Database:
    database = request.app.state.database
    if not isinstance(database, Database):
        raise TypeError("the application was made without a database")
    return database


def _now() -> datetime:
    return datetime.now(UTC)


DatabaseDep = Annotated[Database, Depends(_database)]
NowDep = Annotated[datetime, Depends(_now)]
