"""Boards kept: a few days to be restored after a trial, or all orders to travel to another process."""

from __future__ import annotations

from optimizer.board import Board
from optimizer.jobs import Crew, Orders, Placed, Snapshot


def dump(board: Board) -> Orders:
    """The crews' orders and starts, ready to travel to another process."""
    rows = tuple(
        (day, department, tuple(crew.jobs))
        for day, rows in enumerate(board.crews)
        for department, row in enumerate(rows)
        for crew in row
    )
    return Orders(rows, tuple(board.earliest))


def load(board: Board, orders: Orders) -> None:
    """Take over orders dumped from a board with the same jobs; this board must be empty."""
    board.earliest = list(orders.starts)
    days = set()
    for day, department, jobs in orders.rows:
        crew = board.hire(department, day)
        days.add(day)
        for index in jobs:
            part = next(k for k, task in enumerate(board.jobs[index].tasks) if task.department == department)
            held = board.placed[index] or Placed(day, [crew] * len(board.jobs[index].tasks))
            held.crews[part] = crew
            board.placed[index] = held
            board.join(crew, len(crew.jobs), index, board.jobs[index].tasks[part], day)
    for day in sorted(days):
        board.retime(day)


def snapshot(board: Board, days: list[int]) -> Snapshot:
    """What `restore` needs to bring these days back; jobs on them are remembered with their crews."""
    twin: dict[int, Crew] = {}
    kept: dict[int, list[list[Crew]]] = {}
    placed: dict[int, Placed] = {}
    for day in days:
        kept[day] = [[twin.setdefault(id(crew), crew.copy()) for crew in row] for row in board.crews[day]]
        for index in {index for row in board.crews[day] for crew in row for index in crew.jobs}:
            held = board.placed[index]
            assert held is not None
            placed[index] = Placed(day, [twin[id(one)] for one in held.crews])
    times = {index: (board.earliest[index], board.latest[index]) for index in placed}
    heads = {day: board.heads[day][:] for day in days}
    return Snapshot(kept, heads, {day: dict(board.skills[day]) for day in days}, placed, times)


def restore(board: Board, before: Snapshot, also: list[int]) -> None:
    """Bring days back as they were; jobs in `also` that were nowhere are nowhere again."""
    for index in also:
        board.placed[index] = None
    for day, rows in before.days.items():
        board.crews[day] = rows
        board.heads[day] = before.heads[day]
        board.skills[day] = before.skills[day]
    for index, placed in before.placed.items():
        board.placed[index] = placed
        board.earliest[index], board.latest[index] = before.times[index]
