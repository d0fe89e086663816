"""Use cases of plans: save, revise, publish, withdraw, and say which rounds are due."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app.db.database import Database
from app.errors import Conflict, NotFound, Problem, refuse
from app.http.etag import Guard, unguarded
from app.http.faults import said
from app.http.logs import keep_going
from app.http.pagination import Page, Paging
from app.ledger import repository as ledger
from app.plans import calendar, crews, limits, refusals, repository
from app.plans.catalogue import Catalogue
from app.plans.review import recurrence_of, review
from app.plans.schemas import PlanDocument, PlanLine, PlanOut
from app.plans.tables import Plan, PlanRevision
from scheduler.calendar import ZONE, WorkCalendar
from scheduler.encoding import canonical_json
from scheduler.periods import Period, periods_due, periods_from


@dataclass(frozen=True, slots=True)
class FrozenRules:
    """What a round freezes of its plan: the version in force, its digest, and the items' versions."""

    plan: str
    version: int
    digest: str
    document: PlanDocument
    items: Mapping[str, int]

    def item_versions(self, task_id: str) -> tuple[str, ...]:
        """A task's items as `code@version`, in the plan's order."""
        return tuple(f"{code}@{self.items[code]}" for code in self.document.task(task_id).items)


class DuePeriod(NamedTuple):
    """A plan in force and a period whose round is due."""

    plan: PlanDocument
    period: Period


def parse_document(data: Mapping[str, Any]) -> PlanDocument:
    """Read a plan. Raises Refused `plan.unreadable`, naming the first field that is wrong."""
    try:
        return PlanDocument.model_validate(dict(data))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "plan"
        zh, en = said(first)
        raise refuse(
            "plan.unreadable",
            f"计划的 {field} 不符合格式：{zh}（共 {error.error_count()} 处）。",
            f"{field} of the plan is not valid: {en} ({error.error_count()} in all).",
            "请按 docs/plans.md 改正该字段。",
            "Correct it as docs/plans.md says.",
            field=field,
            problems=error.error_count(),
        ) from None


def stored(document: PlanDocument) -> dict[str, Any]:
    """The document as JSON."""
    return document.model_dump(mode="json")


def digest(document: PlanDocument) -> str:
    """SHA-256 of the document's canonical JSON, lower-case hex."""
    return hashlib.sha256(canonical_json(stored(document))).hexdigest()


def create(database: Database, document: PlanDocument, now: datetime) -> PlanOut:
    """Save a new plan as a draft. Raises Conflict `plan.exists`, Refused `recurrence.*`."""
    recurrence_of(document)
    with database.write() as session:
        if repository.find(session, document.code) is not None:
            raise Conflict(refusals.exists(document.code))
        plan = Plan(
            code=document.code,
            title_zh=document.title_zh,
            title_en=document.title_en,
            document=stored(document),
            digest=digest(document),
            recurrence=document.recurrence,
            starts_on=document.starts_on,
            created_at=now,
        )
        session.add(plan)
        try:
            session.flush()
        except IntegrityError:  # somebody saved it since we looked
            raise Conflict(refusals.exists(document.code)) from None
        return _out(plan)


def revise(database: Database, document: PlanDocument, guard: Guard = unguarded) -> PlanOut:
    """Save another version as a draft; what was published stays in force until this one is. Unchanged: nothing.

    `guard` sees the plan as it stands, under its lock, and may refuse.
    """
    recurrence_of(document)
    with database.write() as session:
        plan = _find(session, document.code, lock=True)
        guard(_out(plan))
        if plan.digest == digest(document):
            return _out(plan)
        plan.version += 1
        plan.title_zh, plan.title_en = document.title_zh, document.title_en
        plan.document, plan.digest = stored(document), digest(document)
        plan.recurrence, plan.starts_on = document.recurrence, document.starts_on
        plan.status, plan.published_at = "draft", None
        session.add(plan)
        return _out(plan)


def check(database: Database, document: PlanDocument) -> tuple[Problem, ...]:
    """Every rule that the plan would break if it were published now."""
    with database.read() as session:
        return _review(session, document, repository.catalogue(session))


def warnings(database: Database, document: PlanDocument, now: datetime) -> tuple[Problem, ...]:
    """What would keep departments from sending crews with today's roster; it does not stop a publication."""
    with database.read() as session:
        officers = repository.officers(session, now.astimezone(ZONE).date())
        return tuple(crews.warnings(document, repository.catalogue(session), officers))


def _review(session: Session, document: PlanDocument, known: Catalogue) -> tuple[Problem, ...]:
    return review(document, known, limits.load(session), calendar.load(session))


def publish(
    database: Database, code: str, now: datetime, guard: Guard = unguarded, reason: str = ""
) -> PlanOut:
    """Put the newest version in force and log it. Twice is once.

    Raises NotFound, Refused `plan.no_reason` where it replaces a published version without saying why, and Refused
    with the first broken rule (`broken` counts them all; `check` lists them).
    """
    with database.write() as session:
        plan = _find(session, code, lock=True)
        guard(_out(plan))
        if plan.status == "published":
            return _out(plan)
        if repository.published(session, code) is not None and not reason.strip():
            raise refusals.no_reason(code)
        document = PlanDocument.model_validate(plan.document)
        known = repository.catalogue(session)
        found = _review(session, document, known)
        if found:
            raise refusals.broken(found)
        plan.status, plan.published_at = "published", now
        versions = {item: known.items[item].version for task in document.tasks for item in task.items}
        session.add(plan)
        items = {item: version for item, version in versions.items() if version}
        session.add(_revision(plan, items, now, reason.strip()))
        session.flush()
        ledger.append(session, _entry("plan.published", plan, now), now)
        return _out(plan)


def withdraw(database: Database, code: str, now: datetime, guard: Guard = unguarded) -> PlanOut:
    """Take a plan out of force: no further round is made from it. Twice is once."""
    with database.write() as session:
        plan = _find(session, code, lock=True)
        guard(_out(plan))
        if plan.status != "withdrawn":
            plan.status = "withdrawn"
            session.add(plan)
            ledger.append(session, _entry("plan.withdrawn", plan, now), now)
        return _out(plan)


def get(database: Database, code: str) -> PlanOut:
    """A plan as last saved. Raises NotFound."""
    with database.read() as session:
        return _out(_find(session, code))


def list_plans(database: Database, status: str | None = None) -> list[PlanLine]:
    """All plans by code."""
    with database.read() as session:
        return [_line(plan) for plan in repository.plans(session, status)]


def page_of_plans(database: Database, paging: Paging, status: str | None = None) -> Page[PlanLine]:
    """Plans by code, page by page."""
    with database.read() as session:
        rows = repository.page_of_plans(session, paging, status)
        return paging.page(rows, lambda plan: (plan.code,), _line)


def freeze_rules(session: Session, code: str) -> FrozenRules:
    """What a round takes from its plan, inside the round's own transaction.

    Items are those in force now: an item withdrawn since publication refuses the round (`plan.unpublished_item`).
    Raises NotFound, and Conflict `plan.not_in_force`.
    """
    _find(session, code)
    revision = repository.in_force(session, code)
    if revision is None:
        raise Conflict(refusals.not_in_force(code))
    document = PlanDocument.model_validate(revision.document)
    known = repository.catalogue(session)
    items: dict[str, int] = {}
    for task in document.tasks:
        for item in task.items:
            version = known.items[item].version if item in known.items else None
            if version is None:
                raise refusals.withdrawn_item(task.task_id, item)
            items[item] = version
    return FrozenRules(code, revision.version, revision.digest, document, items)


def in_force(database: Database, code: str) -> PlanDocument:
    """The version that rounds are made from. Raises NotFound, Conflict `plan.not_in_force`."""
    with database.read() as session:
        _find(session, code)
        revision = repository.in_force(session, code)
        if revision is None:
            raise Conflict(refusals.not_in_force(code))
        return PlanDocument.model_validate(revision.document)


def document_of(session: Session, code: str, plan_digest: str | None = None) -> PlanDocument:
    """The document of a round that was already made: the version of that digest, else the newest published one.

    A round keeps to the version that it began with, whatever was published or withdrawn since. Raises NotFound.
    """
    found = repository.published(session, code, plan_digest)
    if found is None:
        raise NotFound(refusals.absent(code))
    return PlanDocument.model_validate(found.document)


def work_calendar(session: Session) -> WorkCalendar:
    """The working-day calendar."""
    return calendar.load(session)


def due(
    database: Database, now: datetime, refusals: dict[str, Problem] | None = None
) -> tuple[DuePeriod, ...]:
    """Every period of every plan in force that has fallen due by `now`, each plan's in order, missed ones included.

    Counted from the plan's `starts_on`; the caller makes those rounds that it doesn't have yet. A period whose
    due day rests on a year that isn't confirmed is held (`held`), and so are those of its plan after it.
    `refusals` still stand and are not logged again, see `keep_going`.
    """
    runnable: list[DuePeriod] = []
    waiting: set[str] = set()
    for found in _fallen_due(database, now, refusals):
        if found.period.provisional:
            waiting.add(found.plan.code)
        elif found.plan.code not in waiting:
            runnable.append(found)
    return tuple(runnable)


def held(database: Database, now: datetime) -> tuple[DuePeriod, ...]:
    """Periods that would be due by a calendar not yet confirmed: to be shown, not run."""
    return tuple(found for found in _fallen_due(database, now) if found.period.provisional)


def upcoming(session: Session, now: datetime) -> list[DuePeriod]:
    """The next period of each plan in force, the earliest first; a date past the confirmed calendar is provisional."""
    days = calendar.load(session)
    found: list[DuePeriod] = []
    for revision in repository.all_in_force(session):
        document = PlanDocument.model_validate(revision.document)
        recurrence = recurrence_of(document)
        if recurrence is not None:
            coming = periods_from(recurrence, now.astimezone(ZONE).date(), days, provisional=True)
            period = next((period for period in coming if period.due_at > now), None)
            found += [] if period is None else [DuePeriod(document, period)]
    return sorted(found, key=lambda due: (due.period.due_at, due.plan.code))


def _fallen_due(
    database: Database, now: datetime, refusals: dict[str, Problem] | None = None
) -> list[DuePeriod]:
    with database.read() as session:
        days = calendar.load(session)
        revisions = repository.all_in_force(session)
    found: list[DuePeriod] = []
    for revision in revisions:
        with keep_going(f"periods of plan {revision.plan}", refusals):
            document = PlanDocument.model_validate(revision.document)
            recurrence = recurrence_of(document)
            if recurrence is not None:
                coming = periods_due(recurrence, None, now, days, provisional=True)
                found += [DuePeriod(document, period) for period in coming]
    return found


def _find(session: Session, code: str, *, lock: bool = False) -> Plan:
    plan = repository.find(session, code, lock=lock)
    if plan is None:
        raise NotFound(refusals.absent(code))
    return plan


def _out(plan: Plan) -> PlanOut:
    return PlanOut.model_validate(plan.model_dump())


def _line(plan: Plan) -> PlanLine:
    held = plan.model_dump(exclude={"document", "digest", "created_at"})
    return PlanLine.model_validate(held | {"tasks": len(plan.document["tasks"])})


def _revision(plan: Plan, items: dict[str, int], now: datetime, reason: str) -> PlanRevision:
    return PlanRevision(
        plan=plan.code,
        version=plan.version,
        document=plan.document,
        digest=plan.digest,
        items=items,
        reason=reason,
        published_at=now,
    )


def _entry(kind: str, plan: Plan, now: datetime) -> dict[str, Any]:
    return {
        "type": kind,
        "subject": f"plan:{plan.code}",
        "at": now.isoformat(),
        "actor_role": "planner",
        "digest": plan.digest,
        "plan": plan.code,
        "version": plan.version,
    }
