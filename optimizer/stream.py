"""Pseudo-random numbers for the search, the same on every machine and Python: SplitMix64 (Steele, Lea, Flood 2014).

They decide which corner of a plan is tried again, never who is drawn or seated.
"""

from __future__ import annotations

from typing import TypeVar

MASK = (1 << 64) - 1
Thing = TypeVar("Thing")


class Stream:
    """A stream of integers from a seed."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & MASK

    @property
    def state(self) -> int:
        """The seed of a stream that goes on where this one is."""
        return self._state

    def below(self, bound: int) -> int:
        """An integer from 0 to bound - 1."""
        self._state = z = (self._state + 0x9E3779B97F4A7C15) & MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return (z ^ (z >> 31)) % bound

    def shuffle(self, things: list[Thing]) -> None:
        """Fisher and Yates, in place."""
        for last in range(len(things) - 1, 0, -1):
            other = self.below(last + 1)
            things[last], things[other] = things[other], things[last]
