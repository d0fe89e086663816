"""fsck on both databases: silent over honest rounds, and naming table, row and column of any change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, CheckConstraint, Column, Table, text, update
from sqlalchemy import select as sa_select
from sqlmodel import Session, SQLModel, col, select

from app.db import journal
from app.db.database import Database
from app.db.tables import import_all
from app.db.types import UTCDateTime
from app.ledger import checkpoints, keys, repository, witness
from app.ledger.fsck import Finding, check_ledger
from app.ledger.fsck_state import check_state
from app.ledger.tables import LogEntry
from app.rounds import advance, seats, service, voiding
from app.rounds.absence import Absence
from app.rounds.fsck import CHECKS, check_all, check_rounds
from app.rounds.tables import Round
from app.rounds.vault import Vault, new_secret
from app.whole_round import SimulatedClock, Trip, answers, carry
from optimizer.progress import Silent
from scheduler.notes import SignerKey
from scheduler.seed import commitment
from scheduler.suite import SHA256

Publish = Callable[..., str]
Check = Callable[[Session], Iterator[Finding]]
PARTY = "公证处"
WITNESSES = {"id": "witnesses", "kind": "witness_digits", "digits": 20}
REAL = {"entropy": [WITNESSES], "entropy_seats": [{**WITNESSES, "id": "second"}]}
WITNESS = SignerKey("witness.example/w1", bytes(range(32)))

NOT_STATE = {
    ("round", "fence"): "counts claims; any number of them is possible",
    ("round", "takeovers"): "counts claims from the dead likewise",
    ("artefact", "id"): "a surrogate: nothing refers to it",
}
"""Columns of tables that fsck derives again which nothing binds; the journal's own exceptions stand in `info`."""
LOG = {"log_entry", "log_node", "log_checkpoint", "log_cosignature"}
DERIVED = frozenset(CHECKS) | LOG
JOURNAL = ("state_change", "state_pending")
UNBOUND = {
    "kept_answer", "operation", "webhook_delivery", "solve_point",
    "sign_in", "sign_in_attempt", "oidc_trip", "firm_code", "message",
    "platform_receipt", "estimate_sheet", "estimate_mark", "result_gram",
}  # fmt: skip
"""Work in progress, who is just signing in, what was sent, and what is made again: nothing is drawn from it."""


class Undo(Exception):  # noqa: N818  not an error: ends a transaction without a trace
    """Roll back."""


def lived(db: Database, publish: Publish, now: datetime, folder: Path) -> Round:
    """A round with an outside party, real entropy and a late absence, done; and a second one, voided."""
    code, secret = publish(**REAL), new_secret()
    digest = commitment(SHA256, "spring-2026-Q1-1", PARTY, secret).hex()
    going = Trip(db, Vault(folder), folder, Silent(), None, SimulatedClock(now), approved_by="审批人")
    other = publish(code="summer")
    row = service.create(db, code, "2026-Q1", now, [(PARTY, digest)])
    row = carry(going, row, answers(going))
    service.deposit(db, going.vault, row.round_id, PARTY, secret, going.clock.now())
    values = [("witnesses", "0" * 20), ("second", "1" * 20)]

    def answer(current: Round) -> bool:
        if current.waiting_for == "reveal":
            absent(db, going, current)
        return answers(going, values)(current) if current.waiting_for == "reveal" else asked(current)

    asked = answers(going, values)
    row = carry(going, row, answer)
    assert row.status == "done", row.problem
    second = service.create(db, other, "2026-Q1", going.clock.now())
    voiding.void(db, going.vault, second.round_id, "plan_withdrawn", "甲", "乙", going.clock.now())
    witnessed(db, folder, going.clock.now())
    return row


def absent(db: Database, going: Trip, row: Round) -> None:
    """The first one seated falls sick for a day of the round."""
    with db.read() as session:
        standing, days = seats.standing_now(session, row)
    person = min(standing.assignment.values())
    first, last = date.fromisoformat(days[0]), date.fromisoformat(days[-1])
    sick = Absence(person, "sickness", first, last)
    seats.file_absences(db, going.vault, row.round_id, [sick], going.clock.now())


def witnessed(db: Database, folder: Path, now: datetime) -> None:
    with db.write() as session:
        keys.trust_witness(session, WITNESS.verifier().as_cosigner(), now)
        row = checkpoints.make(session, folder, now)
        note = checkpoints.cosigned(session, row)
        cosignature = WITNESS.cosign(note.text, int(now.timestamp()))
        witness.store(session, str(note.signed_also([cosignature])), now)


def free(session: Session, unchecked: Table | None = None) -> None:
    """What somebody with the database owner's rights can do: triggers and foreign keys, and checks, no longer bind."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL session_replication_role = replica"))
        checks = [] if unchecked is None else unchecked.constraints
        for name in [rule.name for rule in checks if isinstance(rule, CheckConstraint)]:
            session.execute(text(f'ALTER TABLE "{unchecked}" DROP CONSTRAINT "{name}"'))
        return
    session.execute(text("PRAGMA defer_foreign_keys = ON"))
    session.execute(text("PRAGMA ignore_check_constraints = ON"))
    names = session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
    for name in names:
        session.execute(text(f"DROP TRIGGER {name}"))


def other(value: Any, column: Column[Any]) -> Any:
    """Another value of the column's kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1_000_003
    if isinstance(value, float):
        return value + 0.5
    if isinstance(value, datetime):
        return value + timedelta(hours=7)
    if isinstance(value, date):
        return value + timedelta(days=3653)
    if isinstance(value, bytes):
        return value[:-2] + bytes([value[-2] ^ 1]) + value[-1:]
    if isinstance(value, list):
        return [*value, "x"]
    if isinstance(value, dict):
        return {**value, "x": "y"}
    if isinstance(value, str):
        return value[:-1] + "~"
    return made_up(column)


def tampered(
    session: Session, table: Table, column: Column[Any], row: Mapping[str, Any], check: Check
) -> list[Finding]:
    """What fsck finds after one change of one column of one row past the service; the change is undone."""
    where = [key == row[key.name] for key in table.primary_key.columns]
    step = session.connection().begin_nested()
    change = update(table).where(*where).values({column.name: other(row[column.name], column)})
    session.connection().execute(change)
    found = list(check(session))
    step.rollback()
    session.expire_all()
    return found


def state_tables(*, journaled: bool) -> list[Table]:
    """Every table of every room, by how it is bound."""
    import_all()
    tables = SQLModel.metadata.tables.values()
    return [table for table in tables if journal.is_journaled(table) == journaled]


def test_every_table_is_journaled_or_derived_again_or_on_the_short_list() -> None:
    assert {table.name for table in state_tables(journaled=False)} == DERIVED | UNBOUND | {*JOURNAL}
    for table in state_tables(journaled=True):
        excepted = [column for column in table.columns if column not in journal.columns_of(table)]
        assert all(column.info["journal"] and not column.primary_key for column in excepted), table.name


def stored(db: Database, table: Table) -> Any:
    """A row from the middle of a table; for `round` the first, which has lived through everything."""
    with db.read() as session:
        rows = session.execute(sa_select(table).order_by(*table.primary_key.columns)).mappings().all()
    return None if not rows else rows[len(rows) // 2] if table.name != "round" else rows[0]


def test_honest_rounds_have_no_findings_and_each_changed_column_is_named(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    lived(city, publish, now, tmp_path)
    with city.read() as session:
        assert [str(finding) for finding in check_all(session, Vault(tmp_path))] == []
    missed, changed, untouched = [], 0, []
    log: Check = lambda session: check_ledger(session, tmp_path)  # noqa: E731
    rounds: Check = lambda session: chain(log(session), check_rounds(session, Vault(tmp_path)))  # noqa: E731
    for table in [*state_tables(journaled=False), *state_tables(journaled=True)]:
        row = None if table.name in UNBOUND | {"state_pending"} else stored(city, table)
        if row is None:
            untouched.append(table.name)
            continue
        with suppress(Undo), city.write() as session:
            free(session, table)
            for column in journal.columns_of(table):
                if (table.name, column.name) in NOT_STATE:
                    continue
                changed += 1
                check = log if table.name in LOG else rounds if table.name in DERIVED else check_state
                found = tampered(session, table, column, row, check)
                if table.name not in {finding.table for finding in found}:
                    missed.append(f"{table.name}.{column.name}: {[str(finding) for finding in found]}")
            raise Undo
    assert missed == []
    assert changed > 150
    assert DERIVED | {"target", "credit_class", "plan", "inspector", "state_change"} <= (
        {table.name for table in state_tables(journaled=True)} | DERIVED | {*JOURNAL}
    ) - {*untouched}


def made_up(column: Column[Any]) -> Any:
    """A value of a column's type."""
    if isinstance(column.type, JSON):
        return {"x": 1}
    if isinstance(column.type, UTCDateTime):
        return datetime(2026, 1, 1, tzinfo=UTC)
    kind = column.type.python_type
    made: dict[type, Any] = {str: "x", int: 1, float: 1.5, bool: True, date: date(2026, 1, 1), bytes: b"xyz"}
    return made.get(kind, "x")


def test_each_column_of_a_table_that_no_round_fills_is_bound_as_well(database: Database) -> None:
    """A row of each journaled table as the service writes it, each column of it changed past the service."""
    missed = []
    for table in state_tables(journaled=True):
        row = {column.name: made_up(column) for column in table.columns}
        mapper = next(found for found in SQLModel._sa_registry.mappers if found.local_table is table)
        key = journal.key_text([row[column.name] for column in table.primary_key.columns])
        with suppress(Undo), database.write() as session:
            free(session, table)
            session.add(mapper.class_(**row))
            journal.record(session)
            assert list(check_state(session)) == []
            for column in journal.columns_of(table):
                found = tampered(session, table, column, row, lambda session: check_state(session, [table]))  # noqa: B023  used at once
                if (table.name, key) not in {(finding.table, finding.row) for finding in found}:
                    missed.append((table.name, column.name, found))
            raise Undo
    assert missed == []


def test_a_row_put_in_or_taken_out_past_the_service_is_named(city: Database) -> None:
    with city.write() as session:
        free(session)
        session.connection().execute(text("DELETE FROM recusal"))
        session.connection().execute(text("DELETE FROM credit_class WHERE target = 7"))
        session.connection().execute(
            text(
                "INSERT INTO supervision (target, rule) SELECT 2, code FROM supervision_rule WHERE code = 'r-fire'"
            )
        )
        found = {(finding.table, finding.row) for finding in check_state(session)}
    assert found == {("recusal", "P001/T0001"), ("credit_class", "7/2026-01-01"), ("supervision", "2/r-fire")}


def test_a_journal_that_was_cut_or_rewritten_does_not_fit_the_log(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    publish()
    with city.write() as session:
        checkpoints.make(session, tmp_path, now)
    with city.write() as session:
        free(session)
        session.connection().execute(text("UPDATE target SET name = 'another' WHERE id = 3"))
        journal.adopt(session)
        changes = session.exec(
            select(journal.StateChange.number).order_by(col(journal.StateChange.number))
        ).all()
        session.connection().execute(text("DELETE FROM state_change WHERE number = :n"), {"n": changes[0]})
        session.connection().execute(text("DELETE FROM state_pending"))
        found = {(finding.table, finding.row) for finding in check_state(session)}
    assert {("state_change", str(changes[0])), ("state_change", str(changes[-1]))} <= found


@pytest.mark.parametrize(
    "table", ["artefact", "round_time", "entropy_use", "planned_check", "seat_event", "round_deposit"]
)
def test_a_row_that_is_gone_is_named(
    city: Database, publish: Publish, now: datetime, tmp_path: Path, table: str
) -> None:
    row = lived(city, publish, now, tmp_path)
    column = "subject" if table == "artefact" else "round_id"
    with city.write() as session:
        free(session)
        session.execute(text(f"DELETE FROM {table} WHERE {column} = :id"), {"id": row.round_id})
        found = list(check_all(session, Vault(tmp_path)))
    assert table in {finding.table for finding in found}


def test_a_last_entry_cut_off_is_noticed(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    with city.write() as session:
        repository.append(session, {"type": "t", "subject": "s", "actor_role": "r", "digest": "0"}, now)
        checkpoints.make(session, tmp_path, now)
    with city.write() as session:
        free(session)
        last = session.exec(select(LogEntry).order_by(col(LogEntry.index).desc()).limit(1)).one()
        session.execute(text('DELETE FROM log_entry WHERE "index" = :i'), {"i": last.index})
        found = {(finding.table, finding.column) for finding in check_all(session, Vault(tmp_path))}
    assert ("log_entry", "*") in found
    assert any(table == "log_checkpoint" for table, _ in found)


def test_a_round_draws_from_nothing_that_is_not_signed(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    """The public values' checkpoint is gone, or the kept values are others than those logged."""
    going = Trip(
        city, Vault(tmp_path), tmp_path, Silent(), None, SimulatedClock(now), "审批人", until="entropy"
    )
    row = carry(going, service.create(city, publish(), "2026-Q1", now), answers(going))
    assert (row.stage, row.status) == ("entropy", "running")
    with city.write() as session:
        free(session)
        session.execute(text("UPDATE entropy_use SET value = 'mine'"))
    row = carry(replace(going, until="revealed"), row, answers(going))
    assert row.problem is not None
    assert (row.stage, row.problem["code"]) == ("entropy", "entropy.differs")
    with city.write() as session:
        free(session)
        session.execute(text("DELETE FROM log_checkpoint"))
    advance.retry(city, row.round_id, now)
    row = carry(replace(going, until="revealed"), row, answers(going))
    assert row.problem is not None
    assert (row.stage, row.problem["code"]) == ("entropy", "entropy.not_signed")


def test_a_database_restored_to_an_older_state_draws_nothing(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    going = Trip(
        city, Vault(tmp_path), tmp_path, Silent(), None, SimulatedClock(now), "审批人", until="committed"
    )
    row = carry(going, service.create(city, publish(), "2026-Q1", now), answers(going))
    with city.write() as session:
        free(session)
        newest = checkpoints.latest(session)
        assert newest is not None
        session.execute(text("DELETE FROM log_checkpoint WHERE size = :s"), {"s": newest.size})
        session.execute(text('DELETE FROM log_entry WHERE "index" = :i'), {"i": newest.size - 1})
        session.execute(text("UPDATE round SET stage = 'frozen'"))
        session.execute(text("DELETE FROM round_time WHERE stage = 'committed'"))
    row = carry(replace(going, until="revealed"), row, answers(going))
    assert row.problem is not None
    assert (row.stage, row.problem["code"]) == ("frozen", "log.rolled_back")
    assert "restored" in row.problem["en"]
