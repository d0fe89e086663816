"""The public page of a revealed round's inspectors: chances, loads and history, by code, never by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from sqlmodel import Session

from app.disclosure import facts, repository
from app.disclosure.seats import InspectorSeats, history_of, seats_of_round, weight_text
from app.http.dependencies import DatabaseDep
from app.web import charts
from app.web.language import Language, language_of, marked, translate
from app.web.picture import Picture
from app.web.responses import page
from app.web.templates import Place, number, render, share

PEOPLE: Final = 50

router = APIRouter(include_in_schema=False)


@router.api_route("/rounds/{round_id}/inspectors", methods=["GET", "HEAD"])
@router.api_route("/en/rounds/{round_id}/inspectors", methods=["GET", "HEAD"])
def inspectors_page(
    request: Request,
    db: DatabaseDep,
    language: Annotated[Language, Depends(language_of)],
    round_id: str,
    department: Annotated[str, Query(max_length=100)] = "",
    inspector: Annotated[str, Query(max_length=100)] = "",
    page_number: Annotated[int, Query(alias="page", lt=1 << 31)] = 1,
) -> Response:
    """A department's workload, or one inspector's probabilities and history."""
    place = Place.served(request.url.path, language, request.url.query)
    with db.read() as session:
        if inspector:
            context = inspector_view(session, round_id, language, inspector)
            return page(request, render("inspector.html", place, context), language)
        context = department_view(session, round_id, language, department, page_number)
    return page(request, render("inspectors.html", place, context), language)


def department_view(
    session: Session, round_id: str, language: Language, department: str, wanted: int
) -> Mapping[str, object]:
    """Departments, and the inspectors of one of them, fifty at a time."""
    found = seats_of_round(session, round_id)
    row = repository.round_of(session, round_id)
    names = facts.names_in(language, repository.department_names(session))
    codes = found.departments()
    if department and department not in codes:
        raise repository.not_public(round_id)
    chosen = department or next(iter(codes), "")
    people = found.of(chosen)
    last = max(1, -(-len(people) // PEOPLE))
    current = min(max(wanted, 1), last)
    shown = people[(current - 1) * PEOPLE : current * PEOPLE]
    return {
        "row": row,
        "title": _title(session, row.round_id, language),
        "departments": [(code, names.get(code, code), found.of(code)) for code in codes],
        "department": chosen,
        "department_name": names.get(chosen, chosen),
        "people": [(one, weight_text(one.weight)) for one in shown],
        "moves": found.moves,
        "picture": workload(shown, language),
        "page": current,
        "last": last,
        "count": len(people),
    }


def inspector_view(session: Session, round_id: str, language: Language, code: str) -> Mapping[str, object]:
    """One inspector. An unknown code is answered like an absent round."""
    one = seats_of_round(session, round_id).one(code)
    if one is None:
        raise repository.not_public(round_id)
    row = repository.round_of(session, round_id)
    names = facts.names_in(language, repository.department_names(session))
    return {
        "row": row,
        "title": _title(session, round_id, language),
        "one": one,
        "department_name": names.get(one.department, one.department),
        "weight": weight_text(one.weight),
        "history": history_of(session, row, code),
        "picture": chances(one, language),
    }


def _title(session: Session, round_id: str, language: Language) -> str:
    rules = repository.manifest(session, repository.round_of(session, round_id))
    return facts.title_in(language, rules or {}, round_id)


def workload(people: Sequence[InspectorSeats], language: Language) -> Picture:
    """Per inspector: seats served against the expectation that was published, and the fair share."""
    title = translate(language, marked("机会与实际席位"))
    description = translate(
        language,
        marked(
            "每人一条：蓝色为实际席位数，浅红色带为抽签前公布的期望席位数，红线为按权重均分的份额（不计资格与请假）。"
        ),
    )
    rows = [
        charts.Bar(
            one.code,
            one.served,
            f"{one.served} / {float(one.expected):.2f}",
            float(one.fair),
            (0.0, float(one.expected)),
        )
        for one in people
    ]
    header = tuple(
        translate(language, text)
        for text in (marked("人员编号"), marked("实际席位"), marked("期望席位"), marked("均分份额"))
    )
    table = tuple(
        (one.code, number(one.served), f"{float(one.expected):.2f}", f"{float(one.fair):.2f}")
        for one in people
    )
    return Picture(title, description, charts.bars("workload", title, description, rows), header, table)


def chances(one: InspectorSeats, language: Language) -> Picture:
    """Per date: the published probability of being seated, and the seat that came of it."""
    title = translate(language, marked("各日期的机会"))
    description = translate(
        language, marked("每日一条：抽签前公布的入席概率；右侧为概率，入席的日期另注席位编号。")
    )
    told = [f"{share(float(day.probability))} {day.seat_id}".strip() for day in one.dates]
    rows = [
        charts.Bar(day.date, float(day.probability), note) for day, note in zip(one.dates, told, strict=True)
    ]
    header = tuple(
        translate(language, text)
        for text in (marked("日期"), marked("可任席位"), marked("入席概率"), marked("所任席位"))
    )
    table = tuple(
        (day.date, number(day.seats_open), share(float(day.probability)), day.seat_id or "–")
        for day in one.dates
    )
    return Picture(title, description, charts.bars("chances", title, description, rows), header, table)
