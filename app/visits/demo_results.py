"""Results for a demonstration's round: every visit is lived through, from notice to disclosure, on a simulated clock.

Outcomes follow from a seed (`app.visits.demo_story`): about 80 % no problem, 6 % something to correct, 10 % faults of
disclosure, 4 % cannot be contacted; some targets are gone or closed, some records returned, some disclosures late,
objected to, corrected or withdrawn. All steps are the ordinary ones; those of one day share a transaction.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from app.errors import Conflict, Problem
from app.ledger import repository as ledger
from app.plans import calendar
from app.rounds.seats import keys_before_reveal
from app.rounds.service import found
from app.visits import opening, repository
from app.visits.demo_story import Due, Story
from app.visits.desk import Desk, official_day
from app.visits.steps import Here


@dataclass(frozen=True, slots=True)
class Filled:
    """How many checks came to which result, and when the last step was."""

    counts: dict[str, int]
    last: datetime


def fill_results(desk: Desk, round_id: str, seed: int, now: datetime) -> Filled:
    """Live through every visit of a demonstration's round from `now` on, each not before its day.

    Raises Conflict `visit.not_a_demo` for a round that is none: results are never made up.
    """
    last = live(desk, begin(desk, round_id, seed, now)) or now
    return Filled(counts(desk, round_id), last)


def counts(desk: Desk, round_id: str) -> dict[str, int]:
    """How many checks of a round came to which result, those without one by their state."""
    with desk.db.read() as session:
        pairs = repository.of_round(session, round_id)
        return dict(sorted(Counter(check.result or check.state for _, check in pairs).items()))


def begin(desk: Desk, round_id: str, seed: int, now: datetime) -> list[Due]:
    """Make a demonstration's visits; what is due at them. Raises Conflict `visit.not_a_demo`.

    Targets that are gone are replaced in a round that is not revealed yet.
    """
    with desk.db.read() as session:
        row = found(session, round_id)
        if not row.demo:
            raise _not_a_demo(round_id)
    opening.open_visits(desk, round_id, now)
    keys = keys_before_reveal(desk.db, desk.vault, row, now) if row.stage == "seated" else None
    with desk.db.read() as session:
        now = max(now, ledger.last_time(session) or now)
        return Story(session, round_id, seed, now, keys).due()


def live(desk: Desk, pending: list[Due], until: datetime | None = None) -> datetime | None:
    """Take what is due before `until` (None: everything), in order of time; what is left stays in `pending`.

    When the last step was taken; None where nothing was due.
    """
    heapq.heapify(pending)
    last = None
    while pending and (until is None or pending[0].at < until):
        last = _live_a_day(desk, pending, official_day(pending[0].at), until)
    return last


def _live_a_day(desk: Desk, pending: list[Due], day: date, until: datetime | None) -> datetime:
    moment = pending[0].at
    with desk.db.write() as session:
        days = calendar.load(session)
        moment = max(moment, ledger.last_time(session) or moment)
        today = {item.visit for item in pending if official_day(item.at) == day}
        held = repository.together(session, today)
        while pending and official_day(pending[0].at) == day and (until is None or pending[0].at < until):
            item = heapq.heappop(pending)
            moment = max(moment, item.at)
            for more in item.do(Here(desk, session, moment, days)) or ():
                heapq.heappush(pending, more)
        held.clear()
    return moment


def _not_a_demo(round_id: str) -> Conflict:
    return Conflict(
        Problem(
            "visit.not_a_demo",
            f"批次 {round_id} 不是演示批次，结果不得代填。",
            f"Round {round_id} is no demonstration; results are never made up.",
            "请由检查人员登记。",
            "Have the inspectors record them.",
            {"round_id": round_id},
        )
    )
