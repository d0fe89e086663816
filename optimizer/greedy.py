"""Greedy joining: the same visits, done by teams that stay together all day. The other thing a plan is held against.

Each team begins with the visit of most departments left and takes on what saves most officers per minute; heads per
day are not held against this baseline.
"""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.instance import Instance
from optimizer.jobs import Job
from optimizer.model import Measures
from optimizer.team_phase import by_district, by_place, officers_of, team_piece, travel_of
from optimizer.teams import TeamWork, cast, fill

PART_MOST = 1200
SHARE = 40


def greedy_work(inst: Instance, jobs: Sequence[Job]) -> list[TeamWork]:
    """A piece of work per district (large ones in parts of neighbours)."""
    return [
        team_piece(inst, district, part, 0, False)
        for district, own in by_district(inst, jobs)
        for part in by_place(inst, own, PART_MOST)
    ]


def solve_greedy(work: TeamWork) -> tuple[int, int]:
    """Inspector-days and minutes of travel (each crew of a team travels) of one piece."""
    given = cast(work)
    teams = fill(given, SHARE)
    return officers_of(given, teams), travel_of(given, teams)


def greedy_measures(jobs: Sequence[Job], solved: Sequence[tuple[int, int]], people: int) -> Measures:
    """The four measures of greedy joining; `people` is the most at once that the visits themselves need."""
    return Measures(
        entries=len(jobs),
        inspector_days=sum(days for days, _ in solved),
        travel_min=sum(travel for _, travel in solved),
        host_min=sum(job.length for job in jobs),
        people_per_visit_max=people,
    )
