"""Files for those who do the work, read back by other programs; and a round exported as a folder."""

from __future__ import annotations

import csv
import io
import json
import os
import time
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from app.db.database import Database
from app.disclosure.api import results_csv
from app.disclosure.calendars import ics_name, team_day_ics
from app.disclosure.export import export_round
from app.disclosure.spreadsheets import schedule_xlsx, zipped
from app.disclosure.work import Work, work_of
from app.errors import Conflict, NotFound
from tests.disclosure_round import ADDRESS, HOSTILE_NAME, INSPECTOR_NAME, STOPS_A_DAY, publish


def work(db: Database, kind: str = "open", stage: str = "seated") -> Work:
    known = publish(db, kind, stage)
    with db.read() as session:
        return work_of(session, known.round_id, "zh")


def events(data: bytes) -> list[Any]:
    """The calendar's events; their values are whatever icalendar makes of them."""
    calendar = Calendar.from_ical(data)
    assert isinstance(calendar, Calendar)
    return list(calendar.walk("VEVENT"))


def test_every_visit_and_stop_is_there_with_its_people(database: Database) -> None:
    known = publish(database, "open", "seated")
    with database.read() as session:
        found = work_of(session, known.round_id, "en")
    assert len(found.visits) == len(known.targets)
    assert sum(len(team.stops) for team in found.team_days) == known.checks
    assert set(found.departments().values()) == {
        "Market supervision",
        "Fire and rescue",
        "Environment",
        "Health",
    }
    for team in found.team_days:
        assert team.inspectors == (f"{team.code}-01", f"{team.code}-02")
    joint = max(found.visits, key=lambda visit: len(visit.departments))
    assert joint.people == 2 * len(joint.departments) > 2


@pytest.mark.parametrize("stage", ["committed", "packed"])
def test_no_schedule_before_the_seats_are_drawn(database: Database, stage: str) -> None:
    with pytest.raises(Conflict) as refused:
        work(database, stage=stage)
    assert refused.value.problem.code == "work.before_seats"
    with database.read() as session, pytest.raises(NotFound):
        work_of(session, "no-such-round", "zh")


def test_the_workbook_reads_back_in_two_readers(database: Database) -> None:
    found = work(database)
    data = schedule_xlsx(found, "zh")
    book = load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["检查", "班组", *found.departments().values()]
    visits = list(book["检查"].iter_rows(values_only=True))
    assert visits[0][:4] == ("检查编号", "日期", "开始", "结束")
    assert len(visits) == 1 + len(found.visits)
    other = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name("检查").to_python()
    assert [row[5] for row in other] == [row[5] for row in visits]
    stops = sum(sheet.max_row - 1 for sheet in book.worksheets[2:])
    assert stops == sum(len(team.stops) for team in found.team_days)


def test_a_name_that_looks_like_a_formula_stays_text(database: Database) -> None:
    book = load_workbook(io.BytesIO(schedule_xlsx(work(database), "zh")))
    cells = [
        cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value == HOSTILE_NAME
    ]
    assert len(cells) >= 2
    for cell in cells:
        assert cell.data_type == "s"
        assert cell.quotePrefix


def test_the_same_schedule_gives_the_same_files_at_any_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = work(database)
    team = found.team_days[0]
    before = schedule_xlsx(found, "zh"), team_day_ics(found, team, "zh"), zipped([("a", b"1")])
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    time.sleep(2.1)  # the archive's clock has steps of two seconds
    after = schedule_xlsx(found, "zh"), team_day_ics(found, team, "zh"), zipped([("a", b"1")])
    monkeypatch.delenv("TZ")
    time.tzset()
    assert before == after
    properties = load_workbook(io.BytesIO(before[0])).properties
    assert properties.modified == properties.created == found.made_at.replace(tzinfo=None)


def test_a_team_day_is_one_event_per_visit_in_official_time(database: Database) -> None:
    found = work(database)
    team = max(found.team_days, key=lambda team: len(team.stops))
    read = events(team_day_ics(found, team, "zh"))
    assert 1 < len(read) == len(team.stops) <= STOPS_A_DAY
    for event, stop in zip(read, team.stops, strict=True):
        start, end = event["DTSTART"].dt, event["DTEND"].dt
        assert start.utcoffset() == timedelta(hours=8)
        assert (start.date(), 60 * start.hour + start.minute) == (date.fromisoformat(team.date), stop.start)
        assert (end - start) == timedelta(minutes=stop.end - stop.start)
        assert event["DTSTART"].params["TZID"] == "Asia/Shanghai"
        assert event["UID"].endswith("@double-random")
        assert event["DTSTAMP"].dt == found.made_at
        assert all(code in event["DESCRIPTION"] for code in team.inspectors)
        assert ADDRESS in event["LOCATION"]
    assert len({event["UID"] for event in read}) == len(read)


def test_lines_of_a_calendar_are_folded_and_its_zone_is_inside(database: Database) -> None:
    found = work(database)
    data = team_day_ics(found, found.team_days[0], "en")
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    assert b"BEGIN:VTIMEZONE" in data
    assert b"Inspectors: " in data.replace(b"\r\n ", b"")
    assert ics_name(found.team_days[0]) == "2027-03-01-2027-03-01-1.ics"


def test_estimated_places_are_said_so_in_every_file(database: Database) -> None:
    found = work(database)
    estimated = {visit.target_id for visit in found.visits if visit.site.estimated}
    assert len(estimated) == 3
    book = load_workbook(io.BytesIO(schedule_xlsx(found, "zh")))
    marked = {row[4] for row in book["检查"].iter_rows(values_only=True) if row[8] == "估计"}
    assert marked == estimated
    for team in found.team_days:
        for event, stop in zip(events(team_day_ics(found, team, "zh")), team.stops, strict=True):
            assert ("位置为估计" in event["DESCRIPTION"]) == (stop.target_id in estimated)


def test_results_for_excel_are_defused_and_plain_ones_are_untouched(database: Database) -> None:
    known = publish(database, "open")
    excel = results_csv(database, known.round_id, "zh", for_excel=True)
    plain = results_csv(database, known.round_id, "zh", for_excel=False)
    assert excel.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in excel
    assert b"\r" not in plain
    safe = list(csv.reader(io.StringIO(excel.decode("utf-8-sig"))))
    bare = list(csv.reader(io.StringIO(plain.decode())))
    assert bare[0][:2] == ["对象代码", "名称"]
    assert [row[0] for row in bare[1:]] == known.targets
    assert not [cell for row in safe for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert safe[1][1] == f"'{HOSTILE_NAME}"
    assert bare[1][1] == HOSTILE_NAME
    assert ADDRESS not in plain.decode() + excel.decode("utf-8-sig")


def test_an_export_is_a_folder_that_needs_no_server(database: Database, tmp_path: Path) -> None:
    known = publish(database, "sealed")
    made = export_round(database, known.round_id, tmp_path)
    files = {os.fspath(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {
        f"round-{known.round_id}.zip",
        f"auditor-{known.round_id}.zip",
        "page/index.html",
        "page/en.html",
        "page/style.css",
        "page/results.csv",
        f"staff/schedule-{known.round_id}.xlsx",
        "staff/calendars-01-" + min(["市场监管局", "消防救援支队", "生态环境局", "卫生健康委"]) + ".zip",
    } <= files
    html = made.page.read_text(encoding="utf-8")
    assert 'href="style.css"' in html
    assert 'href="en.html"' in html
    assert f'href="../round-{known.round_id}.zip"' in html
    assert 'href="/' not in html
    for secret in (known.k_salt, INSPECTOR_NAME, ADDRESS):
        assert secret not in "".join(p.read_text(encoding="utf-8") for p in (tmp_path / "page").iterdir())
    assert made.internal is not None
    with zipfile.ZipFile(next(made.internal.glob("calendars-*.zip"))) as archive:
        assert all(events(archive.read(name)) for name in archive.namelist())


def test_exporting_again_changes_no_byte(database: Database, tmp_path: Path) -> None:
    known = publish(database, "open")
    for name in ("a", "b"):
        export_round(database, known.round_id, tmp_path / name)
    for path in (tmp_path / "a").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes(), path


def test_the_export_command_says_where_things_are(
    tmp_path: Path, sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from app.disclosure.commands import commands
    from app.settings import settings

    known = publish(sqlite_database, "open")
    monkeypatch.setenv("DATABASE_URL", sqlite_database.url)
    settings.cache_clear()
    out = tmp_path / "out"
    result = CliRunner().invoke(commands, ["round", known.round_id, "--out", str(out), "--json"])
    settings.cache_clear()
    assert result.exit_code == 0, result.output
    said = json.loads(result.output.splitlines()[-1])
    assert Path(said["bundle"]).exists()
    assert Path(said["page"]) == out / "page" / "index.html"
    assert datetime.fromtimestamp(Path(said["auditor"]).stat().st_mtime).year >= 2024  # noqa: DTZ006  a file is there
