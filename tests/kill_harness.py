"""A round's life under kills, judged by plain SQL: `python -m tests.kill_harness URL FOLDER --kills N [--seed S]`.

Each life is a fresh copy of a database with the small city, a plan and a receiver of webhooks. Real worker processes
carry its round; they are killed (SIGKILL) at random moments or at every stage's boundaries, or stopped until another
has taken over and then let go on. After each kill the database must hold what `Judge` says. `--without` takes one
control away inside the workers, never in the service: then the harness has to notice.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlmodel import Session

from app.db.database import Database, sqlite_backup
from app.db.migrations import upgrade
from app.http.tables import Webhook
from app.ledger import checkpoints, outbox
from app.ledger import repository as ledger
from app.plans import service as plans
from app.rounds import advance, repository, service
from app.rounds.fsck import check_all
from app.rounds.tables import STAGES, Round, RoundTime
from app.rounds.vault import Vault
from app.whole_round import SimulatedClock, Trip, answers, carry
from optimizer.progress import Silent
from tests import small_city
from tests.kill_judge import Judge

ROUND = "spring-2026-Q1-1"
PLACES = ("computed", "written", "committed")
"""Where a worker dies at a stage: before its transaction, at the end of it, after it."""
PATIENCE = 300.0
STALLED = 5.0
"""Seconds within which another worker takes over: the lease lasts one."""


@dataclass(slots=True)
class Tally:
    """What was done, and what was found broken."""

    lives: int = 0
    kills: int = 0
    stalls: int = 0
    broken: list[str] = field(default_factory=list)


def prepared(db: Database) -> None:
    """The small city, a published plan, and a receiver to be told of everything."""
    small_city.fill(db)
    document = plans.parse_document(small_city.plan_data())
    plans.create(db, document, small_city.NOW)
    plans.publish(db, document.code, small_city.NOW)
    with db.write() as session:
        session.add(Webhook(url="https://receiver.invalid/", secret="whsec_x", created_at=small_city.NOW))


class Lives:
    """Databases to live in, each a copy of the prepared one."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._folder, self._name = url, folder, f"kill_{uuid.uuid4().hex[:8]}"
        self._sqlite = url.startswith("sqlite")

    def _other(self, name: str) -> str:
        if self._sqlite:
            return f"sqlite:///{self._folder / name}.db"
        head, _, query = self._url.partition("?")
        base = head.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://", 1)
        return f"{base}/{name}" + (f"?{query}" if query else "")

    def _sql(self, statement: str) -> None:
        plain = self._url.replace("postgresql+psycopg://", "postgresql://", 1)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement)

    def prepare(self) -> None:
        """In a process of its own: whoever forks must hold no connection."""
        if not self._sqlite:
            self._sql(f'CREATE DATABASE "{self._name}"')
        db = Database(self._other(self._name))
        upgrade(db)
        prepared(db)
        db.close()

    @contextmanager
    def one(self) -> Iterator[tuple[str, Path]]:
        """The address of a fresh copy, and a data folder for it."""
        name = f"{self._name}_{uuid.uuid4().hex[:8]}"
        folder = self._folder / name
        folder.mkdir()
        if self._sqlite:
            sqlite_backup(self._other(self._name), str(self._folder / f"{name}.db"))
        else:
            self._sql(f'CREATE DATABASE "{name}" TEMPLATE "{self._name}" STRATEGY wal_log')
        yield self._other(name), folder
        shutil.rmtree(folder)
        if self._sqlite:
            (self._folder / f"{name}.db").unlink()
        else:
            self._sql(f'DROP DATABASE "{name}" WITH (FORCE)')

    def close(self) -> None:
        """Remove what was prepared."""
        if not self._sqlite:
            self._sql(f'DROP DATABASE "{self._name}" WITH (FORCE)')


def forked(work: Callable[[], None]) -> int:
    """A child process that does `work` and nothing else; its id."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException as error:  # noqa: BLE001  the child must never come back into the harness
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def ended(child: int, patience: float) -> bool:
    """Whether the child ended within `patience` seconds; it is then gone."""
    until = time.monotonic() + patience
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() > until:
            return False
        time.sleep(0.002)
    return True


def killed(child: int) -> None:
    """End a child at once."""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def worked(
    url: str, folder: Path, without: str, die_at: tuple[str, str] | None = None, until: str = STAGES[-1]
) -> None:
    """What a worker does: make the round if it is not there, carry it on, put out what the log says."""
    control_off(without)
    if die_at is not None:
        dies(*die_at)
    db = Database(url)
    with db.read() as session:
        start = max(small_city.NOW, ledger.last_time(session) or small_city.NOW)
    clock = SimulatedClock(start)
    trip = Trip(db, Vault(folder), folder, Silent(), None, clock, "审批人", until, lease_seconds=1)
    made, _ = service.ensure(db, "spring", "2026-Q1", trip.clock.now())
    answer = answers(trip)

    def told(row: Round) -> bool:
        outbox.put_out(db, trip.clock.now())
        return answer(row)

    carry(trip, made, told)
    outbox.put_out(db, trip.clock.now())
    db.close()


def dies(stage: str, place: str) -> None:
    """Make this process die at a place of the stage that leads to `stage`, or stop where it has been computed."""

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def stop() -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    write, make = advance._write, checkpoints.make

    def writing(work: Any, outcome: Any, seconds: float) -> Round:
        if outcome.stage == stage and place == "computed":
            die()
        if outcome.stage == stage and place == "stopped":
            stop()
        row = write(work, outcome, seconds)
        if outcome.stage == stage and place == "committed":
            die()
        return row

    def making(session: Session, directory: Path, now: datetime, **more: Any) -> Any:
        made = make(session, directory, now, **more)
        if place == "written" and session.get_one(Round, ROUND).stage == stage:
            die()
        return made

    advance._write, checkpoints.make = writing, making


def control_off(without: str) -> None:
    """Take a control away in this process, and give a kill time to fall where it then matters.

    `fence`: with it goes the primary key of `round_time`, which would stop a stage's second writing as well.
    """
    mark, fenced = repository.mark, repository.fenced

    def marking(session: Session, round_id: str, stage: str, *more: Any) -> None:
        if without == "transaction":
            commit_half(session)
        time.sleep(0.03)
        if without != "fence" or session.get(RoundTime, (round_id, stage)) is None:
            mark(session, round_id, stage, *more)

    def unfenced(session: Session, row: Round) -> Round:
        current = repository.get_locked(session, row.round_id)
        if current is None:
            raise repository.Lost(row.round_id)
        return current

    repository.mark = marking  # type: ignore[assignment]  # the same arguments, passed on
    repository.fenced = unfenced if without == "fence" else fenced


def commit_half(session: Session) -> None:
    """Commit artefacts and log entries without the state that belongs to them."""
    session.flush()
    driver: Any = session.connection().connection.driver_connection
    if session.get_bind().dialect.name == "sqlite":
        driver.execute("COMMIT")
        driver.execute("BEGIN IMMEDIATE")
    else:
        driver.commit()


def at_boundaries(lives: Lives, without: str, tally: Tally) -> None:
    """One life with a kill at each place of each stage."""
    with lives.one() as (url, folder):
        judge = Judge(url)
        for stage in STAGES[1:]:
            for place in PLACES:
                child = forked(lambda at=(stage, place): worked(url, folder, without, at))  # type: ignore[misc]  # bound at once
                assert ended(child, PATIENCE), f"{stage} {place}: no end"
                tally.kills += 1
                tally.broken += [f"{stage} {place}: {what}" for what in judge.look()]
        finish(url, folder, without, judge, tally)


def at_stops(lives: Lives, without: str, tally: Tally) -> None:
    """One life in which each stage is computed, but written by another while its worker is stopped; that one wakes."""
    with lives.one() as (url, folder):
        judge = Judge(url)
        for stage in STAGES[1:]:
            while (
                judge.stage() != stage and not tally.broken
            ):  # again, where the stopped one holds SQLite's file
                child = forked(lambda at=stage: worked(url, folder, without, (at, "stopped"), at))  # type: ignore[misc]  # bound at once
                os.waitpid(child, os.WUNTRACED)
                other = forked(lambda at=stage: worked(url, folder, without, until=at))  # type: ignore[misc]
                assert ended(other, PATIENCE), f"{stage}: nobody takes over"
                os.kill(child, signal.SIGCONT)
                assert ended(child, PATIENCE), f"{stage}: no end"
                tally.stalls += 1
                tally.broken += [f"{stage} stopped: {what}" for what in judge.look()]
        finish(url, folder, without, judge, tally)


def at_random(lives: Lives, without: str, tally: Tally, rng: random.Random, kills: int) -> None:
    """Lives with kills, and one stall in four, at random moments until there were `kills`."""
    whole = 1.0
    while tally.kills < kills and not tally.broken:
        with lives.one() as (url, folder):
            judge, began = Judge(url), time.monotonic()
            while judge.stage() != STAGES[-1] and tally.kills < kills and not tally.broken:
                child = forked(lambda: worked(url, folder, without))
                if rng.random() < 0.25:
                    stalled(child, lambda: worked(url, folder, without), judge, rng.random() * whole / 4)
                    tally.stalls += 1
                elif not ended(child, rng.random() * whole / 4):
                    killed(child)
                tally.kills += 1
                tally.broken += judge.look()
            finish(url, folder, without, judge, tally)
            whole = min(20.0, max(0.5, (time.monotonic() - began) / 3))


def stalled(child: int, work: Callable[[], None], judge: Judge, pause: float) -> None:
    """Stop a worker until another has taken over and done a stage, let the first one go on, and kill both."""
    if ended(child, pause):
        return
    os.kill(child, signal.SIGSTOP)
    until = time.monotonic() + STALLED
    other = forked(work)
    with suppress(
        sqlite3.OperationalError
    ):  # stopped while it held SQLite's file to itself: nobody can go on
        before = judge.stage(STALLED)
        while judge.stage(STALLED) == before and time.monotonic() < until:
            time.sleep(0.02)
    os.kill(child, signal.SIGCONT)
    for process in (child, other):
        if not ended(process, 2 * pause):
            killed(process)


def finish(url: str, folder: Path, without: str, judge: Judge, tally: Tally) -> None:
    """Carry the round to its end undisturbed; then everything has to be there once, and fsck has nothing to say."""
    if tally.broken:
        return
    child = forked(lambda: worked(url, folder, without))
    if not ended(child, PATIENCE):
        killed(child)
        tally.broken.append("the round does not come to its end")
        return
    tally.lives += 1
    tally.broken += [*judge.look(), *judge.whole()]
    checked = forked(lambda: fscked(url, folder))
    if os.waitpid(checked, 0)[1]:
        tally.broken.append("fsck has findings")


def fscked(url: str, folder: Path) -> None:
    """Fail where fsck finds something."""
    db = Database(url)
    with db.read() as session:
        found = [str(finding) for finding in check_all(session, Vault(folder))]
    db.close()
    if found:
        raise AssertionError("; ".join(found))


def main() -> int:
    """Run and print what was done as JSON; 1 where something is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without", choices=("", "fence", "transaction"), default="")
    given = parser.parse_args()
    lives, tally = Lives(given.url, given.folder), Tally()
    prepared_by = forked(lives.prepare)
    if os.waitpid(prepared_by, 0)[1]:
        return 2
    began = datetime.now(UTC)
    if given.without != "fence":  # which only stops can tell
        at_boundaries(lives, given.without, tally)
    boundaries = tally.kills
    at_stops(lives, given.without, tally)
    at_random(lives, given.without, tally, random.Random(given.seed), boundaries + given.kills)
    lives.close()
    took = (datetime.now(UTC) - began) / timedelta(seconds=1)
    said = {
        "boundaries": boundaries, "random": tally.kills - boundaries, "stalls": tally.stalls,
        "lives": tally.lives, "seconds": round(took), "broken": tally.broken,
    }  # fmt: skip
    print(json.dumps(said))
    return 1 if tally.broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
