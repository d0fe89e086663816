"""One plan whoever solves it: processes of this machine or a real Dask cluster, with workers that are killed."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from distributed import LocalCluster

from app.errors import Refused
from app.executors import Lasting, solving
from app.settings import Settings
from benchmarks.packing_city import City, city
from optimizer.model import Parameters, Plan
from optimizer.solve import pack

PROBLEM = city(City(70, 12, 5))


def digest(plan: Plan) -> str:
    return hashlib.sha256(repr(plan).encode()).hexdigest()


@pytest.fixture(scope="module")
def plain() -> str:
    """The plan's hash without any executor."""
    return digest(pack(PROBLEM, Parameters()))


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A scheduler and two workers, each a process of its own."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as made:
        yield made


class Killer:
    """Kills a worker as soon as a first result has come back."""

    def __init__(self, worker: Callable[[], int]) -> None:
        self._worker = worker
        self.killed: int | None = None

    def step(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Kill once, in the middle of the cells."""
        if stage == "crews" and done == 3 and self.killed is None:
            self.killed = self._worker()
            os.kill(self.killed, signal.SIGKILL)


def process_of(executor: Executor) -> Callable[[], int]:
    """The process that the executor now works with."""
    return lambda: executor.submit(os.getpid).result()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_process_is_replaced_and_its_cells_are_solved_again(plain: str, workers: int) -> None:
    with solving(Settings(workers=workers)) as executor:
        killer = Killer(process_of(executor))
        assert digest(pack(PROBLEM, Parameters(), executor, killer)) == plain
        assert killer.killed is not None
        assert executor.submit(os.getpid).result() != killer.killed


def test_dask_gives_the_same_plan_and_survives_a_killed_worker(cluster: LocalCluster, plain: str) -> None:
    with solving(Settings(dask_scheduler=cluster.scheduler_address)) as executor:
        assert digest(pack(PROBLEM, Parameters(), executor)) == plain
        killer = Killer(process_of(executor))
        assert digest(pack(PROBLEM, Parameters(), executor, killer)) == plain
        assert killer.killed is not None
        assert executor.submit(os.getpid).result() != killer.killed


def test_work_that_kills_every_worker_is_given_up_and_other_work_goes_on() -> None:
    with Lasting(lambda: ProcessPoolExecutor(1, mp_context=get_context("spawn"))) as executor:
        with pytest.raises(BrokenExecutor):
            executor.submit(os._exit, 3).result()
        assert executor.submit(abs, -3).result() == 3


def test_refusals_and_cancellations_come_through() -> None:
    with Lasting(lambda: ProcessPoolExecutor(1, mp_context=get_context("spawn"))) as executor:
        with pytest.raises(ZeroDivisionError):
            executor.submit(divmod, 1, 0).result()
        slow = executor.submit(time.sleep, 0.2)
        waiting = [executor.submit(time.sleep, 30) for _ in range(4)]
        assert all(future.cancel() for future in waiting)
        slow.result()


def test_a_cluster_that_is_not_there_is_named() -> None:
    with (
        solving(Settings(dask_scheduler="tcp://127.0.0.1:9")) as executor,
        pytest.raises(Refused, match=r"executor\.no_cluster"),
    ):
        executor.submit(abs, -1)
