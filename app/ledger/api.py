"""The log over HTTP, in C2SP's text formats: anybody may read it, announced witnesses may cosign it."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Query, status
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field
from sqlmodel import Session, col, select

from app.http.dependencies import DatabaseDep, NowDep
from app.http.schemas import ProblemOut
from app.ledger import checkpoints, keys, witness
from app.ledger.tables import LogEntry

router = APIRouter(prefix="/log", tags=["log"])

TEXT: Final[dict[str, Any]] = {"content": {"text/plain": {}}, "description": "C2SP text."}
ERRORS: Final[dict[int | str, dict[str, Any]]] = {404: {"model": ProblemOut}, 422: {"model": ProblemOut}}
LARGEST: Final = 2**53 - 1

Size = Annotated[int | None, Query(ge=1, le=LARGEST, description="a signed size; the newest where absent")]
Index = Annotated[int, Query(ge=0, le=LARGEST)]


class EntryOut(BaseModel):
    """One entry. Its leaf is `body` as UTF-8."""

    index: int
    body: str = Field(description="canonical JSON")
    leaf_hash: str


class EntriesOut(BaseModel):
    """Entries up to the newest checkpoint; `next` is where to go on, null at the end."""

    size: int
    entries: list[EntryOut]
    next: int | None


class KeysOut(BaseModel):
    """Every key that the log announced, the last one in force, and the witnesses it keeps cosignatures of."""

    log: list[str]
    witnesses: list[str]


@router.get("/checkpoint", response_class=PlainTextResponse, responses={**ERRORS, 200: TEXT})
def checkpoint(db: DatabaseDep, size: Size = None) -> PlainTextResponse:
    """A signed checkpoint with its cosignatures (tlog-checkpoint, tlog-cosignature)."""
    with db.read() as session:
        return PlainTextResponse(str(checkpoints.cosigned(session, checkpoints.found(session, size))))


@router.get("/keys")
def announced_keys(db: DatabaseDep) -> KeysOut:
    """The log's public keys. Compare them with what you were told elsewhere: this service could name any."""
    with db.read() as session:
        own, others = keys.announced(session), keys.witnesses(session)
    return KeysOut(log=[key.text for key in own], witnesses=[key.text for key in others])


@router.get("/entries", responses=ERRORS)
def entries(
    db: DatabaseDep, start: Index = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> EntriesOut:
    """Entries in order, as far as they are signed."""
    with db.read() as session:
        newest = checkpoints.latest(session)
        size = newest.size if newest else 0
        rows = _entries(session, start, min(start + limit, size))
    last = start + len(rows)
    return EntriesOut(size=size, entries=rows, next=last if rows and last < size else None)


def _entries(session: Session, start: int, end: int) -> list[EntryOut]:
    index = col(LogEntry.index)
    query = select(LogEntry).where(index >= start, index < end).order_by(index)
    return [EntryOut(index=row.index, body=row.body, leaf_hash=row.leaf_hash) for row in session.exec(query)]


@router.get("/proof", response_class=PlainTextResponse, responses={**ERRORS, 200: TEXT})
def proof(db: DatabaseDep, index: Index, size: Size = None) -> PlainTextResponse:
    """That an entry is in the log (tlog-proof)."""
    with db.read() as session:
        row = checkpoints.found(session, size)
        note = str(checkpoints.cosigned(session, row))
        return PlainTextResponse(str(checkpoints.inclusion(session, index, row, note)))


@router.get("/consistency", response_class=PlainTextResponse, responses={**ERRORS, 200: TEXT})
def consistency(db: DatabaseDep, old: Index, size: Size = None) -> PlainTextResponse:
    """That the log of `size` begins with its first `old` entries (the text that tlog-witness takes)."""
    with db.read() as session:
        row = checkpoints.found(session, size)
        note = str(checkpoints.cosigned(session, row))
        return PlainTextResponse(str(checkpoints.consistency(session, old, row, note)))


@router.post(
    "/cosignatures",
    status_code=status.HTTP_204_NO_CONTENT,
    responses={**ERRORS, 409: {"model": ProblemOut}},
)
def cosign(
    db: DatabaseDep, now: NowDep, note: Annotated[str, Body(media_type="text/plain", max_length=100_000)]
) -> None:
    """Hand in a checkpoint that an announced witness cosigned. Twice is once."""
    with db.write() as session:
        witness.store(session, note, now)
