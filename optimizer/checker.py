"""Every rule that a plan breaks, found without a line of the solver: it reads problem, parameters and plan only.

Works on plans of any origin, a rebuilt or a doctored one too, so nothing in a plan is believed before it is looked
up. Each rule has a code, and a sentence in Chinese and English; docs/packing.md lists the rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isqrt

from optimizer.model import (
    Check,
    Department,
    ForbiddenPair,
    PackingProblem,
    Parameters,
    Plan,
    Route,
    Site,
    Stop,
    Visit,
)
from optimizer.rules import SENTENCES


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule: its code, the id of what breaks it, and the sentence for a person."""

    code: str
    subject: str
    zh: str
    en: str


def check(problem: PackingProblem, parameters: Parameters, plan: Plan) -> list[Violation]:
    """All broken rules, in the order of the rules and of the plan's rows; empty when the plan keeps to them all."""
    look = _Look(problem, parameters, plan)
    found: list[Violation] = []
    for rule in (
        _ids,
        _visits,
        _checks,
        _targets,
        _routes,
        _stops,
        _crews,
        _people,
        _heads,
        _unscheduled,
        _report,
    ):
        found += rule(look)
    return found


class _Look:
    """Rows by id. Of rows that share an id the last is looked up; `_ids` names the others."""

    def __init__(self, problem: PackingProblem, parameters: Parameters, plan: Plan) -> None:
        self.problem, self.parameters, self.plan = problem, parameters, plan
        self.checks = {row.check_id: row for row in problem.checks}
        self.sites = {row.target_id: row for row in problem.sites}
        self.departments = {row.department: row for row in problem.departments}
        self.visits = {row.visit_id: row for row in plan.visits}
        self.at: dict[str, list[tuple[Route, Stop]]] = {}
        for route in plan.routes:
            for stop in route.stops:
                self.at.setdefault(stop.visit_id, []).append((route, stop))
        self.pairs: dict[str, list[ForbiddenPair]] = {}
        for pair in problem.forbidden:
            self.pairs.setdefault(pair.check_a, []).append(pair)

    def own(self, visit: Visit, department: str) -> list[Check]:
        """The department's checks in a visit."""
        known = (self.checks[name] for name in visit.checks if name in self.checks)
        return [row for row in known if row.department == department]


def _broken(code: str, subject: str, *facts: object) -> Violation:
    zh, en = SENTENCES[code]
    return Violation(code, subject, zh.format(subject, *facts), en.format(subject, *facts))


def _ids(look: _Look) -> Iterator[Violation]:
    for code, ids in (
        ("visit.id", [row.visit_id for row in look.plan.visits]),
        ("route.id", [row.route_id for row in look.plan.routes]),
    ):
        for before, after in pairwise(ids):
            if before >= after:
                yield _broken(code, after, before)


def _visits(look: _Look) -> Iterator[Violation]:
    for visit in look.plan.visits:
        site = look.sites.get(visit.target_id)
        if site is None:
            yield _broken("visit.target", visit.visit_id, visit.target_id)
        if not 0 <= visit.day < len(look.problem.days):
            yield _broken("visit.day", visit.visit_id, visit.day)
        elif site is not None and visit.day in site.closed_days:
            yield _broken("visit.closed", visit.visit_id, visit.target_id, look.problem.days[visit.day])
        if not visit.checks:
            yield _broken("visit.empty", visit.visit_id)
        yield from _together(look, visit)


def _together(look: _Look, visit: Visit) -> Iterator[Violation]:
    """The checks of one visit: known, of this target, allowed on this day, no forbidden pair."""
    for name in visit.checks:
        row = look.checks.get(name)
        if row is None:
            yield _broken("visit.check", visit.visit_id, name)
            continue
        if row.target_id != visit.target_id:
            yield _broken("visit.other_target", visit.visit_id, name, row.target_id)
        if row.days and visit.day not in row.days:
            yield _broken("check.day", name, visit.visit_id)
    held = set(visit.checks)
    for pair in (pair for name in visit.checks for pair in look.pairs.get(name, ())):
        if pair.check_b in held:
            yield _broken("visit.forbidden_pair", visit.visit_id, pair.check_a, pair.check_b, pair.reason)


def _checks(look: _Look) -> Iterator[Violation]:
    times = Counter(name for visit in look.plan.visits for name in visit.checks)
    times.update(row.check_id for row in look.plan.unscheduled)
    for row in look.problem.checks:
        if times[row.check_id] == 0:
            yield _broken("check.missing", row.check_id)
        elif times[row.check_id] > 1:
            yield _broken("check.twice", row.check_id, times[row.check_id])


def _targets(look: _Look) -> Iterator[Violation]:
    by_target: dict[str, list[Visit]] = {}
    for visit in look.plan.visits:
        by_target.setdefault(visit.target_id, []).append(visit)
    ends: dict[str, int] = {}
    for route in look.plan.routes:
        for stop in route.stops:
            ends[stop.visit_id] = max(ends.get(stop.visit_id, 0), stop.end)
    for target, visits in by_target.items():
        site = look.sites.get(target)
        if site is not None and site.entries_left is not None and len(visits) > site.entries_left:
            yield _broken("target.entries", target, len(visits), site.entries_left)
        ordered = sorted(visits, key=lambda row: (row.day, row.start))
        for first, second in pairwise(ordered):
            if first.day == second.day and ends.get(first.visit_id, first.start) > second.start:
                yield _broken("target.overlap", target, first.visit_id, second.visit_id)


def _routes(look: _Look) -> Iterator[Violation]:
    opens = look.parameters.day_start
    closes = opens + look.parameters.day_minutes
    for route in look.plan.routes:
        if route.department not in look.departments:
            yield _broken("route.department", route.route_id, route.department)
        if not 0 <= route.day < len(look.problem.days):
            yield _broken("route.day", route.route_id, route.day)
        if not route.stops:
            yield _broken("route.empty", route.route_id)
            continue
        if len(route.stops) > look.parameters.max_entries:
            yield _broken("route.entries", route.route_id, len(route.stops), look.parameters.max_entries)
        first, last = min(stop.arrive for stop in route.stops), max(stop.end for stop in route.stops)
        if first < opens or last > closes:
            yield _broken("route.hours", route.route_id, first, last, opens, closes)
        yield from _strength(look, route)


def _strength(look: _Look, route: Route) -> Iterator[Violation]:
    """Enough officers, and every specialty that a check on the route asks for."""
    visits = [look.visits[stop.visit_id] for stop in route.stops if stop.visit_id in look.visits]
    rows = [row for visit in visits for row in look.own(visit, route.department)]
    wanted = max([2, *(row.officers for row in rows)])
    if route.officers < wanted:
        yield _broken("route.officers", route.route_id, route.officers, wanted)
    for name in sorted({name for row in rows for name in row.specialties} - set(route.specialties)):
        yield _broken("route.specialty", route.route_id, name)


def _stops(look: _Look) -> Iterator[Violation]:
    for route in look.plan.routes:
        before: tuple[Stop, Site | None] | None = None
        for stop in route.stops:
            visit = look.visits.get(stop.visit_id)
            if visit is None:
                yield _broken("stop.visit", route.route_id, stop.visit_id)
                before = (stop, None)
                continue
            site = look.sites.get(visit.target_id)
            if visit.day != route.day:
                yield _broken("stop.day", route.route_id, stop.visit_id)
            if site is not None and site.district != route.district:
                yield _broken("stop.district", route.route_id, stop.visit_id, site.district, route.district)
            yield from _times(look, route, stop, visit)
            if before is not None:
                yield from _way(look, route, before, (stop, site))
            before = (stop, site)


def _times(look: _Look, route: Route, stop: Stop, visit: Visit) -> Iterator[Violation]:
    """Arrival before the start, the start that of the visit (later only where people are capped), time as needed."""
    site = look.sites.get(visit.target_id)
    if stop.arrive > stop.start:
        yield _broken("stop.late", route.route_id, stop.visit_id, stop.arrive, stop.start)
    capped = site is not None and site.people_cap is not None
    if stop.start < visit.start or (stop.start > visit.start and not capped):
        yield _broken("stop.start", route.route_id, stop.visit_id, stop.start, visit.start)
    rows = look.own(visit, route.department)
    if not rows:
        yield _broken("stop.idle", route.route_id, stop.visit_id)
    elif stop.end - stop.start != sum(row.minutes for row in rows):
        minutes = sum(row.minutes for row in rows)
        yield _broken("stop.minutes", route.route_id, stop.visit_id, stop.end - stop.start, minutes)


def _way(
    look: _Look, route: Route, before: tuple[Stop, Site | None], after: tuple[Stop, Site | None]
) -> Iterator[Violation]:
    """Time for the way between two stops."""
    if before[1] is None or after[1] is None:
        return
    needed = _minutes_between(before[1], after[1], look.parameters)
    if after[0].arrive - before[0].end < needed:
        found = after[0].arrive - before[0].end
        yield _broken("stop.travel", route.route_id, before[0].visit_id, after[0].visit_id, found, needed)


def _minutes_between(here: Site, there: Site, parameters: Parameters) -> int:
    """As `Parameters` defines it: whole metres, a detour, rounded up, and parking; nothing within one place."""
    if (here.east_m, here.north_m) == (there.east_m, there.north_m):
        return 0
    metres = isqrt((here.east_m - there.east_m) ** 2 + (here.north_m - there.north_m) ** 2)
    thousandths = metres * parameters.detour_permille
    whole, rest = divmod(thousandths, 1000 * parameters.speed_m_per_min)
    return whole + (1 if rest else 0) + parameters.parking_min


def _crews(look: _Look) -> Iterator[Violation]:
    """For each department of a visit exactly one route stops there, and somebody begins as the visit does."""
    for visit in look.plan.visits:
        here = look.at.get(visit.visit_id, [])
        crews = Counter(route.department for route, _ in here)
        known = [look.checks[name] for name in visit.checks if name in look.checks]
        for department in sorted({row.department for row in known}):
            if crews[department] == 0:
                yield _broken("visit.no_crew", visit.visit_id, department)
            elif crews[department] > 1:
                yield _broken("visit.two_crews", visit.visit_id, department, crews[department])
        if here and min(stop.start for _, stop in here) > visit.start:
            yield _broken("visit.start", visit.visit_id, visit.start)


def _people(look: _Look) -> Iterator[Violation]:
    """At no minute more people at a visit than its target admits."""
    capped = {row.target_id: row.people_cap for row in look.problem.sites if row.people_cap is not None}
    for visit in look.plan.visits:
        if visit.target_id not in capped:
            continue
        here = look.at.get(visit.visit_id, [])
        for moment in sorted({stop.start for _, stop in here}):
            people = sum(route.officers for route, stop in here if stop.start <= moment < stop.end)
            if people > capped[visit.target_id]:
                yield _broken("visit.people", visit.visit_id, people, capped[visit.target_id], moment)


def _heads(look: _Look) -> Iterator[Violation]:
    """Officers out per department and day within its heads; routes that need a specialty within its holders."""
    for department in look.problem.departments:
        held = dict(department.specialists)
        own = [route for route in look.plan.routes if route.department == department.department]
        for day in range(len(look.problem.days)):
            out = [route for route in own if route.day == day]
            yield from _heads_on(look, department, held, day, out)


def _heads_on(
    look: _Look, department: Department, held: dict[str, tuple[int, ...]], day: int, out: Sequence[Route]
) -> Iterator[Violation]:
    date = look.problem.days[day]
    officers = sum(route.officers for route in out)
    if officers > department.heads[day]:
        yield _broken("heads.exceeded", department.department, date, officers, department.heads[day])
    wanted = Counter(name for route in out for name in set(route.specialties))
    for name, routes in sorted(wanted.items()):
        holders = held[name][day] if name in held else 0
        if routes > holders:
            yield _broken("specialists.exceeded", department.department, date, name, routes, holders)


def _unscheduled(look: _Look) -> Iterator[Violation]:
    for row in look.plan.unscheduled:
        if row.check_id not in look.checks:
            yield _broken("unscheduled.check", row.check_id)
        if not (row.code and row.reason_zh and row.reason_en):
            yield _broken("unscheduled.reason", row.check_id)


def _report(look: _Look) -> Iterator[Violation]:
    """What the report says of the plan, recounted; no bound above the plan."""
    report = look.plan.report
    counted = (
        ("entries", report.plan.entries, len(look.plan.visits)),
        ("inspector_days", report.plan.inspector_days, sum(route.officers for route in look.plan.routes)),
        ("alone.entries", report.alone.entries, sum(len(visit.checks) for visit in look.plan.visits)),
    )
    for name, said, found in counted:
        if said != found:
            yield _broken("report.count", name, said, found)
    if report.entries_bound > len(look.plan.visits):
        yield _broken("report.bound", "entries", report.entries_bound, len(look.plan.visits))
    if report.inspector_days_bound.value > report.plan.inspector_days:
        yield _broken(
            "report.bound", "inspector_days", report.inspector_days_bound.value, report.plan.inspector_days
        )
    team = report.team
    if team is not None and team.bound.value > team.certified_inspector_days:
        yield _broken("report.bound", "team", team.bound.value, team.certified_inspector_days)
    if look.parameters != report.parameters:
        yield _broken("report.parameters", "parameters")
