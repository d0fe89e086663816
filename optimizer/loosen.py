"""Times after visits were taken off: only what hung on them is worked out again, not the whole day.

Taking a visit off never makes another later, so each affected visit takes the time that its crews' neighbours leave it,
until nothing moves. Crews' orders never contradict each other, so there is one such set of times.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop, heappush

from optimizer.board import Board


def around(board: Board, taken: Iterable[int]) -> tuple[set[int], set[int]]:
    """The jobs right before and right after these in any crew."""
    before: set[int] = set()
    after: set[int] = set()
    for index in taken:
        held = board.placed[index]
        assert held is not None
        for crew in held.crews:
            at = crew.jobs.index(index)
            if at:
                before.add(crew.jobs[at - 1])
            after.update(crew.jobs[at + 1 : at + 2])
    return before, after


def loosen(board: Board, before: set[int], after: set[int]) -> None:
    """Earlier starts for those after what was taken off, later ones for those before it, and for all that follows."""
    _earlier(board, after)
    _later(board, before)


def _earlier(board: Board, waiting: set[int]) -> None:
    earliest, parts, jobs, placed, travel = (
        board.earliest,
        board.parts,
        board.jobs,
        board.placed,
        board.travel,
    )
    line = [(earliest[index], index) for index in waiting]
    heapify(line)
    while line:
        here = heappop(line)[1]
        if here not in waiting:
            continue
        waiting.remove(here)
        legs, least, held = travel[jobs[here].place], board.floors[here], placed[here]
        assert held is not None
        follow = []
        for (department, (begins, _)), crew in zip(parts[here].items(), held.crews, strict=True):
            order = crew.jobs
            at = order.index(here)
            if at:
                prior = order[at - 1]
                need = earliest[prior] + parts[prior][department][1] + legs[jobs[prior].place] - begins
                if need > least:
                    least = need
            if at + 1 < len(order):
                follow.append(order[at + 1])
        if least < earliest[here]:
            earliest[here] = least
            for index in follow:
                if index not in waiting:
                    waiting.add(index)
                    heappush(line, (earliest[index], index))


def _later(board: Board, waiting: set[int]) -> None:
    latest, parts, jobs, placed, travel = board.latest, board.parts, board.jobs, board.placed, board.travel
    day = board.parameters.day_minutes
    line = [(-latest[index], index) for index in waiting]
    heapify(line)
    while line:
        here = heappop(line)[1]
        if here not in waiting:
            continue
        waiting.remove(here)
        legs, most, held = travel[jobs[here].place], day - board.lengths[here], placed[here]
        assert held is not None
        lead = []
        for (department, (_, ends)), crew in zip(parts[here].items(), held.crews, strict=True):
            order = crew.jobs
            at = order.index(here)
            if at + 1 < len(order):
                then = order[at + 1]
                limit = latest[then] + parts[then][department][0] - legs[jobs[then].place] - ends
                if limit < most:
                    most = limit
            if at:
                lead.append(order[at - 1])
        if most > latest[here]:
            latest[here] = most
            for index in lead:
                if index not in waiting:
                    waiting.add(index)
                    heappush(line, (-latest[index], index))
