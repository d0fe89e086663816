"""A plan's ratios while they are edited: their effect at once with script, by a button without; kept as a draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from app.disclosure import facts
from app.disclosure import repository as disclosure
from app.errors import Conflict, Problem, Refused
from app.http.access import ActorDep
from app.http.dependencies import DatabaseDep, NowDep, WholeDatabaseDep
from app.office import ratios
from app.office.local import back, shown
from app.plans import service
from app.plans.schemas import PlanOut
from app.visits.desk import official_day
from app.web.addresses import LanguageDep, in_both_languages
from app.web.language import Language
from app.web.static import address

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Asking:
    """What every answer here needs."""

    request: Request
    db: DatabaseDep
    whole: WholeDatabaseDep
    language: LanguageDep
    now: NowDep
    actor: ActorDep


AskingDep = Annotated[Asking, Depends()]


async def _form(request: Request) -> dict[str, str]:
    """The form's ratios by field, from the address or from the body."""
    given = request.query_params if request.method in ("GET", "HEAD") else await request.form()
    return {str(name): str(value)[:80] for name, value in given.items()}


FormDep = Annotated[dict[str, str], Depends(_form)]


@in_both_languages(router, "/staff/plans/{code}/ratios")
def ratios_page(asking: AskingDep, code: str, given: FormDep) -> Response:
    """The plan as last saved, with the ratios of the address instead of its own."""
    return _page(asking, service.get(asking.whole, code), given)


@in_both_languages(router, "/staff/plans/{code}/ratios", post=True)
def keep_ratios(asking: AskingDep, code: str, given: FormDep) -> Response:
    """Save them as the plan's next version, a draft: what was published stays in force until that one is."""
    plan = service.get(asking.whole, code)

    def unchanged(now: BaseModel | None) -> None:
        if not isinstance(now, PlanOut) or now.digest != given.get("digest"):
            raise _changed(code)

    try:
        service.revise(asking.whole, ratios.changed(plan.document, given), unchanged)
    except Refused as refused:
        return _page(asking, plan, given, refused)
    return back(f"/staff/plans/{code}/ratios", asking.language)


def _page(
    asking: Asking, plan: PlanOut, given: Mapping[str, str], refused: Refused | None = None
) -> Response:
    document = plan.document
    try:
        document = ratios.changed(plan.document, given)
    except Refused as wrong:
        refused = refused or wrong
    own = asking.actor.scope.department
    tasks = [task for task in document.tasks if own is None or own in task.departments]
    with asking.db.read() as session:
        found = ratios.effect(session, document, official_day(asking.now), tasks)
        names = facts.names_in(asking.language, disclosure.department_names(session))
    context: dict[str, Any] = {
        "checkpoint": None,
        "plan": plan,
        "title": _named(plan.document, asking.language),
        "effect": found,
        "departments": names,
        "problems": service.check(asking.whole, document),
        "edited": document != plan.document,
        "default": ratios.DEFAULT,
        "script": address("ratios.js"),
    }
    return shown(asking.request, asking.language, "ratios.html", context, refused)


def _named(document: Any, language: Language) -> str:
    return str((language == "en" and document.title_en) or document.title_zh)


def _changed(code: str) -> Conflict:
    return Conflict(
        Problem(
            "plan.changed",
            f"计划 {code} 在此期间已被修改，没有保存。",
            f"Plan {code} was changed meanwhile; nothing was saved.",
            "请重新打开本页，再改比例。",
            "Open this page anew and change the ratios again.",
            {"plan": code},
        )
    )
