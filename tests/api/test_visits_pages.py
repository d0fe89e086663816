"""Visit codes and pages: what is forged or gone is 查不到, forms are filled, a phone needs no script."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.errors import Refused, Unavailable
from app.main import create_app
from app.rounds.voiding import void
from app.settings import Settings
from app.visits import forms, printing, repository, service
from app.visits.demo_story import demo_picture
from app.visits.visit_code import CodeKey, on_record
from tests.visited_round import CLERK, Visited

MUTANTS = 1_000
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture
def client(visited: Visited, tmp_path: Path) -> TestClient:
    """A browser on this machine, on the day of the first visit."""
    from app.http import dependencies

    visit, _ = visited.visit()
    app = create_app(visited.desk.db, Settings(data_dir=tmp_path), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: visited.at(visit).astimezone(UTC)
    return TestClient(
        app, base_url="http://127.0.0.1", client=("127.0.0.1", 50000), headers={"accept": "text/html"}
    )


def mutants(token: str, count: int) -> Iterator[str]:
    """Tokens that differ by changed, cut, added, swapped or re-cased letters; never the token itself."""
    chance = random.Random(7)
    made: set[str] = set()
    while len(made) < count:
        letters = list(token)
        kind, place = chance.randrange(6), chance.randrange(len(token))
        if kind < 3:
            for _ in range(kind + 1):
                letters[chance.randrange(len(token))] = chance.choice(LETTERS)
        elif kind == 3:
            letters[place : place + 1 + chance.randrange(3)] = []
        elif kind == 4:
            letters.insert(place, chance.choice(LETTERS + "=+/ \u0661"))
        else:
            letters[place] = letters[place].swapcase()
        mutant = "".join(letters)
        if mutant != token and mutant not in made:
            made.add(mutant)
            yield mutant


def test_a_code_is_on_record_from_its_notice_until_its_end_and_no_mutant_ever_is(
    visited: Visited, client: TestClient
) -> None:
    visit, (check,) = visited.visit()
    other, _ = visited.visit(skip=1)
    key = CodeKey(visited.desk.vault.directory)
    token, at = key.sign(visit), visited.at(visit)
    absent = client.get("/visit-code", params={"code": token})
    assert "查不到" in absent.text
    service.notify(visited.desk, visit.key, CLERK, at)
    found = client.get("/visit-code", params={"code": token})
    assert found.status_code == 200
    assert "这次检查有备案" in found.text
    assert visit.name in found.text
    forged = CodeKey(visited.desk.vault.directory / "other").sign(visit)
    with visited.desk.db.read() as session:
        assert on_record(session, key, token)
        for mutant in (*mutants(token, MUTANTS), forged, key.sign(other), token + "=", "é", ""):
            assert on_record(session, key, mutant) is None, mutant
    for mutant in (forged, key.sign(other), token[:-1] + "!"):
        assert client.get("/visit-code", params={"code": mutant}).text == absent.text
    assert "On record" not in absent.text
    assert "查不到" in absent.text
    void(visited.desk.db, visited.desk.vault, visited.round_id, "plan_withdrawn", "甲", "乙", at)
    service.void_due(visited.desk, at)
    gone = client.get("/visit-code", params={"code": token})
    assert gone.text == absent.text
    assert check.state == "approved"


def test_a_visit_from_scan_to_publication_without_script(visited: Visited, client: TestClient) -> None:
    visit, (check,) = visited.visit()
    crew = visited.crews(visit.key)[check.department]
    base, me = f"/staff/visits/{visit.key}", {"by": crew[0]}
    day = client.get("/staff/today", params={"day": str(visit.day), "inspector": crew[0]})
    assert visit.name in day.text
    assert client.post(f"{base}/notice", data=me).status_code == 200
    token = CodeKey(visited.desk.vault.directory).sign(visit)
    assert "到场" in client.get("/staff/arrive", params={"code": token}).text
    present = [f"{check.department}/{code}" for code in crew]
    form = client.post(f"{base}/arrival", data={**me, "present": present}).text
    assert "checked" not in form
    assert not re.search(r"<option[^>]+selected", form)
    assert client.post(f"/staff/checks/{check.key}/record", data=me).status_code == 422
    answers = {f"answer:{q['code']}": "no" for q in visit.checklist} | {
        f"note:{visit.checklist[0]['code']}": "见照片"
    }
    assert client.post(f"{base}/answers", data={**me, **answers}).status_code == 200
    files = {"file": ("a.png", demo_picture("a"), "text/html")}
    kind = {"kind": "photo", "department": check.department}
    shown = client.post(f"{base}/evidence", data={**me, **kind}, files=files)
    digest = re.search(rf"{base}/evidence/([0-9a-f]{{64}})", shown.text)
    assert digest
    kept = client.get(digest[0])
    assert (kept.content, kept.headers["content-type"]) == (demo_picture("a"), "image/png")
    result = {"result": "ordered_to_correct", "disposition": "ordered", "rectify_by": "2026-04-30"}
    assert client.post(f"/staff/checks/{check.key}/record", data={**me, **result}).status_code == 200
    queue = client.get("/staff/reviews", params={"by": "R1"}).text
    assert f"/staff/checks/{check.key}/review" in queue
    assert client.post(f"/staff/checks/{check.key}/review", data=me).status_code == 409
    assert client.post(f"/staff/checks/{check.key}/review", data={"by": "R1"}).status_code == 200
    assert client.post(f"/staff/checks/{check.key}/disclosure", data={"by": "D1"}).status_code == 200
    with visited.desk.db.read() as session:
        assert repository.check(session, check.key).state == "disclosed"


def test_the_five_forms_are_filled_and_print(visited: Visited, client: TestClient) -> None:
    visit, (check,) = visited.visit()
    crew = visited.crews(visit.key)[check.department]
    titles = {
        "approval": "检查审批表",
        "notice": "检查通知书",
        "on-site": "现场检查笔录",
        "record": "检查记录表",
        "result": "结果告知书",
    }
    assert set(titles) == set(forms.FORMS)
    for kind, title in titles.items():
        shown = client.get(f"/staff/visits/{visit.key}/forms/{kind}")
        assert f"<h1>{title}</h1>" in shown.text
        assert visit.name in shown.text
        assert ("<svg" in shown.text) == (kind in ("notice", "result"))
    notice = client.get(f"/staff/visits/{visit.key}/forms/notice").text
    with visited.desk.db.read() as session:
        people = repository.officers(session, crew)
    assert all(person.name in notice and person.certificate_no in notice for person in people.values())
    made = client.get(f"/staff/visits/{visit.key}/forms/notice.pdf")
    assert made.content.startswith(b"%PDF-")
    assert made.content == client.get(f"/staff/visits/{visit.key}/forms/notice.pdf").content
    assert client.get(f"/staff/visits/{visit.key}/forms/other").status_code == 404


def test_without_a_chinese_font_pdf_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoFonts:
        def families(self) -> list[str]:
            return ["Libertinus Serif"]

    monkeypatch.setattr("app.visits.printing.typst.Fonts", NoFonts)
    printing.font.cache_clear()
    with pytest.raises(Unavailable, match=r"form\.font") as refused:
        printing.font()
    printing.font.cache_clear()
    assert "fonts-noto-cjk" in refused.value.problem.remedy_zh


LOCAL = (
    "/staff/today", "/staff/reviews", "/staff/visits/{key}", "/staff/visits/{key}/forms/notice",
    "/api/v1/visits", "/api/v1/visits/{key}",
)  # fmt: skip


@pytest.mark.parametrize("path", LOCAL)
def test_from_elsewhere_there_are_no_visits(visited: Visited, client: TestClient, path: str) -> None:
    visit, _ = visited.visit()
    address = path.format(key=visit.key)
    assert client.get(address).status_code == 200
    assert client.get(address, headers={"x-forwarded-for": "10.0.0.1"}).status_code == 404
    hidden = client.get(address, headers={"host": "example.org"})
    assert hidden.status_code == 404
    assert visit.name not in hidden.text


def test_another_sites_page_posts_nothing(visited: Visited, client: TestClient) -> None:
    visit, _ = visited.visit()
    answer = client.post(
        f"/staff/visits/{visit.key}/notice", data={"by": "X"}, headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 403
    with visited.desk.db.read() as session:
        assert {row.state for row in repository.checks_of(session, visit.key)} == {"approved"}


def test_the_api_records_and_publishes(visited: Visited, client: TestClient) -> None:
    visit, (check,) = visited.visit()
    crew, api = visited.crews(visit.key)[check.department], "/api/v1/visits"
    me = {"by": crew[0]}
    assert client.post(f"{api}/{visit.key}/notice", json=me).status_code == 200
    arrival = client.post(f"{api}/{visit.key}/arrival", json={**me, "present": {check.department: crew}})
    assert arrival.json()["checks"][0]["steps"] == ["record", "replace", "void"]
    given = {q["code"]: {"answer": "yes"} for q in visit.checklist}
    assert client.post(f"{api}/{visit.key}/answers", json={**me, "answers": given}).status_code == 200
    fine = {**me, "result": "no_problem", "disposition": "none"}
    recorded = client.post(f"{api}/checks/{check.key}/record", json=fine, headers={"idempotency-key": "k1"})
    again = client.post(f"{api}/checks/{check.key}/record", json=fine, headers={"idempotency-key": "k1"})
    assert recorded.json() == again.json()
    assert client.post(f"{api}/checks/{check.key}/record", json=fine).json()["code"] == "visit.step"
    assert client.post(f"{api}/checks/{check.key}/review", json={"by": "R1"}).json()["state"] == "reviewed"
    assert (
        client.post(f"{api}/checks/{check.key}/disclosure", json={"by": "D1"}).json()["state"] == "disclosed"
    )
    listed = client.get("/api/v1/results", params={"name": visit.name})
    assert [row["result_id"] for row in listed.json()["items"]] == [check.key]
    assert client.get(f"/api/v1/results/{check.key}").json()["result"] == "no_problem"
    assert client.get(f"{api}", params={"state": "disclosed"}).json()["items"][0]["check"]["key"] == check.key


def test_no_code_for_a_visit_without_a_day(visited: Visited) -> None:
    visit, _ = visited.visit()
    visit.day = None
    with pytest.raises(Refused, match=r"code\.no_day"):
        CodeKey(visited.desk.vault.directory).sign(visit)
