"""The working-day calendar on the desk: a year as it stands, another looked at first, and put by a coordinator."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from html import unescape
from pathlib import Path

import pytest

from app.db.database import Database
from app.http import dependencies
from app.ledger import repository as ledger
from app.main import create_app
from app.plans import calendar
from app.settings import Settings
from tests.accounts import made, signed_in
from tests.api.test_office_pages import operator
from tests.small_city import NOW, QUARTERLY

PAGE = "/en/staff/calendar"
Publish = Callable[..., str]


def form(page: str, **changes: str) -> dict[str, str]:
    """The preview's fields as a browser would send them on."""
    fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {**{name: unescape(value) for name, value in fields}, **changes}


def test_a_year_is_looked_at_before_it_is_put(city: Database, publish: Publish, tmp_path: Path) -> None:
    """1 and 2 April become holidays: what falls due on 1 April moves to 3 April, its deadlines with it."""
    publish(recurrence=QUARTERLY, period=None)
    client = operator(city, tmp_path)
    page = client.get(f"{PAGE}?year=2026").text
    assert "Confirmed: dates counted by it bind" in page
    assert re.search(r'<th scope="row">2026-10</th><td[^>]*>(\d+)</td>', page)
    stands = calendar.get_year(city, 2026)
    holidays = {**stands.holidays, date(2026, 4, 1): "测试", date(2026, 4, 2): "测试"}
    given = form(
        page,
        holidays="\r\n".join(f"{day}　{name}" for day, name in holidays.items()),
        makeup="\r\n".join(f"{day} {name}" for day, name in stands.makeup.items()),
        source="通知", confirmed="true",
    )  # fmt: skip
    with city.read() as session:
        before = len(ledger.entries(session, "calendar:2026"))
    looked = client.post(f"{PAGE}/preview", data=given).text
    days = re.findall(r"<li>(2026-\d\d-\d\d)：?(?:: )?(\w+) → (\w+)</li>", looked)
    assert days == [("2026-04-01", "worked", "off"), ("2026-04-02", "worked", "off")]
    assert re.findall(r"2026-04-0\d 09:00", looked)[:2] == ["2026-04-01 09:00", "2026-04-03 09:00"]
    assert "2026-Q3" not in looked, "later quarters stay where they are"
    with city.read() as session:
        assert len(ledger.entries(session, "calendar:2026")) == before, "looking writes nothing"
    assert calendar.get_year(city, 2026) == stands
    kept = form(looked)
    assert client.post(PAGE, data={**kept, "seen": '"0"'}).status_code == 409
    assert client.post(PAGE, data=kept).status_code == 200
    after = calendar.get_year(city, 2026)
    assert (set(after.holidays), after.makeup) == (set(holidays), stands.makeup)
    assert (after.confirmed, after.source) == (True, "通知")
    assert client.post(PAGE, data=kept).status_code == 409, "it was looked at before this change"
    with city.read() as session:
        assert [row["entry"]["type"] for row in ledger.entries(session, "calendar:2026")][before:] == [
            "calendar.year"
        ]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"holidays": "next friday"}, "is no date"),
        ({"holidays": "2027-02-30 x"}, "is no date"),
        ({"holidays": "2027-01-01 a\n2027-01-01 b"}, "twice"),
        ({"holidays": "2026-01-01 x"}, "outside the year"),
        ({"makeup": "2027-01-04 x"}, "no weekend day"),
        ({"source": "a\u200bb"}, "invisible"),
    ],
)
def test_what_is_no_calendar_is_said(
    sqlite_database: Database, tmp_path: Path, fields: dict[str, str], told: str
) -> None:
    client = operator(sqlite_database, tmp_path)
    assert "There is no calendar of this year" in client.get(f"{PAGE}?year=2027").text
    for path in (f"{PAGE}/preview", PAGE):
        answer = client.post(path, data={"year": "2027", **fields})
        assert answer.status_code == 422
        assert told in answer.text
    assert "Before it is saved" not in answer.text


def test_who_puts_a_year(sqlite_database: Database, tmp_path: Path) -> None:
    app = create_app(sqlite_database, Settings(data_dir=tmp_path), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: NOW
    year = {"year": "2027", "holidays": "2027-01-01 元旦"}
    for role, department, status in (
        ("planner", "", 403),
        ("coordinator", "fire", 403),
        ("coordinator", "", 200),
    ):
        login = f"{role}-{department or 'all'}"
        client = signed_in(app, sqlite_database, made(sqlite_database, login, role, department, at=NOW))
        assert client.get(PAGE).status_code == 200
        assert client.post(f"{PAGE}/preview", data=year).status_code == status, login
        assert client.post(PAGE, data=year).status_code == status, login
    assert calendar.get_year(sqlite_database, 2027).confirmed is False
