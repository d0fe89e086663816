"""Annual plans for everybody: the list, one plan with its versions, and both as files."""

from __future__ import annotations

import json
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from app.disclosure import plan_views
from app.disclosure.spreadsheets import excel_csv, plain_csv, table_xlsx
from app.http.dependencies import DatabaseDep, NowDep
from app.web.addresses import LanguageDep, in_both_languages, place_of
from app.web.language import marked, translate
from app.web.responses import download, page
from app.web.templates import render

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV: Final = "text/csv; charset=utf-8"

router = APIRouter(include_in_schema=False)

Code = Annotated[str, Path(max_length=64)]
Number = Annotated[int, Path(ge=1, lt=1 << 31)]
File = Literal["plan.xlsx", "plan.csv", "plan-excel.csv", "plan.json"]
ListFile = Literal["plans.xlsx", "plans.csv", "plans-excel.csv"]


@in_both_languages(router, "/plans")
def plans_page(request: Request, db: DatabaseDep, language: LanguageDep) -> Response:
    """Every published plan."""
    with db.read() as session:
        context = plan_views.list_view(session, language)
    return page(request, render("annual_plans.html", place_of(request, language), context), language)


@in_both_languages(router, "/plans/files/{name}")
def plans_file(request: Request, db: DatabaseDep, language: LanguageDep, name: ListFile) -> Response:
    """The tasks of all plans in force as one table."""
    with db.read() as session:
        lines = [line for line in plan_views.published(session, language) if not line.withdrawn]
        rows = plan_views.rows(session, lines, language)
    header = [translate(language, column) for column in plan_views.COLUMNS]
    return _table(request, name, header, rows, translate(language, marked("年度抽查计划")))


@in_both_languages(router, "/plans/{code}")
def annual_plan_page(
    request: Request, db: DatabaseDep, language: LanguageDep, now: NowDep, code: Code
) -> Response:
    """A plan by its newest published version."""
    with db.read() as session:
        context = plan_views.plan_view(session, code, None, language, now)
    return page(request, render("annual_plan.html", place_of(request, language), context), language)


@in_both_languages(router, "/plans/{code}/versions/{number}")
def plan_version_page(
    request: Request, db: DatabaseDep, language: LanguageDep, now: NowDep, code: Code, number: Number
) -> Response:
    """A plan as an earlier version had it."""
    with db.read() as session:
        context = plan_views.plan_view(session, code, number, language, now)
    return page(request, render("annual_plan.html", place_of(request, language), context), language)


@in_both_languages(router, "/plans/{code}/files/{number}/{name}")
def plan_file(
    request: Request, db: DatabaseDep, language: LanguageDep, now: NowDep, code: Code, number: Number,
    name: File,
) -> Response:  # fmt: skip
    """A version as a table of its tasks, or as the very document that rounds are made from."""
    with db.read() as session:
        line = plan_views.plan_view(session, code, number, language, now)["line"]
        assert isinstance(line, plan_views.Line)
        rows = plan_views.rows(session, [line], language)
    if name == "plan.json":
        shown = {**line.revision.document, "version": number, "digest": line.revision.digest}
        body = json.dumps(shown, ensure_ascii=False, indent=1).encode()
        return download(request, body, "application/json", f"plan-{code}-{number}.json")
    header = [translate(language, column) for column in plan_views.COLUMNS]
    return _table(request, name, header, rows, line.title, f"plan-{code}-{number}")


def _table(
    request: Request, name: str, header: list[str], rows: list[tuple[str, ...]], title: str, stem: str = ""
) -> Response:
    end = name.partition(".")[2]
    saved = f"{stem}{'-excel' if 'excel' in name else ''}.{end}" if stem else name
    if end == "xlsx":
        return download(request, table_xlsx(title, header, rows), XLSX, saved)
    body = excel_csv(header, rows) if "excel" in name else plain_csv(header, rows)
    return download(request, body, CSV, saved)
