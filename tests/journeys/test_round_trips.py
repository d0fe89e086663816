"""What people do from beginning to end, in a real browser without script: they need none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from app.visits.demo_story import demo_picture
from app.visits.tables import Visit
from tests.served_site import Site, Watched, served, watched
from tests.visited_round import Visited


@pytest.fixture
def site(visited_sqlite: Visited, tmp_path: Path) -> Iterator[Site]:
    """A seated round on the day of its first visit."""
    with served(visited_sqlite, tmp_path) as site:
        yield site


@pytest.fixture
def plain(browser: Browser, site: Site) -> Iterator[Watched]:
    """A browser that runs no script."""
    made = watched(browser, site.base, java_script_enabled=False, viewport={"width": 390, "height": 800})
    yield made
    made.context.close()


def followed(page: Page, to: Locator) -> None:
    """Click and wait for the page it leads to: what counts or reads next would look at the old one."""
    with page.expect_navigation():
        to.click()


def pressed(page: Page, form: str, by: str) -> None:
    """Sign a form with a person's code, send it and wait for the page that answers it."""
    place = page.locator(f"form[action$='{form}']")
    signed = place.locator("input[name=by]:not([type=hidden])")
    if signed.count():
        signed.fill(by)
    followed(page, place.locator("button[type=submit]"))


def carried_to_answers(page: Page, visit: Visit, crew: list[str]) -> None:
    """Notice and arrival of everybody."""
    page.goto(f"/staff/today?day={visit.day}&inspector={crew[0]}")
    followed(page, page.locator("ol.stops a", has_text=visit.name))
    pressed(page, "/notice", crew[0])
    for box in page.locator("input[name=present]").all():
        box.check()
    pressed(page, "/arrival", crew[0])
    for choice in page.locator("input[value=yes]").all():
        choice.check()


def test_from_the_notice_to_what_a_citizen_reads(plain: Watched, site: Site) -> None:
    """An inspector works through a visit; who recorded may not review; another does; a citizen then finds it."""
    visit, (check,) = site.visited.visit()
    crew = site.visited.crews(visit.key)[check.department]
    page = plain.context.new_page()
    carried_to_answers(page, visit, crew)
    pressed(page, "/answers", crew[0])
    page.locator("input[name=file]").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": demo_picture("a")}
    )
    pressed(page, "/evidence", crew[0])
    expect(page.locator("ul.hashes li")).to_have_count(1)
    page.locator("select[name=result]").select_option("no_problem")
    page.locator("select[name=disposition]").select_option("none")
    pressed(page, "/record", crew[0])

    page.goto(f"/staff/reviews?by={crew[0]}")
    pressed(page, f"{check.key}/review", crew[0])
    assert "409" in page.locator("main").inner_text()
    plain.forget()
    page.goto("/staff/reviews?by=R1")
    pressed(page, f"{check.key}/review", "R1")
    pressed(page, f"{check.key}/disclosure", "D1")

    citizen = plain.context.new_page()
    citizen.goto(f"/results?name={visit.name}")
    followed(citizen, citizen.locator(f"a[href$='{check.key}']").first)
    assert visit.name in citizen.locator("h1").inner_text()
    assert crew[0] not in citizen.content()
    plain.nothing_wrong()


def test_a_server_restarted_in_mid_form_loses_no_answer(plain: Watched, site: Site) -> None:
    visit, (check,) = site.visited.visit()
    crew = site.visited.crews(visit.key)[check.department]
    page = plain.context.new_page()
    carried_to_answers(page, visit, crew)
    site.stop()
    site.start()
    pressed(page, "/answers", crew[0])
    assert page.locator("input[value=yes]:checked").count() == len(visit.checklist)
    plain.nothing_wrong()


def test_the_keyboard_is_enough(browser: Browser, site: Site) -> None:
    """Past the head by the first link, to a field, and off with Enter."""
    window = watched(browser, site.base)
    page = window.context.new_page()
    page.goto("/visit-code")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "code"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.type("forged")
    page.keyboard.press("Enter")
    page.wait_for_url("**/visit-code?code=forged*")
    assert "查不到" in page.locator("main").inner_text()
    window.nothing_wrong()
    window.context.close()


def test_a_form_prints_without_the_pages_own_furniture(browser: Browser, site: Site) -> None:
    visit, _ = site.visited.visit()
    window = watched(browser, site.base)
    page = window.context.new_page()
    page.goto(f"/staff/visits/{visit.key}/forms/notice")
    page.emulate_media(media="print")
    assert not page.locator("a.language").is_visible()
    assert page.locator("h1").is_visible()
    assert page.locator(".qr svg").is_visible()
    assert page.pdf().startswith(b"%PDF-")
    window.nothing_wrong()
    window.context.close()
