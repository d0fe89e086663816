"""A round's visits, made from its schedule once its seats are sealed: a row per visit, a record per check."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from app.errors import Conflict, Problem
from app.ledger import repository as ledger
from app.rounds import repository as rounds
from app.rounds.changes import current_files
from app.rounds.log import stamp
from app.rounds.service import found
from app.rounds.tables import Round
from app.visits import repository
from app.visits.checklist import merged, shared_questions
from app.visits.desk import Desk, key_of
from app.visits.states import APPROVED
from app.visits.tables import Visit, VisitCheck
from scheduler.encoding import canonical_json, lp

NONCE_BYTES = 8


def open_visits(desk: Desk, round_id: str, now: datetime) -> int:
    """Make the visits of a seated round; how many were made, 0 where they are there already.

    They are approved by whoever approved the round. Raises NotFound, and Conflict `visit.before_seats`.
    """
    with desk.db.write() as session:
        now = ledger.moment(session, now)
        row = rounds.get_locked(session, round_id) or found(session, round_id)
        if row.stage not in ("seated", "revealed") or row.status == "void":
            raise _before_seats(row)
        if repository.opened(session, round_id):
            return 0
        schedule = Schedule(session, desk, row, now)
        visits = schedule.make()
        log_made(session, desk, row, visits, schedule.changes, now, "opened")
        return len(visits)


def to_open(desk: Desk) -> list[str]:
    """Rounds whose seats are sealed and whose visits are not made yet."""
    with desk.db.read() as session:
        return repository.to_open(session)


def log_made(
    session: Session, desk: Desk, row: Round, visits: Iterable[Visit], changes: int, now: datetime, step: str
) -> None:
    """Log that visits were made or brought up to the plan, and how many of the plan's changes that covers."""
    digest = desk.vault.mac(lp("DR1/visits", row.round_id, canonical_json([visit.key for visit in visits])))
    entry = {
        "type": f"visit.{step}", "subject": f"visits:{row.round_id}", "at": stamp(now),
        "actor_role": "service", "digest": digest, "changes": changes,
    }  # fmt: skip
    ledger.append(session, entry, now)


class Schedule:
    """The stored files of a seated round with the changes made since, joined. `changes`: how many those are."""

    def __init__(self, session: Session, desk: Desk, row: Round, now: datetime) -> None:
        self._session, self._desk, self._row, self._now = session, desk, row, now
        visits, schedule = current_files(session, row.round_id)
        lottery, rules = (
            json.loads(ledger.load(session, row.round_id, name)) for name in ("lottery.json", "manifest.json")
        )
        self.changes = repository.plan_changes(session, row.round_id)
        self._directed = {draw["draw_id"]: bool(draw.get("directed")) for draw in rules["draws"]}
        self.visits: list[dict[str, Any]] = visits["visits"]
        self._checks = {check["check_id"]: check for check in visits["checks"]}
        self._seats: Mapping[str, str] = lottery["assignment"]
        self._sites = json.loads(ledger.find(session, row.round_id, "internal/sites.json") or b"{}")
        self._routes = {
            (stop["visit_id"], route["department"]): route
            for route in schedule["routes"]
            for stop in route["stops"]
        }
        names = {name for check in visits["checks"] for name in check["items"]}
        self._catalogue = repository.items(session, names)
        self._codes = repository.social_codes(session, {visit["target_id"] for visit in self.visits})

    def make(self) -> list[Visit]:
        """Visits with their checks, in the schedule's order, added to the session."""
        made = [self.visit(planned) for planned in self.visits]
        self._session.add_all(made)
        self._session.flush()
        for planned, visit in zip(self.visits, made, strict=True):
            self._session.add_all(self.check(planned, visit, name) for name in planned["checks"])
        self._session.flush()
        return made

    def visit(self, planned: Mapping[str, Any]) -> Visit:
        """A row for a planned visit."""
        checks = [self._checks[name] for name in planned["checks"]]
        site = self._sites.get(planned["target_id"], {})
        wanted = {check["department"]: check["items"] for check in checks}
        questions = merged(wanted, self._catalogue, shared_questions())
        return Visit(
            key=key_of(self._desk.vault, self._row.round_id, planned["visit_id"]),
            round_id=self._row.round_id,
            planned_id=planned["visit_id"],
            target_id=planned["target_id"],
            name=site.get("name", planned["target_id"]),
            code=self._codes.get(planned["target_id"]) or planned["target_id"],
            district=site.get("district", ""),
            address=site.get("address", ""),
            day=date.fromisoformat(planned["date"]),
            start=planned["start"],
            nonce=secrets.token_hex(NONCE_BYTES),
            checklist=[question.to_json() for question in questions],
            approved_by=self._row.approved_by,
            demo=self._row.demo,
            created_at=self._now,
        )

    def check(self, planned: Mapping[str, Any], visit: Visit, name: str) -> VisitCheck:
        """A row for one department's check there; `name`: its id in visits.json."""
        check = self._checks[name]
        route = self._routes.get((planned["visit_id"], check["department"]))
        seats = [f"{route['route_id']}#{n}" for n in range(1, route["officers"] + 1)] if route else []
        return VisitCheck(
            key=key_of(self._desk.vault, self._row.round_id, planned["visit_id"], check["department"]),
            visit=visit.key,
            department=check["department"],
            items=check["items"],
            draws=check["draws"],
            directed=any(self._directed.get(draw) for draw in check["draws"]),
            route_id=route["route_id"] if route else "",
            seats=seats,
            crew=[self._seats[seat] for seat in seats if seat in self._seats],
            present=[],
            state=APPROVED,
            points=[],
        )


def new_nonce() -> str:
    """What makes an earlier visit code worthless."""
    return secrets.token_hex(NONCE_BYTES)


def _before_seats(row: Round) -> Conflict:
    return Conflict(
        Problem(
            "visit.before_seats",
            f"批次 {row.round_id} 处于 {row.stage}/{row.status}，检查人员尚未抽定，不能生成检查。",
            f"Round {row.round_id} is at {row.stage}/{row.status}; visits are made once its seats are sealed.",
            "请在人员抽取完成后再来；作废的批次没有检查。",
            "Come back when the inspectors have been drawn; a void round has no visits.",
            {"round_id": row.round_id, "stage": row.stage},
        )
    )
