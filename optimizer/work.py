"""Work for a caller's executor: pure functions of what they are given, answered in the order they were asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
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
