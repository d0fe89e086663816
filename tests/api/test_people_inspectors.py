"""Whose account is which inspector's: said by the system administrator, once, and then their own day is shown first."""

from __future__ import annotations

from pathlib import Path

from fastapi.testclient import TestClient

from app.db.database import Database
from app.http import dependencies
from app.main import create_app
from app.settings import Settings
from app.visits.tables import Visit
from tests.accounts import made, signed_in
from tests.visited_round import Visited


def named(client: TestClient, number: int | None, code: str) -> tuple[int, str | None]:
    """Say whose the account is; the answer's status, and the code in the roster or of the refusal."""
    place = f"/api/v1/accounts/{number}"
    tag = {"If-Match": client.get(place).headers["etag"]}
    answer = client.put(f"{place}/inspector", json={"inspector": code}, headers=tag)
    return answer.status_code, answer.json().get("code") or answer.json().get("inspector")


def test_an_account_is_one_inspectors_and_of_their_department(city: Database, tmp_path: Path) -> None:
    """P000 is of `market`, P001 of `fire`."""
    app = create_app(city, Settings(data_dir=tmp_path), with_clock=False)
    client = signed_in(app, city, made(city, "root", "system_admin"))
    market, second = made(city, "li", "inspector", "market"), made(city, "wang", "inspector")
    auditor = made(city, "zhao", "auditor")
    assert named(client, market.id, "P001") == (422, "people.inspector"), "another department's"
    assert named(client, market.id, "P999") == (422, "people.inspector"), "nobody"
    assert named(client, auditor.id, "P000") == (422, "people.inspector"), "an auditor inspects nothing"
    assert named(client, market.id, "P000") == (200, "P000")
    assert named(client, second.id, "P000") == (409, "people.inspector_taken")
    assert signed_in(app, city, market).get("/api/v1/me").json()["inspector"] == "P000"
    assert named(client, market.id, "") == (200, None)
    assert named(client, second.id, "P000") == (200, "P000")


def test_an_inspector_sees_their_own_day_first(visited: Visited, tmp_path: Path) -> None:
    visit, (check,) = visited.visit()
    db, own = visited.desk.db, visited.crews(visit.key)[check.department][0]
    other = next(v for v, _ in visited.checks() if v.day == visit.day and own not in crew(visited, v))
    app = create_app(db, Settings(data_dir=tmp_path), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: visited.at(visit)
    client = signed_in(app, db, made(db, "li", "inspector", at=visited.at(visit), inspector=own))
    mine, everybodys = client.get("/staff/today").text, client.get("/staff/today?inspector=").text
    assert (visit.name in mine, other.name in mine) == (True, False)
    assert (visit.name in everybodys, other.name in everybodys) == (True, True)


def crew(visited: Visited, visit: Visit) -> set[str]:
    return {code for codes in visited.crews(visit.key).values() for code in codes}
