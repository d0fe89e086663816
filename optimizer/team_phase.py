"""The plan before crews leave early: teams that stay together all day, improved, and held against a proven bound.

Cells hold visits of one district: together as far as possible those that need the same departments (union first),
then neighbours. No team leaves its cell; the bound is of team-days within the cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np

from optimizer.instance import Instance
from optimizer.jobs import Job
from optimizer.model import Bound, TeamPhase
from optimizer.progress import Progress
from optimizer.stream import Stream
from optimizer.team_bound import Effort, prove
from optimizer.team_search import TeamSearch
from optimizer.teams import Cast, TeamWork, cast, crew_sizes, fill, tours
from optimizer.work import each

CELL_VISITS = {"fast": 300, "standard": 550}
ROUNDS = {"fast": 120, "standard": 400}
EFFORT = {"fast": Effort(16, 384_000, 10, 1_200_000_000), "standard": Effort(40, 384_000, 4, 6_000_000_000)}
CITY_VISITS = 4000
CITY_ROUNDS = 25
SAMPLE = 4
SHARES = (30, 40, 50)
EXACT_STOPS = 6


@dataclass(frozen=True, slots=True)
class TeamDays:
    """A cell's officers and minutes on the way, and officers proven necessary (`proven` False: not tried)."""

    name: str
    officers: int
    travel: int
    bound: int
    exact: bool
    proven: bool


def team_phase(inst: Instance, jobs: Sequence[Job], executor: Executor | None, told: Progress) -> TeamPhase:
    """Teams for these visits, cell by cell; in a large city only a sample of cells, evenly spread, is certified."""
    made = each(solve_team, team_work(inst, jobs), _visits, executor, told, "teams that stay together")
    certified = [cell for cell in made if cell.proven]
    officers = sum(cell.officers for cell in certified)
    bound = sum(cell.bound for cell in certified)
    kind = "columns" if all(cell.exact for cell in certified) else "columns, enumeration capped"
    return TeamPhase(
        inspector_days=sum(cell.officers for cell in made),
        travel_min=sum(cell.travel for cell in made),
        cells=len(made),
        certified_cells=tuple(cell.name for cell in certified),
        certified_inspector_days=officers,
        bound=Bound(bound, kind),
        gap_ppm=-(-(officers - bound) * 1_000_000 // officers) if officers else 0,
    )


def _visits(work: TeamWork) -> int:
    return len(work.jobs) * (2 if work.certify else 1)


def team_work(inst: Instance, jobs: Sequence[Job]) -> list[TeamWork]:
    """A piece of work per cell, districts ascending."""
    most = CELL_VISITS[inst.parameters.profile]
    parts = [
        (f"{district}/{number}", part)
        for district, own in by_district(inst, jobs)
        for number, part in enumerate(alike(inst, own, most), 1)
    ]
    step = max(1, len(parts) // SAMPLE) if len(jobs) > CITY_VISITS else 1
    rounds = ROUNDS[inst.parameters.profile]
    if len(jobs) > CITY_VISITS:
        rounds = max(CITY_ROUNDS, rounds * CITY_VISITS // len(jobs))
    exact = inst.parameters.max_entries <= EXACT_STOPS
    return [
        team_piece(inst, name, part, rounds, exact and number % step == 0)
        for number, (name, part) in enumerate(parts)
    ]


def team_piece(inst: Instance, name: str, jobs: Sequence[Job], rounds: int, certify: bool) -> TeamWork:
    """Jobs of a cell on their way to a worker, with the sites that they index."""
    sites = sorted({job.place for job in jobs})
    place = {site: number for number, site in enumerate(sites)}
    own = tuple(replace(job, place=place[job.place]) for job in jobs)
    return TeamWork(name, own, tuple(inst.sites[site] for site in sites), inst.parameters, rounds, certify)


def by_district(inst: Instance, jobs: Sequence[Job]) -> list[tuple[str, list[Job]]]:
    """The jobs of each district, districts ascending."""
    found: dict[str, list[Job]] = {}
    for job in jobs:
        found.setdefault(inst.sites[job.target].district, []).append(job)
    return sorted(found.items())


def alike(inst: Instance, jobs: list[Job], most: int) -> list[list[Job]]:
    """Parts of at most `most` visits: halves by whether they need a department, else along the longer side."""
    if len(jobs) <= most:
        return [jobs]
    counts: dict[int, int] = {}
    for job in jobs:
        for task in job.tasks:
            counts[task.department] = counts.get(task.department, 0) + 1
    half = len(jobs) // 2
    department = min(counts, key=lambda d: (abs(counts[d] - half), d))
    parts = _by_department(jobs, department)
    if abs(counts[department] - half) > len(jobs) // 4:
        parts = by_place(inst, jobs, len(jobs) - 1)
    return [piece for part in parts for piece in alike(inst, part, most)]


def _by_department(jobs: Sequence[Job], department: int) -> list[list[Job]]:
    wants = [any(task.department == department for task in job.tasks) for job in jobs]
    return [[job for job, want in zip(jobs, wants, strict=True) if want is side] for side in (True, False)]


def by_place(inst: Instance, jobs: list[Job], most: int) -> list[list[Job]]:
    """Parts of at most `most` visits: halves along the longer side."""
    if len(jobs) <= most:
        return [jobs]
    east = [inst.sites[job.target].east_m for job in jobs]
    north = [inst.sites[job.target].north_m for job in jobs]
    line = east if max(east) - min(east) >= max(north) - min(north) else north
    order = sorted(range(len(jobs)), key=lambda i: (line[i], jobs[i].target, jobs[i].tasks[0].checks))
    half = len(order) // 2
    sides = ([jobs[i] for i in sorted(part)] for part in (order[:half], order[half:]))
    return [piece for side in sides for piece in by_place(inst, side, most)]


def solve_team(work: TeamWork) -> TeamDays:
    """A cell's teams: greedy joining, then ruin and recreate; then the bound, from the team-days met on the way."""
    given = cast(work)
    starts = [fill(given, share) for share in SHARES]
    first = min(starts, key=lambda teams: officers_of(given, teams))
    search = TeamSearch(given, Stream(work.parameters.seed))
    teams = search.run(first, work.rounds * len(given))
    officers, travel = officers_of(given, teams), travel_of(given, teams)
    if not work.certify:
        return TeamDays(work.name, officers, travel, 0, False, False)
    known = search.seen.union(tuple(sorted(team)) for start in starts for team in start)
    proof = prove(given, known, EFFORT[work.parameters.profile])
    return TeamDays(work.name, officers, travel, proof.value, proof.exact, True)


def officers_of(given: Cast, teams: Sequence[Sequence[int]]) -> int:
    """Inspector-days of these teams."""
    return sum(int(crew_sizes(given.officers, np.array([team]))[0]) for team in teams)


def travel_of(given: Cast, teams: Sequence[Sequence[int]]) -> int:
    """Minutes that all crews of these teams are on the way, along shortest tours."""
    total = 0
    for team in teams:
        sets = np.array([team])
        crews = int((given.officers[sets[0]].max(axis=0) > 0).sum())
        total += crews * int(tours(given.legs, sets)[0])
    return total
