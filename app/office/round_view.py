"""A round as a list of tasks: what is done, with when and by whom; the one next step; what is still ahead."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlmodel import Session

from app.disclosure import facts
from app.disclosure import repository as disclosure
from app.disclosure.live import Called, called
from app.ledger import repository as ledger
from app.people import sanctions
from app.people.tables import Sanction
from app.plans import repository as plans
from app.rounds import repository
from app.rounds.tables import STAGES, Round
from app.visits import repository as visits
from app.visits.views import Context
from app.web.language import Language, marked

State = Literal["done", "now", "ahead"]
TASKS: Final = {
    "created": marked("建立批次"),
    "frozen": marked("冻结名录、规则和人员"),
    "committed": marked("审批，并公布承诺"),
    "entropy": marked("交存秘密，录入公共随机数"),
    "drawn": marked("抽取检查对象"),
    "packed": marked("合并入户，排定路线"),
    "entropy_seats": marked("录入抽取人员的公共随机数"),
    "seated": marked("抽取检查人员，封存席位"),
    "revealed": marked("开展检查，到期公开"),
}
"""What leads to each stage."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a round; `at`: when it was done."""

    stage: str
    name: str
    state: State
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Stratum:
    """A stratum that turns the lottery into an order: whoever approves sees it."""

    draw: str
    name: str
    rows: int
    most: int


def page_view(session: Session, round_id: str, language: Language) -> Context:
    """Everything on the page. Raises `round.not_public` where there is no such round."""
    row = disclosure.round_of(session, round_id)
    rules = disclosure.manifest(session, row)
    sources: Sequence[Called] = called(session, round_id, rules or {}, row.waiting_for or "")
    operation = repository.operation_of(session, round_id)
    return {
        "checkpoint": None,
        "row": row,
        "title": title_of(session, row, language),
        "says": facts.waiting(row),
        "tasks": tasks(session, row),
        "asked": sanctions.standing(session, sanctions.FREEZE, round_id),
        "strata": _strata(session, row) if row.waiting_for == "approval" else [],
        "missing": [one.party for one in repository.deposits(session, round_id) if not one.sealed_secret],
        "sources": [one for one in sources if not one.value],
        "given": [one for one in sources if one.value],
        "deadline": _deadline(row, rules or {}),
        "percent": operation.percent if operation else 0,
        "visits": visits.opened(session, round_id),
        "void": _void(session, round_id),
        "reasons": facts.VOID_REASONS,
    }


def title_of(session: Session, row: Round, language: Language) -> str:
    """The title of its manifest; before there is one its plan's."""
    plan = plans.find(session, row.plan)
    kept = {"title": plan.title_zh, "title_en": plan.title_en} if plan else {}
    return facts.title_in(language, disclosure.manifest(session, row) or kept, row.round_id)


def tasks(session: Session, row: Round) -> list[Task]:
    """All tasks in order; of a void round nothing is ahead."""
    times, here = repository.times(session, row.round_id), STAGES.index(row.stage)
    found = []
    for place, stage in enumerate(STAGES):
        if place > here and row.status == "void":
            break
        state: State = "done" if place <= here else "now" if place == here + 1 else "ahead"
        at = times[stage].at if stage in times else row.created_at if stage == "created" else None
        found.append(Task(stage, TASKS[stage], state, at))
    return found


def _strata(session: Session, row: Round) -> list[Stratum]:
    kept = json.loads(ledger.load(session, row.round_id, "internal/approval.json"))
    return [Stratum(one["draw_id"], " · ".join(one["stratum"]), one["rows"], one["most"]) for one in kept]


def _deadline(row: Round, rules: Mapping[str, Any]) -> datetime | None:
    """Until when what the round waits for has to be there."""
    name = {"entropy": "entropy", "deposits": "entropy", "entropy_seats": "sealed_result", "reveal": "reveal"}
    ends = rules.get("deadlines", {}).get(name.get(row.waiting_for or "", ""))
    return datetime.fromisoformat(ends) if ends else None


def _void(session: Session, round_id: str) -> Sanction | None:
    """The request to void it that is being decided."""
    return sanctions.standing(session, sanctions.VOID, round_id)
