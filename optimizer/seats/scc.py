"""Strongly connected components of a large directed graph, by colouring on arrays.

Source: Orzan, "On distributed verification and verified distribution" (2004). Quick where components are few and
paths short, as in the residual graph of a leximin plan.
"""

from __future__ import annotations

import numpy as np

from optimizer.seats.network import IntArray


def strong_components(nodes: int, tail: IntArray, head: IntArray) -> IntArray:
    """Label each node with its component: two nodes have the same label exactly if each reaches the other."""
    label = np.full(nodes, -1, dtype=np.int64)
    tail, head = _between(label, tail, head)
    while len(tail):
        _peel(label, tail, head)
        tail, head = _between(label, tail, head)
        if len(tail):
            colour = _highest_ancestor(nodes, tail, head)
            alike = colour[tail] == colour[head]
            tail, head = tail[alike], head[alike]
            _take_roots(label, colour, tail, head)
            tail, head = _between(label, tail, head)
    alone = label < 0
    label[alone] = np.flatnonzero(alone)
    return label


def _between(label: IntArray, tail: IntArray, head: IntArray) -> tuple[IntArray, IntArray]:
    """The edges between nodes that have no label yet."""
    keep = (label[tail] < 0) & (label[head] < 0)
    return (tail, head) if keep.all() else (tail[keep], head[keep])


def _peel(label: IntArray, tail: IntArray, head: IntArray) -> None:
    """Nodes that no edge enters, or none leaves, are components of their own."""
    enters, leaves = np.zeros(len(label), dtype=np.bool_), np.zeros(len(label), dtype=np.bool_)
    enters[head] = True
    leaves[tail] = True
    alone = np.flatnonzero((label < 0) & ~(enters & leaves))
    label[alone] = alone


def _highest_ancestor(nodes: int, tail: IntArray, head: IntArray) -> IntArray:
    """For each node the highest number among the nodes that reach it."""
    colour = np.arange(nodes)
    while True:
        before = colour.copy()
        np.maximum.at(colour, head, colour[tail])
        if np.array_equal(before, colour):
            return colour


def _take_roots(label: IntArray, colour: IntArray, tail: IntArray, head: IntArray) -> None:
    """Label what reaches the node that gave its colour, backwards along edges of one colour."""
    nodes = np.arange(len(label))
    reached = (colour == nodes) & (label < 0)
    while True:
        more = tail[reached[head] & ~reached[tail]]
        if not len(more):
            break
        reached[more] = True
    label[reached] = colour[reached]
