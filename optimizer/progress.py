"""How long work reports where it is; the caller decides whether that is a bar, a row or an event stream."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives a stage's progress. Raising from `step` stops the work: nothing is left half-written."""

    def step(self, stage: str, done: int, total: int, note: str = "") -> None:
        """`done` of `total` units of `stage` are finished; `total` 0 means unknown."""


class Silent:
    """Progress that nobody watches."""

    def step(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Say nothing."""
