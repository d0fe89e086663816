"""Rows that do not go in, on both databases: each named with its field, rule and remedy, while the others do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlmodel import select

from app.db.database import Database
from app.registers.tables import (
    CreditClass,
    Target,
)
from tests.register_lists import HEADER, code, load, refused_rows, row, tally, write

BAD = {
    "code.check_character": {1: "91650102228742108R"},
    "code.length": {1: "650100050001234"},
    "code.alphabet": {1: "91650102228742I07R"},
    "code.confusable": {1: "А1650102228742107R"},
    "target.no_identity": {1: "N/A"},
    "value.missing": {0: ""},
    "text.hidden_character": {0: "甲\u200b厂"},
    "text.too_long": {6: "长" * 401},
    "value.bad_date": {2: "2013-02-30"},
    "target.registered_in_future": {2: "2031-01-01"},
}


def test_every_bad_row_is_refused_with_row_field_rule_and_remedy(database: Database, tmp_path: Path) -> None:
    rows = [HEADER, row(0)]
    for number, changes in enumerate(BAD.values(), 1):
        cells = row(number)
        for place, value in changes.items():
            cells[place] = value
        rows += [cells, row(100 + number)]
    report = load(database, write(tmp_path / "list.csv", rows))
    assert tally(report) == (21, 11, 0, 0, 10)
    found = refused_rows(report)
    assert [line["rule"] for line in found] == list(BAD)
    assert [int(line["row"]) for line in found] == list(range(3, 23, 2))
    for line, changes in zip(found, BAD.values(), strict=True):
        assert line["field"] == HEADER[next(iter(changes))]
        assert all(line[name] for name in ("reason_zh", "reason_en", "remedy_zh", "remedy_en"))


EXTRA = [
    "对象名称",
    "对象编号",
    "对象类型",
    "区县",
    "经度",
    "纬度",
    "信用风险分类",
    "登记状态",
    "休息日",
    "人数上限",
    "注册地址",
]


GOOD = ["工地", "XM-1", "项目", "新市区", "87.56", "43.87", "B", "存续", "周日;周六", "30", "新市区某路"]


@pytest.mark.parametrize(
    ("place", "value", "rule"),
    [
        (1, "编号一", "code.confusable"), (1, "A/1", "target.bad_id"), (2, "飞船", "value.unknown_choice"),
        (3, "朝阳区", "target.unknown_district"), (4, "43.87", "place.out_of_range"), (4, "", "place.half"),
        (4, "120.5", "place.outside_city"), (6, "E", "value.unknown_choice"), (7, "失踪", "value.unknown_choice"),
        (8, "周八", "value.bad_weekday"), (9, "-1", "value.bad_number"),
    ],
)  # fmt: skip
def test_refusals_of_the_other_columns(
    sqlite_database: Database, tmp_path: Path, place: int, value: str, rule: str
) -> None:
    bad = [*GOOD[:place], value, *GOOD[place + 1 :]]
    report = load(sqlite_database, write(tmp_path / "list.csv", [EXTRA, GOOD, bad]))
    assert tally(report) == (2, 1, 0, 0, 1)
    assert [(line["row"], line["rule"]) for line in refused_rows(report)] == [("3", rule)]


def test_a_project_without_a_code_goes_in_whole(database: Database, tmp_path: Path) -> None:
    assert tally(load(database, write(tmp_path / "list.csv", [EXTRA, GOOD]))) == (1, 1, 0, 0, 0)
    with database.read() as session:
        stored = session.exec(select(Target)).one()
        credit = session.exec(select(CreditClass)).one()
    assert (stored.target_id, stored.code, stored.kind, stored.status) == ("XM-1", "", "project", "active")
    assert (stored.longitude_e6, stored.latitude_e6, stored.place_source) == (87_560_000, 43_870_000, "given")
    assert (stored.closed_weekdays, stored.people_cap) == ([6, 7], 30)
    assert (stored.district, stored.district_source) == ("650104", "given")
    assert (credit.target, credit.since, credit.credit) == (stored.id, date(2026, 3, 2), "B")


def test_rows_that_are_not_rows_are_refused(sqlite_database: Database, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    short, long = ",".join(row(1)[:4]), ",".join([*row(2), "多"])
    lines = [
        ",".join(HEADER),
        short,
        long,
        f'坏,"{code(3)}',
        ",".join(row(4)).replace("食品", "食\0品"),
        ",".join(row(5)),
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    report = load(sqlite_database, path)
    assert tally(report) == (5, 1, 0, 0, 4)
    assert [line["rule"] for line in refused_rows(report)] == [
        "row.width",
        "row.width",
        "csv.open_quote",
        "text.nul",
    ]


def test_no_cell_of_a_report_is_a_formula(sqlite_database: Database, tmp_path: Path) -> None:
    cells = row(1)
    cells[2] = '=HYPERLINK("http://x")'
    report = load(sqlite_database, write(tmp_path / "list.csv", [HEADER, cells]))
    assert refused_rows(report)[0]["value"].startswith("'=")
