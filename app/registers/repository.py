"""All questions asked of the registers, in SQL; what writes many rows is in `loading`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select, true
from sqlmodel import Session, SQLModel

from app.errors import refuse
from app.registers.gazetteer import place_metres
from app.registers.schemas import Condition, PopulationRow, SiteRow
from app.registers.tables import (
    CheckItem,
    CreditClass,
    Department,
    Inspector,
    InspectorLeave,
    Recusal,
    RegisterImport,
    Supervision,
    SupervisionRule,
    Target,
)

OFFICIAL_ZONE = ZoneInfo("Asia/Shanghai")
BATCH = 5_000
_T = TypeVar("_T")

_TABLES = SQLModel.metadata.tables
TARGET = _TABLES["target"].c
CREDIT = _TABLES["credit_class"].c
TAG = _TABLES["supervision"].c
RULE = _TABLES["supervision_rule"].c
INSPECTOR = _TABLES["inspector"].c
LEAVE = _TABLES["inspector_leave"].c
RECUSAL = _TABLES["recusal"].c
ITEM = _TABLES["check_item"].c


def in_batches(values: Sequence[_T], size: int = BATCH) -> Iterator[list[_T]]:
    """`values` in lists of at most `size`: a statement takes only so many parameters."""
    iterator = iter(values)
    while batch := list(islice(iterator, size)):
        yield batch


def _contains(session: Session) -> Callable[[ColumnElement[str], str], ColumnElement[bool]]:
    """Does a text contain a word, exactly as written? LIKE differs in case between the two databases."""
    position = func.instr if session.get_bind().dialect.name == "sqlite" else func.strpos
    return lambda column, word: position(column, word) > 0


def condition_clauses(session: Session, condition: Condition) -> list[ColumnElement[bool]]:
    """`condition` as SQL over `Target`; all clauses must hold."""
    has = _contains(session)
    name, scope = TARGET.name, TARGET.scope
    clauses = _field_clauses(condition)
    both: list[tuple[tuple[ColumnElement[str], ...], tuple[str, ...], tuple[str, ...]]] = [
        ((name,), condition.name_any, condition.name_none),
        ((scope,), condition.scope_any, condition.scope_none),
        ((name, scope), condition.keywords_any, condition.keywords_none),
        ((TARGET.enterprise_type,), condition.types, ()),
    ]
    for columns, wanted, unwanted in both:
        if wanted:
            clauses.append(or_(*(has(column, word) for column in columns for word in wanted)))
        clauses += [~has(column, word) for column in columns for word in unwanted]
    return clauses


def _field_clauses(condition: Condition) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    if condition.trades:
        clauses.append(TARGET.trade.in_(condition.trades))
    if condition.districts:
        clauses.append(TARGET.district.in_(condition.districts))
    if condition.kinds:
        clauses.append(TARGET.kind.in_(condition.kinds))
    if condition.registered_from:
        clauses.append(TARGET.registered_on >= condition.registered_from)
    if condition.registered_until:
        clauses.append(TARGET.registered_on <= condition.registered_until)
    return clauses


def _under(rules: Sequence[str]) -> ColumnElement[bool]:
    """Targets tagged by one of `rules` that is active; no rules: every target."""
    if not rules:
        return true()
    tagged = select(TAG.target).join(SupervisionRule, RULE.code == TAG.rule)
    chosen = tagged.where(TAG.rule.in_(rules), RULE.active.is_(True))
    return TARGET.id.in_(chosen)


def _credit(on: date) -> ColumnElement[str]:
    """The class in force on a day, or the empty text."""
    latest = (
        select(CREDIT.credit)
        .where(CREDIT.target == TARGET.id, CREDIT.since <= on)
        .order_by(CREDIT.since.desc())
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(latest, "")


def _population(session: Session, rules: Sequence[str], condition: Condition) -> list[ColumnElement[bool]]:
    active = [TARGET.status == "active", TARGET.district != ""]
    return [*active, _under(rules), *condition_clauses(session, condition)]


def population(
    session: Session, rules: Sequence[str], condition: Condition, on: date
) -> Iterator[PopulationRow]:
    """Active targets of the city under one of `rules` (none: all) that meet `condition`, each once, in no order.

    Streamed by the thousand, so that memory does not grow with the register.
    """
    columns = (TARGET.target_id, _credit(on), TARGET.district, TARGET.trade, TARGET.kind)
    statement = select(*columns).where(*_population(session, rules, condition))
    result = session.execute(statement, execution_options={"yield_per": BATCH})
    for part in result.partitions(BATCH):
        yield from map(PopulationRow._make, part)


def population_size(session: Session, rules: Sequence[str], condition: Condition) -> int:
    """How many rows `population` would give."""
    statement = select(func.count()).select_from(Target).where(*_population(session, rules, condition))
    return int(session.execute(statement).scalar_one())


def _in_batches_of(
    session: Session, ids: Sequence[str], ask: Callable[[list[str]], Select[Any]]
) -> Iterator[Any]:
    for batch in in_batches(ids):
        yield from session.execute(ask(batch))


def sites(session: Session, target_ids: Sequence[str]) -> dict[str, SiteRow]:
    """What packing needs to know of each target, by id; an unknown id is missing from the answer."""
    columns = (
        TARGET.target_id, TARGET.district, TARGET.longitude_e6, TARGET.latitude_e6, TARGET.place_source,
        TARGET.closed_weekdays, TARGET.people_cap, TARGET.name, TARGET.code, TARGET.address,
    )  # fmt: skip
    ask = lambda batch: select(*columns).where(TARGET.target_id.in_(batch))  # noqa: E731
    return {row[0]: _site(row) for row in _in_batches_of(session, target_ids, ask)}


def _site(row: Any) -> SiteRow:
    _, district, longitude, latitude, source, weekdays, cap, name, code, address = row
    east, north = place_metres(longitude, latitude)
    estimated = source != "given"
    return SiteRow(district, east, north, estimated, tuple(weekdays), cap, name, code, address)


def rules_of(session: Session, target_ids: Sequence[str]) -> dict[str, list[str]]:
    """Active rules that tag each target, ascending; a target without a rule has an empty list."""
    found: dict[str, list[str]] = {target_id: [] for target_id in target_ids}

    def ask(batch: list[str]) -> Select[Any]:
        return (
            select(TARGET.target_id, TAG.rule)
            .join(Supervision, TAG.target == TARGET.id)
            .join(SupervisionRule, RULE.code == TAG.rule)
            .where(TARGET.target_id.in_(batch), RULE.active.is_(True))
        )

    for target_id, rule in _in_batches_of(session, target_ids, ask):
        found[target_id].append(rule)
    return {target_id: sorted(rules) for target_id, rules in found.items()}


def published_items(session: Session, codes: Sequence[str], on: date) -> list[CheckItem]:
    """The published version of each code, ascending by code.

    Refused with `item.unpublished` where a code has no version that was published by the end of `on`.
    """
    end = datetime.combine(on + timedelta(days=1), time(), OFFICIAL_ZONE)
    statement = select(CheckItem).where(ITEM.status == "published", ITEM.changed_at < end)
    wanted = sorted(set(codes))
    found: dict[str, CheckItem] = {}
    for batch in in_batches(wanted):
        chosen = session.execute(statement.where(ITEM.code.in_(batch)))
        found |= {item.code: item for item in chosen.scalars()}
    missing = [code for code in wanted if code not in found]
    if missing:
        raise refuse(
            "item.unpublished",
            f"抽查事项 {missing[0]} 在 {on} 没有已公布的版本：未公布的事项不得检查。",
            f"Check item {missing[0]} has no published version on {on}: an unpublished item must not be checked.",
            "先审核并公布该事项，或从任务中去掉它。",
            "Review and publish the item first, or take it out of the task.",
            item=missing[0],
            missing=len(missing),
        )
    return [found[code] for code in wanted]


def inspectors(session: Session, departments: Sequence[str] | None = None) -> list[Inspector]:
    """Active certified officers, ascending by code, of some departments or of all. Assistants are left out."""
    statement = select(Inspector).where(INSPECTOR.active.is_(True), INSPECTOR.officer.is_(True))
    if departments is not None:
        statement = statement.where(INSPECTOR.department.in_(list(departments)))
    return sorted(session.execute(statement).scalars(), key=lambda inspector: inspector.code)


def leave(session: Session, start: date, end: date) -> list[InspectorLeave]:
    """Leave that touches the days from `start` to `end`."""
    statement = select(InspectorLeave).where(LEAVE.start <= end, LEAVE.end >= start)
    found = session.execute(statement).scalars()
    return sorted(found, key=lambda row: (row.inspector, row.start, row.end))


def recusals(session: Session, target_ids: Sequence[str] | None = None) -> list[Recusal]:
    """Recusals, of some targets or all, ascending by inspector and target."""
    if target_ids is None:
        found = list(session.execute(select(Recusal)).scalars())
    else:
        ask = lambda batch: select(Recusal).where(RECUSAL.target_id.in_(batch))  # noqa: E731
        found = [row[0] for row in _in_batches_of(session, target_ids, ask)]
    return sorted(found, key=lambda row: (row.inspector, row.target_id))


def departments(session: Session) -> list[tuple[Department, int, int]]:
    """Departments, ascending by code, each with its active officers and active rules."""
    certified = and_(INSPECTOR.active.is_(True), INSPECTOR.officer.is_(True))
    officers = _grouped(session, INSPECTOR.department, certified)
    rules = _grouped(session, RULE.department, RULE.active.is_(True))
    found = sorted(session.execute(select(Department)).scalars(), key=lambda row: row.code)
    return [(row, officers.get(row.code, 0), rules.get(row.code, 0)) for row in found]


def _grouped(session: Session, column: ColumnElement[str], clause: ColumnElement[bool]) -> dict[str, int]:
    counted = session.execute(select(column, func.count()).where(clause).group_by(column))
    return dict(sorted((value, count) for value, count in counted))


def counts(session: Session) -> dict[str, int]:
    """Rows of each register, and how many targets are active, outside the city or at an estimated place."""
    tables: dict[str, Any] = {
        "targets": Target, "departments": Department, "inspectors": Inspector, "leave": InspectorLeave,
        "recusals": Recusal, "items": CheckItem, "credit": CreditClass, "rules": SupervisionRule,
        "supervision": Supervision,
    }  # fmt: skip
    found = {name: _count(session, table) for name, table in tables.items()}
    found["active"] = _count(session, Target, TARGET.status == "active")
    found["outside"] = _count(session, Target, TARGET.status == "outside")
    found["estimated"] = _count(session, Target, TARGET.place_source != "given")
    return found


def _count(session: Session, table: Any, *clauses: ColumnElement[bool]) -> int:
    return int(session.execute(select(func.count()).select_from(table).where(*clauses)).scalar_one())


def district_counts(session: Session) -> dict[str, int]:
    """Active targets by district."""
    return _grouped(session, TARGET.district, TARGET.status == "active")


def last_imports(session: Session, limit: int = 20) -> list[RegisterImport]:
    """The newest imports first."""
    ask = select(RegisterImport).order_by(_TABLES["register_import"].c.id.desc()).limit(limit)
    return list(session.execute(ask).scalars())


def item(session: Session, code: str, version: int | None = None, *, lock: bool = False) -> CheckItem | None:
    """A version of an item; None: the newest. `lock` holds it until the transaction ends."""
    ask = select(CheckItem).where(ITEM.code == code)
    if version is not None:
        ask = ask.where(ITEM.version == version)
    ask = ask.order_by(ITEM.version.desc()).limit(1)
    return session.execute(ask.with_for_update() if lock else ask).scalars().first()


def versions(session: Session, code: str) -> list[CheckItem]:
    """All versions of an item, the first one first."""
    return list(session.execute(select(CheckItem).where(ITEM.code == code).order_by(ITEM.version)).scalars())


def target(session: Session, target_id: str) -> Target | None:
    """A target by its id."""
    return session.execute(select(Target).where(TARGET.target_id == target_id)).scalars().first()


def joint_share(session: Session) -> tuple[int, int]:
    """Targets under two or more departments, and targets under any."""
    departments_of = select(TAG.target, func.count(RULE.department.distinct()).label("departments"))
    tagged = (
        departments_of.join(SupervisionRule, RULE.code == TAG.rule)
        .where(RULE.active.is_(True))
        .group_by(TAG.target)
        .subquery()
    )
    joint = func.sum(case((tagged.c.departments > 1, 1), else_=0))
    several, any_ = session.execute(select(func.coalesce(joint, 0), func.count()).select_from(tagged)).one()
    return int(several), int(any_)
