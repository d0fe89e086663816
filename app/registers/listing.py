"""The registers' lists, page by page."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select
from sqlmodel import Session, SQLModel

from app.http.pagination import Page, Paging
from app.registers.repository import INSPECTOR, ITEM, RULE, TAG, TARGET, condition_clauses
from app.registers.schemas import (
    Condition,
    DepartmentOut,
    ImportOut,
    InspectorOut,
    ItemOut,
    JointProposal,
    Supervisor,
    TargetOut,
)
from app.registers.tables import CheckItem, Inspector, RegisterImport, SupervisionRule, Target

IMPORT = SQLModel.metadata.tables["register_import"].c


def _of(query: Select[Any], *wanted: tuple[Any, str | None]) -> Select[Any]:
    """`query` with a clause for each (column, value) whose value is not empty."""
    for column, value in wanted:
        if value:
            query = query.where(column == value)
    return query


def targets(session: Session, paging: Paging, condition: Condition, status: str) -> Page[TargetOut]:
    """Targets by surrogate key; an empty `status` takes all."""
    query = _of(select(Target), (TARGET.status, status))
    query = query.where(*condition_clauses(session, condition))
    rows = [row[0] for row in paging.rows(session, query, [TARGET.id])]
    return paging.page(rows, lambda row: (row.id,), TargetOut.model_validate)


def imports(session: Session, paging: Paging, register: str) -> Page[ImportOut]:
    """Imports, the newest first."""
    query = _of(select(RegisterImport), (IMPORT.register_name, register))
    rows = [row[0] for row in paging.rows(session, query, [IMPORT.id], newest=True)]
    return paging.page(rows, lambda row: (row.id,), ImportOut.model_validate)


def inspectors(session: Session, paging: Paging, department: str) -> Page[InspectorOut]:
    """Active certified officers by code. Assistants are left out."""
    certified = select(Inspector).where(INSPECTOR.active.is_(True), INSPECTOR.officer.is_(True))
    query = _of(certified, (INSPECTOR.department, department))
    rows = [row[0] for row in paging.rows(session, query, [INSPECTOR.code])]
    return paging.page(rows, lambda row: (row.code,), InspectorOut.model_validate)


def items(session: Session, paging: Paging, status: str | None, department: str) -> Page[ItemOut]:
    """Versions of items by code and version."""
    query = _of(select(CheckItem), (ITEM.status, status), (ITEM.department, department))
    rows = [row[0] for row in paging.rows(session, query, [ITEM.code, ITEM.version])]
    return paging.page(rows, lambda row: (row.code, row.version), ItemOut.model_validate)


def departments(found: list[DepartmentOut], paging: Paging) -> Page[DepartmentOut]:
    """A page of the departments, which are few and come counted, by code."""
    after = str(paging.key(1)[0]) if paging.cursor else ""
    rows = [row for row in found if row.code > after][: paging.limit + 1]
    return paging.page(rows, lambda row: (row.code,), lambda row: row)


def joint_proposals(session: Session, paging: Paging) -> Page[JointProposal]:
    """Targets whose active rules belong to two or more departments, by key."""
    several = (
        select(TAG.target)
        .join(SupervisionRule, RULE.code == TAG.rule)
        .where(RULE.active.is_(True))
        .group_by(TAG.target)
        .having(func.count(RULE.department.distinct()) > 1)
    )
    keys = [row[0] for row in paging.rows(session, several, [TAG.target])]
    tags: dict[int, list[SupervisionRule]] = {key: [] for key in keys}
    rules = session.execute(
        select(TAG.target, SupervisionRule)
        .join(SupervisionRule, RULE.code == TAG.rule)
        .where(TAG.target.in_(keys), RULE.active.is_(True))
    )
    for key, rule in rules:
        tags[key].append(rule)
    found = session.execute(select(Target).where(TARGET.id.in_(keys)).order_by(TARGET.id)).scalars()
    return paging.page(list(found), lambda row: (row.id,), lambda row: _proposal(row, tags[row.id or 0]))


def _proposal(row: Target, rules: list[SupervisionRule]) -> JointProposal:
    by_department: dict[str, list[SupervisionRule]] = {}
    for rule in sorted(rules, key=lambda rule: (rule.department, rule.code)):
        by_department.setdefault(rule.department, []).append(rule)
    supervisors = [
        Supervisor(
            department=department,
            rules=[rule.code for rule in found],
            reasons_zh=[rule.reason_zh for rule in found],
            reasons_en=[rule.reason_en for rule in found],
        )
        for department, found in by_department.items()
    ]
    return JointProposal(
        target_id=row.target_id, name=row.name, district=row.district, supervisors=supervisors
    )
