"""All SQL of the plans, and what they read of the registers."""

from __future__ import annotations

from datetime import date

from sqlmodel import Session, col, select

from app.http.pagination import Paging
from app.plans.catalogue import Catalogue, ItemFacts
from app.plans.crews import Officer
from app.plans.tables import Plan, PlanRevision
from app.registers import repository as registers
from app.registers.tables import CREDIT_CLASSES, CheckItem, Department, SupervisionRule


def find(session: Session, code: str, *, lock: bool = False) -> Plan | None:
    """The plan of that code; `lock` holds its row until the transaction ends (on SQLite the whole file is held)."""
    return session.get(Plan, code, with_for_update=lock or None)


def plans(session: Session, status: str | None = None) -> list[Plan]:
    """Plans by code, all or those of one status."""
    query = select(Plan).order_by(col(Plan.code))
    return list(session.exec(query if status is None else query.where(Plan.status == status)))


def page_of_plans(session: Session, paging: Paging, status: str | None) -> list[Plan]:
    """A page of plans by code, and one more."""
    query = select(Plan) if status is None else select(Plan).where(Plan.status == status)
    return [row[0] for row in paging.rows(session, query, [col(Plan.code)])]


def in_force(session: Session, code: str) -> PlanRevision | None:
    """The newest published version of a plan that is not withdrawn."""
    query = (
        select(PlanRevision)
        .join(Plan, col(Plan.code) == col(PlanRevision.plan))
        .where(PlanRevision.plan == code, Plan.status != "withdrawn")
        .order_by(col(PlanRevision.version).desc())
    )
    return session.exec(query).first()


def published(session: Session, code: str, digest: str | None = None) -> PlanRevision | None:
    """The newest version that was ever published, or the newest one of that digest."""
    query = select(PlanRevision).where(PlanRevision.plan == code).order_by(col(PlanRevision.version).desc())
    return session.exec(query if digest is None else query.where(PlanRevision.digest == digest)).first()


def revisions(session: Session, code: str) -> list[PlanRevision]:
    """Every version of a plan that was ever published, the newest first."""
    query = select(PlanRevision).where(PlanRevision.plan == code)
    return list(session.exec(query.order_by(col(PlanRevision.version).desc())))


def all_in_force(session: Session) -> list[PlanRevision]:
    """The version in force of every plan that has one, by code."""
    found = (in_force(session, plan.code) for plan in plans(session))
    return [entry for entry in found if entry is not None]


def catalogue(session: Session) -> Catalogue:
    """Departments in office, active rules, items with their published version."""
    departments = session.exec(select(Department.code).where(col(Department.active)))
    rules = session.exec(select(SupervisionRule).where(col(SupervisionRule.active)))
    return Catalogue(
        departments=frozenset(departments),
        rules={rule.code: rule.department for rule in rules},
        items=_items(session),
        classes=CREDIT_CLASSES,
    )


def officers(session: Session, on: date) -> list[Officer]:
    """Active officers whose certificates are valid on a day."""
    return [
        Officer(person.department, person.lead, frozenset(person.specialties))
        for person in registers.inspectors(session)
        if person.certificate_expires and person.certificate_expires >= on
    ]


def _items(session: Session) -> dict[str, ItemFacts]:
    """Facts of each item from its published version, else from its newest."""
    versions: dict[str, list[CheckItem]] = {}
    for row in session.exec(select(CheckItem).order_by(col(CheckItem.code), col(CheckItem.version))):
        versions.setdefault(row.code, []).append(row)
    return {code: _facts(code, rows) for code, rows in versions.items()}


def _facts(code: str, rows: list[CheckItem]) -> ItemFacts:
    published = [row for row in rows if row.status == "published"]
    best = published[-1] if published else rows[-1]
    return ItemFacts(
        code=code,
        version=best.version if published else None,
        status=rows[-1].status,
        kind=best.kind,
        departments=frozenset((best.department, *best.partners)),
        officers=best.officers,
        specialties=frozenset(best.specialties),
        cap=best.cap,
    )
