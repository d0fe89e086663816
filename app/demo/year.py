"""A demonstration's life: rounds with their visits and results on a simulated clock, one alone or a year of them.

In a year one round is voided after its draw and drawn anew, and the last one is still under way when the story ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.demo.plan import demo_plan, tasks
from app.estimates.service import refresh
from app.plans import service as plans
from app.rounds import service as rounds
from app.rounds.tables import Round
from app.rounds.voiding import void
from app.visits import demo_results
from app.visits import service as visits
from app.visits.demo_story import Due
from app.visits.desk import Desk
from app.whole_round import SimulatedClock, Trip, answers, carry, reveal_time

CITY: Final = ZoneInfo("Asia/Shanghai")
RECURRENCE: Final = "quarterly working-day 1 09:00"
QUARTERS: Final = (
    ("2026-Q2", datetime(2026, 4, 1, 9, tzinfo=CITY)),
    ("2026-Q3", datetime(2026, 7, 1, 9, tzinfo=CITY)),
    ("2026-Q4", datetime(2026, 10, 8, 9, tzinfo=CITY)),
)
VOIDED: Final = "2026-Q3"
"""The quarter whose first draw is voided: its register was wrong."""
LAST: Final = datetime(2026, 8, 31, 18, tzinfo=CITY)
"""By when all results of the first round have been published."""
END: Final = datetime(2026, 11, 20, 18, tzinfo=CITY)
"""When a year's story stops; the round of the last quarter is being visited."""


ONCE_A_YEAR: Final = ("rs-migrant", "xf-housing", "zj-housing")
"""Key premises: the first round drew them for the year."""


def year_plan(size: str) -> dict[str, Any]:
    """The demonstration's plan as one that recurs until the year's end.

    Without a cool-down: in so small a city, who is spared by it would show a class with more than the limit's chance.
    """
    wanted = [{**task, "cooldown": None} for task in tasks(size) if task["task_id"] not in ONCE_A_YEAR]
    return {
        **demo_plan(size),
        "code": f"year-{size.lower()}",
        "title_zh": "季度联合抽查（演示）",
        "title_en": "Quarterly joint inspection (demonstration)",
        "period": None,
        "recurrence": RECURRENCE,
        "starts_on": "2026-03-02",
        "ends_on": "2027-12-31",
        "tasks": wanted,
    }


@dataclass
class Life:
    """Where a demonstration stands: its rounds under embargo in order of their reveal, and what is due at visits."""

    trip: Trip
    clock: SimulatedClock
    desk: Desk
    seed: int
    sealed: list[Round] = field(default_factory=list)
    pending: list[Due] = field(default_factory=list)

    def until(self, moment: datetime) -> None:
        """Live on to a moment; rounds whose day of reveal comes by then are revealed."""
        while self.sealed and (due := reveal_time(self.trip.db, self.sealed[0].round_id)) <= moment:
            demo_results.live(self.desk, self.pending, due)
            self.clock.jump(due)
            carry(self.trip, self.sealed.pop(0), answers(self.trip))
        demo_results.live(self.desk, self.pending, moment)
        self.clock.jump(moment)

    def start(self, plan: str, period: str) -> Round:
        """Make a round and carry it until its seats are sealed; what happens at its visits is due from then on."""
        row = rounds.create(self.trip.db, plan, period, self.clock.now())
        answer = answers(self.trip)
        row = carry(self.trip, row, lambda row: row.waiting_for != "reveal" and answer(row))
        if row.waiting_for == "reveal":
            self.sealed.append(row)
            self.pending += demo_results.begin(self.desk, row.round_id, self.seed, self.clock.now())
        return row

    def void_after_draw(self, plan: str, period: str) -> None:
        """Draw a round and void it: two persons, a reason, its result published."""
        trip = replace(self.trip, until="drawn")
        row = rounds.create(trip.db, plan, period, self.clock.now())
        row = carry(trip, row, answers(trip))
        void(trip.db, trip.vault, row.round_id, "frame_wrong", "演示经办人", "演示审核人", self.clock.now())
        visits.void_due(self.desk, self.clock.now())


def one_round(life: Life, plan: str, period: str) -> Round:
    """One round to its reveal and to the last of its results."""
    row = life.start(plan, period)
    life.until(LAST)
    return _estimated(life, row)


def a_year(life: Life, plan: str, period: str, size: str) -> Round:
    """The round of `one_round`, and one each quarter until `END`; gives the first."""
    document = plans.parse_document(year_plan(size))
    plans.create(life.trip.db, document, life.clock.now())
    plans.publish(life.trip.db, document.code, life.clock.now())
    row = life.start(plan, period)
    for quarter, begins in QUARTERS:
        life.until(begins)
        if quarter == VOIDED:
            life.void_after_draw(document.code, quarter)
        life.start(document.code, quarter)
    life.until(END)
    return _estimated(life, row)


def _estimated(life: Life, row: Round) -> Round:
    refresh(life.trip.db, life.clock.now())
    return rounds.get(life.trip.db, row.round_id)
