"""Imports on both databases: every row counted once, every refusal named, the same list twice changes nothing."""

from __future__ import annotations

import csv
import gzip
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook
from sqlmodel import select

from app.db.database import Database
from app.errors import Refused
from app.ledger.tables import LogEntry
from app.registers import service, uscc
from app.registers.repository import counts
from app.registers.schemas import ImportReport, TargetOut
from app.registers.tables import (
    CheckItem,
    CreditClass,
    Department,
    Inspector,
    InspectorLeave,
    Recusal,
    Target,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HEADER = ["企业名称", "统一社会信用代码", "注册日期", "企业类型", "经营范围", "地区", "注册地址"]
CODE = "91650102228742107R"


def code(number: int) -> str:
    return uscc.make(f"91650102M{number:08d}")


def row(number: int, address: str = "乌鲁木齐市天山区中山路1号") -> list[str]:
    return [f"企业{number}", code(number), "2013-05-07", "有限责任公司", "食品销售", "乌鲁木齐", address]


def write(path: Path, rows: list[list[str]], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def load(db: Database, path: Path, register: str | None = None, now: datetime = NOW) -> ImportReport:
    return service.import_file(db, path, register, now=now, folder=path.parent / "imports")


def tally(report: ImportReport) -> tuple[int, int, int, int, int]:
    assert report.rows == report.added + report.changed + report.unchanged + report.refused
    return report.rows, report.added, report.changed, report.unchanged, report.refused


def refused_rows(report: ImportReport) -> list[dict[str, str]]:
    with Path(report.refusals_file).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def departments(db: Database) -> None:
    with db.write() as session:
        session.add(Department(code="SCJG", name_zh="市场监督管理局", role="market"))
        session.add(Department(code="XF", name_zh="消防救援支队", role="fire"))


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


def test_duplicates_in_a_file(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Word for word: unchanged. Contradicting: refused, naming the first row; also across batches."""
    monkeypatch.setattr("app.registers.importing.BATCH", 3)
    other = [*row(1)[:4], "别的", *row(1)[5:]]
    report = load(
        database, write(tmp_path / "list.csv", [HEADER, row(1), row(2), row(1), row(3), other, row(4)])
    )
    assert tally(report) == (6, 4, 0, 1, 1)
    (line,) = refused_rows(report)
    assert (line["row"], line["rule"], line["value"]) == ("6", "row.duplicate", code(1))
    assert "2" in line["reason_zh"]


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


def test_no_cell_of_a_report_is_a_formula(sqlite_database: Database, tmp_path: Path) -> None:
    cells = row(1)
    cells[2] = '=HYPERLINK("http://x")'
    report = load(sqlite_database, write(tmp_path / "list.csv", [HEADER, cells]))
    assert refused_rows(report)[0]["value"].startswith("'=")


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


def test_a_list_with_an_unknown_column_leaves_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    path = write(tmp_path / "list.csv", [[*HEADER, "幸运数字"], [*row(1), "7"]])
    with pytest.raises(Refused, match="幸运数字"):
        load(sqlite_database, path)
    with sqlite_database.read() as session:
        assert counts(session)["targets"] == 0


class Stopper:
    """Progress that stops the work after some rows, as a person who presses Ctrl-C does."""

    def step(self, stage: str, done: int, total: int, note: str = "") -> None:
        if stage == "import" and done >= 20:
            raise KeyboardInterrupt


def test_a_stopped_import_leaves_whole_batches_and_is_finished_by_the_next(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.registers.importing.BATCH", 10)
    path = write(tmp_path / "list.csv", [HEADER, *(row(i) for i in range(50))])
    with pytest.raises(KeyboardInterrupt):
        service.import_file(database, path, now=NOW, progress=Stopper(), folder=tmp_path)
    assert tally(load(database, path)) == (50, 30, 0, 20, 0)


MEMORY = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from app.db.database import Database
from app.registers import service
from sqlmodel import SQLModel
path = Path(sys.argv[1])
db = Database(f"sqlite:///{path}.db")
SQLModel.metadata.create_all(db.engine)
report = service.import_file(db, path, now=datetime(2026, 3, 2, tzinfo=UTC), folder=path.parent)
peak = next(line.split()[1] for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
print(report.added, report.refused, int(peak) // 1024)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Peak resident memory of a process of its own, ten times the rows, a tenth of them refused.

    VmHWM, for ru_maxrss begins with the parent's peak.
    """
    small, large = (200_000, 2_000_000) if os.environ.get("TRIALS") == "full" else (6_000, 60_000)
    peaks = []
    for rows in (small, large):
        path = tmp_path / f"{rows}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            for number in range(rows):
                cells = row(number, f"乌鲁木齐市天山区中山路{number}号")
                cells[1] = cells[1] if number % 10 else CODE[:-1] + "0"
                writer.writerow(cells)
        out = subprocess.run(
            [sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True, timeout=600
        )
        added, refused, peak = map(int, out.stdout.split())
        assert (added, refused) == (rows - rows // 10, rows // 10)
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 20
    assert peaks[1] < 150
