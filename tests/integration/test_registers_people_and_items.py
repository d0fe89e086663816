"""Imports of rosters, check items and credit classes, on both databases."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from sqlmodel import select

from app.db.database import Database
from app.registers import service
from app.registers.tables import (
    CheckItem,
    CreditClass,
    Department,
    Inspector,
    InspectorLeave,
    Recusal,
)
from tests.register_lists import HEADER, NOW, code, load, refused_rows, row, tally, write


def departments(db: Database) -> None:
    with db.write() as session:
        session.add(Department(code="SCJG", name_zh="市场监督管理局", role="market"))
        session.add(Department(code="XF", name_zh="消防救援支队", role="fire"))


def test_credit_classes_keep_their_history(database: Database, tmp_path: Path) -> None:
    load(database, write(tmp_path / "list.csv", [HEADER, row(1), row(2)]))
    header = ["统一社会信用代码", "信用风险分类", "分类日期"]
    first = write(
        tmp_path / "a.csv", [header, [code(1), "A", "2025-01-01"], [code(2), "d", ""], [code(9), "B", ""]]
    )
    report = load(database, first)
    assert tally(report) == (3, 2, 0, 0, 1)
    assert refused_rows(report)[0]["rule"] == "target.unknown"
    assert tally(load(database, first)) == (3, 0, 0, 2, 1)
    second = write(tmp_path / "b.csv", [header, [code(1), "C", "2026-01-01"]])
    assert tally(load(database, second)) == (1, 1, 0, 0, 0)
    with database.read() as session:
        history = [
            (row.since, row.credit) for row in session.exec(select(CreditClass).order_by("target", "since"))
        ]
    assert history == [(date(2025, 1, 1), "A"), (date(2026, 1, 1), "C"), (date(2026, 3, 2), "D")]


def test_a_class_in_the_target_list_is_added_only_where_it_differs(
    database: Database, tmp_path: Path
) -> None:
    header = [*HEADER, "信用风险分类"]
    load(database, write(tmp_path / "a.csv", [header, [*row(1), "A"]]))
    moved = row(1, "乌鲁木齐市天山区人民路5号")
    report = load(database, write(tmp_path / "b.csv", [header, [*moved, "A"]]), now=NOW.replace(month=4))
    assert report.changed == 1
    with database.read() as session:
        assert session.exec(select(CreditClass)).one().since == date(2026, 3, 2)


ROSTER = ["姓名", "执法证号", "证件有效期", "专业", "所属部门", "区县", "人员类型", "可任组长"]


def test_a_roster_with_leave_and_recusals(database: Database, tmp_path: Path) -> None:
    departments(database)
    load(database, write(tmp_path / "list.csv", [HEADER, row(1)]))
    roster = [
        ROSTER,
        ["张三", "XJ-001", "2028-01-01", "食品;特种设备", "市场监督管理局", "天山区", "", "是"],
        ["李四", "xj-002", "2028-01-01", "", "XF", "", "执法人员", ""],
        ["王五", "XJ-003", "", "", "XF", "", "辅助人员", ""],
        ["赵六", "XJ-004", "", "", "XF", "", "执法人员", ""],
        ["钱七", "XJ-005", "2028-01-01", "", "气象局", "", "", ""],
    ]
    report = load(database, write(tmp_path / "roster.csv", roster))
    assert tally(report) == (5, 3, 0, 0, 2)
    assert [line["rule"] for line in refused_rows(report)] == ["inspector.no_expiry", "department.unknown"]
    assert tally(load(database, tmp_path / "roster.csv")) == (5, 0, 0, 3, 2)
    leave = [["执法证号", "开始日期", "结束日期", "事由"], ["XJ-001", "2026-03-09", "2026-03-13", "年假"],
             ["XJ-001", "2026-04-09", "2026-04-01", ""], ["XJ-999", "2026-03-09", "2026-03-13", ""]]  # fmt: skip
    report = load(database, write(tmp_path / "leave.csv", leave))
    assert tally(report) == (3, 1, 0, 0, 2)
    assert [line["rule"] for line in refused_rows(report)] == ["leave.ends_first", "inspector.unknown"]
    recusals = [
        ["执法证号", "统一社会信用代码", "回避事由"],
        ["XJ-001", code(1), "配偶任职"],
        ["XJ-001", code(7), "?"],
    ]
    report = load(database, write(tmp_path / "recusals.csv", recusals))
    assert tally(report) == (2, 1, 0, 0, 1)
    for name in ("leave.csv", "recusals.csv"):
        assert load(database, tmp_path / name).added == 0
    with database.read() as session:
        people = {person.code: person for person in session.exec(select(Inspector))}
        assert session.exec(select(InspectorLeave)).one().reason == "年假"
        assert session.exec(select(Recusal)).one().target_id == code(1)
    assert people["XJ-001"].specialties == ["食品", "特种设备"]
    assert (people["XJ-001"].district, people["XJ-001"].lead) == ("650102", True)
    assert (people["XJ-002"].department, people["XJ-003"].officer) == ("XF", False)


def test_a_roster_without_a_column_for_leads_keeps_nobody_from_leading(
    database: Database, tmp_path: Path
) -> None:
    departments(database)
    rows = [
        ["执法证号", "姓名", "所属部门", "证件有效期", "人员类型"],
        ["XJ-001", "甲", "XF", "2029-01-01", "执法人员"],
        ["XJ-002", "乙", "XF", "", "辅助人员"],
    ]
    load(database, write(tmp_path / "plain.csv", rows))
    marked = [[*rows[0], "可任组长"], ["XJ-003", "丙", "XF", "2029-01-01", "执法人员", ""]]
    load(database, write(tmp_path / "marked.csv", marked))
    with database.read() as session:
        leads = {person.code: person.lead for person in session.exec(select(Inspector))}
    assert leads == {"XJ-001": True, "XJ-002": False, "XJ-003": False}


def test_items_come_as_drafts_and_never_change_what_is_published(database: Database, tmp_path: Path) -> None:
    departments(database)
    header = ["事项编号", "事项名称", "牵头部门", "配合部门", "检查方式", "事项类别", "现场时长"]
    first = [header, ["food-1", "食品经营检查", "SCJG", "XF", "现场检查", "重点", "45"]]
    assert tally(load(database, write(tmp_path / "items.csv", first))) == (1, 1, 0, 0, 0)
    for step in ("reviewed", "published"):
        service.move_item(database, "food-1", 1, step, now=NOW)
    assert tally(load(database, tmp_path / "items.csv")) == (1, 0, 0, 1, 0)
    second = [header, ["food-1", "食品经营检查", "SCJG", "XF", "现场检查", "重点", "60"]]
    assert tally(load(database, write(tmp_path / "items.csv", second))) == (1, 0, 1, 0, 0)
    with database.read() as session:
        found = [
            (i.version, i.status, i.minutes, i.kind, i.partners)
            for i in session.exec(select(CheckItem).order_by("version"))
        ]
    assert found == [(1, "published", 45, "key", ["XF"]), (2, "draft", 60, "key", ["XF"])]
