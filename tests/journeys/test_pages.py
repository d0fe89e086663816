"""Every page that the application serves, in both languages, on a desk and on a phone.

Pages are found from the application's own routes, so that a new one is covered by itself: whatever answers a GET with
HTML. A new path parameter needs a value in `values`, a page that shows nothing without its query one in `QUERIES`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from app.audit import job as audits
from app.db.database import Database
from app.estimates.service import refresh
from app.main import create_app
from app.people import sessions
from app.plans import service as plans
from app.settings import Settings
from tests import small_city
from tests.accounts import made
from tests.api.test_access_matrix import routes
from tests.served_site import Site, Watched, arrived, code_of, disclosed, served, watched
from tests.visited_round import Visited, reveal

WIDTHS = (1360, 390)
QUERIES = {
    "visit_code": "?code={visit_code}",
    "arrive_by_scan": "?code={visit_code}",
    "today_page": "?day={day}",
}
"""What a page is asked for beside its path."""
NOT_PAGES = {"form_pdf", "metrics", "live", "ready", "openapi"}
ELSEWHERE = ("_file", "_back", "_start")
"""Answers to programs, and routes named as files or mere ways elsewhere; the replay file has a journey of its own."""
OF_A_CHECK = ("decision_page",)
"""Pages whose key is a check's, not a visit's."""
OF_SIGNED_IN = {
    "firm_page": "firm",
    "firm_round_page": "firm",
    "firm_notice": "firm",
    "account_admin_page": "staff",
}
"""Pages that the operator of a machine without accounts has not, and whose they are."""


def page_routes() -> dict[str, str]:
    """Name and address of every GET that is no API and no file."""
    app = create_app(Database("sqlite://"), Settings(), with_clock=False)
    found = {
        name: path
        for name, method, path in routes(app)
        if method == "GET" and not path.startswith(("/en", "/api/v1", "/api/openapi"))
    }
    return {
        name: path
        for name, path in sorted(found.items())
        if name not in NOT_PAGES and not name.endswith(ELSEWHERE)
    }


PAGES = page_routes()


@pytest.fixture(scope="module")
def site(visited_sqlite: Visited, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A revealed round: one check published, one visit under way, the rest still to come."""
    with served(visited_sqlite, tmp_path_factory.mktemp("pages")) as site:
        first, (check,) = site.visited.visit()
        at = site.visited.at(first)
        disclosed(site.visited, first, check, at)
        arrived(site.visited, site.visited.visit(2)[0], at + timedelta(hours=1))
        row = reveal(site.visited, at + timedelta(hours=2))
        refresh(site.visited.desk.db, row.updated_at)
        audits.ask(site.visited.desk.db, row.updated_at)
        assert audits.run_once(site.visited.desk.db, site.visited.desk.vault.directory, row.updated_at)
        site.now = row.updated_at + timedelta(minutes=1)
        yield site


@pytest.fixture(scope="module")
def values(site: Site) -> dict[str, str]:
    """A value for each parameter of an address."""
    published, (check,) = site.visited.visit()
    visit, _ = site.visited.visit(2)
    return {
        "round_id": site.visited.round_id, "result_id": check.key, "key": visit.key, "kind": "notice",
        "visit_code": code_of(site, visit), "day": str(visit.day), "target_id": published.target_id,
        "code": "spring", "number": "1", "index": "0", "trade": "r-fire",
        "plan": "spring", "draw": check.draws[0],
    }  # fmt: skip


@pytest.fixture(scope="module")
def windows(browser: Browser, site: Site) -> dict[int, Watched]:
    """A desk and a phone."""
    return {
        width: watched(browser, site.base, viewport={"width": width, "height": 800}, reduced_motion="reduce")
        for width in WIDTHS
    }


@pytest.fixture(scope="module")
def open_pages(windows: dict[int, Watched]) -> dict[int, Page]:
    return {width: window.context.new_page() for width, window in windows.items()}


def faults(page: Page, path: str, status: int = 200) -> list[str]:
    """What is wrong with a page: address, headings, width, policy, accessibility."""
    answer = page.goto(path)
    assert answer
    found = []
    if answer.status != status:
        found.append(f"status {answer.status}")
    if not answer.headers.get("content-security-policy", "").startswith("default-src 'self'"):
        found.append("no content security policy")
    if page.locator("h1").count() != 1:
        found.append(f"{page.locator('h1').count()} h1")
    wide, room = page.evaluate("(e => [e.scrollWidth, e.clientWidth])(document.documentElement)")
    if wide > room:
        found.append(f"{wide} px wide on {room}")
    found += [
        f"{row['id']}: {node['html'][:120]}"
        for row in Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        for node in row["nodes"]
    ]
    return found


@pytest.fixture(scope="module")
def staffed(visited_sqlite: Visited, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Another copy, with accounts."""
    with served(visited_sqlite, tmp_path_factory.mktemp("staffed")) as site:
        yield site


@pytest.mark.parametrize("name", OF_SIGNED_IN)
def test_page_of_who_has_signed_in(
    name: str, browser: Browser, site: Site, staffed: Site, values: dict[str, str]
) -> None:
    firm = OF_SIGNED_IN[name] == "firm"
    place = site if firm else staffed
    db, now = place.visited.desk.db, datetime.now(UTC)
    visit = site.visited.visit()[0]
    account = None if firm else made(db, "security", "security_admin").id
    with db.write() as session:
        secret = sessions.begin(session, now, account=account, target_id=visit.target_id if firm else None)
    found: dict[tuple[str, int], list[str]] = {}
    for width in WIDTHS:
        window = watched(
            browser, place.base, viewport={"width": width, "height": 800}, reduced_motion="reduce"
        )
        window.context.add_cookies([{"name": "session", "value": secret, "url": place.base}])
        page = window.context.new_page()
        path = PAGES[name].format(**{**values, "key": visit.key, "number": "1"})
        found |= {(prefix + path, width): faults(page, prefix + path) for prefix in ("", "/en")}
        window.nothing_wrong()
        window.context.close()
    assert {place: wrong for place, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("name", [name for name in PAGES if name not in OF_SIGNED_IN])
def test_page(
    name: str, open_pages: dict[int, Page], windows: dict[int, Watched], values: dict[str, str]
) -> None:
    wanted = set(re.findall(r"{(\w+)}", PAGES[name]))
    assert wanted <= set(values), "give this parameter a value in `values`"
    for window in windows.values():
        window.forget()
    known = {**values, "key": values["result_id"]} if name in OF_A_CHECK else values
    path = PAGES[name].format(**known) + QUERIES.get(name, "").format(**known)
    found = {
        (prefix + path, width): faults(page, prefix + path)
        for prefix in ("", "/en")
        for width, page in open_pages.items()
    }
    assert {place: wrong for place, wrong in found.items() if wrong} == {}
    for window in windows.values():
        window.nothing_wrong()


def test_a_trial_that_ended_is_a_page_too(
    site: Site, open_pages: dict[int, Page], windows: dict[int, Watched]
) -> None:
    """What it says while it runs gives way to its counts by itself."""
    coming = {"code": "coming", "period": None, "recurrence": small_city.QUARTERLY, "starts_on": "2026-10-01"}
    document = plans.parse_document(small_city.plan_data(**coming))
    plans.create(site.visited.desk.db, document, site.now)
    plans.publish(site.visited.desk.db, "coming", site.now)
    path = "/staff/plans/coming/trial"
    page = open_pages[WIDTHS[0]]
    page.goto(path)
    with page.expect_navigation():
        page.locator("#main button").click()
    expect(page.locator("#whole")).to_be_visible(timeout=120_000)
    wrong = {
        (prefix + path, width): faults(page, prefix + path)
        for prefix in ("", "/en")
        for width, page in open_pages.items()
    }
    assert {place: found for place, found in wrong.items() if found} == {}
    for window in windows.values():
        window.nothing_wrong()


def test_pages_that_say_no_are_pages_too(open_pages: dict[int, Page], windows: dict[int, Watched]) -> None:
    """An absent round, a result that is none, a visit code that is forged; only the status is heard of."""
    wrong = {
        (path, width): faults(page, path, status)
        for path, status in (
            ("/rounds/NONE", 404),
            ("/en/results/" + "0" * 20, 404),
            ("/visit-code?code=forged", 200),
            ("/en/visit-code?code=forged", 200),
            ("/results?since=soon", 422),
        )
        for width, page in open_pages.items()
    }
    assert {place: found for place, found in wrong.items() if found} == {}
    for window in windows.values():
        assert {text for text in window.errors if " of 404 " not in text and " of 422 " not in text} == set()
        window.errors.clear()
        window.nothing_wrong()


def test_every_page_is_served_in_english_too() -> None:
    app = create_app(Database("sqlite://"), Settings(data_dir=Path("unused")), with_clock=False)
    paths = {path for _, method, path in routes(app) if method == "GET"}
    assert {
        path for path in PAGES.values() if f"/en{path}".rstrip("/") not in {p.rstrip("/") for p in paths}
    } == set()


def test_a_fault_is_found(open_pages: dict[int, Page]) -> None:
    """The checks themselves: a page without any of what is asked for."""
    page = open_pages[390]
    page.route(
        "**/broken",
        lambda route: route.fulfill(body="<h1>a</h1><h1>b</h1><img src=x><p style='width:900px'>c"),
    )
    found = "\n".join(faults(page, "/broken", 204))
    for word in ("status 200", "no content", "2 h1", "px wide", "image-alt"):
        assert word in found
