"""A list as it arrives: CSV (UTF-8 or GB18030, plain or gzip) or XLSX, read row by row in constant memory.

`survey` reads the file once for its SHA-256, its encoding and its number of lines; `rows` reads it again as rows.
A workbook is parsed by a process of its own with little memory and time (`workbook.py`).
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import json
import subprocess
import sys
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from operator import methodcaller
from pathlib import Path
from typing import BinaryIO, cast

from app.errors import Refused, refuse

WORKBOOK_READER = Path(__file__).with_name("workbook.py")
CHUNK = 1 << 20
MAX_LINE = 1 << 20
MAX_RECORD_LINES = 50
MAX_UNPACKED = 8 << 30
MAX_RATIO = 300
MAX_WORKBOOK = 64 << 20
_RATIO_FLOOR = 64 << 20
_GZIP, _ZIP, _OLD_EXCEL = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_QUOTES = methodcaller("count", '"')


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of a file before its rows are read. `lines` 0 means unknown (a workbook)."""

    path: Path
    form: str
    sha256: str
    encoding: str
    lines: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that the reader itself could not read."""

    code: str
    zh: str
    en: str
    value: str


Row = list[str] | Broken


def survey(path: Path) -> Survey:
    """Read the file once; what cannot be a list is refused with the remedy."""
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(_OLD_EXCEL):
        raise _unreadable("register.old_excel", "旧版 Excel（.xls）", "an old Excel workbook (.xls)")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _unreadable("register.utf16", "UTF-16 文本", "UTF-16 text")
    digest = _sha256(path)
    if head.startswith(_ZIP):
        return Survey(path, "xlsx", digest, "", 0)
    encoding, lines = _encoding(path)
    return Survey(path, "csv", digest, encoding, lines)


def _unreadable(code: str, zh: str, en: str) -> Refused:
    return refuse(
        code,
        f"文件是{zh}，不能导入。",
        f"The file is {en} and can't be imported.",
        "另存为 CSV（UTF-8 或 GB18030）或 XLSX 后重试。",
        "Save it as CSV (UTF-8 or GB18030) or XLSX and try again.",
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _bytes(path: Path) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked where they are gzip."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
        file.seek(0)
        if not packed:
            yield file
            return
        with gzip.GzipFile(fileobj=file) as unpacked:
            yield cast("BinaryIO", unpacked)


def _encoding(path: Path) -> tuple[str, int]:
    """Encoding and number of lines. UTF-8 if its header says so, or if all of it is; GB18030 otherwise."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    whole, lines, size, head, open_line = True, 0, 0, b"", 0
    limit = max(_RATIO_FLOOR, MAX_RATIO * path.stat().st_size)
    try:
        with _bytes(path) as file:
            while chunk := file.read(CHUNK):
                head = head or chunk
                size += len(chunk)
                lines += chunk.count(b"\n")
                _check_unpacked(size, limit)
                open_line = _check_line(chunk, open_line)
                whole = whole and _decodes(decoder, chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable("register.damaged_gzip", "损坏的 gzip", "damaged gzip") from error
    return _chosen(head, whole), lines


def _check_unpacked(size: int, limit: int) -> None:
    if size > min(limit, MAX_UNPACKED):
        raise refuse(
            "register.unpacked_too_large",
            f"解压后超过 {min(limit, MAX_UNPACKED)} 字节，疑为压缩炸弹。",
            f"Unpacked it is larger than {min(limit, MAX_UNPACKED)} bytes: it may be a decompression bomb.",
            "拆分文件，或不压缩后重试。",
            "Split the file, or send it uncompressed.",
            bytes=size,
        )


def _check_line(chunk: bytes, before: int) -> int:
    """Bytes of the line that `chunk` leaves open, `before` of which came earlier: no line may fill the memory."""
    first = chunk.find(b"\n")
    if before + (len(chunk) if first < 0 else first) >= MAX_LINE:
        raise refuse(
            "register.line_too_long",
            f"有一行超过 {MAX_LINE} 字节，文件不是 CSV。",
            f"A line is longer than {MAX_LINE} bytes: the file is no CSV.",
            "导出为每行一条记录的 CSV 后重试。",
            "Export it as CSV with one record per line and try again.",
        )
    return before + len(chunk) if first < 0 else len(chunk) - chunk.rfind(b"\n") - 1


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes) -> bool:
    try:
        decoder.decode(chunk)
    except UnicodeDecodeError:
        return False
    return True


def _chosen(head: bytes, whole: bool) -> str:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    line = head.split(b"\n", 1)[0][:MAX_LINE]
    if line.isascii():
        return "utf-8" if whole else "gb18030"
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def rows(surveyed: Survey) -> Iterator[tuple[int, Row]]:
    """Row number (the header is row 1) and cells. Blank rows are passed over; their numbers are not reused."""
    source = _workbook_rows(surveyed.path) if surveyed.form == "xlsx" else _csv_rows(surveyed)
    for number, row in source:
        if isinstance(row, Broken) or any(row):
            yield number, row


def _csv_rows(surveyed: Survey) -> Iterator[tuple[int, Row]]:
    """Records of a CSV, numbered as a spreadsheet numbers them; one that can't be parsed is `Broken`."""
    with _bytes(surveyed.path) as raw:
        text = io.TextIOWrapper(raw, encoding=surveyed.encoding, errors="replace", newline="")
        lines = iter(text)
        first = next(lines, "")
        delimiter = max(",;\t", key=first.count)
        for number, record in enumerate(_records(chain((first,), lines)), 1):
            yield number, record if isinstance(record, Broken) else _cells(record, delimiter)


def _records(lines: Iterator[str]) -> Iterator[str | Broken]:
    """Join lines while a quote is open, over at most 50 lines: one stray quote must not swallow the file."""
    waiting: deque[str] = deque()
    while True:
        line = waiting.popleft() if waiting else next(lines, None)
        if line is None:
            return
        if line.count('"') % 2 == 0:
            yield line
            continue
        taken = [line]
        while len(taken) < MAX_RECORD_LINES and sum(map(_QUOTES, taken)) % 2:
            following = waiting.popleft() if waiting else next(lines, None)
            if following is None:
                break
            taken.append(following)
        if sum(map(_QUOTES, taken)) % 2 == 0:
            yield "".join(taken)
            continue
        waiting.extendleft(reversed(taken[1:]))
        yield Broken("csv.open_quote", "引号没有闭合", "a quotation mark is never closed", line[:80])


def _cells(record: str, delimiter: str) -> Row:
    if "\0" in record:
        return Broken("text.nul", "含有 NUL 字符", "it contains a NUL character", record[:80])
    try:
        return next(csv.reader((record,), delimiter=delimiter), [])
    except csv.Error as error:
        return Broken(
            "csv.unreadable", f"不是合法的 CSV（{error}）", f"it is no valid CSV ({error})", record[:80]
        )


def _workbook_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Rows from the reader's process; whatever it refuses, and its sudden end, is refused here."""
    size = path.stat().st_size
    if size > MAX_WORKBOOK:
        raise _bad_workbook("workbook.too_large", {"bytes": size, "limit": MAX_WORKBOOK})
    command = [sys.executable, "-I", str(WORKBOOK_READER), str(path), str(size)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader:  # noqa: S603
        try:
            yield from _parsed(cast("BinaryIO", reader.stdout))
        finally:
            reader.kill()


def _parsed(output: BinaryIO) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(output, 1):
        value = json.loads(line)
        if isinstance(value, list):
            yield number, value
        elif value["code"] == "end":
            return
        else:
            raise _bad_workbook(value.pop("code"), value)
    raise _bad_workbook("workbook.killed", {})


def _bad_workbook(code: str, params: dict[str, int | str]) -> Refused:
    zh, en = _WORKBOOK_REASONS.get(code, ("无法读取", "it can't be read"))
    return refuse(
        code,
        f"工作簿不能导入：{zh}。",
        f"The workbook can't be imported: {en}.",
        "把名单放在第一张工作表，从 A1 开始，删除表外单元格；数据量大时改用 CSV。",
        "Put the list on the first sheet from A1 on, delete stray cells; use CSV for large lists.",
        **params,
    )


_WORKBOOK_REASONS = {
    "workbook.too_large": ("文件过大", "the file is too large"),
    "workbook.members": ("压缩包内文件过多", "the archive has too many members"),
    "workbook.unpacked": ("解压后过大", "it is too large when unpacked"),
    "workbook.ratio": ("压缩比异常，疑为压缩炸弹", "its compression ratio is that of a bomb"),
    "workbook.dimensions": ("表格范围超过上限", "its cells span more rows or columns than allowed"),
    "workbook.memory": ("读取所需内存超过上限", "reading it takes more memory than allowed"),
    "workbook.killed": ("读取超过内存或时间上限", "reading it took more memory or time than allowed"),
    "workbook.unreadable": ("不是完好的 XLSX 文件", "it is no sound XLSX file"),
}
