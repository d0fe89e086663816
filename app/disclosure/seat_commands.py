"""`python -m app round seats`: what inspectors could expect in a revealed round, and what came of it."""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction
from typing import Annotated, Any

import typer
from sqlmodel import Session

from app import console
from app.db.database import Database
from app.disclosure import repository
from app.disclosure.seats import InspectorSeats, RoundSeats, history_of, seats_of_round, weight_text
from app.settings import settings


def seats(
    round_id: Annotated[str, typer.Argument(help="批次编号 · round id")],
    inspector: Annotated[str, typer.Option(help="只看一人 · one inspector's code")] = "",
    department: Annotated[str, typer.Option(help="只看一个部门 · one department's code")] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="末行输出 JSON · one JSON object as the last line")
    ] = False,
) -> None:
    """人员的机会、期望与实际席位、历次席位 · inspectors' probabilities, expected and realised seats, history."""
    with closing(Database(settings().url())) as db, db.read() as session:
        found = seats_of_round(session, round_id)
        chosen = _chosen(found, inspector, department)
        told = [_told(session, round_id, one, detailed=bool(inspector)) for one in chosen]
    if as_json:
        console.emit({"round_id": round_id, "moves": found.moves, "inspectors": told})
    elif inspector:
        _show_one(told[0])
    else:
        _show_all(round_id, chosen)


def _chosen(found: RoundSeats, inspector: str, department: str) -> tuple[InspectorSeats, ...]:
    """Whoever was asked for; nobody is answered like an absent round."""
    people = found.inspectors if not department else found.of(department)
    chosen = tuple(one for one in people if not inspector or one.code == inspector)
    if not chosen and (inspector or department):
        raise repository.not_public(found.round_id)
    return chosen


def _told(session: Session, round_id: str, one: InspectorSeats, *, detailed: bool) -> dict[str, Any]:
    """Exact fractions as text; dates and history for one inspector."""
    told: dict[str, Any] = {
        "inspector": one.code,
        "department": one.department,
        "weight": one.weight,
        "expected": str(one.expected),
        "fair_share": str(one.fair),
        "drawn": one.drawn,
        "served": one.served,
    }
    if detailed:
        row = repository.round_of(session, round_id)
        told["dates"] = [
            {
                "date": day.date,
                "seats_open": day.seats_open,
                "probability": str(day.probability),
                "seat_id": day.seat_id or None,
            }
            for day in one.dates
        ]
        told["history"] = [
            {"round_id": past.round_id, "period": past.period, "seats": past.seats}
            for past in history_of(session, row, one.code)
        ]
    return told


def _show_one(told: dict[str, Any]) -> None:
    rows = [
        (
            day["date"],
            day["seats_open"],
            f"{float(Fraction(day['probability'])):.2%} = {day['probability']}",
            day["seat_id"] or "",
        )
        for day in told["dates"]
    ]
    title = (
        f"{told['inspector']} · 均分 fair {told['fair_share']} · 期望 expected {told['expected']} · "
        f"抽中 drawn {told['drawn']} · 实际 served {told['served']}"
    )
    console.table(title, ("日期 date", "可任席位 seats open", "概率 probability", "所任席位 seat"), rows)
    past = [
        (row["period"], row["round_id"], "–" if row["seats"] is None else row["seats"])
        for row in told["history"]
    ]
    console.table("历次席位 history", ("期次 period", "批次 round", "席位 seats"), past)


def _show_all(round_id: str, people: tuple[InspectorSeats, ...]) -> None:
    rows = [
        (
            one.department,
            one.code,
            weight_text(one.weight),
            f"{float(one.expected):.2f}",
            f"{float(one.fair):.2f}",
            one.drawn,
            one.served,
        )
        for one in people
    ]
    header = (
        "部门 department",
        "编号 code",
        "权重 weight",
        "期望 expected",
        "均分 fair",
        "抽中 drawn",
        "实际 served",
    )
    console.table(f"席位 seats · {round_id}", header, rows)
