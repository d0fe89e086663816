"""Cells improved slice by slice, side by side, so that plans are seen while they grow and can be taken at any time.

A slice's result does not depend on who works on it or when, so a plan that is improved to the end is the same for
every executor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from optimizer.board import Board
from optimizer.bounds import energy
from optimizer.cells import Cell
from optimizer.improve import SLICES, CellPlan, CellWork, improve, officers, shares
from optimizer.instance import Instance
from optimizer.keep import dump
from optimizer.progress import Progress, Watch
from optimizer.work import relay


def improved(
    inst: Instance,
    made: Sequence[Cell],
    boards: Sequence[Board],
    missing: Sequence[list[int]],
    executor: Executor | None,
    told: Progress,
    watch: Watch,
) -> tuple[list[CellPlan], bool]:
    """The cells' plans, and whether every slice of every cell was done."""
    work = shares(inst, made, boards, missing)
    first = [
        CellPlan(dump(own), tuple(lost), officers(own), 0) for own, lost in zip(boards, missing, strict=True)
    ]
    course = _Course(inst, made, work, first, told, watch)
    course.begin()
    relay(improve, work, _weight, executor, course.onward, watch.stopped)
    return course.plans, course.done == SLICES * len(work)


def _weight(work: CellWork) -> int:
    return len(work.jobs)


@dataclass(slots=True)
class _Course:
    """The newest plan of each cell, told to whoever watches."""

    inst: Instance
    made: Sequence[Cell]
    work: list[CellWork]
    plans: list[CellPlan]
    told: Progress
    watch: Watch
    done: int = 0
    bounds: list[int] = field(default_factory=list)
    bound: int = 0

    def begin(self) -> None:
        """Say where improvement starts from."""
        number_of = {check.check_id: number for number, check in enumerate(self.inst.checks)}
        checks = [
            [number_of[check] for job in cell.jobs for task in job.tasks for check in task.checks]
            for cell in self.made
        ]
        self.bounds = [energy(self.inst, numbers).value for numbers in checks]
        self.bound = energy(self.inst, [number for numbers in checks for number in numbers]).value
        self.told.step("crews", 0, SLICES * len(self.work))
        for name, plan, bound in zip(_names(self.made), self.plans, self.bounds, strict=True):
            self.watch.best(name, plan.officers, bound, len(plan.missing))
        self._total()

    def onward(self, number: int, plan: CellPlan) -> CellWork | None:
        """Take a slice's result; the next slice, None when the cell is done."""
        self.plans[number] = plan
        self.done += 1
        self.told.step("crews", self.done, SLICES * len(self.work))
        name = _names(self.made)[number]
        self.watch.best(name, plan.officers, self.bounds[number], len(plan.missing))
        self._total()
        after = self.work[number].after(plan)
        self.work[number] = after or self.work[number]
        return after

    def _total(self) -> None:
        missing = sum(len(plan.missing) for plan in self.plans)
        self.watch.best("", sum(plan.officers for plan in self.plans), self.bound, missing)


def _names(made: Sequence[Cell]) -> list[str]:
    """Districts; the parts of one that was cut are numbered."""
    count: Counter[str] = Counter(cell.district for cell in made)
    seen: Counter[str] = Counter()
    names = []
    for cell in made:
        seen[cell.district] += 1
        names.append(cell.district if count[cell.district] == 1 else f"{cell.district}/{seen[cell.district]}")
    return names
