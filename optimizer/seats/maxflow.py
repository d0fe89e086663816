"""Integer maximum flow on arrays, and the source side of the smallest minimum cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ortools.graph.python import max_flow

from optimizer.seats.network import BoolArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """A maximum flow: its value, the flow of each edge as given, and per node whether the residual reaches it."""

    value: int
    edge: IntArray
    reached: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Edges of a flow network: tails, heads and capacities, all (E,)."""

    tail: IntArray
    head: IntArray
    capacity: IntArray


def joined(parts: Sequence[Edges]) -> Edges:
    """All edges in the order of the parts."""
    return Edges(
        np.concatenate([part.tail for part in parts]),
        np.concatenate([part.head for part in parts]),
        np.concatenate([part.capacity for part in parts]),
    )


def maximum_flow(nodes: int, edges: Edges, source: int, sink: int) -> Flow:
    """Solve exactly. The reached nodes are the same for every maximum flow, so a cut never depends on the solver.

    Raises:
        ArithmeticError: capacities beyond 64 bits.
    """
    solver = max_flow.SimpleMaxFlow()
    ids = solver.add_arcs_with_capacity(
        edges.tail.astype(np.int32), edges.head.astype(np.int32), edges.capacity
    )
    status = solver.solve(source, sink) if len(edges.tail) else solver.OPTIMAL
    if status != solver.OPTIMAL:
        raise ArithmeticError(f"maximum flow: {status}")
    reached = np.zeros(nodes, dtype=np.bool_)
    reached[source] = True
    if not len(edges.tail):
        return Flow(0, np.zeros(0, dtype=np.int64), reached)
    reached[np.asarray(solver.get_source_side_min_cut(), dtype=np.int64)] = True
    return Flow(int(solver.optimal_flow()), np.asarray(solver.flows(ids), dtype=np.int64), reached)
