"""Plans and the working-day calendar over HTTP."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Response, status

from app.errors import Problem, refuse
from app.http.dependencies import DatabaseDep, NowDep
from app.http.problem import problem_body
from app.http.schemas import ProblemOut
from app.plans import calendar, service
from app.plans.example import EXAMPLE
from app.plans.schemas import CalendarYearIn, PlanDocument, PlanLine, PlanOut

router = APIRouter(tags=["plans"])
ERRORS: dict[int | str, dict[str, Any]] = {
    404: {"model": ProblemOut},
    409: {"model": ProblemOut},
    422: {"model": ProblemOut},
}
PlanCode = Annotated[str, Path(pattern=r"^[0-9A-Za-z._-]{1,64}$", examples=["food-2027"])]
Document = Annotated[PlanDocument, Body(openapi_examples={"plan": {"value": EXAMPLE}})]


@router.post("/plans", status_code=status.HTTP_201_CREATED, responses=ERRORS)
def create_plan(document: Document, db: DatabaseDep, now: NowDep, response: Response) -> PlanOut:
    """Save a new plan as a draft."""
    made = service.create(db, document, now)
    response.headers["Location"] = f"/api/v1/plans/{made.code}"
    return made


@router.get("/plans")
def list_plans(
    db: DatabaseDep, status: Literal["draft", "published", "withdrawn"] | None = None
) -> list[PlanLine]:
    """Plans by code."""
    return service.list_plans(db, status)


@router.get("/plans/{code}", responses=ERRORS)
def get_plan(code: PlanCode, db: DatabaseDep) -> PlanOut:
    """A plan as last saved."""
    return service.get(db, code)


@router.put("/plans/{code}", responses=ERRORS)
def revise_plan(code: PlanCode, document: Document, db: DatabaseDep) -> PlanOut:
    """Save another version as a draft; the published one stays in force until this one is published."""
    if document.code != code:
        raise refuse(
            "plan.other_code",
            f"地址中的计划编号 {code} 与内容中的 {document.code} 不一致。",
            f"The address names plan {code}, the document {document.code}.",
            "请使两者一致；要换编号请新建计划。",
            "Make them agree; for another code create a new plan.",
            field="code",
            plan=code,
        )
    return service.revise(db, document)


@router.post("/plans/{code}/publication", responses=ERRORS)
def publish_plan(code: PlanCode, db: DatabaseDep, now: NowDep) -> PlanOut:
    """Put the newest version in force. Refused (422) with the first rule it breaks; twice is once."""
    return service.publish(db, code, now)


@router.delete("/plans/{code}/publication", responses=ERRORS)
def withdraw_plan(code: PlanCode, db: DatabaseDep, now: NowDep) -> PlanOut:
    """Take a plan out of force."""
    return service.withdraw(db, code, now)


@router.get("/plans/{code}/problems", responses=ERRORS)
def plan_problems(code: PlanCode, db: DatabaseDep) -> list[ProblemOut]:
    """Every rule that the plan as last saved would break if it were published now."""
    return [_shown(problem) for problem in service.check(db, service.get(db, code).document)]


def _shown(problem: Problem) -> ProblemOut:
    return ProblemOut.model_validate(problem_body(problem, 422, english=False))


@router.get("/calendar/{year}", responses=ERRORS)
def get_calendar(year: int, db: DatabaseDep) -> CalendarYearIn:
    """A year's holidays and make-up days, and whether it is confirmed."""
    return calendar.get_year(db, year)


@router.put("/calendar/{year}", responses=ERRORS)
def put_calendar(year: int, body: CalendarYearIn, db: DatabaseDep, now: NowDep) -> CalendarYearIn:
    """Store a year as the State Council announced it; `confirmed` makes its dates bind."""
    if body.year != year:
        raise refuse(
            "calendar.other_year",
            f"地址中的年份 {year} 与内容中的 {body.year} 不一致。",
            f"The address names {year}, the body {body.year}.",
            "请使两者一致。",
            "Make them agree.",
            field="year",
            year=year,
        )
    calendar.put_year(db, body, now)
    return calendar.get_year(db, year)
