"""One trade, one handbook: rules that ask the same make one page, with published items only."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.db.database import Database
from app.disclosure.handbook import handbooks
from app.main import create_app
from app.registers.tables import CheckItem, SupervisionRule
from app.settings import Settings
from tests.small_city import NOW


@pytest.fixture
def client(city: Database, tmp_path: Path) -> TestClient:
    """Catering is the business of two departments; everybody's of one; a draft item is nobody's."""
    with city.write() as session:
        for code in ("market", "fire"):
            rule = session.get_one(SupervisionRule, f"r-{code}")
            rule.condition, rule.reason_zh, rule.reason_en = {"trades": ["餐饮业"]}, "餐饮服务", "Catering"
            session.add(rule)
        session.add(
            CheckItem(code="fire-2", version=1, title_zh="草稿事项", department="fire", changed_at=NOW)
        )
        session.get_one(SupervisionRule, "r-fire").items = ["fire-1", "fire-2"]
    return TestClient(create_app(city, Settings(data_dir=tmp_path), with_clock=False))


def test_a_trade_is_one_page_with_every_department_and_what_is_common_at_the_end(
    city: Database, client: TestClient
) -> None:
    with city.read() as session:
        (book,) = handbooks(session, "zh")
    assert (book.id, book.title, book.count) == ("r-fire", "餐饮业 · 餐饮服务", 3)
    assert [one.department for one in book.chapters] == ["fire局", "market局"]
    assert [one.department for one in book.common] == ["health局"]
    listed = client.get("/en/handbook").text
    assert 'href="/en/handbook/r-fire"' in listed
    shown = client.get("/handbook/r-fire").text
    for said in ("fire-1@1", "market-1@1", "health-1@1", "所有经营者", "共 3 个事项"):
        assert said in shown
    assert "草稿事项" not in shown
    assert "Catering" in client.get("/en/handbook/r-fire").text
    assert client.get("/handbook/none").status_code == 404


def test_without_a_catalogue_there_is_no_handbook(database: Database, tmp_path: Path) -> None:
    client = TestClient(create_app(database, Settings(data_dir=tmp_path), with_clock=False))
    assert "还没有已公布的检查事项" in client.get("/handbook").text
