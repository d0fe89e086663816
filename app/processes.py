"""Processes that compute beside this one and end with it, however it ends."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process

ORPHANED = 75
"""Exit status of a process whose parent is gone (EX_TEMPFAIL: the work is taken up again elsewhere)."""


def pool(workers: int | None = None) -> ProcessPoolExecutor:
    """A pool of `workers` fresh processes, None: one per core. None of them outlives this process, a killed one either.

    Left alone they would: each waits for work on a pipe whose other end it holds itself, so it never sees the end.
    """
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=end_with_parent)


def end_with_parent() -> None:
    """Watch the parent from a thread, and end this process at once when it is gone.

    Not PR_SET_PDEATHSIG: that fires when the *thread* that started this process ends, and pools start theirs from
    any thread that submits work.
    """
    threading.Thread(target=_watch, name="parent", daemon=True).start()


def _watch() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(ORPHANED)
