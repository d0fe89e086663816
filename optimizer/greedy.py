"""Greedy joining: the same visits, done by teams that stay together all day. The other thing a plan is held against.

A team takes each department of its visits along to all of them and waits everywhere for the slowest. Each visit
goes to the team that then grows least; heads per day are not held against this baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from optimizer.jobs import Job
from optimizer.model import Measures, Parameters, Site
from optimizer.travel import matrix


@dataclass(frozen=True, slots=True)
class GreedyWork:
    """The visits of one cell, with the sites that their `place` indexes."""

    jobs: tuple[Job, ...]
    sites: tuple[Site, ...]
    parameters: Parameters


@dataclass(slots=True)
class _Team:
    officers: dict[int, int]
    days: int
    last: int
    end: int
    stops: int


def solve_greedy(work: GreedyWork) -> tuple[int, int]:
    """Inspector-days and minutes of travel (each crew of a team travels) of one cell."""
    travel = matrix(work.sites, work.parameters).tolist()
    order = sorted(range(len(work.jobs)), key=lambda i: (len(work.jobs[i].days), -len(work.jobs[i].tasks), i))
    teams: list[_Team] = []
    driven = 0
    for index in order:
        driven += _join(teams, work.jobs[index], travel, work.parameters)
    return sum(sum(team.officers.values()) for team in teams), driven


def _join(teams: list[_Team], job: Job, travel: list[list[int]], parameters: Parameters) -> int:
    """Add the job to the team that grows least (then travels least); the crew-minutes driven for it."""
    wanted = {task.department: task.officers for task in job.tasks if task.checks}
    days = sum(1 << day for day in job.days)
    best: tuple[int, int, int] | None = None
    for number, team in enumerate(teams):
        leg = travel[team.last][job.place]
        late = team.end + leg + job.length > parameters.day_minutes
        if late or team.stops >= parameters.max_entries or not team.days & days:
            continue
        grown = sum(max(0, officers - team.officers.get(d, 0)) for d, officers in wanted.items())
        if best is None or (grown, leg) < best[:2]:
            best = (grown, leg, number)
    if best is None or best[0] >= sum(wanted.values()):
        teams.append(_Team(wanted, days, job.place, job.length, 1))
        return 0
    team = teams[best[2]]
    for department, officers in wanted.items():
        team.officers[department] = max(team.officers.get(department, 0), officers)
    team.days &= days
    team.last, team.end, team.stops = job.place, team.end + best[1] + job.length, team.stops + 1
    return best[1] * len(team.officers)


def greedy_measures(jobs: Sequence[Job], solved: Sequence[tuple[int, int]], people: int) -> Measures:
    """The four measures of greedy joining; `people` is the most at once that the visits themselves need."""
    return Measures(
        entries=len(jobs),
        inspector_days=sum(days for days, _ in solved),
        travel_min=sum(travel for _, travel in solved),
        host_min=sum(job.length for job in jobs),
        people_per_visit_max=people,
    )
