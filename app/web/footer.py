"""The footer of pages that no round gives its context to: the API's and the errors'."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError


@dataclass(frozen=True, slots=True)
class ShownCheckpoint:
    """The log's newest checkpoint as every page's footer shows it: who copies it down can hold the log to it."""

    origin: str
    size: int
    root64: str


def checkpoint(request: Request) -> ShownCheckpoint | None:
    """What `app.state.checkpoint` gives; None where the database doesn't answer: an error is said then too."""
    try:
        found = request.app.state.checkpoint()
    except SQLAlchemyError:
        return None
    assert found is None or isinstance(found, ShownCheckpoint)
    return found
