"""Estimates made anew for plans whose results changed: read once, counted once, kept as sheets that pages only read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from app.db.database import Database
from app.estimates import repository
from app.estimates.observing import ROUND, DrawFiles, RoundChecks, observations_of, strata_of_file
from app.ledger import repository as ledger
from app.plans.draws import INTERNAL_COLUMNS
from app.rounds.tables import Round
from scheduler.estimates import (
    SMALLEST_CELL,
    Coded,
    Estimate,
    Observation,
    Stratum,
    coarsened,
    coded,
    rates_of,
)

ATTRIBUTES: Final = ("district", "trade")
"""Columns that every table of rates is offered by, beside those that the draw was stratified by."""
ROUNDS: Final = 12
"""So many of a plan's newest rounds are estimated from."""
TRADES: Final = 20
"""Most trades that a table tells apart; those with fewer observed go together."""
OTHER: Final = "*"
"""The value of trades that go together."""


def refresh(db: Database, now: datetime) -> list[str]:
    """Make the sheets of every plan that something changed about; which plans those were."""
    with db.read() as session:
        due = repository.stale(session)
    for plan, through in due.items():
        with db.read() as session:
            sheets = list(plan_sheets(session, plan))
        with db.write() as session:
            repository.replace_sheets(session, plan, sheets, through, now)
    return list(due)


def refresh_in_process(url: str, now: datetime) -> list[str]:
    """The same in a process of its own, so that pages don't wait for the arithmetic."""
    db = Database(url)
    try:
        return refresh(db, now)
    finally:
        db.close()


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One draw of a plan over its rounds: what rates are made from."""

    about: Mapping[str, Any]
    sealed: bool
    strata_by: tuple[str, ...]
    items: tuple[str, ...]
    strata: Sequence[Stratum]
    observations: Sequence[Observation]


def plan_sheets(session: Session, plan: str) -> Iterator[dict[str, Any]]:
    """Every sheet of a plan's revealed rounds."""
    rounds = repository.revealed(session, plan)[-ROUNDS:]
    titles = repository.item_titles(session)
    parts: dict[str, list[tuple[Round, dict[str, Any], DrawFiles, RoundChecks]]] = {}
    for row in rounds:
        rules = json.loads(ledger.load(session, row.round_id, "manifest.json"))
        checks = RoundChecks.of(
            repository.checked(session, row.round_id), repository.not_applicable(session, row.round_id)
        )
        replaced = _replacements(session, row.round_id)
        for draw in rules["draws"]:
            files = _files(session, row.round_id, draw, replaced.get(draw["draw_id"], []))
            parts.setdefault(draw["draw_id"], []).append((row, draw, files, checks))
    for draw_id, found in sorted(parts.items()):
        yield from _sheets(draw_id, _drawn(session, found), titles)


def _replacements(session: Session, round_id: str) -> dict[str, list[tuple[str, str | None]]]:
    found: dict[str, list[tuple[str, str | None]]] = {}
    for event in json.loads(ledger.load(session, round_id, "events.json")):
        if event["type"] == "replacement":
            found.setdefault(event["draw_id"], []).append((event["target"], event["backup"]))
    return found


def _files(
    session: Session, round_id: str, draw: Mapping[str, Any], replaced: Sequence[tuple[str, str | None]]
) -> DrawFiles:
    draw_id = draw["draw_id"]
    result = json.loads(ledger.load(session, round_id, f"results/{draw_id}.json"))
    items = tuple(name.partition("@")[0] for name in draw["items"])
    files = DrawFiles(round_id, draw_id, tuple(draw["strata_by"]), items, result, {}, replaced)
    if draw["cooldown"] is None:
        return files
    wanted = {target for _, target in files.examined()}
    recent = _recent(ledger.load(session, round_id, f"frames/{draw_id}.tsv"), wanted)
    return DrawFiles(round_id, draw_id, files.strata_by, items, result, recent, replaced)


def _recent(frame: bytes, wanted: set[str]) -> dict[str, str]:
    """`recent` of some of a frame's targets, without building the frame."""
    lines = frame.decode().split("\n")
    place = lines[0].split("\t").index("recent")
    rows = (line.split("\t") for line in lines[1:] if line.partition("\t")[0] in wanted)
    return {row[0]: row[place] for row in rows}


def _drawn(session: Session, parts: Sequence[tuple[Round, dict[str, Any], DrawFiles, RoundChecks]]) -> _Drawn:
    ids = sorted({target for _, _, files, _ in parts for _, target in files.examined()})
    attributes = repository.attributes(session, ids)
    row, newest, files, _ = parts[-1]
    return _Drawn(
        about={
            "title": [newest["title"], newest.get("title_en") or newest["title"]],
            "department": newest["department"],
            "directed": int(bool(newest.get("directed"))),
            "demo": row.demo,
            "sealed": any(part[0].privacy == "sealed" for part in parts),
            "rounds": [[part[0].round_id, part[0].period, part[1]["frame_rows"]] for part in parts],
            "others": sum(part[3].others.get(files.draw_id, 0) for part in parts),
        },
        sealed=any(part[0].privacy == "sealed" for part in parts),
        strata_by=files.strata_by,
        items=files.items,
        strata=[stratum for part in parts for stratum in strata_of_file(part[2])],
        observations=[seen for part in parts for seen in observations_of(part[2], part[3], attributes)],
    )


def _sheets(draw_id: str, drawn: _Drawn, titles: Mapping[str, tuple[str, str]]) -> Iterator[dict[str, Any]]:
    if not drawn.strata:
        return
    columns = tuple(dict.fromkeys((*ATTRIBUTES, *drawn.strata_by)))
    seen = coded(drawn.strata, drawn.observations, (ROUND, *columns), (None, *drawn.items))
    for name in columns:
        if name not in drawn.strata_by:
            seen = _few_values(seen, name)
    for item in ("", *drawn.items):
        about = {**drawn.about, "item_title": list(titles.get(item, (item, item)))}
        for by in columns:
            internal = by in INTERNAL_COLUMNS
            table = rates_of(seen, [ROUND, by], item=item or None)
            shown = (
                (cell, coarsened(found) if drawn.sealed and not internal else found)
                for cell, found in table.cells
            )
            yield {
                "draw_id": draw_id, "item": item, "by": by, "internal": internal, "about": about,
                "cells": _cells(shown),
            }  # fmt: skip


def _few_values(seen: Coded, by: str) -> Coded:
    """The same, where values with fewer observed than may be shown, and those beyond the most frequent, go together."""
    column = seen.columns[by]
    return seen.with_column(by, column.merged(column.frequent(TRADES, SMALLEST_CELL), OTHER))


def _cells(shown: Iterable[tuple[tuple[str | None, ...], Estimate]]) -> list[dict[str, Any]]:
    """Cells in which somebody was observed, and all totals."""
    return [
        {"round_id": round_id or "", "value": value or "", **_figures(found)}
        for (round_id, value), found in shown
        if found.n != 0 or value is None
    ]


def _figures(found: Estimate) -> dict[str, Any]:
    bounds = found.bounds
    return {
        "n": found.n,
        "findings": found.findings,
        "missing": found.missing,
        "rate": _short(found.rate),
        "low": _short(found.low),
        "high": _short(found.high),
        "rate_high": _short(bounds.rate_high if bounds else None),
        "bound_low": _short(bounds.low if bounds else None),
        "bound_high": _short(bounds.high if bounds else None),
        "se": _short(found.se),
        "effective_n": _short(found.effective_n),
        "method": found.method,
        "step": found.step,
        "suppressed": found.suppressed,
        "notes": [{"code": note.code, "zh": note.zh, "en": note.en} for note in found.notes],
    }


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
