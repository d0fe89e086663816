"""Published results by a part of a name, fast on both databases: an index of the pairs of neighbouring characters.

A name that holds the fragment holds each of its pairs. The rarest pair gives few candidates, and these are compared
with the whole fragment. A fragment of common pairs alone matches so many lines that they are found in passing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, func, insert, literal, select, union_all
from sqlmodel import Session, col

from app.visits.tables import PublishedResult, ResultGram

STEPS: Final = (50, 200, 1_000)
"""How far pairs are counted at a time: as soon as one is in no more lines than this, no rarer one is looked for. A pair
in more than the last narrows a page down no better than going through the newest lines does."""
_CHOSEN: Final = "search.rarest"


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
    gram, is_common = _rarest(session, fragment)
    if not gram or (is_common and not all_of_them):
        return [_holds(fragment)]
    found = [col(ResultGram.gram) == gram, col(ResultGram.result_id) == col(PublishedResult.result_id)]
    return found if len(fragment) == len(gram) else [*found, _holds(fragment)]


def _holds(fragment: str) -> ColumnElement[bool]:
    """Whether a name holds the fragment.

    Not by LIKE: PostgreSQL takes that a pattern it knows nothing of matches next to nothing, and sorts the whole table
    rather than to walk through the newest lines.
    """
    name = func.lower(col(PublishedResult.name))
    return func.replace(name, func.lower(fragment), "") != name


def _rarest(session: Session, fragment: str) -> tuple[str, bool]:
    """The pair of the fragment that is in the fewest lines, as far as they are counted, and whether it is common.

    Empty for less than a pair. Chosen once in a session: with any pair of the fragment the same lines are found.
    """
    chosen = session.info.setdefault(_CHOSEN, {})
    if fragment not in chosen:
        chosen[fragment] = _looked_for(session, sorted(pairs(fragment)))
    found: tuple[str, bool] = chosen[fragment]
    return found


def _looked_for(session: Session, grams: Sequence[str]) -> tuple[str, bool]:
    if not grams:
        return "", False
    for most in STEPS:
        gram, lines = min(_counted(session, grams, most), key=lambda pair: (pair[1], pair[0]))
        if lines <= most:
            return gram, False
    return gram, True


def _counted(session: Session, grams: Sequence[str], most: int) -> list[tuple[str, int]]:
    """Each pair and how many lines have it, counted no further than one past `most`, in one statement."""
    return [
        (gram, lines) for gram, lines in session.execute(union_all(*(_lines(gram, most) for gram in grams)))
    ]


def _lines(gram: str, most: int) -> Any:
    first = select(col(ResultGram.result_id)).where(col(ResultGram.gram) == gram).limit(most + 1).subquery()
    return select(literal(gram), func.count()).select_from(first)
