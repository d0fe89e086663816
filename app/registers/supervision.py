"""Who supervises whom: rules as data tag targets to departments and items; two departments make a joint check.

Tagging is incremental: while the rules are the same only targets changed since the last tagging are looked at, and
of those only differing tags are written. It is one transaction: stopped half-way it leaves nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlmodel import Session

from app.db.database import Database
from app.registers import supervision_rows as rows
from app.registers.catalogue import load_catalogue
from app.registers.matching import Matcher
from app.registers.repository import joint_share
from app.registers.tables import SupervisionRule
from optimizer.progress import Progress
from scheduler.encoding import Json, canonical_json

__all__ = ["Matcher", "TagReport", "load_catalogue", "tag"]

BATCH = 20_000
STAGE = "supervision"


@dataclass(frozen=True, slots=True)
class TagReport:
    """`targets` looked at, `added` and `removed` tags; of the whole register then: `tagged` targets, `pairs` of
    target and rule, `joint` targets under two or more departments, targets `by_department`."""

    targets: int
    added: int
    removed: int
    tagged: int
    pairs: int
    joint: int
    by_department: dict[str, int]


def rules_digest(rules: list[SupervisionRule]) -> str:
    """SHA-256 of what decides about tags: each rule's code and condition."""
    decisive = cast("Json", [[rule.code, rule.condition] for rule in rules])
    return hashlib.sha256(canonical_json(decisive)).hexdigest()


def tag(db: Database, progress: Progress, now: datetime) -> TagReport:
    """Tag every active target of the city by the rules in force. Targets without active status lose their tags."""
    with db.write() as session:
        rules = rows.active_rules(session)
        digest, last = rules_digest(rules), rows.last_tagging(session)
        since = last[1] if last and last[0] == digest else None
        targets, added, removed = _tag_changed(session, _matcher(rules), since, progress)
        report = _report(session, targets, added, removed)
        counts = {"targets": targets, "added": added, "removed": removed, "pairs": report.pairs}
        rows.record_tagging(session, digest, counts, now)
    return report


def _matcher(rules: list[SupervisionRule]) -> Matcher:
    return Matcher((rule.code, rule.condition) for rule in rules)


def _tag_changed(
    session: Session, matcher: Matcher, since: datetime | None, progress: Progress
) -> tuple[int, int, int]:
    total, done, added, removed = rows.targets_changed(session, since), 0, 0, 0
    fresh = not rows.any_tag(session)
    for page in rows.target_pages(session, since, BATCH):
        met = {(row.id, rule) for row in page for rule in _met(matcher, row)}
        stored = set() if fresh else _stored(session, page)
        new, gone = sorted(met - stored), sorted(stored - met)
        rows.insert_tags(session, new)
        rows.delete_tags(session, gone)
        done, added, removed = done + len(page), added + len(new), removed + len(gone)
        progress.step(STAGE, done, total)
    return done, added, removed


def _met(matcher: Matcher, row: rows.TargetText) -> tuple[str, ...]:
    if row.status != "active":
        return ()
    return matcher.matches(row.scope, row.trade, row.enterprise_type, row.kind, row.district, row.name)


def _stored(session: Session, page: list[rows.TargetText]) -> set[tuple[int, str]]:
    keys = {row.id for row in page}
    return {pair for pair in rows.tags_between(session, page[0].id, page[-1].id) if pair[0] in keys}


def _report(session: Session, targets: int, added: int, removed: int) -> TagReport:
    joint, tagged = joint_share(session)
    pairs, by_department = rows.tag_count(session), rows.counts_by_department(session)
    return TagReport(targets, added, removed, tagged, pairs, joint, by_department)
