"""Trees that grow: heads, inclusion and consistency from stored subtrees, against RFC 6962's known answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.merkle import (
    completed,
    consistency_path,
    head_of,
    inclusion_path,
    is_consistent,
    leaf_hash,
    path_leads_to,
    stored_path,
    tree_head,
)
from scheduler.suite import SHA256

KNOWN: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "tlog.json").read_text(encoding="utf-8")
)
LEAVES = [bytes.fromhex(leaf) for leaf in KNOWN["leaves"]]
ROOTS = [bytes.fromhex(root) for root in KNOWN["roots"]]


class Stored:
    """Subtree heads as the database keeps them."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.heads: dict[tuple[int, int], bytes] = {}
        for index, leaf in enumerate(leaves):
            for height, position, head in completed(SHA256, self, index, leaf_hash(SHA256, leaf)):
                assert (height, position) not in self.heads
                self.heads[height, position] = head

    def __call__(self, height: int, position: int) -> bytes:
        return self.heads[height, position]


def test_heads_of_every_size() -> None:
    node = Stored(LEAVES)
    assert head_of(SHA256, node, 0, 0).hex() == KNOWN["empty"]
    for size, root in enumerate(ROOTS, 1):
        assert head_of(SHA256, node, 0, size) == root == tree_head(SHA256, LEAVES[:size])


@pytest.mark.parametrize("known", KNOWN["inclusion"])
def test_known_inclusion(known: dict[str, Any]) -> None:
    path = stored_path(SHA256, Stored(LEAVES), known["index"], known["size"])
    assert [row.hex() for row in path] == known["path"]


@pytest.mark.parametrize("known", KNOWN["consistency"])
def test_known_consistency(known: dict[str, Any]) -> None:
    old, new = known["old"], known["new"]
    path = consistency_path(SHA256, Stored(LEAVES), old, new)
    assert [row.hex() for row in path] == known["path"]
    assert is_consistent(SHA256, old, new, ROOTS[old - 1], ROOTS[new - 1], path)
    assert not is_consistent(SHA256, old, new, ROOTS[old - 2], ROOTS[new - 1], path)


@given(st.integers(0, 70), st.integers(0, 70), st.data())
def test_every_proof_holds_and_no_changed_one_does(one: int, other: int, data: st.DataObject) -> None:
    old, new = sorted((one, other))
    leaves = [bytes([index]) for index in range(new)]
    node = Stored(leaves)
    heads = head_of(SHA256, node, 0, old), head_of(SHA256, node, 0, new)
    path = consistency_path(SHA256, node, old, new)
    assert is_consistent(SHA256, old, new, *heads, path)
    assert not is_consistent(SHA256, old, new, bytes(32), heads[1], path)
    assert old == 0 or not is_consistent(SHA256, old, new, heads[0], bytes(32), path)
    assert not is_consistent(SHA256, old, new, *heads, (*path, bytes(32)))
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        changed = [*path[:place], bytes(32), *path[place + 1 :]]
        assert not is_consistent(SHA256, old, new, *heads, changed)
        assert not is_consistent(SHA256, old, new, *heads, path[:-1])


@given(st.integers(1, 70), st.data())
def test_stored_paths_are_those_of_the_leaves(size: int, data: st.DataObject) -> None:
    leaves = [bytes([index]) for index in range(size)]
    index = data.draw(st.integers(0, size - 1))
    node = Stored(leaves)
    path = stored_path(SHA256, node, index, size)
    assert path == inclusion_path(SHA256, leaves, index)
    assert path_leads_to(SHA256, leaves[index], index, size, path, head_of(SHA256, node, 0, size))


def test_impossible_sizes() -> None:
    with pytest.raises(IndexError):
        stored_path(SHA256, Stored(LEAVES), 8, 8)
    with pytest.raises(IndexError):
        consistency_path(SHA256, Stored(LEAVES), 5, 4)
    assert not is_consistent(SHA256, 5, 4, ROOTS[4], ROOTS[3], ())
    assert not is_consistent(SHA256, -1, 4, ROOTS[4], ROOTS[3], ())
