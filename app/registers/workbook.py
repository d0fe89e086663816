"""Read the first sheet of a workbook, as a program of its own in a process with little memory and time.

Run as `python -I workbook.py FILE`: it imports nothing of this project. Standard output carries one JSON array of
texts per row; or one JSON object `{"code": …, params…}` where the workbook is refused. Sizes, ratio and dimensions
are checked before the workbook is parsed: a file of a kilobyte can claim a cell at XFD1048576.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 120
MAX_UNPACKED = 512 << 20
MAX_RATIO = 250
MAX_MEMBERS = 2_000
MAX_COLUMNS = 200
MAX_CELLS = 6_000_000
_CHUNK = 1 << 18
_REFERENCE = re.compile(rb"""\br=["']([A-Za-z]{0,3})([0-9]{1,7})["']""")
_OVERLAP = 32


class Hostile(Exception):  # noqa: N818  said to the parent, not an error of this program
    """A limit was passed: `args` are the code and its parameters."""


def check_archive(archive: zipfile.ZipFile, packed: int) -> None:
    """Number of members, unpacked size and ratio, as declared; reading holds the declared size to the truth."""
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS:
        raise Hostile("workbook.members", {"members": len(members), "limit": MAX_MEMBERS})
    if unpacked > MAX_UNPACKED:
        raise Hostile("workbook.unpacked", {"bytes": unpacked, "limit": MAX_UNPACKED})
    if unpacked > MAX_RATIO * max(packed, 1) and unpacked > 1 << 20:
        raise Hostile("workbook.ratio", {"ratio": unpacked // max(packed, 1), "limit": MAX_RATIO})


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def dimensions(archive: zipfile.ZipFile, member: str) -> tuple[int, int]:
    """Highest row and column that any row or cell of a member names: what a dense reader would allocate."""
    rows = columns = 0
    with archive.open(member) as sheet:
        tail = b""
        while chunk := sheet.read(_CHUNK):
            for letters, digits in _REFERENCE.findall(tail + chunk):
                rows, columns = max(rows, int(digits)), max(columns, _column(letters))
            tail = chunk[-_OVERLAP:]
    return rows, columns


def check_sheets(archive: zipfile.ZipFile) -> None:
    """Every member, wherever the sheets may be, within the limits of columns and cells."""
    for member in archive.namelist():
        rows, columns = dimensions(archive, member)
        if columns > MAX_COLUMNS or rows * max(columns, 1) > MAX_CELLS:
            limits = {"rows": rows, "columns": columns, "limit": MAX_CELLS, "max_columns": MAX_COLUMNS}
            raise Hostile("workbook.dimensions", limits)


def as_text(value: object) -> str:
    """A cell as a person reads it: whole numbers without a point, dates as ISO 8601."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(sep=" ")
    if isinstance(value, date | time | timedelta):
        return str(value)
    return str(value)


def rows(path: str) -> Iterator[list[str]]:
    """Rows of the first sheet, from its first row on, whether or not that is empty."""
    from python_calamine import CalamineWorkbook

    workbook = CalamineWorkbook.from_path(path)
    for row in workbook.get_sheet_by_index(0).to_python(skip_empty_area=False):
        yield [as_text(cell) for cell in row]


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=True) + "\n")


def main(path: str, packed: int) -> None:
    """Check, then print the rows; whatever goes wrong is said in one object."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    try:
        with zipfile.ZipFile(path) as archive:
            check_archive(archive, packed)
            check_sheets(archive)
        for row in rows(path):
            _say(row)
        _say({"code": "end"})
    except Hostile as limit:
        _say({"code": limit.args[0], **limit.args[1]})
    except MemoryError:
        _say({"code": "workbook.memory", "limit": MEMORY_BYTES})
    except Exception as error:  # noqa: BLE001  any fault of the parser means that the file can't be read
        _say({"code": "workbook.unreadable", "cause": f"{type(error).__name__}: {error}"[:200]})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
