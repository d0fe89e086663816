"""The files that say what became of single rows: CSV that a spreadsheet opens and no cell of which is a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.errors import Problem
from app.registers.values import Note

COLUMNS = ("row", "field", "value", "rule", "reason_zh", "reason_en", "remedy_zh", "remedy_en")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: str) -> str:
    """Text that a spreadsheet takes for text: a leading apostrophe where a formula could begin."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


class RowReport:
    """Rows written one by one as they arise, so that a million of them take no memory."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self.rows = 0

    def _write(self, row: int, cells: Sequence[str]) -> None:
        self._writer.writerow((row, *map(harmless, cells)))
        self.rows += 1

    def refused(self, row: int, problem: Problem) -> None:
        """A row that did not go in, with the field, its value, the rule and the remedy."""
        field, value = str(problem.params.get("field") or ""), str(problem.params.get("value") or "")
        texts = (problem.zh, problem.en, problem.remedy_zh, problem.remedy_en)
        self._write(row, (field, value, problem.code, *texts))

    def noted(self, row: int, note: Note) -> None:
        """Something done to a row that went in."""
        self._write(row, (note.column, note.value[:200], note.rule, note.zh, note.en, "", ""))


@contextmanager
def report(path: Path) -> Iterator[RowReport]:
    """Open a file of rows at `path` (UTF-8 with a BOM, as spreadsheets expect)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        yield RowReport(writer)
