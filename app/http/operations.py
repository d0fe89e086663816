"""Long work followed from outside: where it is, as one answer or as a stream that resumes.

Every event carries the whole state, so a reader who was away misses nothing by what lay between. An event's id is a
digest of that state: a reader who comes back with the newest one is told nothing twice.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select
from starlette.concurrency import run_in_threadpool

from app.db.database import Database
from app.errors import NotFound, Problem
from app.http.dependencies import DatabaseDep
from app.http.openapi import problems
from app.http.pagination import Page, PagingDep
from app.http.tables import Operation

ENDED = ("done", "failed")
POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
EVENT_STREAM = "text/event-stream"

Status = Literal["running", "waiting", "done", "failed"]
OperationId = Annotated[int, Path(ge=1, lt=1 << 63, examples=[1])]


class OperationOut(BaseModel):
    """Long work: where it is, what it is about, and in the end what it gave or why it failed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 7, "kind": "import", "subject": "register:targets", "status": "running",
                    "stage": "import", "done": 120000, "total": 500000, "percent": 24, "note": "3 refused",
                    "result": None, "problem": None,
                    "created_at": "2026-03-02T01:00:00Z", "updated_at": "2026-03-02T01:00:09Z",
                }
            ]
        }
    )  # fmt: skip

    id: int
    kind: str
    subject: str
    status: Status
    stage: str
    done: int
    total: int
    percent: int = Field(ge=0, le=100, description="of the whole; never falls")
    note: str
    result: dict[str, Any] | None
    problem: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: Operation) -> Self:
        """From the stored row."""
        return cls(**row.model_dump(include=set(cls.model_fields)))


router = APIRouter(prefix="/operations", tags=["operations"])


@router.get("", responses=problems(422))
def list_operations(
    db: DatabaseDep,
    paging: PagingDep,
    kind: Annotated[str, Query(max_length=32)] = "",
    operation_status: Annotated[Status | None, Query(alias="status")] = None,
) -> Page[OperationOut]:
    """Long work, the newest first."""
    query = select(Operation)
    if kind:
        query = query.where(Operation.kind == kind)
    if operation_status:
        query = query.where(Operation.status == operation_status)
    with db.read() as session:
        rows = [row[0] for row in paging.rows(session, query, [col(Operation.id)], newest=True)]
    return paging.page(rows, lambda row: (row.id,), OperationOut.of)


@router.get("/{operation_id}", responses=problems(404, 422))
def get_operation(operation_id: OperationId, db: DatabaseDep) -> OperationOut:
    """Follow long work."""
    return found(db, operation_id)


def found(db: Database, operation_id: int) -> OperationOut:
    """An operation as it stands. Raises NotFound `operation.absent`."""
    with db.read() as session:
        row = session.get(Operation, operation_id)
    if row is None:
        raise NotFound(
            Problem(
                "operation.absent",
                f"没有操作 {operation_id}。",
                f"There is no operation {operation_id}.",
                "请使用创建请求的回答中 Location 给出的地址。",
                "Use the address that Location gave in the answer to the request that began it.",
                params={"operation": operation_id},
            )
        )
    return OperationOut.of(row)


@router.get(
    "/{operation_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {"description": "Server-sent events `operation`, each with the state as JSON.",
              "content": {EVENT_STREAM: {"schema": {"type": "string"}}}},
        204: {"description": "Ended, and the reader has seen how: don't connect again."},
        **problems(404, 422),
    },
)  # fmt: skip
async def operation_events(
    operation_id: OperationId,
    request: Request,
    db: DatabaseDep,
    last_event_id: Annotated[
        str, Header(max_length=64, description="id of the last event that was seen")
    ] = "",
) -> Response:
    """Progress as server-sent events until the work ends; resumes after `Last-Event-ID`."""
    state = await run_in_threadpool(found, db, operation_id)
    if state.status in ENDED and event_id(state) == last_event_id:
        return Response(status_code=204)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        _events(request, db, operation_id, last_event_id), media_type=EVENT_STREAM, headers=headers
    )


def event_id(state: OperationOut) -> str:
    """A digest of the state that an event carries."""
    return hashlib.sha256(state.model_dump_json(exclude={"updated_at"}).encode()).hexdigest()[:16]


async def _events(request: Request, db: Database, operation_id: int, seen: str) -> AsyncIterator[str]:
    yield "retry: 2000\n\n"
    quiet = 0.0
    while not stopping(request) and not await request.is_disconnected():
        state = await run_in_threadpool(found, db, operation_id)
        mark = event_id(state)
        if mark != seen:
            seen, quiet = mark, 0.0
            yield f"id: {mark}\nevent: operation\ndata: {state.model_dump_json()}\n\n"
        if state.status in ENDED:
            return
        await asyncio.sleep(POLL_SECONDS)
        quiet += POLL_SECONDS
        if quiet >= HEARTBEAT_SECONDS:
            quiet = 0.0
            yield ": still there\n\n"


def stopping(request: Request) -> bool:
    """Whether the service has been told to stop: streams end, so that readers go to another server."""
    return bool(getattr(request.app.state, "stopping", False))
