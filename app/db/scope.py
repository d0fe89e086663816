"""Who may see which rows: the one place where it is decided, for every statement that a request's session runs.

A department sees what is its own: its roster, the targets that it supervises in its districts, its planned checks. The
catalogue is everybody's once it is published. On PostgreSQL the same is said again by row-level security
(`alembic/versions/*_row_security.py`), which holds where a statement gets past this module. A table that is not named
here has no rows that belong to one department.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Delete,
    FromClause,
    Join,
    Select,
    Table,
    Update,
    and_,
    event,
    exists,
    false,
    or_,
    select,
    true,
)
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import Alias
from sqlmodel import Session, SQLModel, text

KEY: Final = "scope"
MEMBER: Final = "double_random_member"
"""PostgreSQL's role for sessions with a scope: it owns nothing, so row-level security binds it."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows: of one `department` (None: of all, "": of none), in `districts` (None: in all), or one firm's own."""

    department: str | None = None
    districts: frozenset[str] | None = None
    target_id: str = ""

    @property
    def unlimited(self) -> bool:
        """Whether nothing is hidden."""
        return self.department is None and self.districts is None


EVERYTHING: Final = Scope()
NOTHING: Final = Scope(department="", districts=frozenset())

Columns = Any
Rule = Callable[[Columns, Scope], ColumnElement[bool]]


def _own(column: ColumnElement[str], scope: Scope) -> ColumnElement[bool]:
    if scope.department is None:
        return true()
    return column == scope.department if scope.department else false()


def _columns(table: str) -> Columns:
    return SQLModel.metadata.tables[table].alias().c


def _any(found: Select[Any], of: ColumnElement[Any]) -> ColumnElement[bool]:
    """EXISTS about the row that `of` belongs to, however deep the statement stands in others."""
    return exists(found.correlate(of.table))


def _supervised(target: ColumnElement[int], scope: Scope) -> ColumnElement[bool]:
    tag, rule = _columns("supervision"), _columns("supervision_rule")
    found = select(tag.target).join(rule.code.table, rule.code == tag.rule)
    return _any(found.where(tag.target == target, _own(rule.department, scope)), target)


def _target(row: Columns, scope: Scope) -> ColumnElement[bool]:
    ours = true() if scope.department is None else _supervised(row.id, scope)
    here = true() if scope.districts is None else row.district.in_(sorted(scope.districts))
    seen = and_(ours, here)
    return or_(seen, row.target_id == scope.target_id) if scope.target_id else seen


def _credit(row: Columns, scope: Scope) -> ColumnElement[bool]:
    """With its target, but never to a firm: its own class is internal too."""
    scope = replace(scope, target_id="")
    target = _columns("target")
    return _any(select(target.id).where(target.id == row.target, _target(target, scope)), row.target)


def _tag(row: Columns, scope: Scope) -> ColumnElement[bool]:
    rule = _columns("supervision_rule")
    return _any(select(rule.code).where(rule.code == row.rule, _own(rule.department, scope)), row.rule)


def _of_inspector(row: Columns, scope: Scope) -> ColumnElement[bool]:
    person = _columns("inspector")
    own = select(person.code).where(person.code == row.inspector, _own(person.department, scope))
    return _any(own, row.inspector)


def _item(row: Columns, scope: Scope) -> ColumnElement[bool]:
    return or_(row.status.in_(("published", "withdrawn")), _own(row.department, scope))


def _of_department(row: Columns, scope: Scope) -> ColumnElement[bool]:
    return _own(row.department, scope)


def _of_check(row: Columns, scope: Scope) -> ColumnElement[bool]:
    check = _columns("visit_check")
    return _any(select(check.key).where(check.key == row.check_key, _check(check, scope)), row.check_key)


def _served(visit: Columns, scope: Scope) -> ColumnElement[bool]:
    """A firm's own visit, once its notice was served: until then it is under embargo."""
    return and_(visit.target_id == scope.target_id, visit.notified_at.is_not(None))


def _check(row: Columns, scope: Scope) -> ColumnElement[bool]:
    if not scope.target_id:
        return _own(row.department, scope)
    visit = _columns("visit")
    return _any(select(visit.key).where(visit.key == row.visit, _served(visit, scope)), row.visit)


def _with_check(visit: ColumnElement[str], scope: Scope) -> ColumnElement[bool]:
    """A visit is every department's that checks something there."""
    check = _columns("visit_check")
    return _any(select(check.key).where(check.visit == visit, _own(check.department, scope)), visit)


def _visit(row: Columns, scope: Scope) -> ColumnElement[bool]:
    return _served(row, scope) if scope.target_id else _with_check(row.key, scope)


def _of_visit(row: Columns, scope: Scope) -> ColumnElement[bool]:
    return _with_check(row.visit, scope)


def _sanction(row: Columns, scope: Scope) -> ColumnElement[bool]:
    """A request is seen with what it is about: a round by all staff, a result or a target by its departments."""
    check, target = _columns("visit_check"), _columns("target")
    results = select(check.key).where(check.key == row.subject, _check(check, scope))
    targets = select(target.id).where(target.target_id == row.subject, _target(target, scope))
    staff = false() if scope.department == "" else true()
    return or_(
        and_(staff, row.action.in_(("round.freeze", "round.void"))),
        and_(row.action == "result.correction", _any(results, row.subject)),
        and_(row.action == "cap.exemption", _any(targets, row.subject)),
    )


def _rating(row: Columns, scope: Scope) -> ColumnElement[bool]:
    """A firm's own; else of those alone who see everything, not of the department that was rated."""
    if not scope.target_id:
        return _of_nobody(row, scope)
    visit = _columns("visit")
    return _any(select(visit.key).where(visit.key == row.visit, _served(visit, scope)), row.visit)


def _of_nobody(_row: Columns, scope: Scope) -> ColumnElement[bool]:
    return true() if scope.unlimited else false()


RULES: Final[dict[str, Rule]] = {
    "inspector": _of_department,
    "inspector_leave": _of_inspector,
    "recusal": _of_inspector,
    "target": _target,
    "credit_class": _credit,
    "supervision": _tag,
    "check_item": _item,
    "planned_check": _of_department,
    "visit": _visit,
    "visit_check": _check,
    "visit_answer": _of_visit,
    "visit_evidence": _of_department,
    "visit_objection": _of_check,
    "visit_rating": _rating,
    "visit_rectification": _of_check,
    "visit_version": _of_check,
    "sanction": _sanction,
    "register_import": _of_nobody,
}
"""Table to what a scope sees of it. `register_import` names files of all departments: for those who see everything."""


def limited(statement: Any, scope: Scope) -> Any:
    """The statement with each SELECT, UPDATE and DELETE in it kept to the rows of `scope`."""

    def keep(clause: Any) -> None:
        for source, rule in _ruled(clause):
            clause._where_criteria += (rule(source.c, scope),)  # noqa: SLF001  a clone of ours, changed in place

    return visitors.cloned_traverse(statement, {}, dict.fromkeys(("select", "update", "delete"), keep))


def _ruled(clause: Select[Any] | Update | Delete) -> Iterator[tuple[FromClause, Rule]]:
    sources = clause.get_final_froms() if isinstance(clause, Select) else [clause.table]
    for source in {found for each in sources for found in _flat(each)}:
        table = source.element if isinstance(source, Alias) else source
        if isinstance(table, Table) and table.name in RULES:
            yield source, RULES[table.name]


def _flat(source: Any) -> Iterator[FromClause]:
    if isinstance(source, Join):
        yield from _flat(source.left)
        yield from _flat(source.right)
    else:
        yield source


def bind(session: Session, scope: Scope) -> None:
    """Keep everything that `session` does from now on to `scope`; on PostgreSQL by its own rules too."""
    session.info[KEY] = scope
    event.listen(session, "do_orm_execute", _limit)
    if session.get_bind().dialect.name == "postgresql":
        event.listen(session, "after_begin", _as_member)


def _limit(state: ORMExecuteState) -> None:
    scope: Scope = state.session.info[KEY]
    if not scope.unlimited and (state.is_select or state.is_update or state.is_delete):
        state.statement = limited(state.statement, scope)


def _as_member(session: Session, _transaction: Any, connection: Any) -> None:
    scope: Scope = session.info[KEY]
    settings = {
        "role": MEMBER,
        "app.department": "*" if scope.department is None else scope.department,
        "app.districts": "*" if scope.districts is None else ",".join(sorted(scope.districts)),
        "app.target": scope.target_id,
    }
    calls = ", ".join(f"set_config('{name}', :{name.replace('.', '_')}, true)" for name in settings)
    connection.execute(
        text(f"SELECT {calls}"), {name.replace(".", "_"): value for name, value in settings.items()}
    )
