"""Work for a caller's executor: pure functions of what they are given, answered in the order they were asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import TypeVar

from optimizer.progress import Progress

Given = TypeVar("Given")
Made = TypeVar("Made")


def each(
    function: Callable[[Given], Made],
    work: Sequence[Given],
    weight: Callable[[Given], int],
    executor: Executor | None,
    progress: Progress,
    stage: str,
) -> list[Made]:
    """`function` of every piece, heaviest first, results in the pieces' order; in this process without executor."""
    order = sorted(range(len(work)), key=lambda i: (-weight(work[i]), i))
    made: dict[int, Made] = {}
    progress.step(stage, 0, len(work))
    if executor is None:
        for done, i in enumerate(order, 1):
            made[i] = function(work[i])
            progress.step(stage, done, len(work))
        return [made[i] for i in range(len(work))]
    futures = [(i, executor.submit(function, work[i])) for i in order]
    try:
        for done, (i, future) in enumerate(futures, 1):
            made[i] = future.result()
            progress.step(stage, done, len(work))
    finally:
        for _, future in futures:
            future.cancel()
    return [made[i] for i in range(len(work))]


def relay(
    function: Callable[[Given], Made],
    work: Sequence[Given],
    weight: Callable[[Given], int],
    executor: Executor | None,
    onward: Callable[[int, Made], Given | None],
    enough: Callable[[], bool],
) -> None:
    """`function` of every piece, and again of what `onward` makes of its result, until that is None or it is enough.

    Heaviest first; pieces take turns. `onward` runs in this process; each piece's own sequence of results does not
    depend on the executor, only the order in which pieces take turns does.
    """
    order = sorted(range(len(work)), key=lambda i: (-weight(work[i]), i))
    if executor is None:
        line = [(i, work[i]) for i in order]
        for i, given in line:  # grows while it is walked
            if enough():
                return
            more = onward(i, function(given))
            if more is not None:
                line.append((i, more))
        return
    running = {executor.submit(function, work[i]): i for i in order}
    try:
        while running and not enough():
            ended: set[Future[Made]] = wait(running, return_when=FIRST_COMPLETED).done
            for future in sorted(ended, key=lambda one: running[one]):
                i = running.pop(future)
                more = onward(i, future.result())
                if more is not None:
                    running[executor.submit(function, more)] = i
    finally:
        for future in running:
            future.cancel()
