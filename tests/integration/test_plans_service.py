"""Plans on both databases: saved, revised, published once, withdrawn, and due in order."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from app.db.database import Database
from app.errors import Conflict, NotFound, Refused
from app.ledger import repository as ledger
from app.plans import calendar, limits, service
from app.plans.example import EXAMPLE
from app.plans.schemas import CalendarYearIn, PlanDocument
from app.plans.tables import CalendarYear, PlanRevision
from app.registers.tables import CheckItem, Department, SupervisionRule

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")


def document(**changed: Any) -> PlanDocument:
    """The example, changed."""
    return service.parse_document(copy.deepcopy(EXAMPLE) | changed)


@pytest.fixture
def registers(database: Database) -> Database:
    """A database with the departments, rules and items that the example names."""
    with database.write() as session:
        for code in ("SC", "XF"):
            session.add(Department(code=code, name_zh=code))
        session.flush()
        session.add(SupervisionRule(code="SC-food", department="SC"))
        for code, department, status in (("SC-FOOD-01", "SC", "published"), ("XF-FIRE-01", "XF", "reviewed")):
            session.add(
                CheckItem(
                    code=code, version=1, title_zh=code, department=department, status=status, changed_at=NOW
                )
            )
    return database


def publish_item(database: Database, code: str, status: str = "published") -> None:
    """Set an item's status, as its own room does."""
    with database.write() as session:
        item = session.exec(select(CheckItem).where(CheckItem.code == code)).one()
        item.status = status
        session.add(item)


def test_an_unpublished_item_refuses_publication_until_it_is_published(registers: Database) -> None:
    service.create(registers, document(), NOW)
    with pytest.raises(Refused) as caught:
        service.publish(registers, "food-2027", NOW)
    problem = caught.value.problem
    assert problem.code == "plan.unpublished_item"
    assert problem.params["task"] == "food"
    assert problem.params["value"] == "XF-FIRE-01"
    assert problem.params["broken"] == 1
    assert "reviewed" in problem.zh
    assert service.get(registers, "food-2027").status == "draft"
    publish_item(registers, "XF-FIRE-01")
    made = service.publish(registers, "food-2027", NOW)
    assert (made.status, made.published_at, made.version) == ("published", NOW, 1)
    assert service.in_force(registers, "food-2027") == document()


def test_publication_is_logged_once(registers: Database) -> None:
    publish_item(registers, "XF-FIRE-01")
    made = service.create(registers, document(), NOW)
    service.publish(registers, "food-2027", NOW)
    service.publish(registers, "food-2027", NOW)
    with registers.read() as session:
        (logged,) = ledger.entries(session, "plan:food-2027")
    assert logged["entry"]["type"] == "plan.published"
    assert logged["entry"]["digest"] == made.digest


def test_a_second_plan_of_the_same_code_is_refused(registers: Database) -> None:
    service.create(registers, document(), NOW)
    with pytest.raises(Conflict) as caught:
        service.create(registers, document(), NOW)
    assert caught.value.problem.code == "plan.exists"


def test_a_revision_is_in_force_only_when_published(registers: Database) -> None:
    publish_item(registers, "XF-FIRE-01")
    first = service.create(registers, document(), NOW)
    service.publish(registers, "food-2027", NOW)
    assert service.revise(registers, document()).version == 1  # nothing changed
    second = service.revise(registers, document(title_zh="修订"))
    assert (second.version, second.status) == (2, "draft")
    assert service.in_force(registers, "food-2027").title_zh == EXAMPLE["title_zh"]
    with pytest.raises(Refused, match=r"plan\.no_reason"):
        service.publish(registers, "food-2027", NOW)
    service.publish(registers, "food-2027", NOW, reason="按上级部署调整")
    assert service.in_force(registers, "food-2027").title_zh == "修订"
    with registers.read() as session:
        assert service.document_of(session, "food-2027", first.digest).title_zh == EXAMPLE["title_zh"]
        assert service.document_of(session, "food-2027").title_zh == "修订"
        assert len(session.exec(select(PlanRevision)).all()) == 2


def test_a_withdrawn_plan_makes_no_rounds_but_keeps_its_past(registers: Database) -> None:
    publish_item(registers, "XF-FIRE-01")
    service.create(registers, document(), NOW)
    service.publish(registers, "food-2027", NOW)
    assert service.withdraw(registers, "food-2027", NOW).status == "withdrawn"
    with pytest.raises(Conflict) as caught:
        service.in_force(registers, "food-2027")
    assert caught.value.problem.code == "plan.not_in_force"
    with registers.read() as session:
        assert service.document_of(session, "food-2027") == document()
    assert [line.status for line in service.list_plans(registers)] == ["withdrawn"]
    assert service.list_plans(registers, "published") == []


def test_an_item_withdrawn_after_publication_refuses_the_freeze(registers: Database) -> None:
    publish_item(registers, "XF-FIRE-01")
    service.create(registers, document(), NOW)
    service.publish(registers, "food-2027", NOW)
    with registers.read() as session:
        frozen = service.freeze_rules(session, "food-2027")
    assert frozen.item_versions("food") == ("SC-FOOD-01@1", "XF-FIRE-01@1")
    publish_item(registers, "SC-FOOD-01", "withdrawn")
    with registers.read() as session, pytest.raises(Refused) as caught:
        service.freeze_rules(session, "food-2027")
    assert caught.value.problem.code == "plan.unpublished_item"


def test_unknown_plans(registers: Database) -> None:
    for call in (service.get, service.in_force):
        with pytest.raises(NotFound) as caught:
            call(registers, "none")
        assert caught.value.problem.code == "plan.absent"


def test_missed_rounds_are_due_in_order_and_held_where_the_year_is_unconfirmed(registers: Database) -> None:
    publish_item(registers, "XF-FIRE-01")
    plan = document(recurrence="monthly working-day 1", starts_on="2026-10-01", ends_on=None, caps=[])
    service.create(registers, plan, NOW)
    assert service.due(registers, NOW) == ()  # a draft makes nothing
    service.publish(registers, "food-2027", NOW)
    later = datetime(2027, 2, 20, tzinfo=UTC)
    due = service.due(registers, later)
    assert [(found.plan.code, found.period.id) for found in due] == [
        ("food-2027", "2026-10"),
        ("food-2027", "2026-11"),
        ("food-2027", "2026-12"),
    ]
    assert due[0].period.due_at == datetime(2026, 10, 8, 9, 0, tzinfo=ZONE)
    assert [found.period.id for found in service.held(registers, later)] == ["2027-01", "2027-02"]
    year = CalendarYearIn(year=2027, holidays={date(2027, 1, 1): "元旦"}, confirmed=True, source="test")
    calendar.put_year(registers, year, NOW)
    assert [found.period.id for found in service.due(registers, later)][-2:] == ["2027-01", "2027-02"]
    assert service.held(registers, later) == ()


def test_the_calendar_is_packaged_until_it_is_edited(database: Database) -> None:
    with database.read() as session:
        assert calendar.load(session).last_confirmed == 2026
        assert session.exec(select(CalendarYear)).all() == []
    assert calendar.get_year(database, 2026).makeup[date(2026, 2, 14)] == "春节"
    with pytest.raises(NotFound):
        calendar.get_year(database, 2027)
    draft = CalendarYearIn(year=2027, holidays={date(2027, 1, 1): "元旦"})
    calendar.put_year(database, draft, NOW)
    assert calendar.get_year(database, 2027) == draft
    with database.read() as session:
        found = calendar.load(session)
    assert found.last_confirmed == 2026
    assert not found.is_workday(date(2027, 1, 1), provisional=True)
    assert found.is_workday(date(2026, 2, 14))
    assert (
        calendar.put_year(database, draft.model_copy(update={"confirmed": True}), NOW).last_confirmed == 2027
    )


def test_a_calendar_that_contradicts_itself_is_not_stored(database: Database) -> None:
    wrong = CalendarYearIn(year=2027, makeup={date(2027, 1, 4): "x"})
    with pytest.raises(Refused) as caught:
        calendar.put_year(database, wrong, NOW)
    assert caught.value.problem.code == "calendar.makeup_weekday"
    with pytest.raises(NotFound):
        calendar.get_year(database, 2027)


def test_limits_are_data(registers: Database) -> None:
    publish_item(registers, "XF-FIRE-01")
    service.create(registers, document(), NOW)
    limits.put(registers, "general_ratio_ppm", 200_000, "市政府令", NOW)
    assert limits.current(registers)["general_ratio_ppm"] == 200_000
    with pytest.raises(Refused) as caught:
        service.publish(registers, "food-2027", NOW)
    assert caught.value.problem.code == "plan.general_ratio"
    limits.put(registers, "general_ratio_ppm", 250_000, "市政府令", NOW)
    assert service.publish(registers, "food-2027", NOW).status == "published"
    with pytest.raises(Refused) as caught:
        limits.put(registers, "none", 1, "", NOW)
    assert caught.value.problem.code == "limit.unknown"


def test_of_eight_who_create_or_publish_at_once_one_does(registers: Database) -> None:
    publish_item(registers, "XF-FIRE-01")

    def create(_: int) -> str:
        try:
            return service.create(registers, document(), NOW).status
        except Conflict as error:
            return error.problem.code

    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(create, range(8)))
        published = list(pool.map(lambda _: service.publish(registers, "food-2027", NOW).status, range(8)))
    assert sorted(created) == ["draft"] + ["plan.exists"] * 7
    assert published == ["published"] * 8
    with registers.read() as session:
        assert len(session.exec(select(PlanRevision)).all()) == 1
        assert len(ledger.entries(session, "plan:food-2027")) == 1
