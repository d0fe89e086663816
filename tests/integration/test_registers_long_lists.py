"""Long lists: read beside the process that stores them, in memory that does not grow, stopped and begun again."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from multiprocessing import active_children
from pathlib import Path

import pytest
from sqlmodel import Session

from app.db.database import Database
from app.errors import Refused
from app.registers import service
from app.registers.loaders import TargetLoader
from tests.register_lists import CODE, HEADER, NOW, code, load, refused_rows, row, tally, write


@pytest.fixture(params=["alone", "beside"])
def read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of three rows, read by the process that stores them, or by one beside it as long lists are."""
    monkeypatch.setattr("app.registers.importing.BATCH", 3)
    if request.param == "beside":
        monkeypatch.setattr("app.registers.importing.LONG", 0)


@pytest.mark.usefixtures("read")
def test_duplicates_in_a_file(database: Database, tmp_path: Path) -> None:
    """Word for word: unchanged. Contradicting: refused, naming the first row; also across batches."""
    other = [*row(1)[:4], "别的", *row(1)[5:]]
    report = load(
        database, write(tmp_path / "list.csv", [HEADER, row(1), row(2), row(1), row(3), other, row(4)])
    )
    assert tally(report) == (6, 4, 0, 1, 1)
    (line,) = refused_rows(report)
    assert (line["row"], line["rule"], line["value"]) == ("6", "row.duplicate", code(1))
    assert "2" in line["reason_zh"]


class Stopper:
    """Progress that stops the work after some rows, as a person who presses Ctrl-C does."""

    def step(self, stage: str, done: int, total: int, note: str = "") -> None:
        if stage == "import" and done >= 20:
            raise KeyboardInterrupt


@pytest.mark.parametrize("long", [20_000, 0], ids=["alone", "beside"])
def test_a_stopped_import_leaves_whole_batches_and_is_finished_by_the_next(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long: int
) -> None:
    monkeypatch.setattr("app.registers.importing.LONG", long)
    monkeypatch.setattr("app.registers.importing.BATCH", 10)
    path = write(tmp_path / "list.csv", [HEADER, *(row(i) for i in range(50))])
    with pytest.raises(KeyboardInterrupt):
        service.import_file(database, path, now=NOW, progress=Stopper(), folder=tmp_path)
    assert active_children() == []
    assert tally(load(database, path)) == (50, 30, 0, 20, 0)


MEMORY = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from app.db.database import Database
from app.registers import service
from sqlmodel import SQLModel
path = Path(sys.argv[1])
db = Database(f"sqlite:///{path}.db")
SQLModel.metadata.create_all(db.engine)
report = service.import_file(db, path, now=datetime(2026, 3, 2, tzinfo=UTC), folder=path.parent)
peak = next(line.split()[1] for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
reading = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(report.added, report.refused, int(peak) // 1024, reading // 1024)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Peak resident memory of the storing process and of the reading one, a tenth of the rows refused.

    VmHWM, for ru_maxrss begins with the parent's peak: of the reading process it says no less than its own.
    """
    small, large = (200_000, 2_000_000) if os.environ.get("TRIALS") == "full" else (21_000, 52_000)
    peaks = []
    for rows in (small, large):
        path = tmp_path / f"{rows}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            for number in range(rows):
                cells = row(number, f"乌鲁木齐市天山区中山路{number}号")
                cells[1] = cells[1] if number % 10 else CODE[:-1] + "0"
                writer.writerow(cells)
        out = subprocess.run(
            [sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True, timeout=600
        )
        added, refused, *peak = map(int, out.stdout.split())
        assert (added, refused) == (rows - rows // 10, rows // 10)
        peaks.append(peak)
    assert all(large - small < 30 for small, large in zip(*peaks, strict=True)), "16 MB of it SQLite's pages"
    assert max(peaks[1]) < 200


def dirty_list(path: Path) -> Path:
    """Rows of every fate: clean, repeated, contradicting, normalised, outside the city, refused."""
    rows = [row(i) for i in range(8)]
    rows += [
        row(2),
        [*row(3)[:4], "别的", *row(3)[5:]],
        row(20, "新疆昌吉州昌吉市延安南路3号"),
        ["", *row(21)[1:]],
    ]
    rows += [[row(22)[0], row(22)[1].lower(), *row(22)[2:]], row(23)[:3]]
    return write(path, [HEADER, *rows])


def test_a_list_read_beside_says_the_same(
    postgres_database: Database, sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts, and both reports to the byte, on either database."""
    monkeypatch.setattr("app.registers.importing.BATCH", 3)
    path = dirty_list(tmp_path / "list.csv")
    told = []
    for folder, long, db in (("alone", 20_000, sqlite_database), ("beside", 0, postgres_database)):
        monkeypatch.setattr("app.registers.importing.LONG", long)
        report = service.import_file(db, path, now=NOW, folder=tmp_path / folder)
        files = [Path(name).read_bytes() for name in (report.refusals_file, report.notes_file)]
        told.append((tally(report), report.normalised, report.outside, files))
    assert told[0] == told[1]
    assert told[0][0] == (14, 10, 0, 1, 3)


class Killer:
    """Progress that kills the process which reads, after the first batch: as the system does that is out of memory."""

    def step(self, stage: str, done: int, total: int, note: str = "") -> None:
        for child in active_children() if stage == "import" else ():
            child.kill()
            child.join()


def test_a_reader_that_dies_loses_nothing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.registers.importing.BATCH", 10)
    monkeypatch.setattr("app.registers.importing.LONG", 0)
    path = write(tmp_path / "list.csv", [HEADER, *(row(i) for i in range(1_000))])
    with pytest.raises(Refused) as refused:
        service.import_file(database, path, now=NOW, progress=Killer(), folder=tmp_path)
    assert refused.value.problem.code == "import.cut_off"
    report = load(database, path)
    assert (report.added + report.unchanged, report.refused) == (1_000, 0)
    assert report.unchanged >= 10


def test_what_ends_the_reader_is_what_the_import_says(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is taken away between its survey and its reading."""
    monkeypatch.setattr("app.registers.importing.LONG", 0)
    path = write(tmp_path / "list.csv", [HEADER, row(1)])
    begin = TargetLoader.begin

    def taken_away(loader: TargetLoader, session: Session) -> None:
        path.unlink()
        begin(loader, session)

    monkeypatch.setattr(TargetLoader, "begin", taken_away)
    with pytest.raises(FileNotFoundError):
        load(sqlite_database, path)
    assert active_children() == []
