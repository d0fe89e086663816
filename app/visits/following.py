"""Visits follow their plan: what a change moved, added or cancelled is moved, added or ended here too.

Only what has not begun changes. A visit whose day is another one needs a new notice, and its old code is worthless.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from app.ledger import repository as ledger
from app.rounds import repository as rounds
from app.visits import repository, states
from app.visits.desk import Actor, Desk, log_check
from app.visits.opening import Schedule, log_made, new_nonce
from app.visits.tables import Visit, VisitCheck

SERVICE = Actor("service", "service")


def to_follow(desk: Desk) -> list[str]:
    """Seated rounds whose plan has changed since their visits were made or last followed it."""
    with desk.db.read() as session:
        return [
            round_id
            for round_id in repository.changed(session)
            if repository.plan_changes(session, round_id) > _followed(session, round_id)
        ]


def _followed(session: Session, round_id: str) -> int:
    entries = ledger.entries(session, f"visits:{round_id}")
    return max((int(row["entry"].get("changes", 0)) for row in entries), default=0)


def follow_plan(desk: Desk, round_id: str, now: datetime) -> int:
    """Bring a seated round's visits up to its plan; how many visits changed."""
    with desk.db.write() as session:
        now = ledger.moment(session, now)
        row = rounds.get_locked(session, round_id)
        if row is None or row.stage != "seated":
            return 0
        schedule = Schedule(session, desk, row, now)
        steps = _Following(desk, session, schedule, now)
        changed = steps.follow(repository.drawn_visits(session, round_id))
        log_made(session, desk, row, changed, schedule.changes, now, "followed")
        return len(changed)


class _Following:
    """One transaction in which visits follow the plan."""

    def __init__(self, desk: Desk, session: Session, schedule: Schedule, now: datetime) -> None:
        self._desk, self._session, self._schedule, self._now = desk, session, schedule, now

    def follow(self, known: Mapping[str, Visit]) -> list[Visit]:
        """The visits that changed: `known` are those there are, by their id in the schedule."""
        planned = {row["visit_id"]: row for row in self._schedule.visits}
        changed = [self._make(row) for name, row in planned.items() if name not in known]
        for name, visit in known.items():
            checks = repository.checks_of(self._session, visit.key, lock=True)
            if any(check.state not in (states.APPROVED, states.NOTIFIED, states.VOID) for check in checks):
                continue
            if self._bring_up(visit, checks, planned.get(name)):
                changed.append(visit)
        return changed

    def _make(self, planned: Mapping[str, Any]) -> Visit:
        visit = self._schedule.visit(planned)
        self._session.add(visit)
        self._session.flush()
        self._session.add_all(self._schedule.check(planned, visit, name) for name in planned["checks"])
        self._session.flush()
        return visit

    def _bring_up(self, visit: Visit, checks: list[VisitCheck], planned: Mapping[str, Any] | None) -> bool:
        wanted = {}
        if planned is not None:
            rows = [self._schedule.check(planned, visit, name) for name in planned["checks"]]
            wanted = {row.department: row for row in rows}
        before = (visit.day, visit.start)
        if planned is not None:
            visit.day, visit.start = date.fromisoformat(planned["date"]), planned["start"]
        moved = visit.day != before[0]
        if moved:
            visit.nonce, visit.notified_at = new_nonce(), None
        known = {check.department: check for check in checks}
        touched = [self._check(check, wanted.get(name), moved) for name, check in known.items()]
        for name in wanted.keys() - known.keys():
            self._session.add(wanted[name])
        self._session.flush()
        return any(touched) or before != (visit.day, visit.start) or bool(wanted.keys() - known.keys())

    def _check(self, check: VisitCheck, wanted: VisitCheck | None, moved: bool) -> bool:
        """Whether the check changed: ended, taken up again, on another route, or to be notified anew."""
        before = (check.state, check.route_id)
        if wanted is None:
            check.state = states.VOID
        else:
            if moved or check.state == states.VOID:
                check.state = states.APPROVED
            for name in ("route_id", "seats", "crew", "items", "draws"):
                setattr(check, name, getattr(wanted, name))
        if before == (check.state, check.route_id):
            return False
        self._session.add(check)
        self._session.flush()
        log_check(self._desk, self._session, "follow", check, SERVICE, self._now)
        return True
