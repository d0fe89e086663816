"""What an inspector may expect and what came of it: the same numbers for a page, a command and an auditor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True, slots=True)
class Chance:
    """An inspector's probability of sitting in a class, exact."""

    class_id: str
    date: str
    seats: int
    probability: Fraction


@dataclass(frozen=True, slots=True)
class Share:
    """An inspector's fair share (expected seats), the seats drawn (None before the draw) and the chances by class."""

    code: str
    expected: Fraction
    drawn: int | None
    chances: tuple[Chance, ...]


def shares_of(lottery: Mapping[str, Any]) -> tuple[Share, ...]:
    """Read them off lottery.json, ascending by code; a plan's object, without an assignment, does as well."""
    unit = 1 << int(lottery["unit_bits"])
    chances: dict[str, list[Chance]] = {group["group_id"]: [] for group in lottery["groups"]}
    size = {group["group_id"]: len(group["members"]) for group in lottery["groups"]}
    for item in lottery["classes"]:
        for group_id, units in zip(item["groups"], item["units"], strict=True):
            probability = Fraction(units, unit * size[group_id])
            chances[group_id].append(Chance(item["class_id"], item["date"], len(item["seats"]), probability))
    assignment = lottery.get("assignment")
    drawn = None if assignment is None else Counter(assignment.values())
    shares = [
        Share(
            code,
            Fraction(group["load"]),
            None if drawn is None else drawn[code],
            tuple(chances[group["group_id"]]),
        )
        for group in lottery["groups"]
        for code in group["members"]
    ]
    return tuple(sorted(shares, key=lambda share: share.code.encode()))
