"""Random bytes of the seats' draw: SHAKE-256 with domain separation, read in order. docs/lottery.md, 7."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from scheduler.encoding import lp

Item = TypeVar("Item")

_WORD = 8
_RANGE = 1 << 64


class _Xof(Protocol):
    """A function whose digest can be as long as one likes, each a continuation of the shorter ones."""

    def digest(self, length: int, /) -> bytes:
        """Give the first `length` bytes."""


def stream_bytes(k_seats: bytes, length: int, label: str, *parts: bytes | str) -> bytes:
    """The first `length` bytes of the stream of that label and parts."""
    return hashlib.shake_256(lp(label, k_seats, *parts)).digest(length)


def shuffled(items: Sequence[Item], k_seats: bytes, label: str, *parts: bytes | str) -> Iterator[Item]:
    """Yield the items in the order of a Fisher–Yates shuffle, one by one, so that a front part costs no more."""
    pool = list(items)
    if len(pool) > 1:
        draws = _uniform(len(pool), k_seats, label, *parts)
        for place, offset in enumerate(draws):
            pool[place], pool[place + offset] = pool[place + offset], pool[place]
            yield pool[place]
    yield from pool[-1:]


def _uniform(length: int, k_seats: bytes, label: str, *parts: bytes | str) -> Iterator[int]:
    """Integers below length, length − 1, …, 2, each exactly uniform: words that would favour some are skipped."""
    words = _words(length, hashlib.shake_256(lp(label, k_seats, *parts)))
    for below in range(length, 1, -1):
        limit = _RANGE - _RANGE % below
        word = next(words)
        while word >= limit:
            word = next(words)
        yield word % below


def _words(expected: int, source: _Xof) -> Iterator[int]:
    """The stream as big-endian 64-bit words, without end."""
    start, stop = 0, _WORD * min(expected, 32)
    while True:
        block = source.digest(stop)
        for place in range(start, stop, _WORD):
            yield int.from_bytes(block[place : place + _WORD], "big")
        start, stop = stop, 4 * stop
