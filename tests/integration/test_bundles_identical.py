"""The same bundles byte for byte, whatever the hash seed, the database and the number of worker processes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from app.db.database import Database
from scheduler import verifier


def rounds_of(url: str, folder: Path, hash_seed: int, workers: int) -> dict[str, str]:
    """SHA-256 of every bundle of two rounds, made by a process of its own."""
    folder.mkdir()
    command = [sys.executable, "-m", "tests.identical_round", url, str(folder), str(workers)]
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.zip"))}


def test_bundles_are_identical(
    sqlite_template: Path, postgres_database: Database, sqlite_database: Database, tmp_path: Path
) -> None:
    others = [tmp_path / f"{number}.db" for number in range(2)]
    for path in others:
        path.write_bytes(sqlite_template.read_bytes())
    places = [
        (sqlite_database.url, 0, 1),
        (postgres_database.url, 1, 2),
        (f"sqlite:///{others[0]}", 2, 2),
        (f"sqlite:///{others[1]}", 3, 1),
    ]
    made = [rounds_of(url, tmp_path / f"run-{seed}", seed, workers) for url, seed, workers in places]
    assert sorted(made[0]) == sorted(
        f"{copy}-spring-2026-Q{quarter}-1.zip" for copy in ("auditor", "round") for quarter in (1, 3)
    )
    assert made[1:] == made[:1] * 3
    for name in made[0]:
        assert verifier.verify(tmp_path / "run-1" / name).status == 0
