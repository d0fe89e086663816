"""Published results by a part of a name, fast on both databases: an index of the pairs of neighbouring characters.

A name that holds the fragment holds each of its pairs. The rarest pair gives few candidates, and these are compared
with the whole fragment. A fragment of common pairs alone matches so many lines that they are found in passing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, func, insert
from sqlmodel import Session, col, select

from app.visits.tables import PublishedResult, ResultGram

COMMON: Final = 1_000
"""A pair in more lines than this narrows a page down no better than going through the newest lines does."""
RARE: Final = 50
"""A pair in no more lines than this is good enough: no rarer one is looked for."""


def pairs(text: str) -> frozenset[str]:
    """Every two neighbouring characters, ASCII letters in lower case."""
    lower = "".join(c.lower() if c.isascii() else c for c in text)
    return frozenset(lower[at : at + 2] for at in range(len(lower) - 1))


def index(session: Session, lines: Iterable[tuple[str, str]]) -> None:
    """Index (result id, name), in place of what was there for these ids."""
    given = list(lines)
    session.execute(delete(ResultGram).where(col(ResultGram.result_id).in_([key for key, _ in given])))
    rows = [{"gram": gram, "result_id": key} for key, name in given for gram in sorted(pairs(name))]
    if rows:
        session.execute(insert(ResultGram), rows)


def named(session: Session, fragment: str, *, all_of_them: bool = False) -> list[ColumnElement[bool]]:
    """Conditions on `PublishedResult` for lines whose name holds the fragment, whatever the case of its letters.

    `all_of_them`: to be counted, so that the index helps with common pairs too, not only to show the newest few.
    """
    holds = func.lower(col(PublishedResult.name)).contains(func.lower(_escaped(fragment)), escape="/")
    gram, lines = _rarest(session, fragment)
    if not gram or (lines > COMMON and not all_of_them):
        return [holds]
    found = select(ResultGram.result_id).where(ResultGram.gram == gram)
    return [col(PublishedResult.result_id).in_(found), holds]


def _rarest(session: Session, fragment: str) -> tuple[str, int]:
    """The pair of the fragment that is in the fewest lines, and in how many; empty for less than a pair."""
    best = ("", 0)
    for gram in sorted(pairs(fragment)):
        lines = _lines(session, gram)
        if not best[0] or lines < best[1]:
            best = (gram, lines)
        if lines <= RARE:
            break
    return best


def _escaped(fragment: str) -> str:
    return "".join(f"/{c}" if c in "/%_" else c for c in fragment)


def _lines(session: Session, gram: str) -> int:
    """How many lines have the pair, counted no further than one past `COMMON`."""
    first: Any = select(ResultGram.result_id).where(ResultGram.gram == gram).limit(COMMON + 1).subquery()
    found: int = session.execute(select(func.count()).select_from(first)).scalar_one()
    return found
