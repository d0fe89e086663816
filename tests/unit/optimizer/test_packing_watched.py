"""Plans are seen while they grow, in total and cell by cell, and can be taken before they are finished."""

from __future__ import annotations

from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context

import pytest

from benchmarks.packing_city import City, city
from optimizer.checker import check
from optimizer.improve import SLICES
from optimizer.model import Parameters
from optimizer.solve import pack

PROBLEM = city(City(70, 12, 5))


class Watcher:
    """Keeps what it is told; says stop after so many plans of the whole."""

    def __init__(self, stop_after: int = 10**9) -> None:
        self.stop_after = stop_after
        self.seen: dict[str, list[tuple[int, int, int]]] = {}

    def best(self, cell: str, value: int, bound: int, missing: int) -> None:
        """Keep it."""
        self.seen.setdefault(cell, []).append((value, bound, missing))

    def stopped(self) -> bool:
        """After so many."""
        return len(self.seen.get("", ())) >= self.stop_after


def test_every_cell_and_the_whole_are_seen_with_bounds_that_hold() -> None:
    watcher = Watcher()
    plan = pack(PROBLEM, Parameters(), watch=watcher)
    whole = watcher.seen.pop("")
    districts = {site.district for site in PROBLEM.sites}
    assert set(watcher.seen) == districts
    assert all(len(seen) == SLICES + 1 for seen in watcher.seen.values())
    assert len(whole) == SLICES * len(districts) + 1
    assert whole[-1] == (
        plan.report.plan.inspector_days,
        sum(seen[-1][1] for seen in watcher.seen.values()),
        0,
    )
    assert whole[-1][0] == sum(seen[-1][0] for seen in watcher.seen.values())
    assert whole[-1][0] < whole[0][0]
    assert all(0 < bound <= value for seen in watcher.seen.values() for value, bound, _ in seen)


@pytest.mark.parametrize("workers", [0, 2])
def test_stopping_takes_the_best_so_far_and_says_that_it_cannot_be_made_again(workers: int) -> None:
    pool: nullcontext[None] | Executor = nullcontext()
    if workers:
        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    with pool as executor:
        plan = pack(PROBLEM, Parameters(), executor, watch=Watcher(6))
    assert not plan.report.reproducible
    assert check(PROBLEM, Parameters(), plan) == []
    assert plan.unscheduled == ()
    whole = pack(PROBLEM, Parameters())
    assert whole.report.reproducible
    assert whole.report.plan.inspector_days <= plan.report.plan.inspector_days
