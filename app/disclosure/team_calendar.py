"""A round's team-day calendar for who plans: crews by working days, and at its foot what found no day at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlmodel import Session

from app.db.database import Database
from app.db.scope import Scope
from app.disclosure import facts, repository
from app.disclosure.pictures import team_days
from app.disclosure.views import newest_checkpoint
from app.disclosure.work import TeamDay, planned_work
from app.http.access import actor_of
from app.http.dependencies import WholeDatabaseDep
from app.http.local import from_this_machine
from app.rounds import changes, packed
from app.rounds.vault import Vault
from app.web.addresses import LanguageDep, in_both_languages, place_of
from app.web.language import Language
from app.web.responses import PRIVATE, page
from app.web.templates import render
from optimizer.explain import Explanation

router = APIRouter(include_in_schema=False)
LANE: Final = 50
"""Checks without a day that are listed; the plan's page says how many there are."""


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A check that found no day: what bars it and the cheapest remedy, and a visit of its target that may be moved."""

    check_id: str
    department: str
    target_id: str
    why: Explanation
    visit_id: str


@in_both_languages(router, "/staff/rounds/{round_id}/calendar")
def team_calendar_page(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    round_id: str,
    department: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Departments by days, one department's crews by days, and the lane of what is unassigned."""
    if not from_this_machine(request):
        raise repository.not_public(round_id)
    vault, scope = Vault(request.app.state.settings.data_dir), actor_of(request).scope
    with db.read() as session:
        context = view(session, db, vault, round_id, language, scope, department)
    return page(
        request, render("team_calendar.html", place_of(request, language), context), language, PRIVATE
    )


def view(
    session: Session,
    db: Database,
    vault: Vault,
    round_id: str,
    language: Language,
    scope: Scope,
    department: str,
) -> dict[str, Any]:
    """What the page shows; a department's people (`scope`) see their own crews and their own checks.

    Raises what `planned_work` raises.
    """
    work = planned_work(session, round_id, language).within(scope.department)
    row = repository.round_of(session, round_id)
    files = changes.current_files(session, round_id)
    lost = unplaced(packed.explained(db, vault, round_id, scope.department), files[0])
    names = facts.names_in(language, repository.department_names(session))
    codes = sorted({*work.departments(), *(one.department for one in lost)})
    chosen = department if department in codes else next(iter(codes), "")
    own = [one for one in lost if one.department == chosen]
    return {
        "checkpoint": newest_checkpoint(session),
        "row": row,
        "work": work,
        "departments": [
            (code, names.get(code, code), len(work.of(code)), sum(one.department == code for one in lost))
            for code in codes
        ],
        "department": chosen,
        "department_name": names.get(chosen, chosen),
        "days": files[1]["days"],
        "crews": crews(work.of(chosen), files[1]["days"]),
        "lane": own[:LANE],
        "lost": len(own),
        "seated": repository.reached(row, "seated"),
        "movable": scope.unlimited
        and row.stage in changes.COMMITTED
        and row.status in ("running", "waiting"),
        "picture": team_days(work, language),
        "english": language == "en",
    }


def crews(teams: Sequence[TeamDay], days: Sequence[str]) -> list[tuple[TeamDay | None, ...]]:
    """Rows of the grid: the first crew that is out on each day, then the second; by district, then by id."""
    order = sorted(teams, key=lambda team: (team.district, team.route_id))
    columns = [[team for team in order if team.date == day] for day in days]
    return list(zip_longest(*columns))


def unplaced(found: Sequence[Explanation], visits: Mapping[str, Any]) -> list[Unplaced]:
    """The explained checks that have no visit, with a visit of the same target where there is one."""
    owners = {check["check_id"]: check["department"] for check in visits["checks"]}
    first: dict[str, str] = {}
    for visit in visits["visits"]:
        first.setdefault(visit["target_id"], visit["visit_id"])
    return [
        Unplaced(check_id, owners[check_id], one.target_id, one, first.get(one.target_id, ""))
        for one in found
        if one.kind == "unscheduled"
        for check_id in one.checks[:1]
    ]
