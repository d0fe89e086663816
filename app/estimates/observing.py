"""From a round's draw and what its visits came to: the strata and observations that a rate is estimated from.

Examined are those drawn and every backup that was called. What counts is what is published: a check whose result is
not disclosed yet is pending, one whose result was withdrawn has no answer. Re-checks, which no lottery chose, are
left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from app.estimates.repository import Checked
from app.visits import codes, states
from app.visits.checklist import shared_questions
from scheduler.estimates import RESULTS, Observation, Outcome, Stratum
from scheduler.sizes import Key

DRAWN: Final = ("drawn", "replacement")
"""Kinds of visits that a lottery chose."""
UNKNOWN: Final = "?"
"""A district or trade that the register does not tell."""
ROUND: Final = "round"
_SEVEREST: Final = (
    Outcome.FINDING, Outcome.NOT_CONTACTED, Outcome.PENDING, Outcome.NON_RESPONSE, Outcome.CLEAR,
    Outcome.INELIGIBLE, Outcome.NOT_COVERED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DrawFiles:
    """One draw of a revealed round: its id, columns of the strata, items (codes), stored result, and who is `recent`.

    `replaced`: (target, backup that stepped in or None) of each replacement event.
    """

    round_id: str
    draw_id: str
    strata_by: tuple[str, ...]
    items: tuple[str, ...]
    result: Mapping[str, Any]
    recent: Mapping[str, str] = field(default_factory=dict)
    replaced: Sequence[tuple[str, str | None]] = ()

    def examined(self) -> list[tuple[Key, str]]:
        """(stratum, target) of everybody who was drawn or called in."""
        called = {backup for _, backup in self.replaced if backup is not None}
        return [
            (tuple(stratum["stratum"]), target)
            for stratum in self.result["strata"]
            for target in (
                *_ids(stratum["selected"]),
                *(backup for backup in _ids(stratum["backups"]) if backup in called),
            )
        ]


def _ids(rows: Iterable[Mapping[str, str]]) -> list[str]:
    return [row["target_id"] for row in rows]


@dataclass(frozen=True, slots=True)
class RoundChecks:
    """A round's checks by (draw, target); `others`: published results of checks that no lottery chose, by draw."""

    by_target: Mapping[tuple[str, str], Sequence[Checked]]
    others: Mapping[str, int]
    not_applicable: Mapping[str, set[str]]

    @classmethod
    def of(cls, rows: Iterable[Checked], not_applicable: Mapping[str, set[str]]) -> RoundChecks:
        """Sort a round's checks."""
        by_target: dict[tuple[str, str], list[Checked]] = {}
        others: dict[str, int] = {}
        for row in rows:
            for draw in row.draws:
                if row.kind in DRAWN:
                    by_target.setdefault((draw, row.target_id), []).append(row)
                else:
                    others[draw] = others.get(draw, 0) + row.disclosed
        return cls(by_target, others, not_applicable)


def strata_of_file(files: DrawFiles) -> list[Stratum]:
    """The strata as drawn, under cool-down their two parts, keyed by round so that several rounds go together."""
    found = []
    for row in files.result["strata"]:
        key = (files.round_id, *row["stratum"])
        cells = {ROUND: files.round_id, **dict(zip(files.strata_by, row["stratum"], strict=True))}
        parts = [("0", row["N0"]), ("1", row["N1"])] if "N0" in row else [("", row["N"])]
        found += [Stratum(key, rows, recent, cells) for recent, rows in parts if rows]
    return found


def observations_of(
    files: DrawFiles, checks: RoundChecks, attributes: Mapping[str, Mapping[str, str]]
) -> list[Observation]:
    """One observation of everybody examined; `attributes`: district and trade by target."""
    gone = {target for target, _ in files.replaced}
    found = []
    for stratum, target in files.examined():
        made = checks.by_target.get((files.draw_id, target), ())
        outcome, items = _outcomes(files.items, made, checks.not_applicable, target in gone)
        told = attributes.get(target, {})
        cells = {name: told.get(name) or UNKNOWN for name in ("district", "trade")}
        key = (files.round_id, *stratum)
        recent = files.recent.get(target, "")
        found.append(Observation(target, key, outcome, recent, cells, items))
    return found


def _outcomes(
    items: Sequence[str], made: Sequence[Checked], not_applicable: Mapping[str, set[str]], gone: bool
) -> tuple[Outcome, dict[str, Outcome]]:
    """What the checks of one target came to, as a whole and per item of the draw.

    A target that was replaced is not in the population. One that nobody was sent to, or whose result is not
    published, is pending.
    """
    if gone:
        return Outcome.INELIGIBLE, {}
    by_item: dict[str, Outcome] = {}
    whole = [Outcome.PENDING] if not made else []
    for check in made:
        of_items = item_outcomes(items, check, not_applicable.get(check.visit, set()))
        by_item |= of_items
        whole.append(_whole(check, of_items))
    return min(whole, key=_SEVEREST.index), by_item


def _result(check: Checked) -> Outcome:
    if check.state == states.REPLACED:
        return Outcome.INELIGIBLE
    if not check.disclosed:
        return Outcome.PENDING
    return Outcome.NON_RESPONSE if check.result is None else RESULTS[codes.RESULTS[check.result].zh]


def _whole(check: Checked, of_items: Mapping[str, Outcome]) -> Outcome:
    """The check's outcome for this draw: where the points at fault belong to another draw's items, it is clear."""
    outcome = _result(check)
    if outcome is Outcome.FINDING and check.points and Outcome.FINDING not in of_items.values():
        return Outcome.CLEAR
    return outcome


def item_outcomes(items: Sequence[str], check: Checked, not_applicable: set[str]) -> dict[str, Outcome]:
    """Outcome of each of the draw's items that this check was about, by code.

    An item has a finding where one of its questions was answered no; where something was found but no point is named,
    none of them has an answer.
    """
    outcome = _result(check)
    if outcome not in (Outcome.FINDING, Outcome.CLEAR):
        return {}
    failed = set(check.points) if outcome is Outcome.FINDING else set()
    unnamed = outcome is Outcome.FINDING and not check.points
    about = {name.partition("@")[0] for name in check.items}
    found = {}
    for item in items:
        if item not in about:
            continue
        questions = _questions(item)
        if questions & failed:
            found[item] = Outcome.FINDING
        elif questions <= not_applicable:
            found[item] = Outcome.NOT_COVERED
        else:
            found[item] = Outcome.NON_RESPONSE if unnamed else Outcome.CLEAR
    return found


@cache
def _questions(item: str) -> frozenset[str]:
    """What is asked about an item: its own question and the packaged ones that it shares."""
    return frozenset({item, *(shared.code for shared in shared_questions() if shared.asked_by(item))})
