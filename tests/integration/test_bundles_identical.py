"""The same bundles byte for byte, whatever the hash seed, the database and the number of worker processes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from scheduler import verifier

EVERY = [(seed, kind, count) for seed in range(4) for kind in ("sqlite", "postgresql") for count in (1, 2)]
SOME = [(0, "sqlite", 1), (1, "postgresql", 2), (2, "sqlite", 2), (3, "sqlite", 1)]
PLACES = EVERY if os.environ.get("TRIALS") == "full" else SOME
"""PYTHONHASHSEED, database and number of worker processes."""


def rounds_of(url: str, folder: Path, hash_seed: int, workers: int) -> dict[str, str]:
    """SHA-256 of every bundle of two rounds, made by a process of its own."""
    folder.mkdir()
    command = [sys.executable, "-m", "tests.identical_round", url, str(folder), str(workers)]
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.zip"))}


def test_bundles_are_identical(
    sqlite_template: Path, postgres_copy: Callable[[], str], tmp_path: Path
) -> None:
    def fresh(kind: str, name: str) -> str:
        if kind == "postgresql":
            return postgres_copy()
        path = tmp_path / f"{name}.db"
        path.write_bytes(sqlite_template.read_bytes())
        return f"sqlite:///{path}"

    made = {}
    for seed, kind, workers in PLACES:
        name = f"{seed}-{kind}-{workers}"
        made[name] = rounds_of(fresh(kind, name), tmp_path / name, seed, workers)
    first = made["0-sqlite-1"]
    assert sorted(first) == sorted(
        f"{copy}-spring-2026-Q{quarter}-1.zip" for copy in ("auditor", "round") for quarter in (1, 3)
    )
    assert [place for place, bundles in made.items() if bundles != first] == []
    for name in first:
        assert verifier.verify(tmp_path / "1-postgresql-2" / name).status == 0
