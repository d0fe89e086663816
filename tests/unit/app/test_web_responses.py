"""What browsers are told: policy, validators, file names; and errors as pages in both languages."""

from __future__ import annotations

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response
from fastapi.testclient import TestClient

from app.errors import Problem
from app.web import static
from app.web.problems import html_problem, wants_html
from app.web.responses import disposition, page
from app.web.static import address
from app.web.templates import clock, hours, listed, moment, number, share


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    app.state.checkpoint = lambda: None  # no log, no checkpoint
    app.include_router(static.router)

    @app.get("/page")
    def a_page(request: Request) -> Response:
        return page(request, "<p>一</p>", "zh")

    @app.get("/{path:path}")
    def a_problem(request: Request, path: str) -> Response:
        status = int(path.rsplit("/", 1)[-1])
        problem = Problem(
            "round.absent", "没有批次 <甲>。", "There is no round <A>.", "请核对。", "Check it."
        )
        return html_problem(request, problem if status == 404 else Problem("http.500", "x", "x"), status)

    return TestClient(app)


def test_a_page_forbids_everything_from_elsewhere(client: TestClient) -> None:
    answer = client.get("/page")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-language"] == "zh-CN"


@pytest.mark.parametrize("given", ["{tag}", "W/{tag}", '"other", {tag}', "*"])
def test_an_unchanged_page_is_not_sent_again(client: TestClient, given: str) -> None:
    tag = client.get("/page").headers["etag"]
    again = client.get("/page", headers={"If-None-Match": given.format(tag=tag)})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == tag


def test_another_tag_gets_the_page(client: TestClient) -> None:
    assert client.get("/page", headers={"If-None-Match": '"other"'}).status_code == 200


def test_static_files_live_a_year_under_an_address_of_their_contents(client: TestClient) -> None:
    for name in ("style.css", "icon.svg"):
        answer = client.get(address(name))
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    css = client.get(address("style.css")).text
    assert "http" not in css
    assert "@import" not in css
    assert "box-shadow" not in css


@pytest.mark.parametrize(
    ("path", "said", "title"),
    [("/404", "没有批次 &lt;甲&gt;。", "没有找到"), ("/en/404", "There is no round &lt;A&gt;.", "Not found")],
)
def test_an_error_page_says_what_happened_and_what_to_do(
    client: TestClient, path: str, said: str, title: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert said in answer.text
    assert f"<h1>{title}</h1>" in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "content-security-policy" in answer.headers


def test_a_failure_has_a_remedy_and_no_detail(client: TestClient) -> None:
    assert "请稍后再试" in client.get("/500").text
    assert "Try again later" in client.get("/en/500").text


@pytest.mark.parametrize(
    ("path", "accept", "wants"),
    [("/x", "text/html,*/*", True), ("/x", "*/*", False), ("/api/v1/x", "text/html", False)],
)
def test_only_browsers_on_pages_get_html(path: str, accept: str, wants: bool) -> None:
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"accept", accept.encode())],
        "server": ("t", 80),
        "scheme": "http",
    }
    assert wants_html(Request(scope)) is wants


def test_file_names_of_any_script() -> None:
    assert disposition('表"1.csv') == "attachment; filename=\"__1.csv\"; filename*=UTF-8''%E8%A1%A8%221.csv"


def test_values_as_people_read_them() -> None:
    assert number(22000) == "22,000"
    assert share(0.0324) == "3.24%"
    assert share(1) == "100%"
    assert share(-2) == "−200%"
    assert hours(90) == "1.5"
    assert clock(605) == "10:05"
    assert moment("2027-03-01T02:00:00+00:00") == "2027-03-01 10:00"
    assert listed(["甲", "乙"], "zh") == "甲、乙"
    assert listed(["A", "B"], "en") == "A, B"
