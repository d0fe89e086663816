"""What packing moves about: jobs and their tasks, crews, and offers of a place."""

from __future__ import annotations

from dataclasses import dataclass

OFFICER = 1000
NO_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Task:
    """One department's part of a job: `offset` minutes after the visit's start; crew of at most `limit`."""

    department: int
    minutes: int
    officers: int
    skills: int = 0
    offset: int = 0
    limit: int = NO_LIMIT
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A visit to be placed: `place` indexes the travel table, `target` names the firm, `days` are allowed.

    `apart`: another visit of the target must not be on the same day.
    """

    place: int
    target: int
    tasks: tuple[Task, ...]
    days: tuple[int, ...]
    apart: bool = True

    @property
    def length(self) -> int:
        """Minutes from the first crew's start to the last crew's end."""
        return max(task.offset + task.minutes for task in self.tasks)


class Crew:
    """A department's crew on one day: its jobs in order, its size, the most it may be, the skills it holds."""

    __slots__ = ("jobs", "limit", "officers", "skills")

    def __init__(self) -> None:
        self.officers = 0
        self.limit = NO_LIMIT
        self.skills = 0
        self.jobs: list[int] = []


Pick = tuple[Crew | None, int]


@dataclass(frozen=True, slots=True)
class Offer:
    """Where a job would go and what it would cost there."""

    cost: int
    day: int
    start: int
    picks: tuple[Pick, ...]


@dataclass(slots=True)
class Placed:
    """Where a job went: per task the crew that does it."""

    day: int
    crews: list[Crew]


KeptCrew = tuple[Crew, list[int], int, int, int]
"""A crew, and what it was: jobs in order, officers, limit, skills."""


@dataclass(slots=True)
class Snapshot:
    """Enough of some days to undo what is done to them; places and times are of all jobs."""

    days: dict[int, list[list[KeptCrew]]]
    heads: dict[int, list[int]]
    skills: dict[int, dict[int, int]]
    placed: list[Placed | None]
    earliest: list[int]
    latest: list[int]


@dataclass(frozen=True, slots=True)
class Orders:
    """(day, department, job numbers in order) of every crew, and every job's start in minutes of the working day."""

    rows: tuple[tuple[int, int, tuple[int, ...]], ...]
    starts: tuple[int, ...]
