"""What is asked of a committed plan, in the words of the packing problem: closed days, fixed days, fewer officers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.errors import Refused, refuse
from app.rounds.packing import ItemVersion
from optimizer.model import PackingProblem, Plan
from optimizer.replan import as_drawn
from scheduler.changes import CHANGE

Row = dict[str, Any]
Items = Callable[[Sequence[str]], list[ItemVersion]]


@dataclass(frozen=True, slots=True)
class Move:
    """A visit to be on a date (`to`), or not to be on one (`avoid`)."""

    visit_id: str
    to: str = ""
    avoid: str = ""


@dataclass(frozen=True, slots=True)
class Urgent:
    """A check that cannot wait, at a target of the round: check items by code, all of one department."""

    target_id: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A change with its reason, which is published.

    `cancel`: visits that cannot be on their day. `closed`: (target or district, date) where nobody can go.
    `fewer`: (department, date, officers) who cannot come.
    """

    reason: str
    move: Move | None = None
    cancel: tuple[str, ...] = ()
    closed: tuple[tuple[str, str], ...] = ()
    fewer: tuple[tuple[str, str, int], ...] = ()
    urgent: tuple[Urgent, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """What holds from now on, over and above the problem of the round; earlier changes still hold."""

    days: tuple[str, ...]
    closed: list[Row] = field(default_factory=list)
    pins: list[Row] = field(default_factory=list)
    fewer: list[Row] = field(default_factory=list)
    checks: list[Row] = field(default_factory=list)
    before: Sequence[Mapping[str, Any]] = ()

    def published(self) -> dict[str, list[Row]]:
        """The event's own part of it."""
        return {"closed": self.closed, "pins": self.pins, "fewer": self.fewer}

    def applied(self, problem: PackingProblem, plan: Plan) -> PackingProblem:
        """The problem in this situation, its officers those of the plan's routes."""
        closed: dict[str, set[int]] = {}
        for row in self._all("closed"):
            closed.setdefault(row["target_id"], set()).add(self.days.index(row["date"]))
        pinned = {row["check_id"]: (self.days.index(row["date"]),) for row in self._all("pins")}
        away: dict[tuple[str, int], int] = {}
        for row in self._all("fewer"):
            key = row["department"], self.days.index(row["date"])
            away[key] = away.get(key, 0) + row["officers"]
        drawn = as_drawn(problem, plan)
        return replace(
            drawn,
            sites=tuple(
                replace(site, closed_days=tuple(sorted({*site.closed_days, *closed.get(site.target_id, ())})))
                for site in drawn.sites
            ),
            checks=tuple(
                replace(check, days=pinned.get(check.check_id, check.days)) for check in drawn.checks
            ),
            departments=tuple(
                replace(
                    row,
                    heads=tuple(
                        max(0, heads - away.get((row.department, day), 0))
                        for day, heads in enumerate(row.heads)
                    ),
                )
                for row in drawn.departments
            ),
        )

    def _all(self, name: str) -> Iterable[Row]:
        for event in self.before:
            if event["type"] == CHANGE:
                yield from event[name]
        yield from self.published()[name]


def situation(
    files: tuple[Row, Row],
    events: Sequence[Mapping[str, Any]],
    asked: Asked,
    districts: Mapping[str, str],
    first_day: int,
    items: Items,
) -> Situation:
    """The situation that is asked for; `districts`: the district of every target of the round.

    Raises Refused `change.visit`, `change.day`, `change.place`, `change.department`, `change.urgent`.
    """
    look = _Look(files, districts, first_day)
    made = Situation(look.days, before=events)
    if asked.move is not None:
        look.move(asked.move, made)
    for visit_id in asked.cancel:
        visit = look.visit(visit_id)
        made.closed.append({"target_id": visit["target_id"], "date": visit["date"]})
    for place, date in asked.closed:
        made.closed.extend({"target_id": name, "date": look.day(date)} for name in look.targets(place, date))
    for department, date, officers in asked.fewer:
        look.department(department)
        made.fewer.append({"department": department, "date": look.day(date), "officers": officers})
    for urgent in asked.urgent:
        made.checks.append(look.urgent(urgent, items(urgent.items)))
    return made


class _Look:
    """Finds what a change names, or refuses."""

    def __init__(self, files: tuple[Row, Row], districts: Mapping[str, str], first_day: int) -> None:
        self.days = tuple(files[1]["days"])
        self._visits = {row["visit_id"]: row for row in files[0]["visits"]}
        self._checks = {row["check_id"]: row for row in files[0]["checks"]}
        self._departments = {row["department"] for row in files[1]["routes"]}
        self._districts, self._first = districts, first_day

    def visit(self, visit_id: str) -> Row:
        """A visit that is still to come."""
        row: Row | None = self._visits.get(visit_id)
        if row is None or self.days.index(row["date"]) < self._first:
            raise _refused(
                "change.visit", visit_id, "没有此次入户，或其日期已过", "no such visit, or its day is over"
            )
        return row

    def day(self, date: str) -> str:
        """A day of the plan that is not over."""
        if date not in self.days[self._first :]:
            raise _refused(
                "change.day", date, "不是计划中尚未过去的工作日", "no day of the plan that is still to come"
            )
        return date

    def move(self, move: Move, made: Situation) -> None:
        """Fix a visit's checks on a day, or close a day for its target."""
        visit = self.visit(move.visit_id)
        if move.to:
            date = self.day(move.to)
            made.pins.extend({"check_id": name, "date": date} for name in visit["checks"])
        if move.avoid:
            made.closed.append({"target_id": visit["target_id"], "date": self.day(move.avoid)})

    def targets(self, place: str, date: str) -> list[str]:
        """A target, or the targets of a district that have a visit on that day."""
        if place in self._districts:
            return [place]
        found = {
            row["target_id"]
            for row in self._visits.values()
            if row["date"] == date and self._districts.get(row["target_id"]) == place
        }
        if not found:
            raise _refused(
                "change.place",
                place,
                "不是对象，也不是当日有检查的区县",
                "no target, and no district with a visit",
            )
        return sorted(found)

    def department(self, code: str) -> None:
        """A department with routes."""
        if code not in self._departments:
            raise _refused("change.department", code, "在本批次没有路线", "has no route in this round")

    def urgent(self, urgent: Urgent, items: Sequence[ItemVersion]) -> Row:
        """The check as visits.json would have it, drawn by nobody."""
        departments = {item.department for item in items}
        if urgent.target_id not in self._districts or len(departments) != 1:
            raise _refused(
                "change.urgent",
                urgent.target_id,
                "紧急检查须针对本批次对象，事项须属同一部门",
                "an urgent check is at a target of this round, its items of one department",
            )
        (department,) = departments
        number = 1
        while (name := f"{urgent.target_id}/{department}/urgent-{number}") in self._checks:
            number += 1
        return {
            "check_id": name,
            "target_id": urgent.target_id,
            "department": department,
            "draws": [],
            "items": sorted(item.name for item in items),
            "minutes": sum(item.minutes for item in items),
            "officers": max(item.officers for item in items),
            "specialties": sorted({specialty for item in items for specialty in item.specialties}),
        }


def _refused(code: str, subject: str, zh: str, en: str) -> Refused:
    return refuse(
        code,
        f"“{subject}”{zh}。",
        f"“{subject}”: {en}.",
        "请核对编号和日期；已过去的不能改动。",
        "Check the id and the date; what is over cannot change.",
        subject=subject,
    )
