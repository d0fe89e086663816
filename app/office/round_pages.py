"""A round through pages: its tasks, and the forms of the one that is next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.db.database import Database
from app.http.access import ActorDep
from app.http.dependencies import NowDep, WholeDatabaseDep
from app.office import round_view
from app.office.local import FormPage, Line, Name, vault_of
from app.rounds import advance, service, voiding
from app.web.addresses import LanguageDep, in_both_languages

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Steps(FormPage):
    """The tasks of a round."""

    template = "round_steps.html"
    db: Database
    round_id: str

    def context(self) -> Mapping[str, object]:
        """Which are done, and what the next one asks for."""
        with self.db.read() as session:
            return round_view.page_view(session, self.round_id, self.language)

    @property
    def path(self) -> str:
        """Where they stand."""
        return f"/staff/rounds/{self.round_id}/steps"


def _steps(
    request: Request, db: WholeDatabaseDep, language: LanguageDep, now: NowDep, actor: ActorDep, round_id: str
) -> Steps:
    return Steps(request, language, now, actor, db, round_id)


StepsDep = Annotated[Steps, Depends(_steps)]


@in_both_languages(router, "/staff/rounds/{round_id}/steps")
def steps_page(steps: StepsDep) -> Response:
    """The tasks."""
    return steps.page()


@in_both_languages(router, "/staff/rounds/{round_id}/approval", post=True)
def approve_round_form(steps: StepsDep, by: Name = "") -> Response:
    """Approve the frozen round; an account signs as itself."""

    def approve() -> None:
        service.approve(steps.db, steps.round_id, by.strip() or "–", steps.now, actor=steps.actor)

    return steps.done(approve, steps.path)


@in_both_languages(router, "/staff/rounds/{round_id}/entropy", post=True)
def entropy_form(steps: StepsDep, source: Line, value: Line) -> Response:
    """Enter the public value of a source, called by dice or read from its announcement."""

    def supply() -> None:
        service.supply(steps.db, steps.round_id, source, value, steps.now, steps.actor)

    return steps.done(supply, steps.path)


@in_both_languages(router, "/staff/rounds/{round_id}/retry", post=True)
def retry_form(steps: StepsDep) -> Response:
    """Try a refused stage again, its cause mended."""
    return steps.done(lambda: advance.retry(steps.db, steps.round_id, steps.now), steps.path)


@in_both_languages(router, "/staff/rounds/{round_id}/void", post=True)
def void_form(steps: StepsDep, reason: Line, by: Name = "", confirmed_by: Name = "") -> Response:
    """Void the round: with accounts what two others asked for and approved."""
    names = by.strip(), confirmed_by.strip()

    def void() -> None:
        vault = vault_of(steps.request)
        voiding.void(steps.db, vault, steps.round_id, reason, *names, steps.now, actor=steps.actor)

    return steps.done(void, steps.path)
