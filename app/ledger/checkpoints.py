"""Signed checkpoints of the log, the proofs to them, and the refusal to sign over a log that went back or changed.

The last checkpoint that this machine saw signed is kept in a file outside the database. A database restored to an
older state, or one whose history was rewritten, does not lead to that checkpoint: then nothing is drawn or signed.
"""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import event
from sqlmodel import Session, col, select

from app.db.database import Database
from app.errors import Conflict, NotFound, Problem, Refused
from app.ledger import keys, repository, sealing
from app.ledger.tables import LogCheckpoint, LogCosignature
from app.ledger.tree import StoredTree, entry_count
from scheduler.merkle import consistency_path, stored_path
from scheduler.notes import Checkpoint, ConsistencyProof, InclusionProof, Note, Signature, SignerKey
from scheduler.suite import SHA256

CHECKPOINT_FILE: Final = "log.checkpoint"

log = logging.getLogger(__name__)


def make(
    session: Session, directory: Path, now: datetime, *, also: tuple[SignerKey, ...] = ()
) -> LogCheckpoint:
    """Seal what changed and sign the log as it stands in this transaction; the same size is not signed again.

    Raises Conflict `log.no_key`, `log.wrong_key`, or what `guard` raises. `also`: the key before, at a rotation.
    """
    repository.lock_log(session)
    signer = keys.in_force(session, directory, now)
    guard(session, directory)
    sealing.seal(session, now)
    size, before = entry_count(session), latest(session)
    if before is not None and before.size == size:
        return before
    tree = StoredTree(session)
    tree.grow(0 if before is None else before.size, size)
    text = Checkpoint(signer.name, size, tree.root(size)).text
    note = Note(text, tuple(key.sign(text) for key in (signer, *also)))
    at = max(now, repository.last_time(session) or now)
    row = LogCheckpoint(size=size, root=tree.root(size).hex(), note=str(note), at=at)
    session.add(row)
    session.flush()
    _keep_after_commit(session, directory, row.note)
    return row


def _keep_after_commit(session: Session, directory: Path, note: str) -> None:
    def keep(_session: Session) -> None:
        try:
            if _size_of(directory) > Checkpoint.parse(Note.parse(note).text).size:
                return  # another worker signed a later one meanwhile
            keys.replace_file(directory / CHECKPOINT_FILE, note)
        except OSError as error:
            log.warning("the checkpoint could not be kept outside the database: %s", error)

    event.listen(session, "after_commit", keep, once=True)


def _size_of(directory: Path) -> int:
    kept = outside(directory)
    return Checkpoint.parse(Note.parse(kept).text).size if kept else 0


def outside(directory: Path) -> str:
    """The text of the file outside the database; empty where there is none."""
    try:
        return (directory / CHECKPOINT_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def seen_outside(session: Session, directory: Path, kept: str | None = None) -> Checkpoint | None:
    """The checkpoint outside the database, its signature checked; None where there is no file.

    `kept`: the file's text where it was read before; a long check has to, for what is signed while it reads is not in
    what it sees of the database.
    """
    kept = outside(directory) if kept is None else kept
    if not kept:
        return None
    note, signer = Note.parse(kept), keys.load(directory)
    own = [] if signer is None else [signer.verifier()]
    note.require({key.text: key for key in (*keys.announced(session), *own)}.values())
    return Checkpoint.parse(note.text)


def guard(session: Session, directory: Path, kept: str | None = None) -> None:
    """Refuse to go on where the database does not lead to the last checkpoint seen outside it (`kept` as above).

    Raises Conflict `log.rolled_back` (fewer entries than were signed) or `log.rewritten` (other ones).
    """
    seen = seen_outside(session, directory, kept)
    if seen is None:
        return
    size = entry_count(session)
    if size < seen.size:
        raise _went_back(seen, size)
    if StoredTree(session).root(seen.size) != seen.root:
        raise _rewritten(seen)


def _went_back(seen: Checkpoint, size: int) -> Refused:
    return Conflict(
        Problem(
            "log.rolled_back",
            f"数据库的日志只有 {size} 条，而已签名公布到 {seen.size} 条：数据库被恢复到较早的状态，"
            "拒绝抽取和签名。",
            f"The database's log has {size} entries, but {seen.size} were signed and published: the database was "
            "restored to an older state. Nothing is drawn or signed.",
            f"请恢复含第 {seen.size} 条的更新的备份。",
            f"Restore a newer back-up, one that holds entry {seen.size}.",
            {"entries": size, "signed": seen.size},
        )
    )


def _rewritten(seen: Checkpoint) -> Refused:
    return Conflict(
        Problem(
            "log.rewritten",
            f"数据库的日志与已签名公布的检查点（{seen.size} 条）不一致：历史被改写，或恢复后又有新记录，"
            "拒绝抽取和签名。",
            f"The database's log does not lead to the signed checkpoint of {seen.size} entries: its history was "
            "changed, or it went on after being restored. Nothing is drawn or signed.",
            "请恢复与检查点一致的备份，并由审计人员核查。",
            "Restore a back-up that agrees with the checkpoint, and have it audited.",
            {"signed": seen.size},
        )
    )


def due(db: Database, directory: Path, now: datetime) -> LogCheckpoint | None:
    """Sign what was appended or changed since the last checkpoint; None where nothing was. For the clock's tick."""
    with db.read() as session:
        size, last, pending = entry_count(session), latest(session), sealing.any_pending(session)
    if not pending and (size == 0 or (last is not None and last.size == size)):
        return None
    with db.write() as session:
        return make(session, directory, now)


def latest(session: Session) -> LogCheckpoint | None:
    """The newest checkpoint."""
    return session.exec(select(LogCheckpoint).order_by(col(LogCheckpoint.size).desc()).limit(1)).first()


def covering(session: Session, index: int) -> LogCheckpoint | None:
    """The first checkpoint that holds entry `index`."""
    query = select(LogCheckpoint).where(col(LogCheckpoint.size) > index).order_by(col(LogCheckpoint.size))
    return session.exec(query.limit(1)).first()


def found(session: Session, size: int | None = None) -> LogCheckpoint:
    """The checkpoint of that size, or the newest. Raises NotFound `log.no_checkpoint`."""
    row = latest(session) if size is None else session.get(LogCheckpoint, size)
    if row is None:
        raise NotFound(
            Problem(
                "log.no_checkpoint",
                "没有这个大小的检查点。",
                "There is no checkpoint of that size.",
                "请使用 /api/v1/log/checkpoint 给出的大小。",
                "Use a size that /api/v1/log/checkpoint gave.",
                {} if size is None else {"size": size},
            )
        )
    return row


def cosigned(session: Session, row: LogCheckpoint) -> Note:
    """The checkpoint's note with the witnesses' cosignatures after the log's own signatures."""
    query = select(LogCosignature.line).where(LogCosignature.size == row.size)
    lines = session.exec(query.order_by(col(LogCosignature.name), col(LogCosignature.key_id)))
    return Note.parse(row.note).signed_also(Signature.parse(line) for line in lines)


def inclusion(session: Session, index: int, row: LogCheckpoint, note: str) -> InclusionProof:
    """The proof that entry `index` is in a checkpoint's tree. Raises NotFound `log.no_entry`."""
    if not 0 <= index < row.size:
        raise NotFound(
            Problem(
                "log.no_entry",
                f"{row.size} 条的日志中没有第 {index} 条。",
                f"There is no entry {index} in a log of {row.size}.",
                params={"index": index, "size": row.size},
            )
        )
    return InclusionProof(index, stored_path(SHA256, StoredTree(session), index, row.size), note)


def consistency(session: Session, old: int, row: LogCheckpoint, note: str) -> ConsistencyProof:
    """The proof that a checkpoint's tree begins with its first `old` entries. Raises NotFound `log.no_entry`."""
    if not 0 <= old <= row.size:
        raise NotFound(
            Problem(
                "log.no_entry",
                f"检查点只有 {row.size} 条，不含前 {old} 条。",
                f"The checkpoint has {row.size} entries; it can't begin with {old}.",
                params={"old": old, "size": row.size},
            )
        )
    return ConsistencyProof(old, consistency_path(SHA256, StoredTree(session), old, row.size), note)


def rotate(db: Database, directory: Path, now: datetime, *, lost: bool = False) -> LogCheckpoint:
    """Announce a new key in a checkpoint that the key before signs too, and put it in force.

    `lost`: the key before is gone, so the new one signs alone, and the log says so. The new key waits in a file of
    its own until the announcement is committed: a crash leaves either the old key in force or the new one.
    """
    with db.write() as session:
        repository.lock_log(session)
        guard(session, directory)
        known = keys.announced(session)
        if not known:
            return make(session, directory, now)
        old = None if lost else keys.in_force(session, directory, now)
        if old is not None and old == keys.load(directory, keys.NEXT_FILE):
            keys.promote(directory)
        new = keys.prepare(directory, known[-1].name)
        keys.announce(session, new.verifier(), now, "lost" if lost else "rotation", known[-1].text)
        row = make(session, directory, now, also=() if old is None else (old,))
    keys.promote(directory)
    return row
