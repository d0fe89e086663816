"""The SQL of tagging: targets to look at, tags as stored, counts by department."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, delete, func, select, true
from sqlmodel import Session, SQLModel

from app.db import journal
from app.db.bulk import upsert
from app.registers.tables import RegisterImport, Supervision, SupervisionRule, Target

REGISTER = "supervision"
_TABLES = SQLModel.metadata.tables
TARGET, TAG = _TABLES["target"].c, _TABLES["supervision"].c
RULE, IMPORT = _TABLES["supervision_rule"].c, _TABLES["register_import"].c


class TargetText(NamedTuple):
    """What rules look at."""

    id: int
    status: str
    scope: str
    trade: str
    enterprise_type: str
    kind: str
    district: str
    name: str


def active_rules(session: Session) -> list[SupervisionRule]:
    """Rules in force, ascending by code."""
    found = session.execute(select(SupervisionRule).where(RULE.active.is_(True))).scalars()
    return sorted(found, key=lambda rule: rule.code)


def last_tagging(session: Session) -> tuple[str, datetime] | None:
    """Digest of the rules and time of the last tagging."""
    ask = select(IMPORT.file_sha256, IMPORT.at).where(IMPORT.register_name == REGISTER)
    row = session.execute(ask.order_by(IMPORT.id.desc()).limit(1)).first()
    return (row[0], row[1]) if row else None


def record_tagging(session: Session, digest: str, counts: dict[str, int], now: datetime) -> None:
    """Keep what was done; the next tagging begins there."""
    session.add(
        RegisterImport(register_name=REGISTER, file_name="rules", file_sha256=digest, counts=counts, at=now)
    )


def _changed(since: datetime | None) -> ColumnElement[bool]:
    return true() if since is None else TARGET.changed_at >= since


def targets_changed(session: Session, since: datetime | None) -> int:
    """How many targets changed at or after `since` (None: all)."""
    ask = select(func.count()).select_from(Target).where(_changed(since))
    return int(session.execute(ask).scalar_one())


def target_pages(session: Session, since: datetime | None, size: int) -> Iterator[list[TargetText]]:
    """Targets changed at or after `since`, ascending by key, `size` at a time."""
    columns = (
        TARGET.id, TARGET.status, TARGET.scope, TARGET.trade,
        TARGET.enterprise_type, TARGET.kind, TARGET.district, TARGET.name,
    )  # fmt: skip
    after = 0
    while True:
        ask = select(*columns).where(TARGET.id > after, _changed(since)).order_by(TARGET.id).limit(size)
        page = [TargetText._make(row) for row in session.execute(ask)]
        if not page:
            return
        yield page
        after = page[-1].id


def any_tag(session: Session) -> bool:
    """Is anything tagged yet?"""
    return session.execute(select(TAG.target).limit(1)).first() is not None


def tags_between(session: Session, first: int, last: int) -> set[tuple[int, str]]:
    """Stored (target, rule) of the targets whose key lies in [first, last]."""
    ask = select(TAG.target, TAG.rule).where(TAG.target >= first, TAG.target <= last)
    return {(target, rule) for target, rule in session.execute(ask)}


def insert_tags(session: Session, pairs: Iterable[tuple[int, str]]) -> None:
    """Add tags that are not stored yet."""
    upsert(session, _TABLES["supervision"], ("target", "rule"), pairs, ())


def delete_tags(session: Session, pairs: Sequence[tuple[int, str]]) -> None:
    """Remove tags that no longer hold."""
    if pairs:
        gone = delete(Supervision).where(TAG.target == bindparam("t"), TAG.rule == bindparam("r"))
        session.connection().execute(gone, [{"t": target, "r": rule} for target, rule in pairs])
        journal.gone(session, _TABLES["supervision"], pairs)


def counts_by_department(session: Session) -> dict[str, int]:
    """Targets under each department, by active rules."""
    per_target = select(RULE.department, TAG.target).join(SupervisionRule, RULE.code == TAG.rule)
    pairs = per_target.where(RULE.active.is_(True)).distinct().subquery()
    found = session.execute(select(pairs.c.department, func.count()).group_by(pairs.c.department))
    return dict(sorted((department, count) for department, count in found))


def tag_count(session: Session) -> int:
    """How many tags there are."""
    return int(session.execute(select(func.count()).select_from(Supervision)).scalar_one())
