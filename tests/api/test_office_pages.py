"""The desk's pages: what is due, a round by its tasks, ratios while they are edited, a list looked at before
it goes in."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from app.db.database import Database
from app.http import dependencies
from app.main import create_app
from app.office import ratios
from app.plans import service as plans
from app.registers import supervision
from app.registers.tables import Department, RegisterImport
from app.rounds import repository
from app.rounds import service as rounds
from app.settings import Settings
from optimizer.progress import Silent
from tests import small_city
from tests.accounts import made, signed_in
from tests.visit_steps import disclosed
from tests.visited_round import Visited

LOCAL = "http://127.0.0.1"


def operator(db: Database, folder: Path, now: datetime = small_city.NOW) -> TestClient:
    """Who sits at the machine, before there are accounts."""
    app = create_app(db, Settings(data_dir=folder), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: now
    return TestClient(app, base_url=LOCAL, client=("127.0.0.1", 1), follow_redirects=True)


def saved(db: Database, **changes: object) -> str:
    document = plans.parse_document(small_city.plan_data(**changes))
    plans.create(db, document, small_city.NOW)
    return document.code


def published(db: Database, at: datetime = small_city.NOW, **changes: object) -> str:
    code = saved(db, **changes)
    plans.publish(db, code, at)
    return code


def test_the_desk_says_what_is_due_and_what_was_covered(visited: Visited, tmp_path: Path) -> None:
    _, check, at = disclosed(visited)
    db = visited.desk.db
    published(db, at, code="summer", title_en="Summer checks", period="2026-Q2")
    client = operator(db, tmp_path, at + timedelta(minutes=5))
    page = client.get("/en/staff").text
    assert f"/en/staff/rounds/{visited.round_id}/steps" in page
    assert "Visit, then reveal when the day comes" in page
    assert "Make: Summer checks · 2026-Q2" in page
    row = re.search(rf'<th scope="row">{check.department}</th>(.*?)</tr>', page)
    assert row
    cells = re.findall(r'class="n">([^<]*)<', row[1])
    supervised = {"market": 240, "fire": 120, "health": 80}[check.department]
    assert cells[:2] == [str(supervised), "1"]
    assert cells[-1] == "1"


def test_a_department_sees_its_own_coverage_alone(visited_of_its_own: Visited, tmp_path: Path) -> None:
    db = visited_of_its_own.desk.db
    app = create_app(db, Settings(data_dir=tmp_path), with_clock=False)
    own = signed_in(app, db, made(db, "fire", "coordinator", "fire"))
    page = own.get("/en/staff").text
    assert '<th scope="row">fire</th>' in page
    assert '<th scope="row">market</th>' not in page


def test_a_result_is_decided_about_by_its_own_department(visited: Visited, tmp_path: Path) -> None:
    """To another department's coordinator there is no such result, to look at or to change."""
    _, check, at = disclosed(visited)
    db = visited.desk.db
    app = create_app(db, Settings(data_dir=tmp_path), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: at + timedelta(minutes=5)
    other = next(code for code in small_city.DEPARTMENTS if code != check.department)
    address = f"/en/staff/results/{check.key}"
    asked = {"action": "result.correction", "subject": check.key, "reason": "recording_error"}
    change = {"reason": "recording_error", "result": "no_activity", "disposition": "none"}
    for department, status in ((other, 404), (check.department, 200)):
        client = signed_in(app, db, made(db, department, "coordinator", department, at=at))
        assert client.get(address).status_code == status
        corrected = client.post(f"{address}/correction", data=change).status_code
        assert corrected == (404 if status == 404 else 403), "and the own one only after two others agreed"
        assert client.post("/en/staff/requests", data=asked).status_code == status


@pytest.mark.parametrize("role", ["inspector", "legal_reviewer", "auditor"])
def test_who_may_not_plan_makes_no_round(sqlite_database: Database, tmp_path: Path, role: str) -> None:
    small_city.fill(sqlite_database)
    published(sqlite_database)
    app = create_app(sqlite_database, Settings(data_dir=tmp_path), with_clock=False)
    client = signed_in(app, sqlite_database, made(sqlite_database, "somebody", role))
    assert client.get("/en/staff").status_code == 200
    form = {"plan": "spring", "period": "2026-Q1"}
    assert client.post("/en/staff/rounds", data=form, follow_redirects=False).status_code == 403
    with sqlite_database.read() as session:
        assert repository.newest(session) == []


def test_a_round_is_made_once_and_a_void_takes_three(sqlite_database: Database, tmp_path: Path) -> None:
    db = sqlite_database
    small_city.fill(db)
    published(db)
    app = create_app(db, Settings(data_dir=tmp_path), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: small_city.NOW
    one, two, three = (
        signed_in(app, db, made(db, f"p{n}", "coordinator", at=small_city.NOW)) for n in range(3)
    )
    form = {"plan": "spring", "period": "2026-Q1"}
    page = one.post("/en/staff/rounds", data=form)
    assert page.url.path == "/en/staff/rounds/spring-2026-Q1-1/steps"
    assert one.post("/en/staff/rounds", data=form).status_code == 409
    asked = {"action": "round.void", "subject": "spring-2026-Q1-1", "reason": "frame_wrong"}
    assert one.post("/en/staff/requests", data=asked).status_code == 200
    number = re.search(r'name="number" value="(\d+)"', two.get("/en/staff").text)
    assert number
    assert 'name="number"' not in one.get("/en/staff").text, "nobody approves their own request"
    approve = {"number": number[1]}
    assert one.post("/en/staff/requests/approval", data=approve).status_code == 403
    assert two.post("/en/staff/requests/approval", data=approve).status_code == 200
    void = "/en/staff/rounds/spring-2026-Q1-1/void"
    assert two.post(void, data={"reason": "frame_wrong"}).status_code == 403
    assert three.post(void, data={"reason": "frame_wrong"}).status_code == 200
    assert rounds.get(db, "spring-2026-Q1-1").status == "void"


def test_ratios_are_those_that_the_draw_would_use(city: Database, tmp_path: Path) -> None:
    """Class A of fire: a third of its targets at 10 %, rounded up; the caps count; no number is made."""
    code = published(city, caps=[{"code": "once", "scope": "target", "max": 1}])
    client = operator(city, tmp_path)
    client.headers["accept"] = "application/json"
    page = client.get(f"/en/staff/plans/{code}/ratios?t-fire.A=50").text
    with city.read() as session:
        document = plans.get(city, code).document
        wanted = ratios.changed(document, {"t-fire.A": "５０"})
        found = ratios.effect(session, wanted, small_city.NOW.date(), wanted.tasks)
        plain = ratios.effect(session, document, small_city.NOW.date(), document.tasks)
    fire, before = found.tasks[1], plain.tasks[1]
    size = {cell.name: (cell.rows, float(cell.n)) for cell in fire.cells}
    assert size["A"] == (60, 30)
    assert (float(before.n), float(fire.n)) == (6 + 6 + 9, 30 + 6 + 9)
    assert fire.width is not None
    assert before.width is not None
    assert fire.width < before.width, "more are drawn, so the interval is narrower"
    assert [(use.bound.most, float(use.asked), use.over) for use in found.caps] == [(1, 0.5, False)]
    assert {load.department: load.checks for load in found.loads}["fire"] == fire.n
    assert re.search(
        r"<td>A</td><td class=\"n\">60</td><td class=\"n\">50%</td><td class=\"n\">30</td>", page
    )
    assert plans.get(city, code).version == 1, "looking changes nothing"


def test_ratios_become_a_draft_and_wrong_ones_nothing(city: Database, tmp_path: Path) -> None:
    code = published(city)
    client = operator(city, tmp_path)
    before = plans.get(city, code)
    wrong = client.get(f"/en/staff/plans/{code}/ratios?t-fire.A=101")
    assert wrong.status_code == 422
    assert "no percentage" in wrong.text
    form = {"t-fire.A": "12.5", "digest": "0" * 64}
    assert client.post(f"/en/staff/plans/{code}/ratios", data=form).status_code == 409
    page = client.post(f"/en/staff/plans/{code}/ratios", data={**form, "digest": before.digest})
    assert page.status_code == 200
    after = plans.get(city, code)
    assert (after.version, after.status) == (2, "draft")
    assert after.document.task("t-fire").ratios == {"A": 125_000, "B": 200_000, "C": 300_000}
    assert after.document.task("t-market") == before.document.task("t-market")


def imports(session: Session) -> list[RegisterImport]:
    return list(session.exec(select(RegisterImport)))


LIST = "部门代码,部门名称\nmarket,市场监管局\ntax,税务局\n,无代码\n"


def test_a_list_is_looked_at_before_it_goes_in(city: Database, tmp_path: Path) -> None:
    client = operator(city, tmp_path)
    sent = {"file": ("部门.csv", LIST.encode())}
    page = client.post("/en/staff/registers/preview", data={"kind": "departments"}, files=sent).text
    counts = re.findall(r"<strong>(\d+)</strong>(\w+)", page)
    assert counts == [("1", "added"), ("1", "changed"), ("0", "unchanged"), ("1", "refused")]
    assert '<th scope="row" class="n">4</th>' in page, "the refused row by its number"
    with city.read() as session:
        assert session.get(Department, "tax") is None
        assert imports(session) == []
    form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    changed = client.post("/en/staff/registers/imports", data={**form, "sha256": "0" * 64})
    assert changed.status_code == 409
    assert client.post("/en/staff/registers/imports", data=form).status_code == 200
    with city.read() as session:
        made = imports(session)
        assert session.get_one(Department, "tax").name_zh == "税务局"
    assert [(row.counts["added"], row.counts["refused"]) for row in made] == [(1, 1)]
    assert client.post("/en/staff/registers/imports", data=form).status_code == 409, "once"
    supervision.tag(city, Silent(), small_city.NOW)
    assert "Supervision tags" in client.get("/en/staff/registers").text, "on record beside the lists"
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_list_that_is_none_is_refused_whole(sqlite_database: Database, tmp_path: Path) -> None:
    client = operator(sqlite_database, tmp_path)
    sent = {"file": ("x.csv", b"a,b\n1,2\n")}
    page = client.post("/en/staff/registers/preview", data={"kind": "targets"}, files=sent)
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert list((tmp_path / "uploads").iterdir()) == []
