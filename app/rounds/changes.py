"""The plan after it was committed to: visits moved or re-planned, priced before they are taken, with a public reason.

Seats are bound to their routes, so a change moves stops between routes and makes none; docs/packing.md says what
follows from that. Nothing changes that is over, and nothing changes after the reveal.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.db.database import Database
from app.db.scope import EVERYTHING, Scope
from app.errors import Conflict, Problem, Refused, refuse
from app.ledger import repository as ledger
from app.rounds import lottery_store, repository, service
from app.rounds.changing import Asked, Items, Move, Situation, situation
from app.rounds.freeze import item_versions
from app.rounds.log import OFFICIAL, stamp
from app.rounds.own_visits import Own, own_move
from app.rounds.packing import ItemVersion, problem
from app.rounds.seats import write_events
from app.rounds.stages import Work, keys_of, roster_of
from app.rounds.tables import Round
from app.rounds.vault import Vault
from optimizer.checker import check
from optimizer.model import Measures, PackingProblem, Parameters, Plan
from optimizer.progress import Silent
from optimizer.replan import Replanned, replan
from scheduler.changes import CHANGE, after_changes, difference
from scheduler.encoding import canonical_json
from scheduler.lottery.roster import Roster
from scheduler.lottery.schedule import routes_json, visits_json

COMMITTED = ("packed", "entropy_seats", "seated")
"""Stages between the commitment to the plan and the reveal: only then can it change."""

Files = tuple[dict[str, Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change and what it costs. `version`: events that were filed before it."""

    event: Mapping[str, Any]
    found: Replanned
    before: Measures
    after: Measures
    version: int

    @property
    def confirm(self) -> str:
        """Names exactly this change of exactly this plan."""
        return hashlib.sha256(canonical_json([self.version, dict(self.event)])).hexdigest()


@dataclass(frozen=True, slots=True)
class Standing:
    """What a change starts from."""

    work: Work
    files: Files
    events: Sequence[Mapping[str, Any]]
    roster: Roster
    first_day: int

    def plan(self) -> Plan:
        """The plan in force; idle routes stand in it without stops."""
        return lottery_store.plan_of(*self.files)


def current_files(session: Session, round_id: str) -> Files:
    """visits.json and schedule.json as they stand with every change so far."""
    visits, schedule = (
        json.loads(ledger.load(session, round_id, name)) for name in ("visits.json", "schedule.json")
    )
    return after_changes(visits, schedule, [row.event for row in repository.seat_events(session, round_id)])


def propose(
    db: Database, vault: Vault, round_id: str, asked: Asked, now: datetime, scope: Scope = EVERYTHING
) -> Proposal:
    """What would change and what it would cost; nothing is written.

    A `scope` of one department moves a visit in which it alone takes part, and nothing else.

    Raises NotFound; Conflict `round.stage`; Refused `change.*` where the change names what is not there or is over,
    changes nothing, asks a recused inspector's crew, or moves a visit to a day without room for it; Forbidden
    `change.joint`, `change.others`, `access.all_departments` where it is not one department's to make.
    """
    if not asked.reason.strip():
        raise _no_reason()
    standing = _standing(db, vault, service.get(db, round_id), now)
    stored = standing.work.json("internal/packing.json")
    districts = {row["target_id"]: row["district"] for row in stored["sites"]}
    own = None if scope.unlimited else Own(scope, standing.files, districts)
    if own is not None:
        own.require(own_move(asked).visit_id)
    wanted = situation(standing.files, standing.events, asked, districts, standing.first_day, _items(db, now))
    try:
        made = _replanned(standing, stored, wanted)
    except Refused as refused:
        raise (own.told(refused, own_move(asked).visit_id) if own else refused) from None
    if own is not None:
        own.require_alone(made.event)
    if not made.event["visits"] and not made.event["cancelled"] and not made.event["unscheduled"]:
        raise _changes_nothing()
    if asked.move is not None and made.event["unscheduled"]:
        raise _no_room(asked.move, made.event["unscheduled"])
    return made


def _replanned(standing: Standing, stored: Mapping[str, Any], wanted: Situation) -> Proposal:
    parameters = standing.work.document.schedule.packing.parameters()
    plan, checks = standing.plan(), [*standing.files[0]["checks"], *wanted.checks]
    given = problem({**stored, "checks": checks}, standing.roster)
    held = {name for visit in plan.visits for name in visit.checks}
    calm = replace(given, checks=tuple(row for row in given.checks if row.check_id in held))
    before = replan(calm, parameters, plan, standing.first_day, crews_fixed=True).plan.report
    changed = wanted.applied(given, plan)
    found = replan(changed, parameters, replace(plan, report=before), standing.first_day, crews_fixed=True)
    _refuse_broken(standing, changed, parameters, found.plan)
    after = _files(standing.files, found.plan, checks)
    _refuse_recused(standing, after)
    event = {
        "type": CHANGE,
        "reason": "",
        **wanted.published(),
        **difference(standing.files, after),
        "cost": _cost(before.plan, found.plan.report.plan),
    }
    return Proposal(event, found, before.plan, found.plan.report.plan, len(standing.events))


def _files(files: Files, plan: Plan, checks: Sequence[Mapping[str, Any]]) -> Files:
    days = tuple(files[1]["days"])
    visits = {
        **files[0],
        "visits": visits_json(plan, days),
        "checks": sorted(checks, key=lambda row: str(row["check_id"]).encode()),
        "unscheduled": [
            {"check_id": row.check_id, "code": row.code, "reason": row.reason_zh, "remedy": row.remedy_zh}
            for row in plan.unscheduled
        ],
    }
    return visits, {**files[1], "routes": routes_json(plan, days)}


def _cost(before: Measures, after: Measures) -> dict[str, int]:
    old, new = asdict(before), asdict(after)
    return {name: new[name] - old[name] for name in old}


def _items(db: Database, now: datetime) -> Items:
    def published(codes: Sequence[str]) -> list[ItemVersion]:
        with db.read() as session:
            return item_versions(session, codes, now.astimezone(OFFICIAL).date())

    return published


def _standing(db: Database, vault: Vault, row: Round, now: datetime) -> Standing:
    if row.stage not in COMMITTED or row.status not in ("running", "waiting"):
        raise service.wrong_stage(row, "plan change", " / ".join(COMMITTED))
    with db.read() as session:
        events = [kept.event for kept in repository.seat_events(session, row.round_id)]
        files = current_files(session, row.round_id)
    today = now.astimezone(OFFICIAL).date().isoformat()
    first_day = sum(day < today for day in files[1]["days"])
    work = _work(db, vault, row, now)
    return Standing(work, files, events, roster_of(work), first_day)


def _refuse_broken(standing: Standing, changed: PackingProblem, parameters: Parameters, plan: Plan) -> None:
    """No broken rule from the first day on; what is over was checked when it was planned."""
    past = {visit.visit_id for visit in plan.visits if visit.day < standing.first_day}
    broken = [row for row in check(changed, parameters, plan) if row.subject not in past]
    if broken:
        first = broken[0]
        raise refuse(
            "change.broken_rule",
            f"调整后的安排违反规则 {first.code}（{first.subject}）：{first.zh}",
            f"The changed plan breaks rule {first.code} at {first.subject}: {first.en}",
            "请改选其他日期。",
            "Choose another day.",
            rule=first.code,
            subject=first.subject,
        )


def _refuse_recused(standing: Standing, after: Files) -> None:
    """Whoever may sit on a route was chosen for its targets: one recused from another target keeps it off the route."""
    team = {person.code: person.department for person in standing.roster.inspectors}
    barred = {(team[row.code], row.target_id) for row in standing.roster.recusals}
    had, has = (_targets(files) for files in (standing.files, after))
    for route in after[1]["routes"]:
        for target in sorted(has[route["route_id"]] - had.get(route["route_id"], set())):
            if (route["department"], target) in barred:
                raise refuse(
                    "change.recused",
                    f"部门 {route['department']} 有人员须回避对象 {target}，不能由另一条路线接手。",
                    f"Somebody in department {route['department']} is recused from {target}: no other route takes it.",
                    "请改选其他日期，或保留原安排。",
                    "Choose another day, or leave the visit where it is.",
                    target=target,
                )


def _targets(files: Files) -> dict[str, set[str]]:
    of_visit = {row["visit_id"]: row["target_id"] for row in files[0]["visits"]}
    return {
        row["route_id"]: {of_visit[stop["visit_id"]] for stop in row["stops"]} for row in files[1]["routes"]
    }


def take(
    db: Database,
    vault: Vault,
    round_id: str,
    asked: Asked,
    confirm: str,
    now: datetime,
    scope: Scope = EVERYTHING,
) -> Proposal:
    """Make the change that was proposed: an event with its reason, its digest in the log, new days in the tables.

    Raises what `propose` raises; Conflict `change.other` where `confirm` names another change or another plan.
    """
    made = propose(db, vault, round_id, asked, now, scope)
    work = _work(db, vault, service.get(db, round_id), now)
    keys = keys_of(work, work.manifest())
    with db.write() as session:
        row = service.found(session, round_id, lock=True)
        events = repository.seat_events(session, round_id)
        if row.stage not in COMMITTED or len(events) != made.version or confirm != made.confirm:
            raise _other(round_id)
        now = ledger.moment(session, now)
        event = {**made.event, "at": stamp(now), "reason": asked.reason.strip()}
        write_events(session, row, keys, [(event, None)], now)
        plan_rows(session, round_id)
    return made


def _work(db: Database, vault: Vault, row: Round, now: datetime) -> Work:
    with db.read() as session:
        return Work(db, vault, row, repository.document(session, row), now, None, Silent())


def plan_rows(session: Session, round_id: str) -> None:
    """Days of the planned checks as they stand; drawn ones alone, for only these count against caps."""
    session.flush()
    wanted = planned(current_files(session, round_id)[0])
    for row in repository.planned_checks(session, round_id):
        if row.check_id not in wanted:
            session.delete(row)
    session.flush()
    repository.plan_checks(session, ((round_id, name, *cells) for name, cells in sorted(wanted.items())))


def planned(visits: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """(target, department, items, day) of every drawn check that has a visit."""
    days = {name: visit["date"] for visit in visits["visits"] for name in visit["checks"]}
    return {
        row["check_id"]: (
            row["target_id"],
            row["department"],
            row["items"],
            datetime.fromisoformat(days[row["check_id"]]).date(),
        )
        for row in visits["checks"]
        if row["check_id"] in days and row["draws"]
    }


def _no_reason() -> Refused:
    return refuse(
        "change.no_reason",
        "调整须写明理由，理由将公开。",
        "A change needs its reason, which is published.",
        "请填写 reason。",
        "Give `reason`.",
    )


def _changes_nothing() -> Refused:
    return refuse(
        "change.nothing",
        "所要求的调整不改变任何入户。",
        "What is asked for changes no visit.",
        "请核对日期；该日本来就没有安排。",
        "Check the date: nothing is planned that this would change.",
    )


def _no_room(move: Move, lost: Sequence[Mapping[str, Any]]) -> Refused:
    return refuse(
        "change.no_room",
        f"{move.visit_id} 改期后容不下检查 {lost[0]['check_id']}：{lost[0]['reason']}",
        f"Moving {move.visit_id} leaves check {lost[0]['check_id']} without a visit ({lost[0]['code']}).",
        "请改选其他日期：席位已定，只有当日已有路线的部门能去。",
        "Choose another day: seats are bound, so only departments with a route that day can come.",
        visit=move.visit_id,
        check=str(lost[0]["check_id"]),
        rule=str(lost[0]["code"]),
    )


def _other(round_id: str) -> Conflict:
    return Conflict(
        Problem(
            "change.other",
            f"批次 {round_id} 的安排已有变化，或确认码不是这项调整的。",
            f"The plan of round {round_id} has changed since, or the confirmation is of another change.",
            "请重新查看代价，再以新的确认码确认。",
            "Look at the cost again and confirm with the code shown then.",
            {"round_id": round_id},
        )
    )
