"""Merkle tree heads and inclusion paths of RFC 9162, section 2.1, with the suite's hash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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


Node = Callable[[int, int], bytes]
"""`node(height, position)`: head of the complete subtree over the 2^height leaves from position · 2^height."""


def leaf_hash(suite: Suite, leaf: bytes) -> bytes:
    """H(0x00 ‖ leaf)."""
    return suite.hash(_LEAF + leaf)


def completed(suite: Suite, node: Node, index: int, leaf: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(height, position, head) of each subtree that leaf number `index`, hashed already, completes; itself first.

    `node` is asked only for subtrees that earlier leaves completed: at most one a height.
    """
    height, position, head = 0, index, leaf
    yield height, position, head
    while position & 1:
        head = suite.hash(_NODE + node(height, position - 1) + head)
        height, position = height + 1, position >> 1
        yield height, position, head


def head_of(suite: Suite, node: Node, start: int, end: int) -> bytes:
    """Head over leaves [start, end) from complete subtrees: MTH of RFC 9162, section 2.1.1.

    `start` is a multiple of the largest power of two below the width, as everywhere inside one tree.
    """
    width = end - start
    if width == 0:
        return suite.hash(b"")
    height = width.bit_length() - 1
    if width == 1 << height:
        return node(height, start >> height)
    middle = start + _split(width)
    return suite.hash(_NODE + head_of(suite, node, start, middle) + head_of(suite, node, middle, end))


def stored_path(suite: Suite, node: Node, index: int, size: int) -> tuple[bytes, ...]:
    """Inclusion path of a leaf in the tree of `size`: PATH of RFC 9162, section 2.1.3.1. IndexError past the end."""
    if not 0 <= index < size:
        raise IndexError(f"leaf {index} of a tree of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(head_of(suite, node, middle, end))
            end = middle
        else:
            path.append(head_of(suite, node, start, middle))
            start = middle
    return tuple(reversed(path))


def consistency_path(suite: Suite, node: Node, old: int, new: int) -> tuple[bytes, ...]:
    """Proof that the tree of `new` begins with the tree of `old`: PROOF of RFC 9162, section 2.1.4.1.

    Empty for equal sizes and for an empty old tree. IndexError unless 0 ≤ old ≤ new.
    """
    if not 0 <= old <= new:
        raise IndexError(f"a tree of {old} inside a tree of {new}")
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while 0 < old < end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(head_of(suite, node, middle, end))
            end = middle
        else:
            path.append(head_of(suite, node, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(head_of(suite, node, start, end))
    return tuple(reversed(path))


def is_consistent(
    suite: Suite, old: int, new: int, old_head: bytes, new_head: bytes, path: Sequence[bytes]
) -> bool:
    """Check a consistency proof as RFC 9162, section 2.1.4.2, says; the empty tree begins every tree."""
    if old == new or old == 0:
        return not path and new >= 0 and old_head == (new_head if old == new else suite.hash(b""))
    if not 0 < old < new:
        return False
    nodes = [old_head, *path] if old & (old - 1) == 0 else list(path)
    if not nodes:
        return False
    number, last = old - 1, new - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    first = second = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            first, second = suite.hash(_NODE + sibling + first), suite.hash(_NODE + sibling + second)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            second = suite.hash(_NODE + second + sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and first == old_head and second == new_head


def _split(width: int) -> int:
    """The largest power of two smaller than `width` (≥ 2)."""
    return 1 << ((width - 1).bit_length() - 1)
