"""Pages and API of rounds as a stranger meets them: structure, languages, embargo, canaries."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.db.database import Database
from app.main import create_app
from app.settings import Settings
from tests.disclosure_round import ADDRESS, HOSTILE_NAME, INSPECTOR_NAME, publish

VOID_TAGS = {"meta", "link", "input", "br"}
XLSX = "schedule.xlsx"


class Outline(HTMLParser):
    """What a page is made of; a tag left open or closed twice fails the test."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def application(db: Database, kept: Path) -> FastAPI:
    return create_app(db, Settings(data_dir=kept), with_clock=False)


@pytest.fixture
def client(database: Database, tmp_path: Path) -> TestClient:
    return TestClient(application(database, tmp_path / "kept"))


@pytest.fixture
def insider(database: Database, tmp_path: Path) -> TestClient:
    """Somebody at the machine itself."""
    app = application(database, tmp_path / "kept")
    return TestClient(app, client=("127.0.0.1", 4000), base_url="http://127.0.0.1")


def get(client: TestClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.text[:300])
    return answer.text


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("kind", ["open", "sealed"])
@pytest.mark.parametrize("path", ["/", "/rounds/{id}", "/rounds/{id}/list"])
def test_every_page_is_well_formed_plain_html(
    database: Database, client: TestClient, kind: str, path: str, language: str
) -> None:
    known = publish(database, kind)
    address = ("/en" if language == "en" else "") + path.format(id=known.round_id)
    page = Outline(get(client, address))
    assert page.all("html")[0]["lang"] == language
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert page.all("script") == page.all("style") == []
    assert not [
        1
        for _, attributes in page.found
        if "style" in attributes or any(k.startswith("on") for k in attributes)
    ]
    assert page.all("a")[0]["href"] == "#main"
    alternates = {link["hreflang"] for link in page.all("link") if link.get("rel") == "alternate"}
    assert alternates == {"zh-CN", "en"}
    assert len(page.all("caption")) == len(page.all("table")) > 0
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    ids = [attributes["id"] for _, attributes in page.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.found:
        for name in ("href", "src", "action"):
            assert not (attributes.get(name) or "").startswith(("http", "//", "data:", "javascript:"))


def test_the_other_language_keeps_the_place_and_the_query(database: Database, client: TestClient) -> None:
    known = publish(database)
    page = Outline(get(client, f"/rounds/{known.round_id}/list?q=%E7%AC%AC&page=1"))
    english = next(link["href"] for link in page.all("link") if link.get("hreflang") == "en")
    assert english == f"/en/rounds/{known.round_id}/list?q=%E7%AC%AC&page=1"
    assert "List of drawn targets" in get(client, english)


def test_pages_in_english_are_english(database: Database, client: TestClient) -> None:
    known = publish(database, "sealed")
    page = Outline(get(client, f"/en/rounds/{known.round_id}"))
    title = "2027 年第一季度抽查"
    allowed = {title, "中文", "双色球 2027001", f"{title} · Double random, one disclosure"}
    assert {text for text in page.text if any("\u4e00" <= c <= "\u9fff" for c in text)} <= allowed


def test_a_round_page_shows_its_steps_counts_and_savings(database: Database, client: TestClient) -> None:
    known = publish(database, "open")
    html = get(client, f"/rounds/{known.round_id}")
    positions = [
        html.index(f"{n} {name}<")
        for n, name in enumerate(["冻结", "承诺", "公共随机", "抽取", "封存", "公开"], 1)
    ]
    assert positions == sorted(positions)
    for said in (
        known.vector["manifest_hash"],
        known.vector["seal"],
        "2027-01-04 11:00",
        "03 07 11 19 24 30+09",
    ):
        assert said in html
    for draw in known.vector["manifest"]["draws"]:
        assert draw["frame_hash"] in html
    for said in ("入户次数", "检查人日", "路途", "企业接待", "一次到场最多人数", "工时下界", ">10%<"):
        assert said in html
    assert f">{known.checks}<" in html
    assert html.count("含估计位置") == 3
    assert "python3 -I verify.py round-" in html
    assert Outline(html).all("svg").__len__() == 4


def test_travel_is_not_called_estimated_where_all_places_are_known(
    database: Database, client: TestClient
) -> None:
    known = publish(database, "open", estimated=0)
    assert "估计" not in get(client, f"/rounds/{known.round_id}")


def test_classes_are_shown_in_an_open_round_only(database: Database, client: TestClient) -> None:
    shown, hidden = publish(database, "open"), publish(database, "sealed")
    result = shown.vector["results"][0]["strata"][0]
    row = f'class="nowrap">A</th><td class="n">{result["n"]}</td>'
    assert row in get(client, f"/rounds/{shown.round_id}")
    html = get(client, f"/rounds/{hidden.round_id}")
    assert 'class="nowrap">A</th>' not in html
    assert "按分类" not in html


@pytest.mark.parametrize("stage", ["frozen", "drawn", "seated", "revealed"])
def test_no_internal_value_of_a_sealed_round_appears_anywhere(
    database: Database, client: TestClient, stage: str
) -> None:
    known = publish(database, "sealed", stage)
    paths = [
        "/",
        f"/rounds/{known.round_id}",
        f"/rounds/{known.round_id}/list",
        f"/api/v1/rounds/{known.round_id}/results",
    ]
    paths += [f"/en{path}" for path in paths[:3]] + [f"{paths[3]}?format={name}" for name in ("csv", "excel")]
    seen = "".join(client.get(path).text for path in paths)
    bundle = client.get(f"/api/v1/rounds/{known.round_id}/bundle")
    if bundle.status_code == 200:
        with zipfile.ZipFile(io.BytesIO(bundle.content)) as archive:
            seen += "".join(archive.read(name).decode() for name in archive.namelist())
    for secret in (known.k_salt, INSPECTOR_NAME, ADDRESS, "77700", "pi_cond", "worst"):
        assert secret not in seen
    classes = {row[0]: row[1] for row in known.vector["rows"]}
    assert not [target for target, credit in classes.items() if f"{target}\t{credit}" in seen]
    spared = set(classes) - set(known.targets)
    assert len(spared) > 10
    assert not [target for target in spared if target in seen]


@pytest.mark.parametrize("stage", ["committed", "drawn", "packed", "seated"])
def test_before_the_reveal_two_different_draws_answer_byte_for_byte_alike(
    sqlite_database: Database, postgres_database: Database, tmp_path: Path, stage: str
) -> None:
    known = publish(sqlite_database, "open", stage)
    publish(postgres_database, "open", stage, otherwise=True)
    one, other = (TestClient(application(db, tmp_path)) for db in (sqlite_database, postgres_database))
    for path in (
        "/",
        "/rounds/{}",
        "/en/rounds/{}",
        "/rounds/{}/list",
        "/api/v1/rounds/{}/results",
        "/api/v1/rounds/{}/bundle",
    ):
        first, second = (client.get(path.format(known.round_id)) for client in (one, other))
        assert (first.status_code, first.content) == (second.status_code, second.content), path


def test_different_draws_differ_after_the_reveal(
    sqlite_database: Database, postgres_database: Database, tmp_path: Path
) -> None:
    known = publish(sqlite_database, "open")
    publish(postgres_database, "open", otherwise=True)
    one, other = (TestClient(application(db, tmp_path)) for db in (sqlite_database, postgres_database))
    assert get(one, f"/rounds/{known.round_id}") != get(other, f"/rounds/{known.round_id}")


def test_absent_and_forbidden_answer_alike(database: Database, client: TestClient) -> None:
    known = publish(database, "open", "seated")
    for path in (
        "/rounds/{}/list",
        "/api/v1/rounds/{}/results",
        "/api/v1/rounds/{}/results?format=csv",
        "/api/v1/rounds/{}/bundle",
        "/staff/rounds/{}",
    ):
        forbidden, absent = (client.get(path.format(name)) for name in (known.round_id, "no-such-round"))
        assert forbidden.status_code == absent.status_code == 404
        assert forbidden.text.replace(known.round_id, "*") == absent.text.replace("no-such-round", "*")


def test_an_unchanged_page_costs_nothing(database: Database, client: TestClient) -> None:
    known = publish(database)
    path = f"/rounds/{known.round_id}"
    first = client.get(path)
    assert "max-age=60" in first.headers["cache-control"]
    assert "default-src 'self'" in first.headers["content-security-policy"]
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"/en{path}").headers["etag"] != first.headers["etag"]


def test_pages_only_answer_to_reading(database: Database, client: TestClient) -> None:
    known = publish(database)
    for method in (client.post, client.put, client.delete):
        send: Callable[[str], object] = method
        assert getattr(send(f"/rounds/{known.round_id}"), "status_code", None) == 405
    assert client.head(f"/rounds/{known.round_id}").status_code == 200


def test_the_list_can_be_searched_and_filtered(database: Database, client: TestClient) -> None:
    known = publish(database)
    path = f"/rounds/{known.round_id}/list"
    target = known.targets[5]
    found = get(client, f"{path}?q={target.lower()}")
    assert target in found
    assert known.targets[6] not in found
    assert "没有符合条件的对象" in get(client, f"{path}?q=nobody")
    own = {t for s in known.vector["results"][1]["strata"] for t in s["selected"]}
    filtered = get(client, f"{path}?draw=D2-cool")
    assert {target for target in known.targets if target in filtered} == own
    assert known.targets[0] in get(client, f"{path}?page=99")


def test_hostile_names_and_searches_are_escaped(database: Database, client: TestClient) -> None:
    known = publish(database)
    assert HOSTILE_NAME not in get(client, f"/rounds/{known.round_id}/list")
    assert "&lt;b&gt;甲&lt;/b&gt;" in get(client, f"/rounds/{known.round_id}/list")
    html = get(client, f"/rounds/{known.round_id}/list?q=%22%3E%3Cscript%3E")
    assert "<script>" not in html


def test_the_api_gives_the_results_and_the_bundle(database: Database, client: TestClient) -> None:
    known = publish(database, "sealed")
    answer = client.get(f"/api/v1/rounds/{known.round_id}/results").json()
    assert [draw["draw_id"] for draw in answer["draws"]] == ["D1-credit", "D2-cool", "D3-own", "D4-zero"]
    expected = {r["draw_id"]: sum(s["n"] for s in r["strata"]) for r in known.vector["results"]}
    assert {draw["draw_id"]: draw["n"] for draw in answer["draws"]} == expected
    assert [target["target_id"] for target in answer["targets"]] == known.targets
    assert set(answer["targets"][0]) == {
        "target_id",
        "name",
        "draws",
        "departments",
        "items",
        "dates",
        "visits",
    }
    bundle = client.get(f"/api/v1/rounds/{known.round_id}/bundle")
    assert bundle.headers["content-type"] == "application/zip"
    assert f"round-{known.round_id}.zip" in bundle.headers["content-disposition"]
    assert zipfile.is_zipfile(io.BytesIO(bundle.content))
    assert client.get(f"/api/v1/rounds/{known.round_id}/results?format=pdf").status_code == 422


def test_a_demonstration_says_so_loudly(database: Database, client: TestClient) -> None:
    from app.rounds.tables import Round

    known = publish(database)
    assert "演示批次" not in get(client, f"/rounds/{known.round_id}")
    with database.write() as session:
        row = session.get(Round, known.round_id)
        assert row is not None
        row.demo, row.assurance = True, 0
    for path in (f"/rounds/{known.round_id}", f"/rounds/{known.round_id}/list"):
        assert "演示批次" in get(client, path)
        assert "Demonstration round" in get(client, f"/en{path}")
    assert "只有一方的秘密" in get(client, f"/rounds/{known.round_id}")
    assert "<strong>演示</strong>" in get(client, "/")


def test_a_void_round_says_why_and_not_who(database: Database, client: TestClient) -> None:
    from app.rounds.tables import Round

    known = publish(database, "open", "committed")
    with database.write() as session:
        row = session.get(Round, known.round_id)
        assert row is not None
        row.status, row.problem = "void", {"code": "void.frame_wrong", "by": INSPECTOR_NAME}
    html = get(client, f"/rounds/{known.round_id}")
    assert "本批次已作废" in html
    assert "名录有误" in html
    assert INSPECTOR_NAME not in html


def test_those_at_the_machine_get_the_schedule(database: Database, insider: TestClient) -> None:
    known = publish(database, "sealed", "seated")
    base = f"/staff/rounds/{known.round_id}"
    html = get(insider, f"{base}?department=市场监管局")
    Outline(html)
    assert "市场监管局-01" in html
    assert insider.get(base).headers["cache-control"] == "no-store"
    assert insider.get(f"{base}/{XLSX}").content.startswith(b"PK")
    assert insider.get(f"{base}/team-day.ics?route=2027-03-01-1").text.startswith("BEGIN:VCALENDAR")
    assert insider.get(f"{base}/team-day.ics?route=none").status_code == 404
    archive = insider.get(f"{base}/calendars.zip?department=市场监管局").content
    assert len(zipfile.ZipFile(io.BytesIO(archive)).namelist()) > 3
    assert "Schedule" in get(insider, f"/en{base}")


@pytest.mark.parametrize(
    "headers", [{"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=1"}, {"Host": "example.org"}]
)
def test_work_pages_are_for_this_machine_alone(
    database: Database, client: TestClient, insider: TestClient, headers: dict[str, str]
) -> None:
    known = publish(database, "open", "seated")
    for path in ("", f"/{XLSX}", "/team-day.ics?route=2027-03-01-1", "/calendars.zip?department=x"):
        address = f"/staff/rounds/{known.round_id}{path}"
        assert client.get(address).status_code == 404
        assert insider.get(address, headers=headers).status_code == 404


def test_browsers_get_error_pages_and_programs_get_problems(client: TestClient) -> None:
    page = client.get("/en/rounds/no-such-round", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "<h1>Not found</h1>" in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    Outline(page.text)
    api_answer = client.get("/api/v1/rounds/no-such-round/results", headers={"Accept": "text/html"})
    assert api_answer.json()["code"] == "round.not_public"
    assert "<h1>没有找到</h1>" in client.get("/no/such/page", headers={"Accept": "text/html"}).text


def test_an_empty_service_has_a_home_page(client: TestClient) -> None:
    assert "还没有批次" in get(client, "/")
    assert "There is no round yet" in get(client, "/en/")
