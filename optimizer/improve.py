"""Cells improved side by side: each with its own share of the heads, so that no cell's plan depends on another's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from optimizer.board import Board
from optimizer.cells import Cell
from optimizer.instance import Instance
from optimizer.jobs import Job, Orders
from optimizer.keep import dump, load
from optimizer.model import Parameters, Site
from optimizer.search import Search
from optimizer.stream import Stream
from optimizer.travel import matrix

ROUNDS = {"fast": 8, "standard": 24}
ROUNDS_LEAST = 400
SLICES = 12
"""Parts in which a cell's rounds are done: after each one the plan is seen, and may be taken as it is."""


@dataclass(frozen=True, slots=True)
class CellWork:
    """A cell on its way to a worker: jobs, the sites they index, its share of heads and skills, its plan so far.

    `done`: slices behind it. `seed` goes on from slice to slice.
    """

    jobs: tuple[Job, ...]
    sites: tuple[Site, ...]
    parameters: Parameters
    heads: tuple[tuple[int, ...], ...]
    skills: tuple[tuple[tuple[int, int], ...], ...]
    orders: Orders
    missing: tuple[int, ...]
    seed: int
    done: int = 0

    def after(self, plan: CellPlan) -> CellWork | None:
        """The next slice; None after the last one."""
        if self.done + 1 == SLICES:
            return None
        return replace(self, orders=plan.orders, missing=plan.missing, seed=plan.seed, done=self.done + 1)


@dataclass(frozen=True, slots=True)
class CellPlan:
    """A cell's improved orders, the jobs that still have no place, its officers, and the seed to go on with."""

    orders: Orders
    missing: tuple[int, ...]
    officers: int
    seed: int


def improve(work: CellWork) -> CellPlan:
    """One slice of rounds; all slices are in proportion to the cell's jobs, by the parameters' profile."""
    travel = matrix(work.sites, work.parameters).tolist()
    heads = [list(row) for row in work.heads]
    skills = [dict(row) for row in work.skills]
    own = Board(list(work.jobs), travel, work.parameters, heads, skills)
    load(own, work.orders)
    search = Search(own, Stream(work.seed), list(work.missing))
    rounds = max(ROUNDS_LEAST, ROUNDS[work.parameters.profile] * len(work.jobs))
    search.run(rounds, part=range(rounds * work.done // SLICES, rounds * (work.done + 1) // SLICES))
    return CellPlan(dump(own), tuple(sorted(search.bank)), officers(own), search.stream.state)


def officers(own: Board) -> int:
    """Inspector-days of a board's crews; the pseudo-crews at doors have none."""
    real = {task.department for job in own.jobs for task in job.tasks if task.checks}
    return sum(crew.officers for rows in own.crews for d in real for crew in rows[d])


def shares(
    inst: Instance, made: Sequence[Cell], boards: Sequence[Board], missing: Sequence[list[int]]
) -> list[CellWork]:
    """Each cell gets the heads it uses and a part of what is left, in proportion to its work per department."""
    needs = [_minutes(cell) for cell in made]
    total: dict[int, int] = {}
    for need in needs:
        for department, minutes in need.items():
            total[department] = total.get(department, 0) + minutes
    work = []
    for number, (cell, own, need) in enumerate(zip(made, boards, needs, strict=True)):
        work.append(
            CellWork(
                cell.jobs,
                tuple(inst.sites[site] for site in cell.sites),
                inst.parameters,
                tuple(_heads(own, day, need, total) for day in range(inst.days)),
                tuple(_skills(inst, own, day, need, total) for day in range(inst.days)),
                dump(own),
                tuple(missing[number]),
                inst.parameters.seed * 1_000_003 + number,
            )
        )
    return work


def _minutes(cell: Cell) -> dict[int, int]:
    minutes: dict[int, int] = {}
    for job in cell.jobs:
        for task in job.tasks:
            minutes[task.department] = minutes.get(task.department, 0) + task.minutes
    return minutes


def _heads(own: Board, day: int, need: dict[int, int], total: dict[int, int]) -> tuple[int, ...]:
    used = [sum(crew.officers for crew in crews) for crews in own.crews[day]]
    left = own.heads[day]
    return tuple(used[d] + left[d] * need.get(d, 0) // total.get(d, 1) for d in range(len(used)))


def _skills(
    inst: Instance, own: Board, day: int, need: dict[int, int], total: dict[int, int]
) -> tuple[tuple[int, int], ...]:
    found = []
    for (d, _), bit in sorted(inst.skill_bits.items()):
        used = sum(1 for crew in own.crews[day][d] if crew.skills & bit)
        found.append((bit, used + own.skills[day].get(bit, 0) * need.get(d, 0) // total.get(d, 1)))
    return tuple(found)
