"""Plans and the working-day calendar over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Path, Request, Response, status

from app.errors import Problem, refuse
from app.http.access import of_all_departments
from app.http.dependencies import NowDep, WholeDatabaseDep
from app.http.etag import IfMatchDep, tagged
from app.http.idempotency import IdempotentRoute
from app.http.openapi import problems
from app.http.pagination import Page, PagingDep
from app.http.problem import problem_body
from app.http.schemas import ProblemOut
from app.plans import calendar, service
from app.plans.example import EXAMPLE
from app.plans.schemas import CalendarYearIn, PlanDocument, PlanLine, PlanOut, PublicationIn

router = APIRouter(tags=["plans"], route_class=IdempotentRoute)
PlanCode = Annotated[str, Path(pattern=r"^[0-9A-Za-z._-]{1,64}$", examples=["food-2027"])]
Year = Annotated[int, Path(ge=2000, le=2200, examples=[2027])]
Document = Annotated[PlanDocument, Body(openapi_examples={"plan": {"value": EXAMPLE}})]


@router.post("/plans", status_code=status.HTTP_201_CREATED, responses=problems(409, 422))
def create_plan(
    document: Document, db: WholeDatabaseDep, now: NowDep, request: Request, response: Response
) -> PlanOut:
    """Save a new plan as a draft."""
    made = service.create(db, document, now)
    response.headers["Location"] = f"/api/v1/plans/{made.code}"
    return tagged(request, response, made)


@router.get("/plans", responses=problems(422))
def list_plans(
    db: WholeDatabaseDep, paging: PagingDep, status: Literal["draft", "published", "withdrawn"] | None = None
) -> Page[PlanLine]:
    """Plans by code."""
    return service.page_of_plans(db, paging, status)


@router.get("/plans/{code}", responses=problems(404, 422))
def get_plan(code: PlanCode, db: WholeDatabaseDep, request: Request, response: Response) -> PlanOut:
    """A plan as last saved."""
    return tagged(request, response, service.get(db, code))


@router.put("/plans/{code}", responses=problems(404, 412, 422, 428))
def revise_plan(
    code: PlanCode,
    document: Document,
    db: WholeDatabaseDep,
    if_match: IfMatchDep,
    request: Request,
    response: Response,
) -> PlanOut:
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
    return tagged(request, response, service.revise(db, document, if_match))


@router.post("/plans/{code}/publication", responses=problems(404, 412, 422, 428))
def publish_plan(
    code: PlanCode,
    db: WholeDatabaseDep,
    now: NowDep,
    if_match: IfMatchDep,
    request: Request,
    response: Response,
    body: PublicationIn | None = None,
) -> PlanOut:
    """Put the newest version in force. Refused (422) with the first rule it breaks; twice is once."""
    reason = body.reason if body else ""
    return tagged(request, response, service.publish(db, code, now, if_match, reason))


@router.delete("/plans/{code}/publication", responses=problems(404, 412, 422, 428))
def withdraw_plan(
    code: PlanCode,
    db: WholeDatabaseDep,
    now: NowDep,
    if_match: IfMatchDep,
    request: Request,
    response: Response,
) -> PlanOut:
    """Take a plan out of force."""
    return tagged(request, response, service.withdraw(db, code, now, if_match))


@router.get("/plans/{code}/problems", responses=problems(404, 422))
def plan_problems(code: PlanCode, db: WholeDatabaseDep) -> Page[ProblemOut]:
    """Every rule that the plan as last saved would break if it were published now, on one page."""
    found = service.check(db, service.get(db, code).document)
    return Page[ProblemOut](items=[_shown(problem) for problem in found])


def _shown(problem: Problem) -> ProblemOut:
    return ProblemOut.model_validate(problem_body(problem, 422, english=False))


@router.get("/calendar/{year}", responses=problems(404, 422))
def get_calendar(year: Year, db: WholeDatabaseDep, request: Request, response: Response) -> CalendarYearIn:
    """A year's holidays and make-up days, and whether it is confirmed."""
    return tagged(request, response, calendar.get_year(db, year))


@router.put("/calendar/{year}", responses=problems(412, 422, 428), dependencies=[Depends(of_all_departments)])
def put_calendar(
    year: Year,
    body: CalendarYearIn,
    db: WholeDatabaseDep,
    now: NowDep,
    if_match: IfMatchDep,
    request: Request,
    response: Response,
) -> CalendarYearIn:
    """Store a year as the State Council announced it; `confirmed` makes its dates bind, those of every department.

    A year that is there already is replaced, so it needs If-Match.
    """
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
    calendar.put_year(db, body, now, if_match)
    return tagged(request, response, calendar.get_year(db, year))
