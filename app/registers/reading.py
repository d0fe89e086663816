"""Reading a list: rows parsed, refused or noted, repeated ones found, batch by batch.

Reading a row costs about as much as storing it, so a long list is read in a process beside the one that stores it.
That process is one batch ahead and no more: memory does not grow with the list.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from app.errors import Problem, Refused
from app.registers import sources
from app.registers.columns import Header
from app.registers.loaders import CreditLoader, Loader, Record, TargetLoader
from app.registers.rosters import DepartmentLoader, InspectorLoader, ItemLoader, LeaveLoader, RecusalLoader
from app.registers.values import Cells, Note, bad

_OUTSIDE = (
    "target.outside",
    "地址在本市以外，不进入任何抽样框",
    "its address lies outside the city: it is in no frame",
)


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


_SEEN = "SELECT key, row, mark FROM seen WHERE key IN (SELECT value FROM json_each(?))"

Rows = Iterator[tuple[int, sources.Row]]


@dataclass(frozen=True, slots=True)
class Reading:
    """A list to be read: its file, its header, the import's time and day, rows a batch, and an empty folder."""

    surveyed: sources.Survey
    header: Header
    now: datetime
    today: date
    size: int
    scratch: Path


class Numbered(NamedTuple):
    """A record and its row in the file."""

    row: int
    record: Record


@dataclass(slots=True)
class Batch:
    """What some rows of a list came to: records to store; by row number what was refused or noted; counts.

    `repeated`: rows that say word for word what an earlier one said.
    """

    rows: int = 0
    records: list[Numbered] = field(default_factory=list)
    refused: list[tuple[int, Problem]] = field(default_factory=list)
    notes: list[tuple[int, Note]] = field(default_factory=list)
    normalised: int = 0
    outside: int = 0
    repeated: int = 0


class Seen:
    """Keys of the rows read so far, on disk: the second row of one key is found however long the list."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "seen.db", isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-8000"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute("CREATE TABLE seen (key TEXT PRIMARY KEY, row INTEGER, mark TEXT) WITHOUT ROWID")

    def add(self, records: Sequence[Numbered]) -> dict[int, tuple[int, bool]]:
        """Those whose key came before: row → (first row, says the same)."""
        entries = {item.record.key: (item.row, item.record.fingerprint) for item in reversed(records)}
        asked = json.dumps(list(entries), ensure_ascii=False)
        before = self._db.execute(_SEEN, (asked,)).fetchall()
        entries.update((key, (row, mark)) for key, row, mark in before)
        self._db.execute("BEGIN")
        self._db.executemany(
            "INSERT OR IGNORE INTO seen VALUES (?, ?, ?)",
            ((key, *said) for key, said in sorted(entries.items())),
        )
        self._db.execute("COMMIT")
        if not before and len(entries) == len(records):
            return {}
        first = [(item, *entries[item.record.key]) for item in records]
        return {
            item.row: (row, item.record.fingerprint == mark) for item, row, mark in first if row != item.row
        }

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


class Reader:
    """Reads the rows of one list, a batch at a time."""

    def __init__(self, header: Header, loader: Loader, seen: Seen) -> None:
        self._header, self._loader, self._seen = header, loader, seen

    def read(self, rows: Sequence[tuple[int, sources.Row]]) -> Batch:
        """Parse rows and drop repeated ones."""
        batch = Batch(len(rows))
        parsed = [item for number, row in rows if (item := self._parse(number, row, batch)) is not None]
        batch.records = self._without_repeats(parsed, batch)
        return batch

    def _parse(self, number: int, row: sources.Row, batch: Batch) -> Numbered | None:
        try:
            if isinstance(row, sources.Broken):
                raise broken(row)
            self._fits(row)
            cells = Cells(self._header, row)
            record = self._loader.parse(cells)
        except Refused as refusal:
            batch.refused.append((number, refusal.problem))
            return None
        _say(number, cells, record, batch)
        return Numbered(number, record)

    def _fits(self, row: Sequence[str]) -> None:
        width = self._header.width
        if len(row) < width or any(row[width:]):
            raise bad(
                "*", ",".join(row), "row.width", f"有 {len(row)} 个单元格，表头有 {width} 个",
                f"it has {len(row)} cells, the header has {width}",
                "检查分隔符，含分隔符的值要加引号。", "Check the separators; quote values that contain one.",
            )  # fmt: skip

    def _without_repeats(self, parsed: list[Numbered], batch: Batch) -> list[Numbered]:
        """A row that repeats an earlier one word for word is unchanged; one that contradicts it is refused."""
        again = self._seen.add(parsed)
        for item in parsed if again else ():
            first, same = again.get(item.row, (0, True))
            if not same:
                batch.refused.append((item.row, _repeated(item.record.key, first).problem))
            elif first:
                batch.repeated += 1
        return [item for item in parsed if item.row not in again]


def _say(number: int, cells: Cells, record: Record, batch: Batch) -> None:
    batch.normalised += bool(cells.notes)
    batch.notes += [(number, note) for note in cells.notes]
    if record.outside:
        batch.outside += 1
        batch.notes.append((number, Note(cells.column("address"), cells.raw("address"), *_OUTSIDE)))


def broken(row: sources.Broken) -> Refused:
    """The refusal of a row that could not be read at all."""
    return bad(
        "*", row.value, row.code, row.zh, row.en, "改正该行后重新导入。", "Correct the row and import again."
    )


def _repeated(key: str, first: int) -> Refused:
    return bad(
        "*", key, "row.duplicate",
        f"与第 {first} 行是同一个对象而内容不同", f"it has the same key as row {first} and says something else",
        "只保留正确的一行。", "Keep the one that is right.", first_row=first,
    )  # fmt: skip


def batches(given: Reading, rows: Rows, loader: Loader) -> Iterator[Batch]:
    """Read `rows`, those behind the header, batch by batch."""
    seen = Seen(given.scratch)
    reader = Reader(given.header, loader, seen)
    while some := list(islice(rows, given.size)):
        yield reader.read(some)
    seen.close()
