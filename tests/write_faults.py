"""Single write calls that fail or kill: `python -m tests.write_faults FOLDER [--step N] [--most N]` (needs strace).

A worker carries a round on SQLite under strace, which makes one call of one kind fail (EIO, ENOSPC) or kill the process
at it; every `step`-th call is tried, each on a fresh database. Then, without strace, another worker finishes
the round. Plain SQL judges both states (`tests.kill_judge`), and `log fsck` the last one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.kill_harness import Lives, Tally, finish, forked, worked
from tests.kill_judge import Judge

EFFECTS = ("error=EIO", "error=ENOSPC", "signal=SIGKILL")
CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate")
"""What SQLite writes with: pages, their way to the disk, the journal's end."""


def traced(url: str, folder: Path, options: list[str]) -> int:
    """Exit status of a worker under strace, negative where a signal ended it."""
    command = ["strace", "-f", "-qq", "-e", f"trace={','.join(CALLS)}", *options]
    worker = [sys.executable, "-m", "tests.write_faults", str(folder), "--worker", url]
    return subprocess.run([*command, *worker], check=False, stderr=subprocess.DEVNULL).returncode


def counted(lives: Lives) -> Counter[str]:
    """How many calls of each kind an undisturbed worker makes."""
    with lives.one() as (url, folder):
        trace = folder / "trace"
        traced(url, folder, ["-o", str(trace)])
        lines = trace.read_text(errors="replace").splitlines()
    return Counter(call for line in lines for call in CALLS if f" {call}(" in line)


def faults(counts: Counter[str], step: int) -> Iterator[tuple[str, str, int]]:
    """(call, effect, which one) of every trial."""
    for call in CALLS:
        for which in range(1, counts[call] + 1, step):
            for effect in EFFECTS:
                yield call, effect, which


def tried(lives: Lives, call: str, effect: str, which: int) -> tuple[bool, list[str]]:
    """Whether the fault stopped the worker; what is broken after it, and after another one has finished the round."""
    with lives.one() as (url, folder):
        judge, tally = Judge(url), Tally()
        inject = f"inject={call}:{effect}:when={which}"
        stopped = traced(url, folder, ["-o", os.devnull, "-e", inject]) != 0
        tally.broken += judge.look()
        finish(url, folder, "", judge, tally)
        return stopped, [f"{inject}: {what}" for what in tally.broken]


def main() -> int:
    """Try the faults and print what was found as JSON; 1 where something is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--step", type=int, default=7)
    parser.add_argument("--most", type=int, default=10_000)
    parser.add_argument("--worker", default="", metavar="URL")
    given = parser.parse_args()
    if given.worker:
        worked(given.worker, given.folder, "")
        return 0
    lives = Lives("sqlite:///", given.folder)
    if os.waitpid(forked(lives.prepare), 0)[1]:
        return 2
    counts = counted(lives)
    trials = list(faults(counts, given.step))
    trials = trials[:: max(1, len(trials) // given.most)][: given.most]
    results = [tried(lives, *trial) for trial in trials]
    broken = [what for _, found in results for what in found]
    stopped = sum(hit for hit, _ in results)
    print(json.dumps({"calls": counts, "trials": len(trials), "stopped": stopped, "broken": broken}))
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
