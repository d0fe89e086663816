"""Where packing's cells are solved: processes of this machine, or a Dask cluster; both behind one `Executor`.

Whichever it is, a cell whose worker dies is solved again, and the plan is the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any, TypeVar

from app.errors import Refused, refuse
from app.processes import pool
from app.settings import Settings

Made = TypeVar("Made")

TRIES = 3
"""How often a piece of work is begun: one that kills its worker each time is at fault itself."""
CONNECT_SECONDS = 5


def solving(configured: Settings) -> Executor:
    """The executor that the settings name; it starts or connects to nothing before it has work. Close it after use.

    Its `submit` raises Refused `executor.no_dask`, `executor.no_cluster`.
    """
    if configured.dask_scheduler:
        return Lasting(lambda: _Cluster(configured.dask_scheduler))
    return Lasting(lambda: pool(configured.workers or None))


class Lasting(Executor):
    """Pools made by `make`, none before it is needed; when one breaks, what it had is begun again in the next."""

    def __init__(self, make: Callable[[], Executor]) -> None:
        self._make = make
        self._pool: Executor | None = None
        self._lock = threading.Lock()

    def submit(self, fn: Callable[..., Made], /, *args: Any, **kwargs: Any) -> Future[Made]:
        """As every executor does; BrokenExecutor only where `TRIES` pools broke over this work."""
        asked: Future[Made] = Future()
        self._begin(asked, lambda pool: pool.submit(fn, *args, **kwargs), TRIES)
        return asked

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the pool, if there is one."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait, cancel_futures=cancel_futures)

    def _begin(self, asked: Future[Made], submit: Callable[[Executor], Future[Made]], tries: int) -> None:
        with self._lock:
            pool = self._pool = self._pool or self._make()
        try:
            inner = submit(pool)
        except BrokenExecutor as broken:
            self._again(asked, submit, tries, pool, broken)
            return
        asked.add_done_callback(lambda done: inner.cancel() if done.cancelled() else None)
        inner.add_done_callback(lambda done: self._ended(asked, submit, tries, pool, done))

    def _ended(
        self,
        asked: Future[Made],
        submit: Callable[[Executor], Future[Made]],
        tries: int,
        pool: Executor,
        done: Future[Made],
    ) -> None:
        if asked.cancelled() or done.cancelled():
            asked.cancel()
            return
        failure = done.exception()
        if isinstance(failure, BrokenExecutor):
            self._again(asked, submit, tries, pool, failure)
        elif asked.set_running_or_notify_cancel():
            if failure is None:
                asked.set_result(done.result())
            else:
                asked.set_exception(failure)

    def _again(
        self,
        asked: Future[Made],
        submit: Callable[[Executor], Future[Made]],
        tries: int,
        pool: Executor,
        failure: BrokenExecutor,
    ) -> None:
        with self._lock:
            if self._pool is pool:
                self._pool = None
        if tries > 1:
            self._begin(asked, submit, tries - 1)
        elif asked.set_running_or_notify_cancel():
            asked.set_exception(failure)


class _Cluster(Executor):
    """A Dask cluster's workers; the scheduler gives a dead worker's work to another (begun at most `TRIES` times)."""

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise _no_dask() from None
        try:
            self._client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as failure:
            raise _no_cluster(address) from failure
        self._executor: Executor = self._client.get_executor(pure=False, retries=TRIES - 1)

    def submit(self, fn: Callable[..., Made], /, *args: Any, **kwargs: Any) -> Future[Made]:
        """As every executor does."""
        return self._executor.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster; it goes on."""
        self._executor.shutdown(wait and not cancel_futures)
        self._client.close()


def _no_dask() -> Refused:
    return refuse(
        "executor.no_dask",
        "设置了 DASK_SCHEDULER，但没有安装 dask.distributed。",
        "DASK_SCHEDULER is set, but dask.distributed is not installed.",
        "请安装 double-random[dask]，或清空该设置以使用本机进程。",
        "Install double-random[dask], or leave the setting empty to use this machine's processes.",
    )


def _no_cluster(address: str) -> Refused:
    return refuse(
        "executor.no_cluster",
        f"连接不上 Dask 调度器 {address}。",
        f"There is no answer from the Dask scheduler {address}.",
        "请核对 DASK_SCHEDULER 并确认调度器在运行；清空该设置则使用本机进程。",
        "Check DASK_SCHEDULER and that the scheduler runs; leave it empty to use this machine's processes.",
        address=address,
    )
