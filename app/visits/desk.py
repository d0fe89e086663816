"""What every use case of the visits works with, and the entry that each of its steps leaves in the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Self

from sqlmodel import Session

from app.db.database import Database
from app.http.access import OPERATOR
from app.http.access import Actor as Asker
from app.ledger import repository as ledger
from app.rounds.log import OFFICIAL, stamp
from app.rounds.vault import Vault
from app.settings import Settings
from app.visits.deadlines import Terms
from app.visits.tables import Visit, VisitCheck
from scheduler.encoding import canonical_json, lp


@dataclass(frozen=True, slots=True)
class Desk:
    """Where visits are kept, under which key their log entries hide what they bind, and the terms in force."""

    db: Database
    vault: Vault
    terms: Terms = field(default_factory=Terms)
    evidence_bytes: int = 20 << 20
    who: Asker = OPERATOR

    @classmethod
    def of(cls, db: Database, settings: Settings, who: Asker = OPERATOR) -> Self:
        """As the operator set it up, for whoever asks."""
        return cls(db, Vault(settings.data_dir), Terms.of(settings), settings.evidence_limit_mb << 20, who)

    @property
    def seen(self) -> Database:
        """The database as far as whoever asks may see it."""
        return self.db.within(self.who.scope)

    def actor(self, by: str, role: str = "inspector", department: str = "") -> Actor:
        """Who does a step: as the operator typed it in; an account signs as itself, for its own department."""
        if self.who.is_operator:
            return Actor(by, role, department)
        mine = self.who.scope.department or department
        return Actor(self.who.signature, min(self.who.roles), mine, self.who.inspector)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does a step: a person's code, the role it is done in, and the department it is done for (empty: any).

    `inspector`: an account's code in the roster, empty where it has none; None where `code` is the person's own.
    """

    code: str
    role: str = "inspector"
    department: str = ""
    inspector: str | None = None

    @property
    def persons(self) -> tuple[str, ...]:
        """Every code that the person goes by."""
        return (self.code, self.inspector) if self.inspector else (self.code,)


def official_day(now: datetime) -> date:
    """The day in official time."""
    return now.astimezone(OFFICIAL).date()


def key_of(vault: Vault, round_id: str, planned_id: str, department: str = "") -> str:
    """A key that only this service can tell a visit, or a department's check there, from."""
    return vault.mac(lp("DR1/visit", round_id, planned_id, department))[:20]


def log_check(
    desk: Desk, session: Session, step: str, check: VisitCheck, actor: Actor, now: datetime
) -> None:
    """Log a step of a check: what it is about and what it came to is bound by a code that hides both."""
    digest = check_mac(desk.vault, check)
    _append(session, f"visit.{step}", f"check:{check.key}", actor.role, digest, now)


def log_visit(
    desk: Desk, session: Session, step: str, visit: Visit, actor: Actor, now: datetime, what: str
) -> None:
    """Log what happened to a visit as a whole; `what` is bound and hidden."""
    digest = desk.vault.mac(lp("DR1/visit-step", step, visit.key, what))
    _append(session, f"visit.{step}", f"visit:{visit.key}", actor.role, digest, now)


def _append(session: Session, kind: str, subject: str, role: str, digest: str, now: datetime) -> None:
    entry = {"type": kind, "subject": subject, "at": stamp(now), "actor_role": role, "digest": digest}
    ledger.append(session, entry, now)


def check_mac(vault: Vault, check: VisitCheck) -> str:
    """What binds a check's row to the log."""
    return vault.mac(lp("DR1/visit-check", canonical_json(_state(check))))


def _state(check: VisitCheck) -> dict[str, Any]:
    return check.model_dump(mode="json")
