"""Tables as files, written row by row: memory does not grow with their length. The same rows give the same bytes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Literal

from app.disclosure.spreadsheets import save_xlsx, text_for_excel
from app.rounds.log import stamp

Format = Literal["csv", "excel.csv", "json", "xlsx"]
FORMATS: Final[tuple[Format, ...]] = ("csv", "excel.csv", "json", "xlsx")
MEDIA: Final[dict[Format, str]] = {
    "csv": "text/csv; charset=utf-8",
    "excel.csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
PIECE: Final = 500
"""Rows that are handed on at a time."""


def plain(value: Any) -> Any:
    """A value as JSON has it: dates as ISO 8601, times in official time."""
    if isinstance(value, datetime):
        return stamp(value)
    return value.isoformat() if isinstance(value, date) else value


def cell(value: Any) -> str:
    """A value as a cell of text: empty for none, `true` and `false`, list members parted by a blank, else JSON."""
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and not all(isinstance(one, str) for one in value):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return " ".join(value) if isinstance(value, list) else str(value)


def pieces(form: Format, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The file's bytes, piece by piece; not of a workbook, which is written whole by `write`."""
    if form == "json":
        yield from _json(names, rows)
        return
    excel = form == "excel.csv"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n" if excel else "\n")
    writer.writerow(names)
    yield ("\ufeff" if excel else "").encode()
    for number, row in enumerate(rows, 1):
        cells = [cell(value) for value in row]
        writer.writerow([text_for_excel(one) for one in cells] if excel else cells)
        if number % PIECE == 0:
            yield _emptied(text)
    yield _emptied(text)


def _emptied(text: io.StringIO) -> bytes:
    made = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return made


def _json(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    yield b"["
    parted = ""
    for row in rows:
        shown = dict(zip(names, map(plain, row), strict=True))
        yield f"{parted}\n{json.dumps(shown, ensure_ascii=False, separators=(',', ':'))}".encode()
        parted = ","
    yield b"\n]\n"


def write(path: Path, form: Format, title: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """The file at `path`."""
    if form == "xlsx":
        save_xlsx(path, title, names, ([cell(value) for value in row] for row in rows))
        return
    with path.open("wb") as file:
        file.writelines(pieces(form, names, rows))
