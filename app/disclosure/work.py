"""The schedule for those who do the work: visits, team-days with their inspectors' codes, joined into flat rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from app.disclosure import repository
from app.disclosure.facts import names_in, title_in
from app.disclosure.repository import document
from app.errors import Conflict, Problem
from app.ledger import repository as ledger
from app.registers.gazetteer import district_name
from app.rounds.seat_history import after_moves
from app.rounds.seats import events_of
from app.rounds.tables import Round
from app.web.language import Language
from scheduler.changes import after_changes

_DISTRICT_CODE: Final = re.compile("[0-9]{6}")


@dataclass(frozen=True, slots=True)
class Site:
    """Where a target is; `estimated`: the place was not given but derived from its district."""

    name: str
    district: str
    address: str
    estimated: bool


@dataclass(frozen=True, slots=True)
class WorkStop:
    """A crew at a visit; times are minutes after midnight. `together`: the other departments that come."""

    visit_id: str
    target_id: str
    site: Site
    arrive: int
    start: int
    end: int
    items: tuple[str, ...]
    together: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TeamDay:
    """A route with its people: one department's crew on one day. `inspectors`: codes by seat, the lead's first."""

    route_id: str
    code: str
    department: str
    district: str
    date: str
    officers: int
    specialties: tuple[str, ...]
    inspectors: tuple[str, ...]
    stops: tuple[WorkStop, ...]


@dataclass(frozen=True, slots=True)
class WorkVisit:
    """One entry: everybody who comes. `items`: item versions by department."""

    visit_id: str
    date: str
    start: int
    end: int
    target_id: str
    site: Site
    departments: tuple[str, ...]
    items: tuple[str, ...]
    people: int


@dataclass(frozen=True, slots=True)
class Work:
    """A round's schedule. `made_at` is when its seats were sealed: the time that files made from it carry."""

    round_id: str
    title: str
    demo: bool
    made_at: datetime
    visits: tuple[WorkVisit, ...]
    team_days: tuple[TeamDay, ...]

    def within(self, department: str | None) -> Work:
        """What one department's people may see of it: their own team-days and the visits on them; None: all of it."""
        if department is None:
            return self
        teams = self.of(department)
        own = {stop.visit_id for team in teams for stop in team.stops}
        return replace(self, team_days=teams, visits=tuple(v for v in self.visits if v.visit_id in own))

    def departments(self) -> dict[str, str]:
        """Name by code of the departments with a team-day, ascending by code."""
        return dict(sorted({team.code: team.department for team in self.team_days}.items()))

    def of(self, code: str) -> tuple[TeamDay, ...]:
        """A department's team-days in order of date."""
        return tuple(team for team in self.team_days if team.code == code)


def work_of(session: Session, round_id: str, language: Language) -> Work:
    """Join the stored files of a seated round.

    Raises NotFound for an absent round, Conflict `work.before_seats` until its seats are drawn, `work.void` for a void
    round: nobody is sent out for it.
    """
    row = repository.round_of(session, round_id)
    if repository.is_void(row):
        raise _void(row)
    if not repository.reached(row, "seated"):
        raise _before_seats(row)
    lottery = document(ledger.load(session, round_id, "lottery.json"))
    people = after_moves(lottery["assignment"], events_of(session, round_id))
    sites = document(ledger.find(session, round_id, repository.SITES) or b"{}")
    return _joined(session, row, language, people, sites, "seated")


def planned_work(session: Session, round_id: str, language: Language) -> Work:
    """The schedule for who plans, from the plan on: nobody's code and no target's name before the seats are drawn.

    Raises NotFound for an absent round, Conflict `work.before_plan`, `work.void`.
    """
    row = repository.round_of(session, round_id)
    if repository.is_void(row):
        raise _void(row)
    if repository.reached(row, "seated"):
        return work_of(session, round_id, language)
    if not repository.reached(row, "packed"):
        raise _before_plan(row)
    return _joined(session, row, language, {}, {}, "packed")


def _joined(
    session: Session,
    row: Round,
    language: Language,
    people: Mapping[str, str],
    sites: Mapping[str, Mapping[str, Any]],
    since: str,
) -> Work:
    """The plan as it stands with its people and places; `since`: the stage whose time files bear."""
    visits, schedule, rules = (
        document(ledger.load(session, row.round_id, name))
        for name in ("visits.json", "schedule.json", repository.MANIFEST)
    )
    visits, schedule = after_changes(visits, schedule, events_of(session, row.round_id))
    schedule["routes"] = [route for route in schedule["routes"] if route["stops"]]
    names = names_in(language, repository.department_names(session))
    joined = _Join(visits, schedule, people, sites, names, language)
    return Work(
        round_id=row.round_id,
        title=title_in(language, rules, row.round_id),
        demo=row.demo,
        made_at=repository.times(session, row.round_id)[since].at,
        visits=joined.visits(),
        team_days=joined.team_days(),
    )


class _Join:
    """Looks up visits, checks, people and sites by their ids."""

    def __init__(
        self,
        visits: Mapping[str, Any],
        schedule: Mapping[str, Any],
        people: Mapping[str, str],
        sites: Mapping[str, Mapping[str, Any]],
        names: Mapping[str, str],
        language: Language,
    ) -> None:
        self._visits = {visit["visit_id"]: visit for visit in visits["visits"]}
        self._checks = {check["check_id"]: check for check in visits["checks"]}
        self._routes: Sequence[Mapping[str, Any]] = schedule["routes"]
        self._people = people
        self._sites = sites
        self._names = names
        self._english = language == "en"
        self._stops: dict[str, list[tuple[Mapping[str, Any], Mapping[str, Any]]]] = {}
        for route in self._routes:
            for stop in route["stops"]:
                self._stops.setdefault(stop["visit_id"], []).append((route, stop))

    def visits(self) -> tuple[WorkVisit, ...]:
        ordered = sorted(self._visits.values(), key=lambda v: (v["date"], v["start"], v["visit_id"]))
        return tuple(self._visit(visit) for visit in ordered)

    def team_days(self) -> tuple[TeamDay, ...]:
        ordered = sorted(self._routes, key=lambda route: (route["date"], route["route_id"]))
        return tuple(self._team_day(route) for route in ordered)

    def _visit(self, visit: Mapping[str, Any]) -> WorkVisit:
        here = self._stops.get(visit["visit_id"], [])
        checks = [self._checks[check] for check in visit["checks"]]
        return WorkVisit(
            visit_id=visit["visit_id"],
            date=visit["date"],
            start=visit["start"],
            end=max((stop["end"] for _, stop in here), default=visit["start"]),
            target_id=visit["target_id"],
            site=self._site(visit["target_id"]),
            departments=tuple(self._name(check["department"]) for check in checks),
            items=tuple(item for check in checks for item in check["items"]),
            people=sum(route["officers"] for route, _ in here),
        )

    def _team_day(self, route: Mapping[str, Any]) -> TeamDay:
        seats = (f"{route['route_id']}#{seat}" for seat in range(1, route["officers"] + 1))
        return TeamDay(
            route_id=route["route_id"],
            code=route["department"],
            department=self._name(route["department"]),
            district=self._district(route["district"]),
            date=route["date"],
            officers=route["officers"],
            specialties=tuple(route["specialties"]),
            inspectors=tuple(self._people[seat] for seat in seats if seat in self._people),
            stops=tuple(self._stop(route, stop) for stop in route["stops"]),
        )

    def _stop(self, route: Mapping[str, Any], stop: Mapping[str, Any]) -> WorkStop:
        visit = self._visits[stop["visit_id"]]
        checks = [self._checks[check] for check in visit["checks"]]
        own = route["department"]
        return WorkStop(
            visit_id=stop["visit_id"],
            target_id=visit["target_id"],
            site=self._site(visit["target_id"]),
            arrive=stop["arrive"],
            start=stop["start"],
            end=stop["end"],
            items=tuple(item for check in checks if check["department"] == own for item in check["items"]),
            together=tuple(self._name(c["department"]) for c in checks if c["department"] != own),
        )

    def _site(self, target_id: str) -> Site:
        site = self._sites.get(target_id, {})
        return Site(
            name=site.get("name", target_id),
            district=self._district(site.get("district", "")),
            address=site.get("address", ""),
            estimated=bool(site.get("estimated", False)),
        )

    def _district(self, code: str) -> str:
        return district_name(code, self._english) if _DISTRICT_CODE.fullmatch(code) else code

    def _name(self, code: str) -> str:
        return self._names.get(code, code)


def _void(row: Round) -> Conflict:
    return Conflict(
        Problem(
            "work.void",
            f"批次 {row.round_id} 已作废，没有检查安排。",
            f"Round {row.round_id} is void; nobody is sent out for it.",
            "请停止使用此前下载的安排；对象留待下一序号的批次。",
            "Stop using a schedule downloaded before; the targets stay due in the next sequence number.",
            {"round_id": row.round_id},
        )
    )


def _before_seats(row: Round) -> Conflict:
    return Conflict(
        Problem(
            "work.before_seats",
            f"批次 {row.round_id} 处于 {row.stage} 阶段，检查人员尚未抽取，没有可用的安排。",
            f"Round {row.round_id} is at stage {row.stage}: its inspectors are not drawn yet, so there is no schedule.",
            "请在人员抽取完成后再来。",
            "Come back when the inspectors have been drawn.",
            {"round_id": row.round_id, "stage": row.stage},
        )
    )


def _before_plan(row: Round) -> Conflict:
    return Conflict(
        Problem(
            "work.before_plan",
            f"批次 {row.round_id} 处于 {row.stage} 阶段，入户尚未排定。",
            f"Round {row.round_id} is at stage {row.stage}: its visits are not planned yet.",
            "请在合并入户、排定路线之后再来。",
            "Come back when checks have been packed into visits.",
            {"round_id": row.round_id, "stage": row.stage},
        )
    )
