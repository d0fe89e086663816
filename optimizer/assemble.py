"""Boards into the visits and routes of a plan, numbered in an order that depends on nothing but the plan."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count as countup

from optimizer.board import Board
from optimizer.instance import Instance
from optimizer.jobs import Crew
from optimizer.model import Measures, Route, Stop, Visit


@dataclass(frozen=True, slots=True)
class Outcome:
    """Visits and routes ascending by id, and the minutes all routes travel."""

    visits: tuple[Visit, ...]
    routes: tuple[Route, ...]
    travel_min: int


@dataclass(frozen=True, slots=True)
class Known:
    """Ids already told to people: of visits by (board, job), of routes by the crew's identity."""

    visits: Mapping[tuple[int, int], str] = field(default_factory=dict)
    routes: Mapping[int, str] = field(default_factory=dict)


def assemble(inst: Instance, boards: Sequence[Board], known: Known | None = None) -> Outcome:
    """Visits numbered by day, start and target, routes by day, district, department and first visit.

    Those with a known id keep it; the others are numbered after the highest known.
    """
    told = known or Known()
    rows: list[tuple[int, int, str, int, int]] = []
    for number, own in enumerate(boards):
        for index, placed in enumerate(own.placed):
            if placed is not None:
                target = inst.sites[own.jobs[index].target].target_id
                rows.append((placed.day, own.earliest[index], target, number, index))
    rows.sort()
    fresh = _numbers("V", len(rows), told.visits.values())
    visits: list[Visit] = []
    names: dict[tuple[int, int], str] = {}
    for day, start, target, number, index in rows:
        name = told.visits.get((number, index)) or next(fresh)
        names[number, index] = name
        checks = sorted(check for task in boards[number].jobs[index].tasks for check in task.checks)
        visits.append(Visit(name, target, day, inst.parameters.day_start + start, tuple(checks)))
    routes, travel = _routes(inst, boards, names, told)
    return Outcome(tuple(sorted(visits, key=lambda row: row.visit_id)), routes, travel)


def _numbers(letter: str, count: int, taken: Collection[str]) -> Iterator[str]:
    """V00001, V00002 …: as wide as the ids there are, after the highest of those taken."""
    width = max(5, len(str(count)), *(len(name) - 1 for name in taken))
    first = 1 + max((int(name[1:]) for name in taken), default=0)
    return (f"{letter}{number:0{width}d}" for number in countup(first))


def _routes(
    inst: Instance, boards: Sequence[Board], names: dict[tuple[int, int], str], told: Known
) -> tuple[tuple[Route, ...], int]:
    rows: list[tuple[Route, Crew]] = []
    travel = 0
    for number, own in enumerate(boards):
        for day, by_department in enumerate(own.crews):
            for d, row in enumerate(by_department[: len(inst.departments)]):
                for crew in row:
                    stops, driven = _stops(inst, own, number, crew, d, names)
                    travel += driven
                    site = inst.sites[own.jobs[crew.jobs[0]].target]
                    name = inst.departments[d].department
                    held = _held(inst, d, crew)
                    rows.append((Route("", name, site.district, day, crew.officers, held, stops), crew))
    rows.sort(key=lambda row: _place(row[0]))
    fresh = _numbers("R", len(rows), told.routes.values())
    routes = [replace(route, route_id=told.routes.get(id(crew)) or next(fresh)) for route, crew in rows]
    return tuple(sorted(routes, key=lambda route: route.route_id)), travel


def _place(route: Route) -> tuple[int, str, str, int, str]:
    return route.day, route.district, route.department, route.stops[0].start, route.stops[0].visit_id


def _stops(
    inst: Instance, own: Board, number: int, crew: Crew, department: int, names: dict[tuple[int, int], str]
) -> tuple[tuple[Stop, ...], int]:
    """A crew's stops with clock times; the first arrives as its work begins."""
    stops: list[Stop] = []
    travel = 0
    before = -1
    for index in crew.jobs:
        begins, ends = own.parts[index][department]
        zero = inst.parameters.day_start + own.earliest[index]
        leg = own.travel[own.jobs[before].place][own.jobs[index].place] if stops else 0
        arrive = stops[-1].end + leg if stops else zero + begins
        stops.append(Stop(names[number, index], arrive, zero + begins, zero + ends))
        travel += leg
        before = index
    return tuple(stops), travel


def _held(inst: Instance, department: int, crew: Crew) -> tuple[str, ...]:
    return tuple(
        sorted(name for (d, name), bit in inst.skill_bits.items() if d == department and crew.skills & bit)
    )


def measures(outcome: Outcome) -> Measures:
    """The four measures of a plan; host minutes run from a visit's start to its last crew's end."""
    ends: dict[str, int] = {}
    present: dict[str, list[tuple[int, int]]] = {}
    for route in outcome.routes:
        for stop in route.stops:
            ends[stop.visit_id] = max(ends.get(stop.visit_id, 0), stop.end)
            present.setdefault(stop.visit_id, []).append((stop.start, route.officers))
            present[stop.visit_id].append((stop.end, -route.officers))
    return Measures(
        entries=len(outcome.visits),
        inspector_days=sum(route.officers for route in outcome.routes),
        travel_min=outcome.travel_min,
        host_min=sum(ends[visit.visit_id] - visit.start for visit in outcome.visits),
        people_per_visit_max=max((_peak(moves) for moves in present.values()), default=0),
    )


def _peak(moves: Sequence[tuple[int, int]]) -> int:
    """The most people at once; those who leave at a minute have left before others begin in it."""
    now = most = 0
    for _, people in sorted(moves):
        now += people
        most = max(most, now)
    return most
