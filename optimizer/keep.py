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
    """What `restore` needs to bring these days back. Until then a `Placed` on them is replaced, never changed."""
    return Snapshot(
        {
            day: [
                [(crew, crew.jobs[:], crew.officers, crew.limit, crew.skills) for crew in row]
                for row in board.crews[day]
            ]
            for day in days
        },
        {day: board.heads[day][:] for day in days},
        {day: dict(board.skills[day]) for day in days},
        board.placed[:],
        board.earliest[:],
        board.latest[:],
    )


def restore(board: Board, before: Snapshot) -> None:
    """Bring days back as they were; no other day may have changed since. Jobs added since are nowhere."""
    for day, rows in before.days.items():
        board.crews[day] = [[_again(*kept) for kept in row] for row in rows]
        board.heads[day] = before.heads[day]
        board.skills[day] = before.skills[day]
    known = len(before.placed)
    board.placed[:known] = before.placed
    board.placed[known:] = [None] * (len(board.placed) - known)
    board.earliest[:known] = before.earliest
    board.latest[:known] = before.latest


def _again(crew: Crew, jobs: list[int], officers: int, limit: int, skills: int) -> Crew:
    crew.jobs, crew.officers, crew.limit, crew.skills = jobs, officers, limit, skills
    return crew
