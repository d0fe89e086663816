"""How long work reports where it is; the caller decides whether that is a bar, a row or an event stream."""

from __future__ import annotations

from typing import Final, Protocol


class Progress(Protocol):
    """Receives a stage's progress. Raising from `step` stops the work: nothing is left half-written."""

    def step(self, stage: str, done: int, total: int, note: str = "") -> None:
        """`done` of `total` units of `stage` are finished; `total` 0 means unknown."""


class Silent:
    """Progress that nobody watches."""

    def step(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Say nothing."""


SILENT: Final[Progress] = Silent()


class Watch(Protocol):
    """Sees plans improve while they are made, and may say that the best so far is good enough."""

    def best(self, cell: str, value: int, bound: int, missing: int) -> None:
        """A cell's plan now takes `value` inspector-days, of which `bound` are proven necessary.

        `missing`: visits that have no place yet. `cell` "" is the whole plan.
        """

    def stopped(self) -> bool:
        """Whether to stop and take the best so far. The plan then says that it is not reproducible."""


class Unwatched:
    """Plans that nobody watches and nobody stops."""

    def best(self, cell: str, value: int, bound: int, missing: int) -> None:
        """Say nothing."""

    def stopped(self) -> bool:
        """Never."""
        return False
