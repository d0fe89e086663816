"""A round's plan for its coordinator: how packing goes, stop and take; why not; a change with its cost beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from app.db.database import Database
from app.db.scope import Scope
from app.disclosure import facts, repository
from app.disclosure.pictures import price_of_entries
from app.disclosure.views import newest_checkpoint
from app.errors import Refused
from app.http.access import actor_of, of_all_departments
from app.http.dependencies import NowDep, WholeDatabaseDep
from app.http.local import from_this_machine
from app.rounds import changes, packed, solving
from app.rounds.changes import COMMITTED, Proposal
from app.rounds.changing import Asked, Move
from app.rounds.seats import events_of
from app.rounds.vault import Vault
from app.web import charts
from app.web.language import Language, language_of, marked, translate
from app.web.picture import Picture
from app.web.responses import PRIVATE, page
from app.web.templates import Place, number, render

EXPLAINED = 50
_CELLS = 6

router = APIRouter(include_in_schema=False)
WHOLE_PLAN = [Depends(of_all_departments)]
LanguageDep = Annotated[Language, Depends(language_of)]
Text = Annotated[str, Form(max_length=500)]


def _here(request: Request, round_id: str) -> None:
    if not from_this_machine(request):
        raise repository.not_public(round_id)


def _vault(request: Request) -> Vault:
    return Vault(request.app.state.settings.data_dir)


@router.api_route("/staff/rounds/{round_id}/plan", methods=["GET", "HEAD"])
@router.api_route("/en/staff/rounds/{round_id}/plan", methods=["GET", "HEAD"])
def plan_page(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    round_id: str,
    visit: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """The plan as it is made or as it stands; `visit`: the one that the form to move one begins with."""
    _here(request, round_id)
    return _shown(request, db, language, round_id, {"visit": visit})


@router.post("/staff/rounds/{round_id}/plan/stop", dependencies=WHOLE_PLAN)
@router.post("/en/staff/rounds/{round_id}/plan/stop", dependencies=WHOLE_PLAN)
def stop(
    request: Request, db: WholeDatabaseDep, language: LanguageDep, now: NowDep, round_id: str, by: Text = ""
) -> Response:
    """Take the best plan so far."""
    _here(request, round_id)
    try:
        solving.stop(db, round_id, by.strip() or "–", now)
    except Refused as refused:
        return _shown(request, db, language, round_id, {"problem": refused.problem})
    return RedirectResponse(request.url.path.removesuffix("/stop"), status_code=303)


@router.post("/staff/rounds/{round_id}/plan")
@router.post("/en/staff/rounds/{round_id}/plan")
def change(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    now: NowDep,
    round_id: str,
    visit: Text = "",
    day: Text = "",
    how: Text = "to",
    reason: Text = "",
    confirm: Text = "",
) -> Response:
    """Show what moving a visit costs; with the confirmation that was shown, move it."""
    _here(request, round_id)
    move = Move(visit.strip(), day, "") if how == "to" else Move(visit.strip(), "", day)
    asked = Asked(reason, move)
    given: dict[str, object] = {"asked": asked, "how": how, "day": day}
    scope = actor_of(request).scope
    try:
        if confirm:
            changes.take(db, _vault(request), round_id, asked, confirm, now, scope)
            return RedirectResponse(request.url.path, status_code=303)
        proposal = changes.propose(db, _vault(request), round_id, asked, now, scope)
    except Refused as refused:
        return _shown(request, db, language, round_id, {**given, "problem": refused.problem})
    return _shown(request, db, language, round_id, {**given, "proposal": proposal, "cost": costs(proposal)})


def _shown(
    request: Request, db: Database, language: Language, round_id: str, more: Mapping[str, object]
) -> Response:
    with db.read() as session:
        context = view(session, db, _vault(request), round_id, language, actor_of(request).scope)
    place = Place.served(request.url.path.removesuffix("/stop"), language, request.url.query)
    return page(request, render("plan.html", place, {**context, **more}), language, PRIVATE)


def view(
    session: Session, db: Database, vault: Vault, round_id: str, language: Language, scope: Scope
) -> dict[str, object]:
    """What the page shows: the course while it is packed, then the report, why not, and what was changed.

    A department's people (`scope`) read why not of its own checks alone, and move visits in which it alone takes part.
    """
    row = repository.round_of(session, round_id)
    rules = repository.manifest(session, row)
    course, report = solving.course(db, round_id), packed.report(db, round_id)
    found = packed.explained(db, vault, round_id, scope.department) if report else ()
    days = changes.current_files(session, round_id)[1]["days"] if report else []
    price = price_of_entries(report, language) if report else None
    return {
        "checkpoint": newest_checkpoint(session),
        "row": row,
        "title": facts.title_in(language, rules or {}, round_id),
        "says": facts.waiting(row),
        "stoppable": scope.unlimited,
        "solving": row.stage == "drawn" and row.status == "running",
        "stopped": course.stopped_at,
        "measures": facts.measures(report) if report else [],
        "reproducible": report is None or report["reproducible"],
        "pictures": [item for item in (incumbents(course, language), price) if item is not None],
        "explanations": found[:EXPLAINED],
        "explained": len(found),
        "english": language == "en",
        "own_alone": not scope.unlimited,
        "movable": row.stage in COMMITTED and row.status in ("running", "waiting"),
        "days": days,
        "events": [event for event in events_of(session, round_id) if event["type"] == "plan_change"],
    }


MEASURES = {
    "entries": marked("入户次数"),
    "inspector_days": marked("检查人日"),
    "travel_min": marked("路途（分钟）"),
    "host_min": marked("企业接待（分钟）"),
    "people_per_visit_max": marked("一次到场最多人数"),
}


def costs(proposal: Proposal) -> list[tuple[str, int, int]]:
    """Every measure before and after."""
    return [
        (label, getattr(proposal.before, name), getattr(proposal.after, name))
        for name, label in MEASURES.items()
    ]


def incumbents(course: solving.Course, language: Language) -> Picture | None:
    """The best plan so far against what is proven necessary, over time; the cells in the table. None before any."""
    whole = course.of("")
    if not whole:
        return None

    def say(text: str) -> str:
        return translate(language, text)

    title = say(marked("求解过程：目前最好与下界"))
    description = say(
        marked(
            "蓝线为目前最好安排的检查人日，红线为已证明的下界；时间为求解开始后的秒数。各区块的最新数字见数据表。"
        )
    )
    lines = [
        charts.Line(
            say(marked("目前最好")), tuple((point.seconds, point.value) for point in whole), steps=True
        ),
        charts.Line(say(marked("下界")), tuple((point.seconds, point.bound) for point in whole), charts.RULE),
    ]
    svg = charts.plot("course", title, description, lines, say(marked("秒")), say(marked("检查人日")))
    names = ("", *course.cells())
    rows = []
    for name in names:
        first, last = course.of(name)[0], course.of(name)[-1]
        rows.append(
            (
                name or say(marked("全部")),
                number(first.value),
                number(last.value),
                number(last.bound),
                number(last.missing),
            )
        )
    header = tuple(
        say(text)
        for text in (
            marked("区块"),
            marked("最初"),
            marked("目前最好"),
            marked("下界"),
            marked("尚无位置的入户"),
        )
    )
    return Picture(title, description, svg, header, tuple(rows))
