"""Merkle tree heads and inclusion paths of RFC 9162, section 2.1, with the suite's hash."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from scheduler.suite import Suite

_LEAF = b"\x00"
_NODE = b"\x01"


@dataclass(slots=True)
class _Subtree:
    """A complete subtree of 2^height leaves; `wanted` are the leaves in it whose paths are being collected."""

    size: int
    head: bytes
    wanted: list[int] = field(default_factory=list)


def tree_head(suite: Suite, leaves: Iterable[bytes]) -> bytes:
    """Head of the tree over the leaves, read once; memory is one hash per level. No leaves: H of nothing."""
    return head_and_paths(suite, leaves, ())[0]


def inclusion_path(suite: Suite, leaves: Iterable[bytes], index: int) -> tuple[bytes, ...]:
    """Path of the leaf at `index` (from 0), lowest sibling first. Raises IndexError past the end."""
    return head_and_paths(suite, leaves, (index,))[1][index]


def head_and_paths(
    suite: Suite, leaves: Iterable[bytes], indices: Iterable[int]
) -> tuple[bytes, dict[int, tuple[bytes, ...]]]:
    """Head, and the path of each wanted index, in one pass over the leaves."""
    paths: dict[int, list[bytes]] = {index: [] for index in indices}
    new = suite.constructor
    stack: list[_Subtree] = []
    count = 0
    for leaf in leaves:
        stack.append(_Subtree(1, new(_LEAF + leaf).digest(), [count] if count in paths else []))
        while len(stack) > 1 and stack[-1].size == stack[-2].size:
            _merge(suite, stack, paths)
        count += 1
    absent = [index for index in paths if not 0 <= index < count]
    if absent:
        raise IndexError(f"leaf {absent[0]} of a tree of {count}")
    while len(stack) > 1:
        _merge(suite, stack, paths)
    head = stack[0].head if stack else suite.hash(b"")
    return head, {index: tuple(path) for index, path in paths.items()}


def _merge(suite: Suite, stack: list[_Subtree], paths: dict[int, list[bytes]]) -> None:
    right, left = stack.pop(), stack[-1]
    for index in left.wanted:
        paths[index].append(right.head)
    for index in right.wanted:
        paths[index].append(left.head)
    left.head = suite.constructor(_NODE + left.head + right.head).digest()
    left.size += right.size
    if right.wanted:
        left.wanted += right.wanted


def path_leads_to(
    suite: Suite, leaf: bytes, index: int, size: int, path: Sequence[bytes], head: bytes
) -> bool:
    """Check an inclusion path as RFC 9162, section 2.1.3.2, says."""
    if not 0 <= index < size:
        return False
    number, last = index, size - 1
    result = suite.hash(_LEAF + leaf)
    for sibling in path:
        if last == 0:
            return False
        if number & 1 or number == last:
            result = suite.hash(_NODE + sibling + result)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            result = suite.hash(_NODE + result + sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and result == head
