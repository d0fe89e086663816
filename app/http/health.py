"""Liveness (the process answers) and readiness (it should be sent requests), for whoever supervises it."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import text

from app.db.database import Database
from app.db.migrations import is_newest
from app.errors import Problem, Unavailable
from app.http.dependencies import WholeDatabaseDep
from app.http.openapi import problems
from app.http.operations import stopping

router = APIRouter(prefix="/health", tags=["health"])


class Health(BaseModel):
    """That the service is there."""

    status: Literal["alive", "ready"]


@router.get("/live")
def live() -> Health:
    """The process answers; nothing else is asked."""
    return Health(status="alive")


@router.get("/ready", responses=problems(503))
def ready(request: Request, db: WholeDatabaseDep) -> Health:
    """The database answers, its schema is this version's, and the service is not stopping; else 503 with the reason."""
    if stopping(request):
        raise _unready("stopping", "服务正在停止", "The service is stopping")
    if not _answers(db):
        raise _unready("database", "数据库没有回答", "The database does not answer")
    if not is_newest(db):
        raise _unready("schema", "数据库结构不是本版本的", "The database's schema is not this version's")
    return Health(status="ready")


def _answers(db: Database) -> bool:
    try:
        with db.read() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


def _unready(what: str, zh: str, en: str) -> Unavailable:
    remedy = ("请稍后再试，或改用另一台服务器。", "Try again later, or another server.")
    return Unavailable(Problem(f"health.{what}", f"{zh}。", f"{en}.", *remedy))
