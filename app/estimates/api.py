"""Rates with their intervals over HTTP, for everybody."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from app.disclosure.spreadsheets import excel_csv, plain_csv
from app.estimates import views
from app.estimates.pages import AskedDep
from app.estimates.schemas import COLUMNS, Estimates, row
from app.http.dependencies import DatabaseDep
from app.http.openapi import problems
from app.web.responses import PUBLIC, conditional, download

router = APIRouter(prefix="/estimates", tags=["estimates"])


@router.get(
    "",
    response_model=Estimates,
    responses={**problems(404, 422), 200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def list_estimates(
    request: Request,
    db: DatabaseDep,
    asked: AskedDep,
    format_: Annotated[Literal["json", "csv", "excel"], Query(alias="format")] = "json",
) -> Response:
    """Rates of non-compliance of a plan (empty: the newest): the totals of each draw, or one draw by an attribute.

    Each round's and all rounds' together, unless `round_id` names one.
    """
    with db.read() as session:
        found = views.estimates_json(session, asked)
    if format_ == "json":
        return conditional(request, found.model_dump_json().encode(), "application/json", PUBLIC)
    written = excel_csv if format_ == "excel" else plain_csv
    body = written(COLUMNS, [row(cell) for cell in found.estimates])
    return download(request, body, "text/csv; charset=utf-8", f"estimates-{found.plan}.csv")
