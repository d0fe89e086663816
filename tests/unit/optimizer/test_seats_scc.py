"""Strongly connected components against plain reachability."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.seats.scc import strong_components


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 9).flatmap(lambda n: st.tuples(
    st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=25)
)))  # fmt: skip
def test_labels_are_mutual_reachability(graph: tuple[int, list[tuple[int, int]]]) -> None:
    nodes, edges = graph
    reach = np.eye(nodes, dtype=np.int64)
    for tail, head in edges:
        reach[tail, head] = 1
    for _ in range(nodes):
        reach = ((reach @ reach) > 0).astype(np.int64)
    tails, heads = (np.array([edge[end] for edge in edges], dtype=np.int64) for end in (0, 1))
    label = strong_components(nodes, tails, heads)
    assert ((label[:, None] == label[None, :]) == ((reach * reach.T) > 0)).all()
