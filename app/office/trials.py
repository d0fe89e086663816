"""Trial draws beside the service: one at a time in a process of its own, kept in memory alone, stopped at any time.

Nothing of a trial is stored, so another server of the same database knows nothing of it, and a restart forgets it.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Final

from app import processes
from app.db.database import Database
from app.errors import Conflict, Problem, Refused, refuse
from app.rounds.trial import Trial, trial
from scheduler.seed import SECRET_SIZE

KEPT: Final = 8
"""Plans whose newest trial is remembered."""
Step = tuple[str, int, int]


@dataclass
class Running:
    """A trial under way: its process, and how far it is."""

    code: str
    process: SpawnProcess
    step: Step = ("freeze", 0, 0)
    stopped: bool = False
    over: threading.Event = field(default_factory=threading.Event)


class Trials:
    """What runs and the newest result or refusal of each plan. Safe between threads."""

    def __init__(self, url: str, limit_ppm: int) -> None:
        self._url, self._limit = url, limit_ppm
        self._lock = threading.Lock()
        self._running: Running | None = None
        self._ended: OrderedDict[str, Trial | Refused] = OrderedDict()

    def begin(self, code: str, now: datetime) -> Running:
        """Draw once by the registers as they stand; of a plan that is being tried, the one that runs.

        Raises Conflict `trial.busy` while another plan is tried.
        """
        with self._lock:
            if self._running is not None:
                if self._running.code != code:
                    raise _busy(self._running.code)
                return self._running
            receiving, sending = Pipe(duplex=False)
            given = (sending, self._url, code, now, self._limit)
            process = processes.fresh(_draw, *given, name="trial")
            process.start()
            sending.close()
            running = self._running = Running(code, process)
        threading.Thread(target=self._follow, args=(running, receiving), name="trial", daemon=True).start()
        return running

    def running(self, code: str) -> Running | None:
        """The plan's trial if it is under way."""
        with self._lock:
            return self._running if self._running is not None and self._running.code == code else None

    def ended(self, code: str) -> Trial | Refused | None:
        """What the plan's newest trial came to; None after one that was stopped, and before any."""
        with self._lock:
            return self._ended.get(code)

    def stop(self, code: str) -> None:
        """End the plan's trial; what it had drawn is gone."""
        running = self.running(code)
        if running is not None:
            running.stopped = True
            running.process.terminate()
            running.over.wait(processes.PATIENCE)

    def _follow(self, running: Running, receiving: Connection) -> None:
        found: Trial | Refused | None = None
        try:
            while found is None:
                got = receiving.recv()
                if isinstance(got, tuple):
                    running.step = got
                else:
                    found = got
        except (EOFError, OSError):  # stopped, or ended by the system
            pass
        receiving.close()
        running.process.join()
        self._keep(running, found if found or running.stopped else _cut_off())

    def _keep(self, running: Running, found: Trial | Refused | None) -> None:
        with self._lock:
            self._running = None
            self._ended.pop(running.code, None)
            if found is not None:
                self._ended[running.code] = found
                while len(self._ended) > KEPT:
                    self._ended.popitem(last=False)
        running.over.set()


class _Told:
    """Progress through the pipe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def step(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Pass it on; a note may name a task, and the page needs none."""
        del note
        self._connection.send((stage, done, total))


def _draw(connection: Connection, url: str, code: str, now: datetime, limit_ppm: int) -> None:
    """What the process does: its noise is made here and ends with it."""
    processes.begin_beside_parent()
    db = Database(url)
    noise = secrets.token_bytes(SECRET_SIZE)
    try:
        connection.send(trial(db, code, now, noise, limit_ppm, _Told(connection)))
    except Refused as refused:
        connection.send(refused)
    finally:
        db.close()


def _busy(code: str) -> Conflict:
    return Conflict(
        Problem(
            "trial.busy",
            f"正在试抽计划 {code}；同一时间只试抽一个。",
            f"Plan {code} is being tried; one trial runs at a time.",
            "请等它结束，或先停止它。",
            "Wait for its end, or stop it first.",
            {"plan": code},
        )
    )


def _cut_off() -> Refused:
    return refuse(
        "trial.cut_off",
        "试抽进程意外结束（可能内存不足），没有结果。",
        "The process of the trial ended unexpectedly (out of memory?); there is no result.",
        "请稍后再试；若仍然如此，请告知运行单位。",
        "Try again later; if it happens again, tell who runs the service.",
    )
