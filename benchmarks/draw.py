"""The draw against its peers: 30,000 of 1,000,000 targets, CPU time and memory, all in one run.

Peers: the PyPI package `consistent_sampler` (the method of US election audits, also a keyed number per object), and
the plain standard-library loop (`hmac.digest` and `sorted`), whose sample has to equal ours. A sealed round, which
puts a second HMAC under each number, is measured beside the open one. Memory is the peak above the list of ids, in a
process of its own, with the frame's validation and sorting counted in.
"""

from __future__ import annotations

import argparse
import hmac
import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from consistent_sampler import sampler
from rich.console import Console
from rich.table import Table

from scheduler.encoding import lp
from scheduler.frame import Frame
from scheduler.manifest import DrawSpec, Rule
from scheduler.seed import RoundKeys
from scheduler.selection import DrawResult, draw
from scheduler.suite import SHA256

RATIO_PPM: Final = 30_000
KEYS: Final = RoundKeys(SHA256, *(bytes([number] * 32) for number in range(1, 6)))
SALT_KEY: Final = bytes([9] * 32)
TARGET_RATIO: Final = 0.2
TARGET_MB: Final = 80

T = TypeVar("T")


def make_ids(count: int) -> list[str]:
    """Distinct ids of 18 characters in no order, as an imported list has them."""
    return [f"91650100{number * 7_368_787 % 10**10:010d}" for number in range(count)]


def spec_for(count: int) -> DrawSpec:
    """One stratum, 3 % of it, rounded up."""
    zeros = "0" * 64
    return DrawSpec("D", "D", ("target_id",), (), zeros, None, count, zeros, (), Rule(RATIO_PPM))


def drawn(frame: Frame, salt_key: bytes | None) -> DrawResult:
    """What is timed: numbers, sizes and selection on a frame in memory."""
    return draw(SHA256, spec_for(len(frame)), frame, KEYS, salt_key)


def by_standard_library(ids: list[str], take: int, salt_key: bytes | None) -> list[str]:
    """The same sample as plainly as it can be written."""
    digest, key = hmac.digest, KEYS.numbers
    if salt_key is None:
        numbered = [(digest(key, lp(target_id), "sha256"), target_id) for target_id in ids]
    else:
        numbered = [
            (
                digest(key, lp(target_id, digest(salt_key, lp("number", target_id), "sha256")), "sha256"),
                target_id,
            )
            for target_id in ids
        ]
    return [target_id for _, target_id in sorted(numbered)[:take]]


def by_consistent_sampler(ids: list[str], take: int) -> list[str]:
    """The peer's sample, which uses another number and so another sample."""
    return list(sampler(ids, seed="01382438112797316654", with_replacement=False, take=take, output="id"))


def timed(work: Callable[[], T], runs: int) -> tuple[float, T]:
    """The least CPU time of several runs, which is the one least disturbed by others, and the last outcome."""
    best = float("inf")
    for _ in range(runs):
        before = time.process_time()
        outcome = work()
        best = min(best, time.process_time() - before)
    return best, outcome


def measure(count: int, runs: int) -> dict[str, float | int]:
    """All figures of one run."""
    ids = make_ids(count)
    frame = Frame(("target_id",), ((target_id,) for target_id in ids))
    take = -(-count * RATIO_PPM // 10**6)
    peer, sample = timed(partial(by_consistent_sampler, ids, take), runs)
    assert len(sample) == take
    found: dict[str, float | int] = {"rows": count, "drawn": take, "runs": runs, "peer_cpu_s": peer}
    for prefix, salt_key in (("", None), ("sealed_", SALT_KEY)):
        ours, result = timed(partial(drawn, frame, salt_key), runs)
        plain, expected = timed(partial(by_standard_library, ids, take, salt_key), 1)
        assert [item.target_id for item in result.strata[0].selected] == expected
        found[f"{prefix}cpu_s"] = ours
        found[f"{prefix}stdlib_cpu_s"] = plain
        found[f"{prefix}ratio_to_peer"] = ours / peer
        found[f"{prefix}extra_mb"] = extra_memory(count, sealed=salt_key is not None)
    return {name: round(value, 4) for name, value in found.items()}


def extra_memory(count: int, sealed: bool) -> float:
    """Peak above the id list in MB (10^6 bytes), measured in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.draw", "--rows", str(count), "--memory"]
    output = subprocess.run(
        command + ["--sealed"] * sealed, check=True, capture_output=True, text=True
    ).stdout
    return float(output.splitlines()[-1])


def print_memory(count: int, sealed: bool) -> None:
    """Print how far the resident peak of frame and draw rises above a process that holds the ids alone."""
    warm = Frame(("target_id",), (("A",), ("B",)))
    drawn(warm, SALT_KEY)
    ids = make_ids(count)
    Path("/proc/self/clear_refs").write_text("5")  # lower the peak to what is resident now
    before = resident("VmRSS")
    drawn(Frame(("target_id",), ((target_id,) for target_id in ids)), SALT_KEY if sealed else None)
    print((resident("VmHWM") - before) / 1e6)


def resident(field: str) -> int:
    """A field of /proc/self/status, in bytes (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def show(found: dict[str, Any]) -> None:
    """Print the figures as a table."""
    table = Table(title=f"Draw {found['drawn']:,} of {found['rows']:,}, best of {found['runs']}, one core")
    for heading in ("", "CPU s", "to consistent_sampler", "memory above the ids, MB"):
        table.add_column(heading, justify="right" if heading else "left")
    peer = found["peer_cpu_s"]
    for name, prefix in (("open round", ""), ("sealed round", "sealed_")):
        ratio, memory = found[f"{prefix}ratio_to_peer"], found[f"{prefix}extra_mb"]
        table.add_row(name, f"{found[f'{prefix}cpu_s']:.2f}", f"{ratio:.3f}", f"{memory:.0f}")
        plain = found[f"{prefix}stdlib_cpu_s"]
        table.add_row(f"  standard library, {name}", f"{plain:.2f}", f"{plain / peer:.3f}", "")
    table.add_row("consistent_sampler", f"{peer:.2f}", "1", "")
    table.caption = f"targets for the open round: at most {TARGET_RATIO} and {TARGET_MB} MB"
    Console().print(table)


def main() -> None:
    """Run the comparison, or, for a child process, one measurement of memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--sealed", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        print_memory(options.rows, options.sealed)
        return
    found = measure(options.rows, options.runs)
    if options.json:
        print(json.dumps(found))
    else:
        show(found)


if __name__ == "__main__":
    main()
