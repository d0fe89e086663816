"""Checking what is stored against the log: the log itself, its tree and signatures, and the artefacts' own digests.

The rooms above add checks of their tables; each difference names table, row and column. Changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from app.errors import Refused
from app.ledger import checkpoints, keys
from app.ledger.tables import Artefact, LogCheckpoint, LogCosignature, LogEntry, LogNode
from app.ledger.tree import entry_count
from optimizer.progress import SILENT, Progress
from scheduler.encoding import canonical_json
from scheduler.merkle import completed, head_of
from scheduler.notes import Checkpoint, Note, Signature, VerifierKey
from scheduler.suite import SHA256

UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, Refused)
"""What reading tampered contents can raise."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference: `found` stands in the row, `expected` follows from the log."""

    table: str
    row: str
    column: str
    found: str
    expected: str

    def __str__(self) -> str:
        """One line, for logs and terminals."""
        return f"{self.table}[{self.row}].{self.column}: {self.found[:80]} ≠ {self.expected[:80]}"


def differences(table: str, row: str, pairs: dict[str, tuple[object, object]]) -> Iterator[Finding]:
    """A finding for each column whose two values, (found, expected), differ."""
    for column, (found, expected) in pairs.items():
        if found != expected:
            yield Finding(table, row, column, str(found), str(expected))


def unreadable(table: str, row: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """The findings of `check`; what it stumbles over is one more."""
    try:
        yield from check()
    except UNREADABLE as error:
        yield Finding(table, row, "*", f"{type(error).__name__}: {error}", "readable contents")


def second(moment: datetime) -> datetime:
    """A moment without its fraction of a second, in UTC: how exactly most entries say when."""
    return moment.astimezone(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The tree made anew from the entries' bodies, and when each entry was appended."""

    heads: dict[tuple[int, int], bytes]
    at: list[datetime]

    def root(self, size: int) -> bytes:
        """Head over the first `size` entries. Raises KeyError past the end."""
        return head_of(SHA256, lambda height, position: self.heads[height, position], 0, size)


def check_ledger(session: Session, directory: Path, progress: Progress = SILENT) -> Iterator[Finding]:
    """Every difference in the log's own tables, and whether it leads to the checkpoint outside the database."""
    kept, rebuilt = checkpoints.outside(directory), Rebuilt({}, [])
    yield from _check_entries(session, rebuilt, progress)
    yield from _check_nodes(session, rebuilt)
    yield from unreadable("log_checkpoint", "*", lambda: _check_checkpoints(session, rebuilt))
    yield from unreadable("log_cosignature", "*", lambda: _check_cosignatures(session))
    yield from _check_artefacts(session)
    try:
        checkpoints.guard(session, directory, kept)
    except UNREADABLE as error:
        said = error.problem.en if isinstance(error, Refused) else str(error)
        yield Finding("log_entry", "*", "*", said, checkpoints.CHECKPOINT_FILE)


def _check_entries(session: Session, rebuilt: Rebuilt, progress: Progress) -> Iterator[Finding]:
    query = select(LogEntry).order_by(col(LogEntry.index))
    size = entry_count(session)
    for number, row in enumerate(session.exec(query.execution_options(yield_per=1000))):
        progress.step("log", number, size)
        yield from _check_entry(row, number)
        leaf = SHA256.hash(b"\x00" + row.body.encode())
        heads = rebuilt.heads
        for height, position, head in completed(SHA256, lambda h, p: heads[h, p], number, leaf):  # noqa: B023  used at once
            heads[height, position] = head
        rebuilt.at.append(row.at)


def _check_entry(row: LogEntry, number: int) -> Iterator[Finding]:
    leaf = SHA256.hash(b"\x00" + row.body.encode()).hex()
    yield from differences(
        "log_entry", str(number), {"index": (row.index, number), "leaf_hash": (row.leaf_hash, leaf)}
    )
    yield from unreadable("log_entry", str(number), lambda: _check_body(row))


def _check_body(row: LogEntry) -> Iterator[Finding]:
    body: dict[str, Any] = json.loads(row.body)
    pairs: dict[str, tuple[object, object]] = {
        "type": (row.type, body["type"]),
        "subject": (row.subject, body["subject"]),
        "body": (row.body, canonical_json(body).decode()),
    }
    if "at" in body:
        said = datetime.fromisoformat(body["at"])
        pairs["at"] = (row.at, said) if said.microsecond else (second(row.at), second(said))
    yield from differences("log_entry", str(row.index), pairs)


def _check_nodes(session: Session, rebuilt: Rebuilt) -> Iterator[Finding]:
    last = checkpoints.latest(session)
    size = last.size if last else 0
    wanted = {
        place: head
        for place, head in rebuilt.heads.items()
        if place[0] and (place[1] + 1) << place[0] <= size
    }
    for row in session.exec(select(LogNode)):
        head = wanted.pop((row.height, row.position), None)
        name = f"{row.height}/{row.position}"
        yield from differences(
            "log_node", name, {"head": (row.head, head.hex() if head else "no such subtree")}
        )
    for height, position in wanted:
        yield Finding("log_node", f"{height}/{position}", "*", "missing", "a stored head")


def _check_checkpoints(session: Session, rebuilt: Rebuilt) -> Iterator[Finding]:
    trusted = keys.announced(session)
    for row in session.exec(select(LogCheckpoint).order_by(col(LogCheckpoint.size))):
        yield from unreadable(
            "log_checkpoint",
            str(row.size),
            lambda row=row: _check_checkpoint(row, rebuilt, trusted),  # type: ignore[misc]  # bound at once
        )


def _check_checkpoint(row: LogCheckpoint, rebuilt: Rebuilt, trusted: list[VerifierKey]) -> Iterator[Finding]:
    note = Note.parse(row.note)
    head = Checkpoint.parse(note.text)
    root = rebuilt.root(row.size) if row.size <= len(rebuilt.at) else b""
    pairs: dict[str, tuple[object, object]] = {
        "size": (row.size, head.size),
        "root": (row.root, root.hex()),
        "note": (head.root.hex(), root.hex()),
    }
    yield from differences("log_checkpoint", str(row.size), pairs)
    note.require(trusted)
    known = {(key.name, key.key_id) for key in trusted}
    if not all((signature.name, signature.key_id) in known for signature in note.signatures):
        yield Finding("log_checkpoint", str(row.size), "note", "another's signature", "the log's own alone")
    if root:
        yield from _check_signing_time(row, rebuilt)


def _check_signing_time(row: LogCheckpoint, rebuilt: Rebuilt) -> Iterator[Finding]:
    """A checkpoint was signed after its last entry was appended and no later than the next one was."""
    after = rebuilt.at[row.size] if row.size < len(rebuilt.at) else datetime.now(UTC)
    latest = max(after, rebuilt.at[row.size - 1])
    if not rebuilt.at[row.size - 1] <= row.at <= latest:
        said = f"{rebuilt.at[row.size - 1]} … {latest}"
        yield Finding("log_checkpoint", str(row.size), "at", str(row.at), said)


def _check_cosignatures(session: Session) -> Iterator[Finding]:
    trusted = {(key.name, key.key_id.hex()): key for key in keys.every_witness(session)}
    for row in session.exec(select(LogCosignature)):
        name = f"{row.size}/{row.name}/{row.key_id}"
        checkpoint = session.get(LogCheckpoint, row.size)

        def check(
            row: LogCosignature = row, checkpoint: LogCheckpoint | None = checkpoint, name: str = name
        ) -> Iterator[Finding]:
            signature, key = Signature.parse(row.line), trusted.get((row.name, row.key_id))
            text = Note.parse(checkpoint.note).text if checkpoint else ""
            if key is None or not signature.holds(text, key):
                yield Finding("log_cosignature", name, "line", row.line, "an announced witness's signature")
            elif row.at.timestamp() != signature.timestamp:
                yield Finding("log_cosignature", name, "at", str(row.at), str(signature.timestamp))

        yield from unreadable("log_cosignature", name, check)


def _check_artefacts(session: Session) -> Iterator[Finding]:
    for number in session.exec(select(Artefact.id).order_by(col(Artefact.id))).all():
        row = session.get(Artefact, number)
        if row is not None:
            pairs: dict[str, tuple[object, object]] = {
                "digest": (row.digest, hashlib.sha256(row.data).hexdigest()),
                "size": (row.size, len(row.data)),
            }
            yield from differences("artefact", f"{row.subject}/{row.name}", pairs)
            session.expunge(row)
