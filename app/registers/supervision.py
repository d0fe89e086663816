"""Who supervises whom: rules as data tag targets to departments and items; two departments make a joint check.

Tagging is incremental: while the rules are the same only targets changed since the last tagging are looked at, and
of those only differing tags are written. It is one transaction: stopped half-way it leaves nothing. Which targets
changed is told by the journal of state, which every writer of a target writes in the same transaction: no clock has a
part in it, so nothing is missed however long an import lasts and whenever it began.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlmodel import Session

from app.db.database import Database
from app.processes import many_rows
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

Pair = tuple[int, str]
"""A tag: a target's key and a rule's code."""


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


@many_rows()
def tag(db: Database, progress: Progress, now: datetime) -> TagReport:
    """Tag every active target of the city by the rules in force. Targets without active status lose their tags."""
    with db.write() as session:
        newest = rows.hold_targets(session)
        rules = rows.active_rules(session)
        digest, last = rules_digest(rules), rows.last_tagging(session)
        changed = rows.changed_targets(session, last[1]) if last and last[0] == digest else None
        targets, added, removed = _tag_changed(session, _matcher(rules), changed, progress)
        report = _report(session, targets, added, removed)
        counts = {"targets": targets, "added": added, "removed": removed, "pairs": report.pairs}
        rows.record_tagging(session, digest, {**counts, rows.LOOKED_AT: newest}, now)
    return report


def _matcher(rules: list[SupervisionRule]) -> Matcher:
    return Matcher((rule.code, rule.condition) for rule in rules)


def _tag_changed(
    session: Session, matcher: Matcher, changed: Sequence[int] | None, progress: Progress
) -> tuple[int, int, int]:
    """Targets looked at, tags added and removed. `changed`: keys of the targets to look at, None for all."""
    total = rows.target_count(session) if changed is None else len(changed)
    pages = (
        rows.every_target(session, BATCH) if changed is None else rows.these_targets(session, changed, BATCH)
    )
    done, added, removed, fresh = 0, 0, 0, not rows.any_tag(session)
    for page in pages:
        met = [(row.id, rule) for row in page for rule in _met(matcher, row)]
        new, gone = (met, []) if fresh else _differences(met, _stored(session, page))
        rows.insert_tags(session, new)
        rows.delete_tags(session, gone)
        done, added, removed = done + len(page), added + len(new), removed + len(gone)
        progress.step(STAGE, done, total)
    return done, added, removed


def _differences(met: list[Pair], stored: set[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Tags to be added and to be removed, ascending."""
    now = set(met)
    return sorted(now - stored), sorted(stored - now)


def _met(matcher: Matcher, row: rows.TargetText) -> tuple[str, ...]:
    if row.status != "active":
        return ()
    return matcher.matches(row.scope, row.trade, row.enterprise_type, row.kind, row.district, row.name)


def _stored(session: Session, page: list[rows.TargetText]) -> set[Pair]:
    keys = {row.id for row in page}
    return {pair for pair in rows.tags_between(session, page[0].id, page[-1].id) if pair[0] in keys}


def _report(session: Session, targets: int, added: int, removed: int) -> TagReport:
    joint, tagged = joint_share(session)
    pairs, by_department = rows.tag_count(session), rows.counts_by_department(session)
    return TagReport(targets, added, removed, tagged, pairs, joint, by_department)
