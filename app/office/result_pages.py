"""A disclosed result for those who answer for it: its versions, a correction or withdrawal, the firm's objections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import Response
from sqlmodel import Session

from app.http.access import ActorDep
from app.http.dependencies import NowDep
from app.office.local import FormPage, Line, Name
from app.people import sanctions
from app.visits import codes, repository, service, states
from app.visits.api import DeskDep
from app.visits.desk import Desk, official_day
from app.visits.service import Change
from app.visits.views import Context
from app.web.addresses import LanguageDep, in_both_languages
from app.web.language import Language, marked

router = APIRouter(include_in_schema=False)

Key = Annotated[str, Path(pattern=r"^[0-9a-f]{20}$")]
Words = Annotated[str, Form(min_length=1, max_length=2000)]
KINDS: Final = {
    "original": marked("首次公示"),
    "correction": marked("已更正"),
    "withdrawal": marked("已撤销公示"),
}
OUTCOMES: Final = {"upheld": marked("成立"), "rejected": marked("不成立")}


@dataclass(frozen=True)
class Decision(FormPage):
    """A result with everything that may be decided about it."""

    template = "decision.html"
    desk: Desk
    key: str

    def context(self) -> Mapping[str, object]:
        """What it is now, and what may be done."""
        with self.desk.seen.read() as session:
            return view(session, self.key, self.language, official_day(self.now))

    @property
    def path(self) -> str:
        """Where it stands."""
        return f"/staff/results/{self.key}"


def _decision(
    request: Request, desk: DeskDep, language: LanguageDep, now: NowDep, actor: ActorDep, key: Key
) -> Decision:
    return Decision(request, language, now, actor, desk, key)


DecisionDep = Annotated[Decision, Depends(_decision)]


@in_both_languages(router, "/staff/results/{key}")
def decision_page(decision: DecisionDep) -> Response:
    """The result with everything that may be decided about it."""
    return decision.page()


def view(session: Session, key: str, language: Language, today: date) -> Context:
    """What the page shows. Raises NotFound `visit.absent`."""
    check = repository.check(session, key)
    visit = repository.visit(session, check.visit)
    department = repository.departments(session)[check.department]
    return {
        "checkpoint": None,
        "check": check,
        "visit": visit,
        "department": (language == "en" and department.name_en) or department.name_zh,
        "state": states.NAMES[check.state][language == "en"],
        "allowed": states.legal_steps(check.state, check.legal_review),
        "versions": repository.versions(session, key),
        "objections": repository.objections(session, key),
        "asked": sanctions.standing(session, sanctions.CORRECTION, key),
        "results": codes.RESULTS,
        "dispositions": codes.DISPOSITIONS,
        "changes": codes.CHANGES,
        "kinds": KINDS,
        "outcomes": OUTCOMES,
        "today": today,
    }


@in_both_languages(router, "/staff/results/{key}/correction", post=True)
def correction_form(
    decision: DecisionDep,
    result: Line,
    disposition: Line,
    reason: Line,
    by: Name = "",
    confirmed_by: Name = "",
) -> Response:
    """Replace the result by another; both stay to be seen."""
    desk, change = decision.desk, Change(reason, confirmed_by.strip(), result, disposition)

    def correct() -> None:
        service.correct(desk, decision.key, change, desk.actor(by.strip(), "publisher"), decision.now)

    return decision.done(correct, decision.path)


@in_both_languages(router, "/staff/results/{key}/withdrawal", post=True)
def withdrawal_form(
    decision: DecisionDep,
    reason: Line,
    revoked_on: Annotated[date, Form()],
    by: Name = "",
    confirmed_by: Name = "",
) -> Response:
    """Take the result back; the line stays, without it."""
    desk, change = decision.desk, Change(reason, confirmed_by.strip(), revoked_on=revoked_on)

    def withdraw() -> None:
        service.withdraw(desk, decision.key, change, desk.actor(by.strip(), "publisher"), decision.now)

    return decision.done(withdraw, decision.path)


@in_both_languages(router, "/staff/results/{key}/answer", post=True)
def answer_form(
    decision: DecisionDep,
    outcome: Annotated[Literal["upheld", "rejected"], Form()],
    text: Words,
    by: Name = "",
) -> Response:
    """Answer the firm's open objection; not by who recorded the result."""
    desk = decision.desk

    def answer() -> None:
        actor = desk.actor(by.strip(), "reviewer")
        service.answer_objection(desk, decision.key, outcome, text, actor, decision.now)

    return decision.done(answer, decision.path)
