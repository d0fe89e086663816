"""Days for every visit: each district opens few days that suit its visits, the least flexible placed first.

Concentrating a district's visits on few days is what lets crews leave one visit and find another near by. All
cells take from the same heads per department and day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from optimizer.board import Board
from optimizer.instance import Entries, Instance
from optimizer.jobs import Job
from optimizer.search import put
from optimizer.travel import matrix

DAY_VISITS = 150
CELL_VISITS = 600
CREW_MINUTES = 250


@dataclass(frozen=True, slots=True)
class Cell:
    """Visits solved together: all of one district (or a part of a large one). `jobs` keep their instance numbers."""

    district: str
    numbers: tuple[int, ...]
    jobs: tuple[Job, ...]
    sites: tuple[int, ...]


Heads = list[list[int]]
Skills = list[dict[int, int]]


def capacity(inst: Instance, doors: int) -> tuple[Heads, Skills]:
    """Heads left per day and department (doors count one each), specialists left per day and skill bit."""
    heads = [[row.heads[day] for row in inst.departments] + [1] * doors for day in range(inst.days)]
    skills: Skills = [{} for _ in range(inst.days)]
    for number, row in enumerate(inst.departments):
        for name, held in row.specialists:
            for day in range(inst.days):
                skills[day][inst.skill_bits[number, name]] = held[day]
    return heads, skills


def cells(inst: Instance, found: Entries) -> list[Cell]:
    """Districts ascending; a district of more than CELL_VISITS is cut into parts of neighbours."""
    by_district: dict[str, list[int]] = {}
    for number, job in enumerate(found.jobs):
        by_district.setdefault(inst.sites[job.target].district, []).append(number)
    made = []
    for district, numbers in sorted(by_district.items()):
        own: dict[int, list[int]] = {}
        for number in numbers:
            own.setdefault(found.jobs[number].target, []).append(number)
        parts = near(inst, sorted(own), CELL_VISITS * len(own) // len(numbers))
        made += [_cell(district, sorted(n for site in sites for n in own[site]), found) for sites in parts]
    return made


def near(inst: Instance, sites: list[int], most: int) -> list[list[int]]:
    """Sites in parts of neighbours: halves along the longer side until no part has more than `most`."""
    if len(sites) <= max(1, most):
        return [sites]
    east = [inst.sites[site].east_m for site in sites]
    north = [inst.sites[site].north_m for site in sites]
    line = east if max(east) - min(east) >= max(north) - min(north) else north
    order = [sites[i] for i in sorted(range(len(sites)), key=lambda i: (line[i], sites[i]))]
    half = len(order) // 2
    return [part for side in (order[:half], order[half:]) for part in near(inst, sorted(side), most)]


def _cell(district: str, numbers: Sequence[int], found: Entries) -> Cell:
    sites = tuple(sorted({found.jobs[number].place for number in numbers}))
    place = {site: index for index, site in enumerate(sites)}
    jobs = tuple(replace(found.jobs[number], place=place[found.jobs[number].place]) for number in numbers)
    return Cell(district, tuple(numbers), jobs, sites)


def board(inst: Instance, cell: Cell, heads: Heads, skills: Skills) -> Board:
    """An empty board over a cell; it takes from `heads` and `skills` in place."""
    travel = matrix([inst.sites[site] for site in cell.sites], inst.parameters).tolist()
    return Board(list(cell.jobs), travel, inst.parameters, heads, skills)


def construct(boards: Sequence[Board]) -> list[list[int]]:
    """Days for every board, then a place for every job; per board what found none comes back.

    First the jobs of all boards that have few days, fewest first, so that no district takes the heads that another
    one's visit can only have on that day; then each board's others.
    """
    if not boards:
        return []
    planned = [row[:] for row in boards[0].heads]
    fillers = []
    for own in boards:
        opened = open_days(own, planned)
        for department, need in _needs(own).items():
            for day in opened:
                planned[day][department] -= need // len(opened)
        fillers.append(_Filler(own, opened))
    narrow = [
        (len(job.days), -len(job.tasks), number, index)
        for number, own in enumerate(boards)
        for index, job in enumerate(own.jobs)
    ]
    few = len(boards[0].heads) // 2
    for days, _, number, index in sorted(narrow):
        if days <= few:
            fillers[number].fill(index)
    for _, _, number, index in sorted(narrow, key=lambda row: (row[2], row)):
        if len(boards[number].jobs[index].days) > few:
            fillers[number].fill(index)
    return [filler.missing for filler in fillers]


class _Filler:
    """Places the jobs of one board, at first no more than its share on each opened day."""

    def __init__(self, own: Board, opened: list[int]) -> None:
        self.own, self.opened = own, opened
        self.quota = len(own.jobs) * 3 // (2 * max(1, len(opened))) + 1
        self.count = dict.fromkeys(range(len(own.heads)), 0)
        self.missing: list[int] = []

    def fill(self, index: int) -> None:
        """The cheapest place on an opened day with room left, else on any opened day, else on any day."""
        below = [day for day in self.opened if self.count[day] < self.quota]
        for days in (below, self.opened, self.own.jobs[index].days):
            day = put(self.own, index, days)
            if day is not None:
                self.count[day] += 1
                return
        self.missing.append(index)


def open_days(own: Board, heads: Heads) -> list[int]:
    """Days until every job has one it may use, then until heads and visits per day suffice: far apart, well staffed."""
    spare = _spare(own, heads)
    opened: list[int] = []
    waiting = list(range(len(own.jobs)))
    while waiting:
        score = dict.fromkeys(range(len(heads)), 0)
        for index in waiting:
            for day in own.jobs[index].days:
                score[day] += 1
        day = max(score, key=lambda d: (score[d] * (1 + spare[d]), score[d], -d))
        opened.append(day)
        waiting = [index for index in waiting if day not in own.jobs[index].days]
    closed = [day for day in range(len(heads)) if day not in opened]
    while closed and not _enough(own, heads, opened):
        day = max(closed, key=lambda d: (spare[d] * min(3, *(abs(d - o) for o in opened)), -d))
        opened.append(day)
        closed.remove(day)
    return opened


def _needs(own: Board) -> dict[int, int]:
    """Heads that each department will want over all days, at CREW_MINUTES of work in a crew's day."""
    work: dict[int, int] = {}
    for job in own.jobs:
        for task in job.tasks:
            work[task.department] = work.get(task.department, 0) + task.minutes * task.officers
    return {department: -(-minutes // CREW_MINUTES) for department, minutes in sorted(work.items())}


def _spare(own: Board, heads: Heads) -> list[int]:
    """Per day, permille of the best day's heads that are left in the department that is worst off."""
    needs = _needs(own)
    best = {d: max(1, *(row[d] for row in heads)) for d in needs}
    return [max(0, min((1000 * row[d] // best[d] for d in needs), default=0)) for row in heads]


def _enough(own: Board, heads: Heads, opened: Sequence[int]) -> bool:
    if len(opened) * DAY_VISITS < len(own.jobs):
        return False
    return all(sum(max(0, heads[day][d]) for day in opened) >= need for d, need in _needs(own).items())
