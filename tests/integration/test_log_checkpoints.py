"""The log on both databases: checkpoints, proofs, rotation, and the refusal to go on from an older state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from app.db.database import Database
from app.errors import NotFound, Refused
from app.ledger import checkpoints, fsck, keys, repository
from app.ledger.fsck import Finding
from app.ledger.tables import LogCheckpoint, LogEntry, LogNode
from app.ledger.tree import StoredTree
from scheduler.merkle import is_consistent, path_leads_to, tree_head
from scheduler.notes import Checkpoint, Note, SignerKey
from scheduler.suite import SHA256

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)


def append(session: Session, number: int, what: str = "t") -> None:
    entry = {"type": what, "subject": "s", "actor_role": "service", "digest": f"{number:064x}"}
    repository.append(session, entry, NOW + timedelta(seconds=number))


def grown(db: Database, directory: Path, sizes: list[int]) -> list[Checkpoint]:
    """Append up to each size and sign there. The first signing adds the key's own entry."""
    made, count = [], 0
    for size in sizes:
        with db.write() as session:
            for number in range(count, size):
                append(session, number)
            count = size
            made.append(Checkpoint.parse(Note.parse(checkpoints.make(session, directory, NOW).note).text))
    return made


def leaves(session: Session) -> list[bytes]:
    rows = session.exec(select(LogEntry).order_by(LogEntry.index))  # type: ignore[arg-type]  # a column
    return [row.body.encode() for row in rows]


def refused(code: str) -> Any:
    return pytest.raises(Refused, match=code.replace(".", r"\."))


def allow_changes(session: Session) -> None:
    """What somebody with the database's own rights can do."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET session_replication_role = replica"))
        return
    names = session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
    for name in names:
        session.execute(text(f"DROP TRIGGER {name}"))


def test_every_checkpoint_is_the_tree_of_the_entries(database: Database, tmp_path: Path) -> None:
    made = grown(database, tmp_path, [1, 2, 5, 6, 13, 40])
    with database.read() as session:
        rows = leaves(session)
        key = keys.announced(session)[-1]
        for head in made:
            assert tree_head(SHA256, rows[: head.size]) == head.root
            Note.parse(checkpoints.found(session, head.size).note).require([key])
        assert len(rows) == made[-1].size == 41
        assert head.origin == key.name


def test_proofs_between_any_two_checkpoints_hold(database: Database, tmp_path: Path) -> None:
    made = grown(database, tmp_path, [1, 2, 5, 13, 40])
    with database.read() as session:
        rows = leaves(session)
        for new in made:
            row = checkpoints.found(session, new.size)
            for old in [head for head in made if head.size <= new.size]:
                proof = checkpoints.consistency(session, old.size, row, row.note)
                assert is_consistent(SHA256, old.size, new.size, old.root, new.root, proof.path)
            for index in range(0, new.size, 3):
                found = checkpoints.inclusion(session, index, row, row.note)
                assert path_leads_to(SHA256, rows[index], index, new.size, found.path, new.root)
        with pytest.raises(NotFound):
            checkpoints.inclusion(session, 14, checkpoints.found(session, made[3].size), "")
        with pytest.raises(NotFound):
            checkpoints.found(session, 7)


def test_nothing_new_is_not_signed_again(database: Database, tmp_path: Path) -> None:
    grown(database, tmp_path, [3])
    assert checkpoints.due(database, tmp_path, NOW) is None
    with database.write() as session:
        append(session, 9)
    signed = checkpoints.due(database, tmp_path, NOW)
    assert signed is not None
    assert signed.size == 5
    assert checkpoints.due(database, tmp_path, NOW) is None


def test_a_transaction_that_fails_leaves_no_checkpoint_inside_or_outside(
    database: Database, tmp_path: Path
) -> None:
    grown(database, tmp_path, [3])
    before = (tmp_path / checkpoints.CHECKPOINT_FILE).read_bytes()

    def fails() -> None:
        with database.write() as session:
            append(session, 9)
            checkpoints.make(session, tmp_path, NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert (tmp_path / checkpoints.CHECKPOINT_FILE).read_bytes() == before
    with database.read() as session:
        last = checkpoints.latest(session)
        assert last is not None
        assert last.size == 4


def test_the_key_is_readable_by_its_owner_alone(database: Database, tmp_path: Path) -> None:
    grown(database, tmp_path, [1])
    assert (tmp_path / keys.KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_a_database_restored_to_an_older_state_neither_signs_nor_goes_on(
    database: Database, tmp_path: Path
) -> None:
    grown(database, tmp_path, [3, 8])
    with database.write() as session:
        allow_changes(session)
        for table in ("log_checkpoint", "log_node"):
            session.execute(text(f"DELETE FROM {table}"))
        session.execute(text('DELETE FROM log_entry WHERE "index" > 3'))
    with refused("log.rolled_back"):
        checkpoints.due(database, tmp_path, NOW)
    with database.write() as session:
        for number in range(20, 40):
            append(session, number)
    with refused("log.rewritten"):
        checkpoints.due(database, tmp_path, NOW)


def test_history_rewritten_with_the_key_does_not_lead_to_a_seen_checkpoint(
    database: Database, tmp_path: Path
) -> None:
    """The insider rewrites an entry, every hash above it and every checkpoint, and signs with the real key."""
    seen = grown(database, tmp_path, [3, 8])[0]
    signer = keys.load(tmp_path)
    assert signer is not None
    with database.write() as session:
        allow_changes(session)
        row = session.get(LogEntry, 1)
        assert row is not None
        body = row.body.replace("0", "1", 1)
        leaf = SHA256.hash(b"\x00" + body.encode()).hex()
        session.execute(
            text('UPDATE log_entry SET body = :b, leaf_hash = :h WHERE "index" = 1'), {"b": body, "h": leaf}
        )
        session.execute(text("DELETE FROM log_node"))
        session.execute(text("DELETE FROM log_checkpoint"))
    (tmp_path / checkpoints.CHECKPOINT_FILE).unlink()
    forged = checkpoints.due(database, tmp_path, NOW)
    assert forged is not None
    head = Checkpoint.parse(Note.parse(forged.note).text)
    with database.read() as session:
        proof = checkpoints.consistency(session, seen.size, forged, forged.note)
    assert not is_consistent(SHA256, seen.size, head.size, seen.root, head.root, proof.path)


def test_a_rotation_is_logged_and_signed_by_both_keys(database: Database, tmp_path: Path) -> None:
    grown(database, tmp_path, [3])
    old = keys.load(tmp_path)
    assert old is not None
    row = checkpoints.rotate(database, tmp_path, NOW)
    new = keys.load(tmp_path)
    assert new is not None
    assert new != old
    assert new.name == old.name
    note = Note.parse(row.note)
    for key in (old, new):
        assert len(note.require([key.verifier()])) == 1
    with database.write() as session:
        append(session, 50)
    after = checkpoints.due(database, tmp_path, NOW)
    assert after is not None
    with refused("note.signature"):
        Note.parse(after.note).require([old.verifier()])
    with database.read() as session:
        assert [key.public for key in keys.announced(session)] == [
            old.verifier().public,
            new.verifier().public,
        ]


def test_a_crash_in_the_middle_of_a_rotation_leaves_a_key_that_signs(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown(database, tmp_path, [3])

    def crash(_directory: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(keys, "promote", crash)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.rotate(database, tmp_path, NOW)
    monkeypatch.undo()
    with database.write() as session:
        append(session, 50)
    assert checkpoints.due(database, tmp_path, NOW) is not None
    assert checkpoints.rotate(database, tmp_path, NOW).size == 7


def test_another_key_does_not_sign(database: Database, tmp_path: Path) -> None:
    grown(database, tmp_path, [3])
    with database.write() as session:
        append(session, 50)
    (tmp_path / keys.KEY_FILE).write_text(SignerKey("other.example", bytes(32)).text)
    with refused("log.wrong_key"):
        checkpoints.due(database, tmp_path, NOW)
    (tmp_path / keys.KEY_FILE).unlink()
    with refused("log.no_key"):
        checkpoints.due(database, tmp_path, NOW)
    checkpoints.rotate(database, tmp_path, NOW, lost=True)
    with database.read() as session:
        row = checkpoints.found(session)
        assert len(Note.parse(row.note).signatures) == 1


@pytest.mark.parametrize("table", ["log_node", "log_checkpoint"])
def test_what_was_signed_is_not_changed(database: Database, tmp_path: Path, table: str) -> None:
    grown(database, tmp_path, [3])
    with pytest.raises(Exception, match="append-only"), database.write() as session:
        session.execute(text(f"DELETE FROM {table}"))


def test_heads_are_read_where_none_are_stored(database: Database, tmp_path: Path) -> None:
    heads = grown(database, tmp_path, [13])
    with database.write() as session:
        assert session.exec(select(LogNode)).first() is not None
        assert session.exec(select(LogCheckpoint)).first() is not None
        allow_changes(session)
        session.execute(text("DELETE FROM log_node"))
        assert StoredTree(session).root(heads[0].size) == heads[0].root


def test_two_first_signers_share_one_key(tmp_path: Path) -> None:
    one, other = keys.create(tmp_path), keys.create(tmp_path)
    assert one == other
    with pytest.raises(FileExistsError):
        keys.create_file(tmp_path / keys.KEY_FILE, "other.example")


def test_what_is_signed_while_a_check_reads_is_no_step_back(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check sees the database as it was when it began; the file outside moves on."""
    grown(sqlite_database, tmp_path, [3])
    honest = fsck._check_artefacts

    def meanwhile(session: Session) -> Iterator[Finding]:
        with sqlite_database.write() as other:
            append(other, 9)
            checkpoints.make(other, tmp_path, NOW)
        with pytest.raises(Refused, match=r"log\.rolled_back"):
            checkpoints.guard(session, tmp_path)
        return honest(session)

    monkeypatch.setattr(fsck, "_check_artefacts", meanwhile)
    with sqlite_database.read() as session:
        assert list(fsck.check_ledger(session, tmp_path)) == []
