"""Rules that every draw obeys, made out again for every finished round from what is stored: each holds or is broken.

A quick look over all rounds; the whole proof of one is its bundle with its verifier, which draws again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from sqlmodel import Session

from app.audit import draws, persons
from app.audit.finished import Finished, finished
from app.audit.schemas import Line
from app.errors import Refused
from app.ledger.fsck import UNREADABLE
from optimizer.progress import SILENT, Progress

Check = Callable[[Finished], str]
"""Gives figures where the rule holds; raises `Broken` where it does not."""

CHECKS: Final[dict[str, tuple[Check, str]]] = {
    "once": (persons.once, ""),
    "numbers": (draws.numbers, "reveal.json"),
    "cooldown": (draws.cooldown, "reveal.json"),
    "sealed": (draws.sealed, "reveal.json"),
    "loads": (draws.loads, "lottery.json"),
    "persons": (persons.persons, ""),
    "changes": (persons.changes, "events.json"),
}
"""By the codes of `names.LINES`, with the artefact without which there is nothing to check."""


def lines(session: Session, progress: Progress = SILENT) -> Iterator[Line]:
    """Every rule of every finished round. Changes nothing."""
    rounds = finished(session)
    for done, one in enumerate(rounds):
        progress.step("draws", done, len(rounds))
        for code, (check, needs) in CHECKS.items():
            if not needs or one.holds(needs):
                yield _line(code, one, check)


def _line(code: str, one: Finished, check: Check) -> Line:
    try:
        return Line(code=code, round_id=one.row.round_id, holds=True, detail=check(one))
    except draws.Broken as broken:
        said = str(broken)
    except Refused as refused:
        said = refused.problem.code
    except UNREADABLE as error:
        said = f"{type(error).__name__}: {error}"
    return Line(code=code, round_id=one.row.round_id, holds=False, detail=said[:300])
