"""Times worked out only where visits were taken off are those that the whole day gives; undoing is exact."""

from __future__ import annotations

import pytest

from benchmarks.packing_city import City, city
from optimizer.board import Board
from optimizer.cells import board, capacity, cells, construct
from optimizer.instance import entries, instance
from optimizer.keep import dump, restore, snapshot
from optimizer.loosen import around, loosen
from optimizer.model import Parameters
from optimizer.relink import relink
from optimizer.search import Search
from optimizer.stream import Stream


def busy(seed: int) -> Board:
    """A board of one district, filled and stirred; some of its visits have crews that come one after the other."""
    inst, _ = instance(city(City(90, 6, seed, "tight")), Parameters())
    found = entries(inst)
    made = max(cells(inst, found), key=lambda cell: len(cell.jobs))
    own = board(inst, made, *capacity(inst, found.doors))
    construct([own])
    Search(own, Stream(seed)).run(60)
    for day in range(len(own.crews)):
        own.retime(day)
    return own


def days_of(own: Board) -> list[int]:
    return [day for day, rows in enumerate(own.crews) if any(rows)]


def state(own: Board) -> tuple[object, ...]:
    crews = [[[(c.jobs, c.officers, c.skills) for c in row] for row in rows] for rows in own.crews]
    heads = [row[:] for row in own.heads]
    return crews, heads, [dict(row) for row in own.skills], own.earliest[:], own.latest[:], dump(own)


@pytest.mark.parametrize("seed", range(6))
def test_taking_off_moves_what_hung_on_it_and_nothing_else(seed: int) -> None:
    own = busy(seed)
    stream = Stream(seed)
    for day in days_of(own):
        placed = own.on_day(day)
        taken = {placed[stream.below(len(placed))] for _ in range(1 + len(placed) // 4)}
        before, after = around(own, taken)
        for index in sorted(taken):
            own.remove(index)
        loosen(own, before - taken, after - taken)
        left = own.on_day(day)
        partly = [(own.earliest[i], own.latest[i]) for i in left]
        own.retime(day)
        assert partly == [(own.earliest[i], own.latest[i]) for i in left]


@pytest.mark.parametrize("seed", range(3))
def test_a_trial_that_is_undone_leaves_no_trace(seed: int) -> None:
    own = busy(seed)
    stream = Stream(seed)
    for day in days_of(own):
        before, kept = repr(state(own)), snapshot(own, [day])
        for index in own.on_day(day)[:5]:
            own.remove(index)
        own.retime(day)
        for department in range(len(own.crews[day])):
            relink(own, day, department, stream)
        assert repr(state(own)) != before
        restore(own, kept)
        assert repr(state(own)) == before
