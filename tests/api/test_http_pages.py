"""Pages: complete, without repeats, cursors that only their list takes, on both databases."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from app.db.database import Database
from app.errors import Refused
from app.http.pagination import decode, encode
from app.main import create_app
from app.registers.tables import CheckItem, Department, Inspector, RegisterImport
from app.rounds.tables import Round
from app.settings import Settings

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)


@pytest.fixture
def client(database: Database, tmp_path: Path) -> TestClient:
    """The application over seven of everything, rounds of two moments among them."""
    with database.write() as session:
        session.add_all(Department(code=f"D{n}", name_zh=f"局{n}") for n in range(7))
        session.flush()
        session.add_all(Inspector(code=f"I{n}", department=f"D{n % 2}") for n in range(7))
        session.add_all(
            CheckItem(code=f"c{n // 2}", version=n % 2 + 1, title_zh="x", department="D0", changed_at=NOW)
            for n in range(7)
        )
        for n in range(7):
            moment = NOW + timedelta(microseconds=n // 3)
            session.add(
                Round(
                    round_id=f"p{n % 2}-{n}", plan=f"p{n % 2}", plan_digest="0", period=str(n), sequence=1,
                    created_at=moment, updated_at=moment,
                )
            )  # fmt: skip
            session.add(
                RegisterImport(
                    register_name="targets",
                    file_name="a",
                    file_sha256="0",
                    counts={},
                    refusals_file="",
                    at=NOW,
                )
            )
    return TestClient(create_app(database, Settings(data_dir=tmp_path), with_clock=False))


def walk(client: TestClient, path: str, limit: int, **filters: str) -> list[dict[str, Any]]:
    """Every row of a list, page by page."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = client.get(f"/api/v1/{path}", params={"cursor": cursor, "limit": limit, **filters})
        assert answer.status_code == 200, answer.text
        assert 0 < len(answer.json()["items"]) <= limit
        rows += answer.json()["items"]
        cursor = answer.json()["next"]
    return rows


@pytest.mark.parametrize(
    "path",
    ["rounds", "registers/departments", "registers/inspectors", "registers/items", "registers/imports"],
)
def test_pages_of_any_size_show_each_row_once_in_one_order(client: TestClient, path: str) -> None:
    whole = walk(client, path, 500)
    assert len(whole) == 7
    for limit in (1, 2, 3, 7):
        assert walk(client, path, limit) == whole


def age(row: dict[str, Any]) -> tuple[datetime, str]:
    """What rounds are sorted by."""
    return datetime.fromisoformat(row["created_at"]), row["round_id"]


def test_rounds_come_newest_first_and_filtered(client: TestClient) -> None:
    rows = walk(client, "rounds", 2)
    assert rows == sorted(rows, key=age, reverse=True)
    assert [row["round_id"] for row in walk(client, "rounds", 2, plan="p1")] == ["p1-5", "p1-3", "p1-1"]
    assert client.get("/api/v1/rounds", params={"status": "void"}).json() == {"items": [], "next": None}


def test_a_row_added_meanwhile_neither_repeats_nor_skips(client: TestClient, database: Database) -> None:
    first = client.get("/api/v1/rounds", params={"limit": 4}).json()
    late = NOW + timedelta(days=1)
    with database.write() as session:
        session.add(
            Round(
                round_id="new",
                plan="p9",
                plan_digest="0",
                period="1",
                sequence=1,
                created_at=late,
                updated_at=late,
            )
        )
    rest = client.get("/api/v1/rounds", params={"limit": 9, "cursor": first["next"]}).json()
    seen = [row["round_id"] for row in first["items"] + rest["items"]]
    assert len(seen) == len(set(seen)) == 7


@pytest.mark.parametrize(
    "cursor",
    ["!!", "bm8", encode((1,)), encode(("2026", "x")), encode(("a", 1)), encode((2**70, "x")), "W10", "A"],
)
def test_a_cursor_of_another_list_is_refused(client: TestClient, cursor: str) -> None:
    answer = client.get("/api/v1/rounds", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "cursor.invalid")


@given(st.lists(st.text(st.characters(categories=["L", "N", "P"])) | st.integers(-(2**62), 2**62)))
def test_a_cursor_gives_back_its_key(key: list[Any]) -> None:
    assert decode(encode(tuple(key))) == key


@given(st.text(max_size=40))
def test_no_text_is_a_cursor_that_fails_otherwise(text: str) -> None:
    with suppress(Refused):
        assert isinstance(decode(text), list)
