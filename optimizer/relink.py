"""A department's crews of one day linked afresh: same visits, other orders, so that a crew may be saved.

Taking whole visits out and back moves all their crews at once; here one department's stops are handed out again
while everybody else's orders stay, each stop in the order of its earliest start to the crew that waits least.
"""

from __future__ import annotations

from optimizer.board import Board
from optimizer.jobs import NO_LIMIT, Crew, Placed
from optimizer.offers import FAR, Option
from optimizer.stream import Stream


def relink(board: Board, day: int, department: int, stream: Stream) -> bool:
    """Hand a department's stops of a day out again; False: abandoned halfway, the caller restores its snapshot."""
    row = board.crews[day][department]
    loose = _disband(board, day, department)
    board.retime(day)
    noise = 30 if stream.below(2) else 1
    order = sorted(loose, key=lambda job: (board.earliest[job] + stream.below(noise), job))
    row.clear()
    return all(_hand_out(board, job, loose[job], day, department) for job in order)


def _disband(board: Board, day: int, department: int) -> dict[int, Crew]:
    """Each stop to a crew of its own, so that only the other departments bind its time."""
    row = board.crews[day][department]
    loose: dict[int, Crew] = {}
    for crew in row:
        for job in crew.jobs:
            alone = Crew()
            alone.jobs = [job]
            _assign(board, job, department, alone)
            loose[job] = alone
        board.resize(crew, department, day, 0, NO_LIMIT, 0)
    row[:] = list(loose.values())
    return loose


def _assign(board: Board, job: int, department: int, crew: Crew) -> None:
    placed = board.placed[job]
    assert placed is not None
    crews = placed.crews[:]
    crews[_part(board, job, department)] = crew
    board.placed[job] = Placed(placed.day, crews)


def _part(board: Board, job: int, department: int) -> int:
    return next(k for k, task in enumerate(board.jobs[job].tasks) if task.department == department)


def _hand_out(board: Board, job: int, alone: Crew, day: int, department: int) -> bool:
    part = _part(board, job, department)
    task = board.jobs[job].tasks[part]
    within = (board.earliest[job], board.latest[job])
    choice = _least_waiting(board, job, board.options(task, board.jobs[job].place, day, within))
    if choice is None:
        return False
    option, start = choice
    crew, position = option[6], option[7]
    if crew is None:
        alone.jobs.clear()
        crew, position = alone, 0
        board.crews[day][department].append(alone)
    _assign(board, job, department, crew)
    board.join(crew, position, job, task, day)
    board.earliest[job] = start
    return board.settle(job)


def _least_waiting(board: Board, job: int, options: list[Option]) -> tuple[Option, int] | None:
    earliest, latest = board.earliest[job], board.latest[job]
    best: tuple[Option, int] | None = None
    least = FAR
    for option in options:
        low, high, _, cost, waits, free, _, _ = option
        start = max(low, earliest)
        if start > min(high, latest):
            continue
        price = cost + 2 * (start - earliest) + max(0, start - free)
        if waits:
            price += start - low
        if price < least:
            best, least = (option, start), price
    return best
