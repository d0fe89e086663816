"""What those who plan and coordinate do from beginning to end, in a real browser: three people with accounts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.db.database import Database, sqlite_backup
from app.errors import Refused
from app.people import sessions
from app.plans import service as plans
from app.registers.tables import InspectorLeave, Target
from app.rounds import changes, repository, service, solving
from app.rounds.changing import Asked, Move
from app.rounds.vault import Vault
from app.visits import opening
from app.visits import service as visits
from app.visits.demo_story import demo_picture
from app.visits.desk import Actor, Desk
from app.visits.records import Record
from app.visits.service import Upload
from app.whole_round import SimulatedClock, Trip, carry
from optimizer.progress import Silent
from tests import small_city
from tests.accounts import made
from tests.served_site import Site, Watched, arrived, watched
from tests.visited_round import CLERK, Visited, reveal

ROUND = "spring-2026-Q1-1"
STEPS = f"/staff/rounds/{ROUND}/steps"
DIGITS = "31415926535897932384"


@dataclass
class Office:
    """A served city with a published plan, and a browser window for each person."""

    site: Site
    windows: dict[str, Watched]

    @property
    def db(self) -> Database:
        return self.site.visited.desk.db

    def page(self, person: str, path: str) -> Page:
        """A new page of a person's browser."""
        page = self.windows[person].context.new_page()
        page.goto(path)
        return page

    def work(self, until: str = "revealed") -> None:
        """What the worker does by itself: the round goes on until it waits for somebody, or until a stage."""
        trip = replace(self.site.visited.trip, clock=SimulatedClock(self.site.now), until=until)
        carry(trip, service.get(self.db, ROUND), lambda _: False)
        self.site.now = trip.clock.now()


def with_sessions(browser: Browser, site: Site) -> dict[str, Watched]:
    """A planner, a coordinator and an inspector, each signed in."""
    found = {}
    for person in ("planner", "coordinator", "inspector"):
        account = made(site.visited.desk.db, person, person, at=site.now)
        with site.visited.desk.db.write() as session:
            secret = sessions.begin(session, datetime.now(UTC), account=account.id)
        found[person] = watched(browser, site.base, viewport={"width": 1360, "height": 900})
        cookie = {"name": "session", "value": secret, "url": site.base}
        found[person].context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict of playwright's own
    return found


@pytest.fixture(scope="module")
def office(
    browser: Browser, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """Few inspectors, so that the visits take several days; a stratum of 19, approved by name; dice are thrown."""
    folder = tmp_path_factory.mktemp("office")
    sqlite_backup(f"sqlite:///{sqlite_template}", str(folder / "office.db"))
    db = Database(f"sqlite:///{folder / 'office.db'}")
    small_city.fill(db)
    with db.write() as session:
        for place in range(15, 42):
            away = date(2026, 3, 1), date(2026, 12, 31)
            session.add(InspectorLeave(inspector=f"P{place:03d}", start=away[0], end=away[1]))
        session.get_one(Target, 19).status = "closed"
    dice = [[{"id": name, "kind": "witness_digits"}] for name in ("dice", "dice-2")]
    document = plans.parse_document(small_city.plan_data(entropy=dice[0], entropy_seats=dice[1]))
    plans.create(db, document, small_city.NOW)
    plans.publish(db, document.code, small_city.NOW)
    trip = Trip(db, Vault(folder), folder, Silent(), None, SimulatedClock(small_city.NOW))
    site = Site(Visited(Desk(db, trip.vault), ROUND, trip), folder, small_city.NOW)
    site.start()
    windows = with_sessions(browser, site)
    yield Office(site, windows)
    for window in windows.values():
        window.context.close()
    site.stop()
    db.close()


def press(page: Page, name: str) -> None:
    """Press a button and wait for the page that answers."""
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).click()


LIST = "部门代码,部门名称\nmarket,市场监管局\n,无代码\n"


def test_a_list_is_looked_at_before_it_goes_in(office: Office) -> None:
    page = office.page("coordinator", "/staff/registers")
    page.locator("select[name=kind]").select_option("departments")
    page.locator("input[type=file]").set_input_files(
        {"name": "部门.csv", "mimeType": "text/csv", "buffer": LIST.encode()}
    )
    press(page, "预览，不写入")
    refused = page.get_by_role("region", name="拒收的行").locator("tbody tr")
    expect(refused).to_have_count(1)
    expect(refused).to_contain_text("部门代码")
    assert office.page("planner", "/staff/registers").locator("#imports ~ p").inner_text() == "还没有导入。"
    press(page, "确认导入 1 行")
    expect(page.locator("#imports ~ div tbody tr")).to_contain_text("部门.csv")
    office.windows["coordinator"].nothing_wrong()


def test_ratios_tell_their_effect_while_they_are_edited(office: Office) -> None:
    page = office.page("planner", "/staff/plans/spring/ratios")
    fire = page.locator("#effect tr", has_text="fire抽查").first
    expect(fire.locator("td").last).to_have_text("6")
    page.locator("#ratios input[name='t-fire.A']").fill("50")
    expect(fire.locator("td").last).to_have_text("30")
    page.locator("#ratios input[name='t-fire.A']").fill("500")
    expect(page.locator("#effect [role=alert]")).to_contain_text("百分比")
    office.windows["planner"].forget()  # the browser's console says that the answer was 422
    page.locator("#ratios input[name='t-fire.A']").fill("10")
    expect(fire.locator("td").last).to_have_text("6")
    office.windows["planner"].nothing_wrong()


def test_a_whole_round_by_three_people(office: Office) -> None:
    """One asks, another approves, a third enters what the dice say; the solver is stopped; a visit is moved."""
    planner = office.page("planner", "/staff")
    press(planner, "建立：春季抽查 · 2026-Q1")
    assert planner.url.endswith(STEPS)
    office.work()
    expect(planner.locator("[aria-current=step]")).to_contain_text("须由另一人审批", timeout=20_000)
    coordinator = office.page("coordinator", STEPS)
    press(coordinator, "审批通过，公布承诺")
    office.work()
    office.site.now += timedelta(minutes=5)
    planner.reload()
    planner.locator("input[name=value]").fill(DIGITS)
    press(planner, "录入公共随机数")
    expect(planner.get_by_role("alert")).to_contain_text("不同的人")
    office.windows["planner"].forget()
    thrown(office, DIGITS, until="drawn")
    solver_stopped(office)
    office.work()
    assert solving.course(office.db, ROUND).stopped_by is not None
    thrown(office, DIGITS[::-1])
    opening.open_visits(office.site.visited.desk, ROUND, office.site.now)
    moved(office)
    published(office)
    row = reveal(office.site.visited, office.site.now)
    office.site.now = row.updated_at + timedelta(minutes=1)
    planner.goto(STEPS)
    expect(planner.locator("li[data-state=done]")).to_have_count(9)
    for window in office.windows.values():
        window.nothing_wrong()


def thrown(office: Office, digits: str, until: str = "revealed") -> None:
    """The third person enters what was thrown, and the worker goes on."""
    page = office.page("inspector", STEPS)
    page.locator("input[name=value]").fill(digits)
    press(page, "录入公共随机数")
    office.work(until)


def solver_stopped(office: Office) -> None:
    """Watch the best plan so far against the bound, which the page follows while one types; and take it."""
    watch = solving.SolveWatch(office.db, service.get(office.db, ROUND))
    watch.best("", 19, 11, 0)
    watch.best("", 14, 12, 0)
    watch.write()
    page = office.page("coordinator", STEPS)
    with page.expect_navigation():
        page.get_by_role("link", name="看求解过程，可提前停止").click()
    expect(page.locator("figure").first).to_contain_text("目前最好与下界")
    page.locator("input[name=by]").fill("account")
    watch.best("", 13, 12, 0)
    watch.write()
    expect(page.locator("figure details").first).to_contain_text("13", timeout=20_000)
    press(page, "停止求解，取目前最好的安排")
    expect(page.locator("main")).to_contain_text("请求停止求解")


def moved(office: Office) -> None:
    """A visit put on another day: its cost first, then the reason that is published."""
    visited = office.site.visited
    visit, day = movable(office)
    page = office.page("coordinator", f"/staff/rounds/{ROUND}/plan")
    page.locator("input[name=visit]").fill(visit)
    page.locator("select[name=day]").select_option(day)
    page.locator("input[name=reason]").fill("业主要求改期")
    press(page, "先看代价")
    expect(page.locator("table", has_text="采用之前，先看代价").locator("tbody tr")).to_have_count(5)
    with visited.desk.db.read() as session:
        assert [e for e in repository.seat_events(session, ROUND) if "plan_change" in str(e)] == []
    press(page, "采用，并公开理由")
    expect(page.locator("#changes ~ table").first).to_contain_text("业主要求改期")


def movable(office: Office) -> tuple[str, str]:
    """A visit and a day on which it finds room, by asking."""
    desk = office.site.visited.desk
    with office.db.read() as session:
        files = changes.current_files(session, ROUND)
    for visit in files[0]["visits"]:
        for day in files[1]["days"]:
            asked = Asked("业主要求改期", Move(visit["visit_id"], day, ""))
            try:
                changes.propose(office.db, desk.vault, ROUND, asked, office.site.now)
            except Refused:
                continue
            return visit["visit_id"], day
    raise AssertionError("no visit can move")


def published(office: Office) -> None:
    """What an inspector recorded, one account reviews and another publishes; both see the same queue."""
    visited = office.site.visited
    visit, (check,) = visited.visit()
    at = visited.at(visit)
    crew = arrived(visited, visit, at)[check.department]
    desk = visited.desk
    visits.answer(desk, visit.key, {row["code"]: ("yes", "") for row in visit.checklist}, CLERK, at)
    photo = Upload(demo_picture(visit.key), check.department, "photo", at)
    office.site.now = at + timedelta(minutes=3)
    visits.add_evidence(desk, visit.key, photo, CLERK, office.site.now)
    inspector = Actor(crew[0], "inspector", check.department)
    visits.record(desk, check.key, Record("no_problem", "none", "", None), inspector, office.site.now)
    for person, name in (("coordinator", "复核通过"), ("planner", "公示")):
        press(office.page(person, "/staff/reviews"), name)
    citizen = office.windows["inspector"].context.new_page()
    citizen.goto(f"/results/{check.key}")
    expect(citizen.locator("h1")).to_contain_text(visit.name)
