"""Checking every journaled table against the journal of state, and the journal against the log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from sqlalchemy import Table
from sqlmodel import Session, col, select

from app.db import journal
from app.db.journal import StateChange, StatePending
from app.ledger.fsck import Finding, differences, unreadable
from app.ledger.sealing import SEALED
from app.ledger.tables import LogEntry
from optimizer.progress import SILENT, Progress


def check_state(
    session: Session, tables: Sequence[Table] | None = None, progress: Progress = SILENT
) -> Iterator[Finding]:
    """Every journaled row (of `tables`, None: of all) against the journal, and the journal against the log."""
    yield from _check_changes(session)
    checked = journal.journaled_tables() if tables is None else tables
    for number, table in enumerate(checked):
        progress.step("tables", number, len(checked), table.name)
        yield from unreadable(table.name, "*", lambda table=table: _check_table(session, table))  # type: ignore[misc]  # bound at once


def _check_table(session: Session, table: Table) -> Iterator[Finding]:
    for key, digest, known in journal.differing(session, table):
        if digest == journal.GONE:
            yield Finding(table.name, key, "*", "missing", "a row that the service wrote")
        else:
            expected = "the row as the service wrote it" if known else "no such row"
            yield Finding(table.name, key, "*", digest.hex(), expected)


def _check_changes(session: Session) -> Iterator[Finding]:
    sealed = _sealed(session)
    pending = set(session.exec(select(StatePending.number)))
    query = select(StateChange).order_by(col(StateChange.number)).execution_options(yield_per=50)
    for row in session.exec(query):
        number = row.number or 0
        made, logged = journal.change_digest(row.table_name, row.salt, row.rows), sealed.pop(number, None)
        pairs: dict[str, tuple[object, object]] = {
            "digest": (row.digest, logged or made),
            "rows": (made, row.digest),
        }
        if logged is None and number not in pending:
            pairs["number"] = ("sealed by no entry", "sealed")
        pending.discard(number)
        yield from differences("state_change", str(number), pairs)
        session.expunge(row)
    for number in sealed:
        yield Finding("state_change", str(number), "*", "missing", "a change that the log names")
    for number in pending:
        yield Finding("state_pending", str(number), "number", "pending", "a change that is not sealed")


def _sealed(session: Session) -> dict[int, str]:
    bodies = session.exec(select(LogEntry.body).where(LogEntry.type == SEALED))
    return {int(number): str(digest) for body in bodies for number, digest in json.loads(body)["changes"]}
