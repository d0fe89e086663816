"""The clock: the only file that imports APScheduler. A tick computes what is due from the tables and starts work.

Nothing is remembered here but which refusals were logged: missed periods are found again in order and marked late,
so a service that was down for months loses none and makes none twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import groupby

from apscheduler.schedulers.background import BackgroundScheduler

from app.audit import job as audits
from app.db.database import Database
from app.db.faults import FAILURES, unavailable
from app.errors import Problem, Refused
from app.estimates.service import refresh_in_process
from app.http.logs import keep_going
from app.ledger import checkpoints
from app.plans import service as plans
from app.plans.service import DuePeriod
from app.processes import pool
from app.rounds import expiry
from app.rounds import service as rounds
from app.rounds.worker import run_in_process
from app.settings import Settings
from app.visits import following, opening
from app.visits import service as visits
from app.visits.desk import Desk

log = logging.getLogger(__name__)

Refusals = dict[str, Problem]
"""What was refused and still is, by what was tried."""

SIGNED_WITHIN_SECONDS = 60
"""A checkpoint is signed within this time of anything that is appended to the log."""
LATER = timedelta(seconds=30)
"""How long after the start what nobody waits for begins."""


def tick(db: Database, now: datetime, refusals: Refusals | None = None) -> list[str]:
    """Make every round that is due, void what missed its deadline, wake what waited for a time. Returns new rounds.

    What one plan or one step can't do is logged and keeps no other from being done; `refusals` of earlier ticks
    that still stand are not logged again.
    """
    made = []
    for _, periods in groupby(plans.due(db, now, refusals), key=lambda due: due.plan.code):
        made += _in_order(db, periods, now, refusals)
    with keep_going("deadlines", refusals):
        expiry.expire(db, now)
    with keep_going("reveals", refusals):
        expiry.wake(db, now)
    return made


def _in_order(
    db: Database, periods: Iterable[DuePeriod], now: datetime, refusals: Refusals | None
) -> list[str]:
    """Make a plan's rounds, and none after the first that is refused: a draw takes the ones before it into account."""
    made: list[str] = []
    for plan, period in periods:
        done = False
        with keep_going(f"plan {plan.code} period {period.id}", refusals):
            row, new = rounds.ensure(db, plan.code, period.id, now, due_at=period.due_at)
            made += [row.round_id] if new else []
            done = True
        if not done:
            break
    return made


def open_visits(db: Database, settings: Settings, now: datetime, refusals: Refusals | None = None) -> None:
    """Make the visits of rounds whose seats are sealed, and end those of voided rounds."""
    desk = Desk.of(db, settings)
    with keep_going("voided visits", refusals):
        visits.void_due(desk, now)
    for round_id in opening.to_open(desk):
        with keep_going(f"visits of {round_id}", refusals):
            opening.open_visits(desk, round_id, now)
    for round_id in following.to_follow(desk):
        with keep_going(f"changed visits of {round_id}"):
            following.follow_plan(desk, round_id, now)


class Clock:
    """Ticks every few seconds and keeps one process at work on rounds while there are any."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db, self._settings = db, settings
        self._pool: Executor = pool(1)
        self._checker: Executor | None = None
        self._refusals: Refusals = {}
        self._stopping = False
        # its threads end before the process, and with them what they give back
        self._scheduler = BackgroundScheduler(timezone="UTC", daemon=False)
        self._scheduler.add_job(
            self._tick,
            "interval",
            seconds=settings.tick_seconds,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        self._scheduler.add_job(
            self._sign,
            "interval",
            seconds=min(settings.tick_seconds, SIGNED_WITHIN_SECONDS),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )

        self._scheduler.add_job(
            self._estimate,
            "interval",
            minutes=settings.estimates_minutes,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        self._scheduler.add_job(self._ask_audit, "interval", hours=24, coalesce=True, misfire_grace_time=None)
        self._scheduler.add_job(
            self._audit,
            "interval",
            seconds=settings.tick_seconds,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )

    def start(self) -> None:
        """Begin ticking, the first time at once; what can wait begins when pages are served and rounds go on again."""
        now = datetime.now(UTC)
        self._scheduler.start()
        for job in self._scheduler.get_jobs():
            later = LATER if job.func in (self._ask_audit, self._estimate) else timedelta()
            job.modify(next_run_time=now + later)

    def stop(self) -> None:
        """Stop ticking; a stage that runs is finished or taken over later, nothing is half-written."""
        self._stopping = True
        self._scheduler.shutdown(wait=False)
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._checker is not None:
            self._checker.shutdown(wait=False, cancel_futures=True)

    def _sign(self) -> None:
        """A job of its own, for a tick lasts as long as its rounds do."""
        try:
            checkpoints.due(self._db, self._settings.data_dir, datetime.now(UTC))
        except Refused as refused:
            log.error("nothing is signed: %s", refused.problem.en)

    def _ask_audit(self) -> None:
        """Soon after the start and once a day."""
        with keep_going("audit", self._refusals):
            audits.ask(self._db, datetime.now(UTC))

    def _audit(self) -> None:
        """Every state table against the log, in a process of its own; nothing waits for it."""
        with keep_going("audit", self._refusals):
            if audits.any_waiting(self._db, datetime.now(UTC)):
                self._audit_beside()

    def _audit_beside(self) -> None:
        self._checker = checker = pool(1)
        try:
            with suppress(BrokenProcessPool):
                directory = str(self._settings.data_dir)
                for line in checker.submit(audits.run_in_process, self._db.url, directory).result():
                    log.error("%s", line)
        finally:
            checker.shutdown(wait=False)

    def _estimate(self) -> None:
        """In the worker's process, so that pages don't wait for the arithmetic."""
        with keep_going("estimates", self._refusals):
            done = self._pool.submit(refresh_in_process, self._db.url, datetime.now(UTC)).result()
            if done:
                log.info("estimates made: %s", ", ".join(done))

    def _log_leads_to_what_was_signed(self) -> bool:
        try:
            with self._db.read() as session:
                checkpoints.guard(session, self._settings.data_dir)
        except Refused as refused:
            log.error("nothing is drawn: %s", refused.problem.en)
            return False
        return True

    def _tick(self) -> None:
        if not self._log_leads_to_what_was_signed():
            return
        tick(self._db, datetime.now(UTC), self._refusals)
        open_visits(self._db, self._settings, datetime.now(UTC), self._refusals)
        self._work_while_there_is_any()

    def _work_while_there_is_any(self) -> None:
        arguments = (self._db.url, str(self._settings.data_dir), self._settings.lease_seconds)
        work: Callable[[], str | None] = lambda: self._pool.submit(run_in_process, *arguments).result()  # noqa: E731
        try:
            while (done := work()) is not None:
                log.info("round advanced: %s", done)
        except BrokenProcessPool:
            if self._stopping:
                return
            log.warning("the worker process died; its round is taken over when its lease ends")
            self._pool = pool(1)
        except FAILURES as failure:
            refused = unavailable(failure)
            if refused is None:
                raise
            log.error("%s: the round goes on at a later tick", refused.problem.code)
