"""Why me, why not me: where a firm stood in each draw of a released round, by its number, its rank and the cut-off.

In an open round all of it follows from the public bundle, and anybody may ask about any firm. In a sealed round
a number together with the cut-off would tell the firm's class, so nobody is told numbers: the drawn list is public,
and a firm itself is shown that it was in the frozen frame, with the proof, and whether it was drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from sqlmodel import Session

from app.disclosure import facts, repository
from app.disclosure.bundle import public_file
from app.disclosure.listing import selected
from app.disclosure.service import opening_of
from app.disclosure.views import Context, newest_checkpoint
from app.errors import Refused
from app.ledger import repository as ledger
from app.rounds.tables import Round
from app.web import charts
from app.web.kept import Kept
from app.web.language import Language, marked, translate
from app.web.picture import Picture
from app.web.templates import number
from scheduler.frame import Frame
from scheduler.manifest import Manifest
from scheduler.numbers import Numbers, u_numbers
from scheduler.seed import derive_keys

Standing = Literal["drawn", "not_drawn", "excluded", "absent"]

WORDS: Final = {
    "drawn": marked("抽中"),
    "not_drawn": marked("未抽中"),
    "excluded": marked("在名录中被排除"),
    "absent": marked("不在本次抽取的名录中"),
}
RECENT: Final = "recent"
WHOLE: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class Stood:
    """How a firm stood in one draw. Ranks count from 1 among the `rows` of its stratum (under cool-down, its part).

    `u` and `cutoff` are numbers below 2^64, None where the firm was in no stratum or nothing was drawn from it.
    `rule`: why it was excluded.
    """

    draw_id: str
    title: str
    standing: Standing
    stratum: str = ""
    rows: int = 0
    n: int = 0
    rank: int = 0
    u: int | None = None
    cutoff: int | None = None
    rule: str = ""
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Proven:
    """One draw of a sealed round for the firm itself. `opening`: OPENING.json, None where it was not in the frame."""

    draw_id: str
    title: str
    drawn: bool
    opening: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class _Stratum:
    """A stratum's (or part's) ids and numbers in order of number."""

    places: Mapping[str, int]
    numbers: Numbers
    n: int


_STRATA: Final[Kept[dict[str, _Stratum]]] = Kept(8)


def page_view(session: Session, round_id: str, language: Language, asked: str) -> Context:
    """The public page. Raises `round.not_public` before the reveal, whatever kind of round it is."""
    row = repository.released_round(session, round_id)
    rules = repository.manifest(session, row) or {}
    code = asked.strip().upper()
    names = repository.public_site_names(session, round_id)
    sealed = row.privacy == "sealed"
    return {
        "checkpoint": newest_checkpoint(session),
        "row": row,
        "title": facts.title_in(language, rules, round_id),
        "sealed": sealed,
        "code": code,
        "name": names.get(code, ""),
        "listed": list(_listing(session, row, rules, code, language)) if sealed and code else [],
        "stood": [] if sealed or not code else list(stood(session, row, code, language)),
        "words": WORDS,
    }


def _listing(
    session: Session, row: Round, rules: Mapping[str, Any], code: str, language: Language
) -> Iterator[str]:
    """Titles of the draws whose public list names the firm."""
    for draw in rules.get("draws", ()):
        if code in selected(public_file(session, row.round_id, f"results/{draw['draw_id']}.json")):
            yield facts.title_in(language, draw, draw["draw_id"])


def firm_view(session: Session, round_id: str, target_id: str, language: Language) -> Context:
    """What a firm that has proven who it is sees of a released sealed round.

    Never its class, its number or its stratum. The caller answers for the firm's identity. Raises `round.not_public`
    before the reveal.
    """
    row = repository.released_round(session, round_id)
    rules = repository.manifest(session, row) or {}
    return {
        "checkpoint": newest_checkpoint(session),
        "row": row,
        "title": facts.title_in(language, rules, round_id),
        "code": target_id,
        "name": repository.public_site_names(session, round_id).get(target_id, ""),
        "proven": [_proven(session, row, draw, target_id, language) for draw in rules.get("draws", ())],
    }


def _proven(
    session: Session, row: Round, draw: Mapping[str, Any], target_id: str, language: Language
) -> Proven:
    title = facts.title_in(language, draw, draw["draw_id"])
    try:
        opening = opening_of(session, row.round_id, draw["draw_id"], target_id)
    except Refused as refused:
        if refused.problem.code != "frame.no_target":
            raise
        return Proven(draw["draw_id"], title, False, None)
    return Proven(draw["draw_id"], title, bool(opening["drawn"]), opening)


def stood(session: Session, row: Round, target_id: str, language: Language) -> Iterator[Stood]:
    """How a firm stood in each draw of a released open round, in the manifest's order."""
    rules = repository.manifest(session, row) or {}
    for draw in rules.get("draws", ()):
        title = facts.title_in(language, draw, draw["draw_id"])
        yield _stood(session, row, draw, title, target_id, language)


def _stood(
    session: Session, row: Round, draw: Mapping[str, Any], title: str, target_id: str, language: Language
) -> Stood:
    draw_id = draw["draw_id"]
    key = (repository.origin(session, row.round_id), draw_id)
    for name, stratum in _STRATA.get(key, lambda: _strata(session, row, draw)).items():
        place = stratum.places.get(target_id)
        if place is not None:
            return _told(draw_id, title, name, stratum, place, language)
    rule = _excluded(session, row.round_id, draw_id).get(target_id)
    return Stood(draw_id, title, "absent") if rule is None else Stood(draw_id, title, "excluded", rule=rule)


def _told(draw_id: str, title: str, name: str, stratum: _Stratum, place: int, language: Language) -> Stood:
    u = int(stratum.numbers[place])
    cutoff = int(stratum.numbers[stratum.n - 1]) if stratum.n else None
    standing: Standing = "drawn" if place < stratum.n else "not_drawn"
    rows = len(stratum.numbers)
    picture = number_line(draw_id, title, u, cutoff, (place + 1, stratum.n, rows), language)
    return Stood(draw_id, title, standing, name, rows, stratum.n, place + 1, u, cutoff, "", picture)


def _strata(session: Session, row: Round, draw: Mapping[str, Any]) -> dict[str, _Stratum]:
    """Every stratum (under cool-down, every part of one) in order of number, computed as draw.md says."""
    draw_id = draw["draw_id"]
    frame = Frame.from_tsv(ledger.load(session, row.round_id, f"frames/{draw_id}.tsv"))
    result = public_file(session, row.round_id, f"results/{draw_id}.json")
    numbers = _numbers(session, row.round_id, draw, frame)
    sizes = {tuple(one["stratum"]): one for one in result["strata"]}
    columns = [frame.column(name) for name in draw["strata_by"]]
    recent = frame.column(RECENT) if draw["cooldown"] is not None else None
    members: dict[tuple[tuple[str, ...], str], list[int]] = {}
    for place in range(len(frame)):
        key = tuple(column[place] for column in columns)
        members.setdefault((key, recent[place] if recent else ""), []).append(place)
    return {
        " · ".join((*key, *([part] if part else []))): _ordered(
            frame.ids, numbers, places, _size(sizes[key], part)
        )
        for (key, part), places in members.items()
    }


def _size(stratum: Mapping[str, Any], part: str) -> int:
    return int(stratum[f"n{part}"] if part else stratum["n"])


def _ordered(ids: Sequence[str], numbers: Numbers, places: Sequence[int], n: int) -> _Stratum:
    own = numbers[np.asarray(places)]
    order = np.argsort(own, kind="stable")
    return _Stratum({ids[places[at]]: rank for rank, at in enumerate(order)}, own[order], n)


def _numbers(session: Session, round_id: str, draw: Mapping[str, Any], frame: Frame) -> Numbers:
    manifest = Manifest.from_json(repository.document(ledger.load(session, round_id, repository.MANIFEST)))
    reveal = repository.document(ledger.load(session, round_id, repository.REVEAL))
    keys = derive_keys(
        manifest,
        {row["party"]: bytes.fromhex(row["secret"]) for row in reveal["secrets"]},
        {row["id"]: row["value"] for row in reveal["entropy"]},
    )
    key = keys.own(draw["draw_id"]) if draw["stream"] == "own" else keys.numbers
    return u_numbers(manifest.algorithms, key, frame.ids)


def _excluded(session: Session, round_id: str, draw_id: str) -> dict[str, str]:
    data = ledger.find(session, round_id, f"excluded/{draw_id}.tsv") or b""
    return dict(line.split("\t", 1) for line in data.decode().splitlines())


def number_line(
    draw_id: str, draw: str, u: int, cutoff: int | None, counted: tuple[int, int, int], language: Language
) -> Picture:
    """A firm's number on the line from 0 to 2^64, what was drawn shaded; `counted`: rank, drawn, rows."""

    def say(text: str) -> str:
        return translate(language, text)

    rank, n, rows = counted
    title = say(marked("号码在数轴上的位置：%(draw)s")) % {"draw": draw}
    description = say(
        marked(
            "横轴是号码，从 0 到最大；浅红色一段是抽中的号码，红线是最后一个抽中的号码，蓝线是本企业的号码。"
        )
    )
    cut = None if cutoff is None else cutoff / WHOLE
    labels = (say(marked("本企业，第 %(rank)s 位")) % {"rank": number(rank)}, say(marked("最后抽中")))
    svg = charts.number_line(f"line-{draw_id}", title, description, u / WHOLE, cut, labels)
    header = (say(marked("项目")), say(marked("值")))
    table = (
        (say(marked("本企业的号码")), str(u)),
        (say(marked("最后一个抽中的号码")), "–" if cutoff is None else str(cutoff)),
        (say(marked("本企业的位次")), f"{number(rank)} / {number(rows)}"),
        (say(marked("抽取户数")), number(n)),
    )
    return Picture(title, description, svg, header, table)
