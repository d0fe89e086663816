"""Single write calls that fail or kill: `python -m tests.write_faults FOLDER [--step N] [--first N] [--each]` (needs
strace).

A worker carries a round on SQLite from one stage to the next under strace, which makes one call of one kind fail (EIO,
ENOSPC) or kill the process at it: every `step`-th call of every stage, the three effects in turn or (`--each`) each of
them, on a fresh copy of the state before the stage. Then, without strace, another worker finishes the round. Plain SQL
judges both states (`tests.kill_judge`), and `log fsck` the last one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from app.db.database import sqlite_backup
from app.rounds.tables import STAGES
from tests.kill_harness import Lives, Tally, finish, forked, worked
from tests.kill_judge import Judge

EFFECTS = ("error=EIO", "error=ENOSPC", "signal=SIGKILL")
CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate")
"""What SQLite writes with: pages, their way to the disk, the journal's end."""


@dataclass(frozen=True, slots=True)
class Point:
    """The state before the stage `stage`: a database, its data folder, and how often a worker then calls what."""

    stage: str
    database: Path
    folder: Path
    counts: Counter[str]

    @contextmanager
    def copy(self, name: str) -> Iterator[tuple[str, Path]]:
        """Address and data folder of a copy."""
        database, folder = self.database.with_name(f"{name}.db"), self.folder.with_name(name)
        shutil.copytree(self.folder, folder)
        sqlite_backup(f"sqlite:///{self.database}", str(database))
        yield f"sqlite:///{database}", folder
        shutil.rmtree(folder)
        for file in database.parent.glob(f"{name}.db*"):
            file.unlink()


def traced(url: str, folder: Path, stage: str, options: list[str]) -> tuple[int, int]:
    """Id and wait status of a worker that carries the round to `stage` under strace."""

    def work() -> None:
        status = Path("/proc/self/status")
        while "TracerPid:\t0\n" in status.read_text():
            time.sleep(0.001)
        worked(url, folder, "", until=stage)

    child = forked(work)
    command = ["strace", "-f", "-qq", "-e", f"trace={','.join(CALLS)}", *options, "-p", str(child)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL):
        return child, os.waitpid(child, 0)[1]


def points(lives: Lives, folder: Path) -> Iterator[Point]:
    """The states of one undisturbed round, stage by stage."""
    with lives.one() as (url, data):
        for stage in STAGES[1:]:
            database, kept = folder / f"before_{stage}.db", folder / f"before_{stage}"
            shutil.copytree(data, kept)
            sqlite_backup(url, str(database))
            trace = folder / "trace"
            child, status = traced(url, data, stage, ["-o", str(trace)])
            assert status == 0, f"the undisturbed worker failed before {stage}"
            lines = [line for line in trace.read_text().splitlines() if line.split()[0] == str(child)]
            yield Point(
                stage,
                database,
                kept,
                Counter(call for call in CALLS for line in lines if f" {call}(" in line),
            )


def faults(point: Point, first: int, step: int, each: bool) -> Iterator[tuple[str, str, int]]:
    """(call, effect, which one) of every trial."""
    turn = count()
    for call in CALLS:
        for which in range(first, point.counts[call] + 1, step):
            for effect in EFFECTS if each else (EFFECTS[next(turn) % len(EFFECTS)],):
                yield call, effect, which


def tried(point: Point, call: str, effect: str, which: int) -> tuple[bool, list[str]]:
    """Whether the fault stopped the worker; what is broken after it, and after another one has finished the round."""
    with point.copy("trial") as (url, folder):
        judge, tally = Judge(url), Tally()
        judge.look()
        inject = f"inject={call}:{effect}:when={which}"
        _, status = traced(url, folder, point.stage, ["-o", os.devnull, "-e", inject])
        tally.broken += judge.look()
        finish(url, folder, "", judge, tally)
        return status != 0, [f"{point.stage} {inject}: {what}" for what in tally.broken]


def main() -> int:
    """Try the faults and print what was found as JSON; 1 where something is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--step", type=int, default=7)
    parser.add_argument("--first", type=int, default=1, help="which call of each kind to begin with")
    parser.add_argument("--each", action="store_true", help="each effect at each call, not one in turn")
    given = parser.parse_args()
    lives = Lives("sqlite:///", given.folder)
    if os.waitpid(forked(lives.prepare), 0)[1]:
        return 2
    calls: Counter[str] = Counter()
    effects: Counter[str] = Counter()
    stopped, broken = 0, list[str]()
    for point in list(points(lives, given.folder)):
        calls += point.counts
        for trial in faults(point, given.first, given.step, given.each):
            hit, found = tried(point, *trial)
            effects[trial[1]] += 1
            stopped += hit
            broken += found
        print(point.stage, dict(point.counts), sum(effects.values()), broken, flush=True)
    print(json.dumps({"calls": calls, "trials": effects, "stopped": stopped, "broken": broken}))
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
