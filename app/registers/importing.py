"""Import of a list: rows in, rows known, rows refused, batch by batch, in constant memory.

Each batch is one transaction, so that an import never holds the database for long and one that is stopped leaves
whole batches; importing the same list again then finishes the work, for what is stored already is unchanged.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from app.db.database import Database
from app.errors import Problem
from app.processes import many_rows
from app.registers import columns, refusals, sources
from app.registers.columns import Header
from app.registers.loaders import Loader
from app.registers.read_ahead import ALONE, read_ahead
from app.registers.reading import Batch, Reading, Rows, batches, broken, loader_of
from app.registers.refusals import RowReport
from app.registers.schemas import ImportReport
from optimizer.progress import Progress

BATCH = 10_000
"""Rows a transaction: keys come in any order, so each transaction writes most pages of the index again."""
LONG = 20_000
"""Lines from which a list is read by a process of its own, which takes a second to start."""


class Import:
    """One run over one file: stores what was read, keeps the counts, writes the two reports."""

    def __init__(
        self, header: Header, loader: Loader, refused: RowReport, notes: RowReport, store: bool = True
    ) -> None:
        self._loader, self._store = loader, store
        self._refused, self._notes = refused, notes
        self.report = ImportReport(register_name=header.register, ignored_columns=list(header.ignored))

    def take(self, database: Database, batch: Batch) -> None:
        """One batch: store what is new, in one transaction."""
        self._count(batch)
        with database.write() if self._store else database.read() as session:
            gone = self._loader.refusals(session, [item.record for item in batch.records])
            for item in batch.records:
                if item.record.key in gone:
                    self._refuse(item.row, gone[item.record.key].problem)
            records = [item.record for item in batch.records if item.record.key not in gone]
            known = self._loader.fingerprints(session, records)
            fresh = [record for record in records if known.get(record.key) != record.fingerprint]
            if fresh and self._store:
                self._loader.store(session, fresh, {record.key for record in fresh} - known.keys())
        changed = sum(record.key in known for record in fresh)
        self.report.added += len(fresh) - changed
        self.report.changed += changed
        self.report.unchanged += len(records) - len(fresh)

    def _count(self, batch: Batch) -> None:
        self.report.rows += batch.rows
        self.report.unchanged += batch.repeated
        self.report.normalised += batch.normalised
        self.report.outside += batch.outside
        for number, problem in batch.refused:
            self._refuse(number, problem)
        for number, note in batch.notes:
            self._notes.noted(number, note)

    def _refuse(self, number: int, problem: Problem) -> None:
        self.report.refused += 1
        self._refused.refused(number, problem)


@many_rows()
def run(
    database: Database,
    path: Path,
    register: str | None,
    now: datetime,
    today: date,
    folder: Path,
    progress: Progress,
    store: bool = True,
) -> tuple[ImportReport, str]:
    """Import a file; returns the report and the file's SHA-256. `folder`: where the row reports are left.

    Without `store` nothing is written and the report says what an import now would do.
    """
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
        work = Import(header, loader, refused, notes, store)
        with database.read() as session:
            loader.begin(session)
        given = Reading(surveyed, header, now, today, BATCH, Path(scratch))
        with _batches(given, rows, loader) as read:
            for batch in read:
                work.take(database, batch)
                done, total = work.report.rows, max(surveyed.lines - 1, 0)
                progress.step("import", done, total, f"{work.report.refused} refused")
    report = work.report
    report.refusals_file, report.notes_file = str(refused_path), str(notes_path)
    report.seconds = _seconds(started, surveyed_at, time.perf_counter())
    return report, surveyed.sha256


def _batches(given: Reading, rows: Rows, loader: Loader) -> AbstractContextManager[Iterator[Batch]]:
    """The list's batches; `rows`: those behind its header. A long list is read by a process of its own."""
    if given.surveyed.lines > LONG and given.header.register in ALONE:
        return read_ahead(given)
    return nullcontext(batches(given, rows, loader))


def _seconds(started: float, surveyed: float, ended: float) -> dict[str, float]:
    return {
        "survey": round(surveyed - started, 3),
        "import": round(ended - surveyed, 3),
        "total": round(ended - started, 3),
    }


def _header(rows: Rows, register: str | None) -> Header:
    _, first = next(rows, (1, []))
    if isinstance(first, sources.Broken):
        raise broken(first)
    return columns.recognise(first, register)
