"""The SQL of tagging: targets to look at, tags as stored, counts by department."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, delete, func, select
from sqlmodel import Session, SQLModel

from app.db import journal
from app.db.bulk import upsert
from app.registers.repository import in_batches
from app.registers.tables import RegisterImport, Supervision, SupervisionRule, Target

REGISTER = "supervision"
_TABLES = SQLModel.metadata.tables
TARGET, TAG = _TABLES["target"].c, _TABLES["supervision"].c
RULE, IMPORT = _TABLES["supervision_rule"].c, _TABLES["register_import"].c


_TEXT = (
    TARGET.id, TARGET.status, TARGET.scope, TARGET.trade,
    TARGET.enterprise_type, TARGET.kind, TARGET.district, TARGET.name,
)  # fmt: skip
LOOKED_AT = "journal"
"""Among the counts of a tagging: number of the newest change of targets in the journal of state."""
MANY = 100_000
"""Changed targets beyond which all are looked at: their keys are held in memory."""


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


def last_tagging(session: Session) -> tuple[str, int] | None:
    """Digest of the rules of the last tagging, and the newest change of targets that it had looked at."""
    ask = select(IMPORT.file_sha256, IMPORT.counts).where(IMPORT.register_name == REGISTER)
    row = session.execute(ask.order_by(IMPORT.id.desc()).limit(1)).first()
    return (row[0], row[1][LOOKED_AT]) if row and LOOKED_AT in row[1] else None


def record_tagging(session: Session, digest: str, counts: dict[str, int], now: datetime) -> None:
    """Keep what was done; the next tagging begins there."""
    session.add(
        RegisterImport(register_name=REGISTER, file_name="rules", file_sha256=digest, counts=counts, at=now)
    )


def hold_targets(session: Session) -> int:
    """Keep imports from writing targets until this transaction ends; the newest change that they made.

    Whatever they write later has a greater number in the journal, whenever it began and whatever its clock says.
    """
    journal.alone(session, _TABLES["target"])
    return journal.newest(session, _TABLES["target"])


def changed_targets(session: Session, since: int) -> list[int] | None:
    """Keys of the targets that changed after the change `since`, ascending; None: too many to be worth telling."""
    keys: set[int] = set()
    for key in journal.changed_since(session, _TABLES["target"], since):
        keys.add(int(key))
        if len(keys) > MANY:
            return None
    return sorted(keys)


def target_count(session: Session) -> int:
    """How many targets there are."""
    return int(session.execute(select(func.count()).select_from(Target)).scalar_one())


def every_target(session: Session, size: int) -> Iterator[list[TargetText]]:
    """All targets, ascending by key, `size` at a time."""
    after = 0
    while page := _texts(session, select(*_TEXT).where(TARGET.id > after).order_by(TARGET.id).limit(size)):
        yield page
        after = page[-1].id


def these_targets(session: Session, keys: Sequence[int], size: int) -> Iterator[list[TargetText]]:
    """The targets with these keys (ascending), `size` at a time."""
    for batch in in_batches(keys, size):
        chosen = journal.among(session, TARGET.id, batch)
        if page := _texts(session, select(*_TEXT).where(chosen).order_by(TARGET.id)):
            yield page


def _texts(session: Session, ask: Select[Any]) -> list[TargetText]:
    return list(map(TargetText._make, session.execute(ask).all()))


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
