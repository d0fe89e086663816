"""Fair shares over several rounds: who served much lately is expected less now. docs/lottery.md, 3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from optimizer.errors import refuse

EVEN: Final = 1000
LOWEST: Final = 250
HIGHEST: Final = 4000


def history_of(rounds: Iterable[Mapping[str, int]], departments: Mapping[str, str]) -> dict[str, int]:
    """The manifest's `seat_history`: seats served in earlier rounds by inspectors of today's roster, by code.

    Each round gives the seats of everyone who could have served in it, 0 included. Who could not (not yet there, away
    for all of it) is counted with that round's mean of the department, rounded up: nobody catches up on absence.
    Who was in no round has no history. `departments`: code → department, of today's roster.
    """
    known = [{code: seats for code, seats in served.items() if code in departments} for served in rounds]
    means = [_means(served, departments) for served in known]
    return {
        code: sum(
            served.get(code, mean.get(departments[code], 0))
            for served, mean in zip(known, means, strict=True)
        )
        for code in sorted({code for served in known for code in served}, key=str.encode)
    }


def carried_over(served: Mapping[str, int], departments: Mapping[str, str]) -> dict[str, int]:
    """The weights of the manifest's `seat_weights` from its `seat_history` (code → seats served so far).

    With m the department's mean, rounded up, an inspector who served s has 1000 (m + m) / (s + m), rounded down
    and kept within 250 and 4000: the mean gives 1000, nothing served 2000, three times the mean 500. An inspector
    without history, one who joined lately say, counts as the mean, so that nobody has to catch up on rounds
    before his time. Inspectors with weight 1000 are left out. `departments`: code → department.

    Raises:
        Refused: `seats.bad_history`, a negative number or a code that is not in the roster.
    """
    for code, seats in served.items():
        if seats < 0 or code not in departments:
            raise refuse(
                "seats.bad_history",
                f"执法人员 {code} 的以往席位数 {seats} 无效，或不在名录中。",
                f"Inspector {code} has {seats} seats so far, which is none, or is not in the roster.",
                "请按以往批次的公开结果重新统计。",
                "Count again from the published rounds.",
                inspector=code,
                seats=seats,
            )
    mean = _means(served, departments)
    weights = {code: _weight(seats, mean[departments[code]]) for code, seats in served.items()}
    return {code: weights[code] for code in sorted(weights, key=str.encode) if weights[code] != EVEN}


def _means(served: Mapping[str, int], departments: Mapping[str, str]) -> dict[str, int]:
    """Each department's mean over its inspectors with a history, rounded up."""
    total: dict[str, int] = {}
    people: dict[str, int] = {}
    for code, seats in served.items():
        name = departments[code]
        total[name] = total.get(name, 0) + seats
        people[name] = people.get(name, 0) + 1
    return {name: -(-total[name] // people[name]) for name in total}


def _weight(seats: int, mean: int) -> int:
    if not mean:
        return EVEN
    return max(LOWEST, min(HIGHEST, EVEN * 2 * mean // (seats + mean)))
