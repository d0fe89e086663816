"""Results and schedule as files for spreadsheets: CSV, CSV for Excel, XLSX. The same data give the same bytes."""

from __future__ import annotations

import csv
import io
import re
import shutil
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.cell.cell import Cell as BookCell
from openpyxl.packaging.core import DocumentProperties
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from app.disclosure.work import TeamDay, Work
from app.web.language import Language, marked, translate
from app.web.templates import clock, listed

Cell = str | int
Row = Sequence[Cell]

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_FORBIDDEN_IN_TITLE: Final = re.compile(r"[\[\]:*?/\\']")
_CORE: Final = "docProps/core.xml"
_WIDTHS: Final = {
    "对象代码": 22,
    "名称": 34,
    "地址": 40,
    "部门": 24,
    "事项": 26,
    "检查人员": 26,
    "同时到场的部门": 24,
}
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
EPOCH: Final = datetime(*_EPOCH, tzinfo=UTC)
"""The time that files carry which tell no other."""

VISIT_COLUMNS: Final = (
    marked("检查编号"), marked("日期"), marked("开始"), marked("结束"), marked("对象代码"), marked("名称"),
    marked("区县"), marked("地址"), marked("位置"), marked("部门"), marked("事项"), marked("到场人数"),
)  # fmt: skip
TEAM_COLUMNS: Final = (
    marked("班组编号"), marked("日期"), marked("部门"), marked("区县"), marked("检查人员"), marked("专业"),
    marked("户数"), marked("首户到达"), marked("末户结束"),
)  # fmt: skip
STOP_COLUMNS: Final = (
    marked("日期"), marked("班组编号"), marked("检查人员"), marked("到达"), marked("开始"), marked("结束"),
    marked("对象代码"), marked("名称"), marked("区县"), marked("地址"), marked("位置"), marked("事项"),
    marked("同时到场的部门"), marked("检查编号"),
)  # fmt: skip


def plain_csv(header: Row, rows: Iterable[Row]) -> bytes:
    """RFC 4180 but for LF line ends: UTF-8, no BOM, values as they are. For programs."""
    return _csv((header, *rows), "\n").encode()


def excel_csv(header: Row, rows: Iterable[Row]) -> bytes:
    """UTF-8 with BOM and CRLF; a value that Excel would take for a formula is preceded by an apostrophe."""
    safe = [[text_for_excel(cell) for cell in row] for row in (header, *rows)]
    return ("\ufeff" + _csv(safe, "\r\n")).encode()


def schedule_xlsx(work: Work, language: Language) -> bytes:
    """The schedule as a workbook: visits, team-days, then a sheet of stops per department."""
    book = Workbook(write_only=True)
    titles: set[str] = set()

    def sheet(title: str, header: Sequence[str], rows: Iterable[Row]) -> None:
        made = book.create_sheet(_sheet_title(title, titles))
        for place, column in enumerate(header):
            made.column_dimensions[chr(ord("A") + place)].width = _WIDTHS.get(column, 12)
        _fill(made, [translate(language, column) for column in header], rows)

    sheet(translate(language, marked("检查")), VISIT_COLUMNS, _visit_rows(work, language))
    sheet(translate(language, marked("班组")), TEAM_COLUMNS, map(_team_row, work.team_days))
    for code, name in work.departments().items():
        sheet(name, STOP_COLUMNS, _stop_rows(work.of(code), language))
    return _deterministic(book, work.made_at, work.title)


def table_xlsx(title: str, header: Sequence[str], rows: Iterable[Row], made_at: datetime = EPOCH) -> bytes:
    """One table as a workbook. The same rows give the same bytes."""
    return _deterministic(_table(title, header, rows), made_at, title)


def save_xlsx(path: Path, title: str, header: Sequence[str], rows: Iterable[Row]) -> None:
    """The same as a file, written row by row: neither the rows nor the file are ever whole in memory."""
    part = path.with_name(f".{path.name}")
    _table(title, header, rows).save(part)
    _put_right(part, path, EPOCH, title)
    part.unlink()


def _table(title: str, header: Sequence[str], rows: Iterable[Row]) -> Workbook:
    book = Workbook(write_only=True)
    made = book.create_sheet(_sheet_title(title, set()))
    for place in range(len(header)):
        made.column_dimensions[get_column_letter(place + 1)].width = 24
    _fill(made, header, rows)
    return book


def _visit_rows(work: Work, language: Language) -> Iterable[Row]:
    for visit in work.visits:
        yield (
            visit.visit_id, visit.date, clock(visit.start), clock(visit.end), visit.target_id, visit.site.name,
            visit.site.district, visit.site.address, _place(visit.site.estimated, language),
            listed(visit.departments, language), " ".join(visit.items), visit.people,
        )  # fmt: skip


def _team_row(team: TeamDay) -> Row:
    return (
        team.route_id, team.date, team.department, team.district, " ".join(team.inspectors),
        " ".join(team.specialties), len(team.stops), clock(team.stops[0].arrive) if team.stops else "",
        clock(team.stops[-1].end) if team.stops else "",
    )  # fmt: skip


def _stop_rows(teams: Iterable[TeamDay], language: Language) -> Iterable[Row]:
    for team in teams:
        for stop in team.stops:
            yield (
                team.date, team.route_id, " ".join(team.inspectors), clock(stop.arrive), clock(stop.start),
                clock(stop.end), stop.target_id, stop.site.name, stop.site.district, stop.site.address,
                _place(stop.site.estimated, language), " ".join(stop.items), listed(stop.together, language),
                stop.visit_id,
            )  # fmt: skip


def _place(estimated: bool, language: Language) -> str:
    return translate(language, marked("估计") if estimated else marked("已知"))


def _fill(sheet: WriteOnlyWorksheet, header: Sequence[str], rows: Iterable[Row]) -> None:
    sheet.freeze_panes = "A2"
    sheet.append([_cell(sheet, title, bold=True) for title in header])
    for row in rows:
        sheet.append([_safe(sheet, value) for value in row])


def _safe(sheet: WriteOnlyWorksheet, value: Cell) -> Cell | BookCell:
    """The value itself, where it can't be mistaken for a formula or an error and holds no control character."""
    harmless = isinstance(value, int) or (not value.startswith((*_FORMULA, "#")) and value.isprintable())
    return value if harmless else _cell(sheet, value)


def _cell(sheet: WriteOnlyWorksheet, value: Cell, bold: bool = False) -> BookCell:
    """Text is text, whatever it begins with: typed as a string, and quoted, so that saving it as CSV stays safe."""
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value)
    if isinstance(value, str):
        cell.data_type = "s"
        if value.startswith(_FORMULA):
            cell.quotePrefix = True
    if bold:
        cell.font = Font(bold=True)
    return cell


def _sheet_title(wanted: str, taken: set[str]) -> str:
    """A title that Excel takes: at most 31 characters, none forbidden, unlike the others whatever the case."""
    base = _FORBIDDEN_IN_TITLE.sub("_", wanted)[:31] or "_"
    title, number = base, 2
    while title.lower() in taken:
        title = f"{base[:27]} {number}"
        number += 1
    taken.add(title.lower())
    return title


def _deterministic(book: Workbook, made_at: datetime, title: str) -> bytes:
    saved, written = io.BytesIO(), io.BytesIO()
    book.save(saved)
    _put_right(saved, written, made_at, title)
    return written.getvalue()


def _put_right(saved: Path | io.BytesIO, to: Path | io.BytesIO, made_at: datetime, title: str) -> None:
    """The clock's traces: entry times of the archive, creation and change of the document."""
    core = _core_properties(made_at, title)
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            if name == _CORE:
                target.writestr(_entry(name), core)
                continue
            with source.open(name) as contents, target.open(_entry(name), "w", force_zip64=False) as entry:
                shutil.copyfileobj(contents, entry, 1 << 20)


def zipped(files: Iterable[tuple[str, bytes]]) -> bytes:
    """A plain archive of files, the same bytes each time."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, contents in files:
            archive.writestr(_entry(name), contents)
    return written.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3
    entry.external_attr = 0o100644 << 16
    return entry


def _core_properties(at: datetime, title: str) -> bytes:
    properties = DocumentProperties(creator="Double Random", title=title, created=at, modified=at)
    contents: bytes = ET.tostring(properties.to_tree(), encoding="utf-8", xml_declaration=True)
    return contents


def text_for_excel(cell: Cell) -> Cell:
    """The cell with an apostrophe before what Excel would take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _csv(rows: Iterable[Row], line_end: str) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end).writerows(rows)
    return text.getvalue()
