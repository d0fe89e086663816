"""Processes that compute beside this one and end with it, however it ends."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, parent_process, util
from multiprocessing.context import SpawnContext, SpawnProcess
from types import FrameType

ORPHANED = 75
"""Exit status of a process whose parent is gone (EX_TEMPFAIL: the work is taken up again elsewhere)."""
NICE = 10
"""By how much computing stands back: pages are answered first."""
PATIENCE = 5.0
"""Seconds that a process has to end in."""


def pool(workers: int | None = None) -> ProcessPoolExecutor:
    """A pool of `workers` fresh processes, None: one per core. None of them outlives this process, a killed one either.

    Left alone they would: each waits for work on a pipe whose other end it holds itself, so it never sees the end.
    """
    return ProcessPoolExecutor(workers, mp_context=_Context(), initializer=begin_beside_parent)


class _Process(SpawnProcess):
    """Holds Ctrl+C back from its first moment: until it is ignored, an interrupt would end it with a traceback."""

    def start(self) -> None:
        """Start, with the mask that a new process has from the thread that starts it."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Context(SpawnContext):
    """Fresh processes of that kind."""

    Process = _Process


def fresh(target: Callable[..., None], *args: object, name: str) -> SpawnProcess:
    """A fresh process, not yet started, for a `target` that begins with `begin_beside_parent`."""
    return _Process(target=target, args=args, name=name, daemon=True)


def begin_beside_parent(nice: int = NICE) -> None:
    """Stand back behind the parent (by `nice` levels), leave stopping to it, and end when it says so or is gone.

    A thread watches for that. Not PR_SET_PDEATHSIG: that fires when the *thread* that started this process ends, and
    pools start theirs from any thread that submits work.
    """
    os.nice(nice)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_watch, name="parent", daemon=True).start()


@contextmanager
def many_rows() -> Iterator[None]:
    """While rows pass by the hundred thousand, look for reference cycles seldom.

    Rows have none, and looking takes a tenth of the time. What is no longer referred to is freed at once all the same.
    """
    usual = gc.get_threshold()
    gc.set_threshold(200_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def end_children() -> None:
    """End every process that this one started: what they were at is taken up again elsewhere."""
    children = active_children()
    for child in children:
        child.terminate()
    for child in children:
        child.join(PATIENCE)
        if child.is_alive():
            child.kill()


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """End with one's own processes, and give back the semaphores of the pool that they were in; told twice as once."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for child in active_children():
        child.kill()
    util._exit_function()  # type: ignore[attr-defined]  # noqa: SLF001  what a process does that ends by itself
    os._exit(ORPHANED)


def _watch() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(ORPHANED)
