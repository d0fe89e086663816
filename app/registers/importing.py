"""Import of a list: rows in, rows known, rows refused, batch by batch, in constant memory.

Each batch is one transaction, so that an import never holds the database for long and one that is stopped leaves
whole batches; importing the same list again then finishes the work, for what is stored already is unchanged.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from app.db.database import Database
from app.errors import Problem, Refused
from app.registers import columns, refusals, sources
from app.registers.columns import Header
from app.registers.loaders import CreditLoader, Loader, Record, TargetLoader
from app.registers.refusals import RowReport
from app.registers.rosters import DepartmentLoader, InspectorLoader, ItemLoader, LeaveLoader, RecusalLoader
from app.registers.schemas import ImportReport
from app.registers.values import Cells, bad
from optimizer.progress import Progress

BATCH = 4_000
_OUTSIDE = (
    "target.outside",
    "地址在本市以外，不进入任何抽样框",
    "its address lies outside the city: it is in no frame",
)


@dataclass(frozen=True, slots=True)
class Numbered:
    """A record and its row in the file."""

    row: int
    record: Record


def loader_of(register: str, now: datetime, today: date) -> Loader:
    """The loader of a register."""
    made: dict[str, Callable[[], Loader]] = {
        "targets": lambda: TargetLoader(now, today),
        "credit": lambda: CreditLoader(today),
        "departments": DepartmentLoader,
        "inspectors": InspectorLoader,
        "leave": LeaveLoader,
        "recusals": RecusalLoader,
        "items": lambda: ItemLoader(now),
    }
    return made[register]()


class Seen:
    """Keys of the rows read so far, on disk: the second row of one key is found however long the list."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "seen.db", isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-8000"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute("CREATE TABLE seen (key TEXT PRIMARY KEY, row INTEGER, mark TEXT) WITHOUT ROWID")

    def add(self, batch: Sequence[Numbered]) -> dict[int, tuple[int, bool]]:
        """Rows of the batch whose key came before: row → (first row, says the same)."""
        entries = [(item.record.key, item.row, item.record.fingerprint) for item in batch]
        self._db.execute("BEGIN")
        before = self._db.total_changes
        self._db.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", entries)
        again = self._repeats(entries) if self._db.total_changes - before < len(entries) else {}
        self._db.execute("COMMIT")
        return again

    def _repeats(self, entries: Sequence[tuple[str, int, str]]) -> dict[int, tuple[int, bool]]:
        again: dict[int, tuple[int, bool]] = {}
        for key, row, mark in entries:
            first, known = self._db.execute("SELECT row, mark FROM seen WHERE key = ?", (key,)).fetchone()
            if first != row:
                again[row] = (first, known == mark)
        return again

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


class Import:
    """One run over one file: reads batches, keeps the counts, writes the two reports."""

    def __init__(
        self, header: Header, loader: Loader, refused: RowReport, notes: RowReport, seen: Seen
    ) -> None:
        self._header, self._loader, self._seen = header, loader, seen
        self._refused, self._notes = refused, notes
        self.report = ImportReport(register_name=header.register, ignored_columns=list(header.ignored))

    def take(self, database: Database, rows: Sequence[tuple[int, sources.Row]]) -> None:
        """One batch: parse, drop duplicates, store what is new, in one transaction."""
        self.report.rows += len(rows)
        batch = [parsed for number, row in rows if (parsed := self._parse(number, row)) is not None]
        batch = self._without_repeats(batch)
        with database.write() as session:
            gone = self._loader.refusals(session, [item.record for item in batch])
            for item in batch:
                if item.record.key in gone:
                    self._refuse(item.row, gone[item.record.key].problem)
            batch = [item for item in batch if item.record.key not in gone]
            known = self._loader.fingerprints(session, [item.record for item in batch])
            fresh = [item.record for item in batch if known.get(item.record.key) != item.record.fingerprint]
            if fresh:
                self._loader.store(session, fresh, {record.key for record in fresh} - known.keys())
        changed = sum(record.key in known for record in fresh)
        self.report.added += len(fresh) - changed
        self.report.changed += changed
        self.report.unchanged += len(batch) - len(fresh)

    def _parse(self, number: int, row: sources.Row) -> Numbered | None:
        try:
            if isinstance(row, sources.Broken):
                raise _broken(row)
            self._fits(row)
            cells = Cells(self._header, row)
            record = self._loader.parse(cells)
        except Refused as refusal:
            self._refuse(number, refusal.problem)
            return None
        self._say(number, cells, record)
        return Numbered(number, record)

    def _fits(self, row: Sequence[str]) -> None:
        width = self._header.width
        if len(row) < width or any(row[width:]):
            raise bad(
                "*", ",".join(row), "row.width", f"有 {len(row)} 个单元格，表头有 {width} 个",
                f"it has {len(row)} cells, the header has {width}",
                "检查分隔符，含分隔符的值要加引号。", "Check the separators; quote values that contain one.",
            )  # fmt: skip

    def _say(self, number: int, cells: Cells, record: Record) -> None:
        self.report.normalised += bool(cells.notes)
        for note in cells.notes:
            self._notes.noted(number, note)
        if record.outside:
            self.report.outside += 1
            cells.notes.clear()
            cells.note("address", cells.raw("address"), *_OUTSIDE)
            self._notes.noted(number, cells.notes[0])

    def _refuse(self, number: int, problem: Problem) -> None:
        self.report.refused += 1
        self._refused.refused(number, problem)

    def _without_repeats(self, batch: list[Numbered]) -> list[Numbered]:
        """A row that repeats an earlier one word for word is unchanged; one that contradicts it is refused."""
        again = self._seen.add(batch)
        for item in batch:
            first, same = again.get(item.row, (0, True))
            if not same:
                self._refuse(item.row, _repeated(item.record.key, first).problem)
            elif first:
                self.report.unchanged += 1
        return [item for item in batch if item.row not in again]


def _broken(row: sources.Broken) -> Refused:
    return bad(
        "*", row.value, row.code, row.zh, row.en, "改正该行后重新导入。", "Correct the row and import again."
    )


def _repeated(key: str, first: int) -> Refused:
    return bad(
        "*", key, "row.duplicate",
        f"与第 {first} 行是同一个对象而内容不同", f"it has the same key as row {first} and says something else",
        "只保留正确的一行。", "Keep the one that is right.", first_row=first,
    )  # fmt: skip


def _batches(rows: Iterator[tuple[int, sources.Row]]) -> Iterator[list[tuple[int, sources.Row]]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def run(
    database: Database,
    path: Path,
    register: str | None,
    now: datetime,
    today: date,
    folder: Path,
    progress: Progress,
) -> tuple[ImportReport, str]:
    """Import a file; returns the report and the file's SHA-256. `folder`: where the row reports are left."""
    started = time.perf_counter()
    progress.step("survey", 0, 1, path.name)
    surveyed = sources.survey(path)
    surveyed_at = time.perf_counter()
    rows = sources.rows(surveyed)
    header = _header(rows, register)
    stem = f"{header.register}-{now:%Y%m%dT%H%M%S}-{surveyed.sha256[:12]}"
    refused_path, notes_path = folder / f"{stem}-refused.csv", folder / f"{stem}-notes.csv"
    loader = loader_of(header.register, now, today)
    with (
        refusals.report(refused_path) as refused,
        refusals.report(notes_path) as notes,
        TemporaryDirectory(prefix="import-") as scratch,
    ):
        seen = Seen(Path(scratch))
        work = Import(header, loader, refused, notes, seen)
        with database.read() as session:
            loader.begin(session)
        for batch in _batches(rows):
            work.take(database, batch)
            progress.step(
                "import", work.report.rows, max(surveyed.lines - 1, 0), f"{work.report.refused} refused"
            )
        seen.close()
    report = work.report
    report.refusals_file, report.notes_file = str(refused_path), str(notes_path)
    report.seconds = _seconds(started, surveyed_at, time.perf_counter())
    return report, surveyed.sha256


def _seconds(started: float, surveyed: float, ended: float) -> dict[str, float]:
    return {
        "survey": round(surveyed - started, 3),
        "import": round(ended - surveyed, 3),
        "total": round(ended - started, 3),
    }


def _header(rows: Iterator[tuple[int, sources.Row]], register: str | None) -> Header:
    _, first = next(rows, (1, []))
    if isinstance(first, sources.Broken):
        raise _broken(first)
    return columns.recognise(first, register)
