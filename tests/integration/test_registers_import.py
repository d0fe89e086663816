"""Imports on both databases: every row counted once, the same list twice changes nothing."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest
from openpyxl import Workbook
from sqlmodel import select

from app.db.database import Database
from app.errors import Refused
from app.ledger.tables import LogEntry
from app.registers.repository import counts
from app.registers.schemas import TargetOut
from app.registers.tables import (
    Target,
)
from tests.register_lists import HEADER, NOW, code, load, row, tally, write


def test_the_same_list_twice_changes_nothing(database: Database, tmp_path: Path) -> None:
    path = write(tmp_path / "list.csv", [HEADER, *(row(i) for i in range(50))])
    assert tally(load(database, path)) == (50, 50, 0, 0, 0)
    assert tally(load(database, path, now=NOW.replace(year=2027))) == (50, 0, 0, 50, 0)
    rows = [HEADER, *(row(i) for i in range(49)), row(49, "乌鲁木齐市新市区北京南路2号")]
    assert tally(load(database, write(tmp_path / "moved.csv", rows), now=NOW.replace(year=2028))) == (
        50,
        0,
        1,
        49,
        0,
    )
    with database.read() as session:
        moved = session.exec(select(Target).where(Target.target_id == code(49))).one()
        logged = session.exec(select(LogEntry).where(LogEntry.type == "register.imported")).all()
    assert (moved.district, moved.district_source, moved.place_source) == ("650104", "address", "gazetteer")
    assert moved.changed_at == NOW.replace(year=2028)
    assert len(logged) == 3


@pytest.mark.parametrize("form", ["gb18030", "utf-8-sig", "gzip", "xlsx"])
def test_every_form_says_the_same(sqlite_database: Database, tmp_path: Path, form: str) -> None:
    rows = [HEADER, *(row(i) for i in range(20))]
    path = tmp_path / "list"
    if form == "xlsx":
        book = Workbook()
        sheet = book.active
        assert sheet is not None
        for cells in rows:
            sheet.append(cells)
        book.save(path)
    elif form == "gzip":
        path.write_bytes(gzip.compress(write(tmp_path / "plain", rows).read_bytes()))
    else:
        write(path, rows, form)
    assert tally(load(sqlite_database, path)) == (20, 20, 0, 0, 0)
    assert tally(load(sqlite_database, write(tmp_path / "again.csv", rows))) == (20, 0, 0, 20, 0)


def test_dirt_is_normalised_and_said_so(database: Database, tmp_path: Path) -> None:
    dirty = row(1, "乌鲁木齐市天山区中山路１号")
    dirty[1] = dirty[1].lower()
    report = load(database, write(tmp_path / "list.csv", [HEADER, dirty, row(2)]))
    assert (report.added, report.normalised) == (2, 1)
    with Path(report.notes_file).open(encoding="utf-8-sig", newline="") as file:
        notes = [(line["row"], line["field"], line["rule"]) for line in csv.DictReader(file)]
    assert notes == [("2", "统一社会信用代码", "code.normalised"), ("2", "注册地址", "text.normalised")]
    assert tally(load(database, write(tmp_path / "clean.csv", [HEADER, row(1), row(2)]))) == (2, 0, 0, 2, 0)


def test_rows_of_other_cities_are_kept_apart_and_counted(database: Database, tmp_path: Path) -> None:
    report = load(
        database, write(tmp_path / "list.csv", [HEADER, row(1), row(2, "新疆昌吉州昌吉市延安南路3号")])
    )
    assert (report.added, report.outside) == (2, 1)
    with database.read() as session:
        found = counts(session)
        away = session.exec(select(Target).where(Target.target_id == code(2))).one()
    assert (found["active"], found["outside"]) == (1, 1)
    assert (away.status, away.district, away.longitude_e6) == ("outside", "", 0)
    assert TargetOut.model_validate(away).longitude_e6 is None


def test_a_list_with_an_unknown_column_leaves_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    path = write(tmp_path / "list.csv", [[*HEADER, "幸运数字"], [*row(1), "7"]])
    with pytest.raises(Refused, match="幸运数字"):
        load(sqlite_database, path)
    with sqlite_database.read() as session:
        assert counts(session)["targets"] == 0
