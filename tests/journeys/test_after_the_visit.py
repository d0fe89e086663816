"""What follows a visit, in a real browser: its code checked, its rating, legal review, an objection, a correction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from app.people import sessions
from app.visits import service
from app.visits.demo_story import demo_picture
from app.visits.desk import Actor
from app.visits.records import Record
from app.visits.service import Upload
from app.visits.tables import Visit
from tests.served_site import Site, Watched, arrived, code_of, disclosed, served, watched
from tests.visited_round import CLERK, Visited


@pytest.fixture(scope="module")
def site(visited_sqlite: Visited, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(visited_sqlite, tmp_path_factory.mktemp("after")) as site:
        yield site


@pytest.fixture
def staff(browser: Browser, site: Site) -> Iterator[Watched]:
    """A browser that runs no script, as whoever sits at the machine."""
    made = watched(browser, site.base, java_script_enabled=False, viewport={"width": 1360, "height": 900})
    yield made
    made.context.close()


@pytest.fixture
def firm(browser: Browser, site: Site) -> Iterator[Watched]:
    made = watched(browser, site.base, java_script_enabled=False, viewport={"width": 390, "height": 800})
    yield made
    made.context.close()


def signed_in(firm: Watched, site: Site, visit: Visit) -> Page:
    """The firm's own page, after it has signed in."""
    with site.visited.desk.db.write() as session:
        secret = sessions.begin(session, datetime.now(UTC), target_id=visit.target_id)
    firm.context.add_cookies([{"name": "session", "value": secret, "url": site.base}])
    page = firm.context.new_page()
    page.goto("/firm")
    return page


def press(page: Page, name: str) -> None:
    """Press the first such button and wait for the page that answers."""
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).first.click()


def later(site: Site, visit: Visit) -> datetime:
    """A moment of the visit's day, after everything before; the service's clock stands there."""
    site.now = max(site.now, site.visited.at(visit)) + timedelta(minutes=10)
    return site.now


def test_a_code_is_checked_and_the_visit_rated(firm: Watched, site: Site) -> None:
    """Before the notice and forged: 查不到; then on record; after the visit the firm rates it, once."""
    visit, _ = site.visited.visit()
    code = code_of(site, visit)
    page = firm.context.new_page()

    def asked(text: str) -> None:
        page.goto("/visit-code")
        page.locator("input[name=code]").fill(text)
        press(page, "核对")

    asked(code)
    expect(page.locator("h1")).to_have_text("查不到")
    arrived(site.visited, visit, later(site, visit))
    site.now += timedelta(minutes=5)
    asked(code)
    expect(page.locator("h1")).to_have_text("这次检查有备案")
    expect(page.locator("main")).to_contain_text(visit.name)
    asked(code[:-4] + "AAAA")
    expect(page.locator("h1")).to_have_text("查不到")
    own = signed_in(firm, site, visit)
    own.get_by_label("不满意", exact=True).check()
    own.get_by_label("说明").fill("等候太久")
    press(own, "提交评价")
    expect(own.locator("main")).to_contain_text("本单位的评价：不满意 · 等候太久")
    assert own.get_by_role("button", name="提交评价").count() == 0
    firm.nothing_wrong()


def test_a_major_decision_needs_a_third_person(staff: Watched, site: Site) -> None:
    """Recorded, reviewed, then not to be published before legal review by somebody else."""
    visited = site.visited
    visit, (check,) = visited.visit(skip=1)
    at = later(site, visit)
    crew = arrived(visited, visit, at)[check.department]
    site.now = at + timedelta(minutes=5)
    for place in range(2):
        photo = Upload(demo_picture(f"{visit.key}{place}"), check.department, "photo", site.now)
        service.add_evidence(visited.desk, visit.key, photo, CLERK, site.now)
    inspector = Actor(crew[0], "inspector", check.department)
    refused_entry = Record("uncooperative", "case_filed", "拒绝进入", None)
    service.record(visited.desk, check.key, refused_entry, inspector, site.now)
    page = staff.context.new_page()
    page.goto("/staff/reviews?by=R1")
    press(page, "复核通过")
    assert page.get_by_role("button", name="公示", exact=True).count() == 0
    press(page, "法制审核通过")
    expect(page.locator("main")).to_contain_text("409")
    staff.forget()
    page.goto("/staff/reviews?by=L1")
    press(page, "法制审核通过")
    press(page, "公示")
    page.goto(f"/results/{check.key}")
    expect(page.locator("main")).to_contain_text("不配合检查")
    staff.nothing_wrong()


def test_an_objection_is_answered_and_the_result_corrected(staff: Watched, firm: Watched, site: Site) -> None:
    """The firm objects; it is upheld; two persons correct; the public reads before and after, the firm the words."""
    visit, (check,) = site.visited.visit(skip=2)
    at = later(site, visit)
    disclosed(site.visited, visit, check, at)
    site.now = at + timedelta(minutes=10)
    own = signed_in(firm, site, visit)
    own.get_by_text("对这项结果有异议").first.click()
    own.get_by_label("对公示结果的异议").fill("当日停业，并无经营")
    press(own, "提出异议")
    page = staff.context.new_page()
    page.goto("/staff")
    with page.expect_navigation():
        page.get_by_role("link", name=visit.name).click()
    expect(page.locator("main")).to_contain_text("当日停业，并无经营")
    page.get_by_label("答复人").fill("R9")
    page.get_by_label("结论").select_option("upheld")
    page.get_by_label("答复内容").fill("核实属实")
    press(page, "答复")
    form = page.locator("form[action$='/correction']")
    form.get_by_label("改为").select_option("no_activity")
    form.get_by_label("处理方式").select_option("none")
    form.get_by_label("理由").select_option("objection_upheld")
    form.get_by_label("提出人").fill("R9")
    form.get_by_label("确认人").fill("R9")
    press(page, "更正")
    expect(page.get_by_role("alert")).to_contain_text("两人")
    staff.forget()
    form.get_by_label("改为").select_option("no_activity")
    form.get_by_label("处理方式").select_option("none")
    form.get_by_label("理由").select_option("objection_upheld")
    form.get_by_label("提出人").fill("R9")
    form.get_by_label("确认人").fill("D9")
    press(page, "更正")
    expect(page.locator("main tbody tr")).to_have_count(2)
    page.goto(f"/results/{check.key}")
    for word in ("未发现问题", "未发现开展本次抽查涉及的经营活动", "异议成立"):
        expect(page.locator("main")).to_contain_text(word)
    assert "核实属实" not in page.content()
    own.reload()
    expect(own.locator("main")).to_contain_text("核实属实")
    for window in (staff, firm):
        window.nothing_wrong()
