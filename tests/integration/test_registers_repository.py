"""What rounds ask of the registers, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import SQLModel

from app.db.database import Database
from app.errors import Conflict, NotFound, Refused
from app.registers import repository, service
from app.registers.schemas import Condition, ItemIn
from app.registers.tables import (
    CreditClass,
    Department,
    Inspector,
    InspectorLeave,
    Recusal,
    Supervision,
    SupervisionRule,
    Target,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)


def target(number: int, **changes: Any) -> Target:
    values: dict[str, Any] = {
        "id": number, "target_id": f"T-{number}", "kind": "firm", "name": f"企业{number}", "code": "", "scope": "销售",
        "district": "650102", "district_source": "given", "longitude_e6": 87_616_800, "latitude_e6": 43_825_600,
        "place_source": "given", "digest": str(number), "changed_at": NOW, "enterprise_type": "有限责任公司",
    }  # fmt: skip
    return Target(**(values | changes))


TAGS = [
    (1, "food"), (1, "meal"), (1, "fire"), (2, "food"), (3, "fire"), (4, "food"), (6, "old"), (2, "old"),
]  # fmt: skip
CLASSES = [(1, 2025, "A"), (1, 2026, "C"), (2, 2027, "D"), (2, 2024, "B")]
PEOPLE = [
    ("I-1", "SCJG", True, True), ("I-2", "XF", True, False), ("I-3", "XF", False, True), ("I-4", "XF", True, True),
]  # fmt: skip
"""Code, department, certified officer, active."""


@pytest.fixture
def city(database: Database) -> Database:
    """Six targets, two departments with three rules, classes with a history, three people."""
    with database.write() as session:
        for make in (departments, supervision_rules, targets, memberships, absences):
            session.add_all(make())
            session.flush()
    return database


def departments() -> list[Department]:
    return [Department(code="SCJG", name_zh="市场监督管理局"), Department(code="XF", name_zh="消防救援支队")]


def supervision_rules() -> list[SupervisionRule]:
    return [
        SupervisionRule(code="food", department="SCJG", reason_zh="经营食品", reason_en="sells food"),
        SupervisionRule(code="meal", department="SCJG", reason_zh="餐饮", reason_en="serves meals"),
        SupervisionRule(code="fire", department="XF", reason_zh="公众聚集场所", reason_en="public venue"),
        SupervisionRule(code="old", department="XF", active=False),
    ]


def targets() -> list[Target]:
    site = {"kind": "project", "name": "危桥工地", "enterprise_type": ""}
    return [
        target(1, scope="餐饮服务", trade="餐饮", registered_on=date(2010, 1, 1)),
        target(2, scope="食品销售 Food", district="650104", registered_on=date(2020, 1, 1)),
        target(3, **site, place_source="estimated", people_cap=4),
        target(4, status="cancelled"),
        target(5, status="outside", district=""),
        target(6, closed_weekdays=[6, 7], longitude_e6=87_716_800),
    ]


def memberships() -> list[SQLModel]:
    """Who is tagged by which rule, who has which class since when, who works where."""
    return [
        *(Supervision(target=key, rule=rule) for key, rule in TAGS),
        *(CreditClass(target=key, since=date(year, 1, 1), credit=credit) for key, year, credit in CLASSES),
        *(
            Inspector(
                code=code, department=home, name=code, officer=officer, active=active, specialties=["食品"]
            )
            for code, home, officer, active in PEOPLE
        ),
    ]


def absences() -> list[SQLModel]:
    return [
        InspectorLeave(inspector="I-1", start=date(2026, 3, 9), end=date(2026, 3, 13)),
        Recusal(inspector="I-4", target_id="T-1", reason="亲属"),
    ]


def drawn(db: Database, rules: list[str], condition: Condition, on: date = TODAY) -> dict[str, str]:
    with db.read() as session:
        rows = list(repository.population(session, rules, condition, on))
        assert repository.population_size(session, rules, condition) == len(rows)
    assert len({row.target_id for row in rows}) == len(rows)
    return {row.target_id: row.credit for row in rows}


def test_population_is_the_active_targets_of_the_city_each_once(city: Database) -> None:
    assert drawn(city, [], Condition()) == {"T-1": "C", "T-2": "B", "T-3": "", "T-6": ""}
    assert drawn(city, ["food", "meal", "fire"], Condition()).keys() == {"T-1", "T-2", "T-3"}
    assert drawn(city, ["old"], Condition()) == {}


def test_the_class_is_the_one_in_force_on_the_day(city: Database) -> None:
    assert drawn(city, ["food"], Condition(), date(2025, 6, 1)) == {"T-1": "A", "T-2": "B"}
    assert drawn(city, ["food"], Condition(), date(2024, 12, 31)) == {"T-1": "", "T-2": "B"}
    assert drawn(city, ["food"], Condition(), date(2027, 1, 1)) == {"T-1": "C", "T-2": "D"}


@pytest.mark.parametrize(
    ("condition", "ids"),
    [
        (Condition(trades=("餐饮",)), {"T-1"}),
        (Condition(districts=("650104", "650105")), {"T-2"}),
        (Condition(kinds=("project",)), {"T-3"}),
        (Condition(types=("有限责任",)), {"T-1", "T-2", "T-6"}),
        (Condition(scope_any=("餐饮", "Food")), {"T-1", "T-2"}),
        (Condition(scope_any=("food",)), set()),
        (Condition(scope_none=("餐饮", "销售")), set()),
        (Condition(scope_none=("餐饮",), kinds=("firm",)), {"T-2", "T-6"}),
        (Condition(name_any=("工地",)), {"T-3"}),
        (Condition(name_none=("企业",)), {"T-3"}),
        (Condition(keywords_any=("工地", "餐饮")), {"T-1", "T-3"}),
        (Condition(keywords_none=("工地", "餐饮")), {"T-2", "T-6"}),
        (Condition(registered_from=date(2015, 1, 1)), {"T-2"}),
        (Condition(registered_until=date(2015, 1, 1)), {"T-1"}),
        (Condition(scope_any=("%",)), set()),
    ],
)
def test_conditions_of_directed_draws(city: Database, condition: Condition, ids: set[str]) -> None:
    assert drawn(city, [], condition).keys() == ids


def test_sites_in_metres(city: Database) -> None:
    with city.read() as session:
        sites = repository.sites(session, ["T-3", "T-6", "T-99"])
    assert sites.keys() == {"T-3", "T-6"}
    assert (sites["T-3"].east_m, sites["T-3"].north_m, sites["T-3"].estimated, sites["T-3"].people_cap) == (
        0,
        0,
        True,
        4,
    )
    assert (sites["T-6"].east_m, sites["T-6"].closed_weekdays, sites["T-6"].estimated) == (
        8_031,
        (6, 7),
        False,
    )


def test_rules_of_targets(city: Database) -> None:
    with city.read() as session:
        found = repository.rules_of(session, ["T-1", "T-2", "T-6"])
    assert found == {"T-1": ["fire", "food", "meal"], "T-2": ["food"], "T-6": []}


def test_only_active_certified_officers_may_be_seated(city: Database) -> None:
    with city.read() as session:
        assert [person.code for person in repository.inspectors(session)] == ["I-1", "I-4"]
        assert [person.code for person in repository.inspectors(session, ["XF"])] == ["I-4"]
        assert [row.inspector for row in repository.leave(session, date(2026, 3, 13), date(2026, 4, 1))] == [
            "I-1"
        ]
        assert repository.leave(session, date(2026, 3, 14), date(2026, 4, 1)) == []
        assert [row.reason for row in repository.recusals(session)] == ["亲属"]
        assert repository.recusals(session, ["T-2"]) == []
        found = {row.code: (people, rules) for row, people, rules in repository.departments(session)}
    assert found == {"SCJG": (1, 2), "XF": (1, 1)}


def test_joint_proposals_name_each_departments_reasons(city: Database) -> None:
    page = service.joint_proposals(city)
    (proposal,) = page.items
    assert (proposal.target_id, page.next) == ("T-1", None)
    reasons = {s.department: (s.rules, s.reasons_zh) for s in proposal.supervisors}
    assert reasons == {"SCJG": (["food", "meal"], ["经营食品", "餐饮"]), "XF": (["fire"], ["公众聚集场所"])}
    with city.read() as session:
        assert repository.joint_share(session) == (1, 4)


def test_counts(city: Database) -> None:
    with city.read() as session:
        found, districts = repository.counts(session), repository.district_counts(session)
    assert (found["targets"], found["active"], found["outside"], found["estimated"]) == (6, 4, 1, 1)
    assert districts == {"650102": 3, "650104": 1}


ITEM = ItemIn(code="food-1", title_zh="食品经营检查", department="SCJG", minutes=45)


def test_an_item_lives_from_draft_to_withdrawn(city: Database) -> None:
    assert service.create_item(city, ITEM, now=NOW).status == "draft"
    corrected = service.create_item(city, ITEM.model_copy(update={"minutes": 50}), now=NOW)
    assert (corrected.version, corrected.minutes) == (1, 50)
    for step in ("reviewed", "published"):
        assert service.move_item(city, "food-1", 1, step, now=NOW).status == step
    again = service.create_item(city, ITEM.model_copy(update={"minutes": 60}), now=NOW)
    assert (again.version, again.status) == (2, "draft")
    with city.read() as session:
        (published,) = repository.published_items(session, ["food-1"], TODAY)
        assert (published.version, published.minutes) == (1, 50)
    for step in ("reviewed", "published"):
        service.move_item(city, "food-1", 2, step, now=NOW + timedelta(days=1))
    with city.read() as session:
        assert [(i.version, i.status) for i in repository.versions(session, "food-1")] == [
            (1, "withdrawn"),
            (2, "published"),
        ]
    later = NOW + timedelta(days=2)
    assert service.move_item(city, "food-1", 2, "withdrawn", now=later).status == "withdrawn"


@pytest.mark.parametrize(
    ("steps", "to"),
    [
        ([], "published"), ([], "withdrawn"), ([], "draft"), (["reviewed"], "withdrawn"), (["reviewed"], "reviewed"),
        (["reviewed", "published"], "draft"), (["reviewed", "published"], "reviewed"),
        (["reviewed", "published", "withdrawn"], "published"), ([], "dragon"),
    ],
)  # fmt: skip
def test_illegal_steps_are_refused_and_name_the_legal_ones(city: Database, steps: list[str], to: str) -> None:
    service.create_item(city, ITEM, now=NOW)
    for step in steps:
        service.move_item(city, "food-1", 1, step, now=NOW)
    with pytest.raises(Conflict) as refused:
        service.move_item(city, "food-1", 1, to, now=NOW)
    assert refused.value.problem.code == "item.illegal_step"


def test_a_reviewed_version_and_unknown_ones(city: Database) -> None:
    service.create_item(city, ITEM, now=NOW)
    service.move_item(city, "food-1", 1, "reviewed", now=NOW)
    with pytest.raises(Conflict, match=r"item\.in_review"):
        service.create_item(city, ITEM, now=NOW)
    with pytest.raises(NotFound, match=r"item\.unknown"):
        service.move_item(city, "food-1", 9, "reviewed", now=NOW)
    with pytest.raises(Refused, match=r"department\.unknown"):
        service.create_item(city, ITEM.model_copy(update={"department": "QX"}), now=NOW)


def test_an_unpublished_item_must_not_be_checked(city: Database) -> None:
    service.create_item(city, ITEM, now=NOW)
    with city.read() as session, pytest.raises(Refused, match=r"item\.unpublished"):
        repository.published_items(session, ["food-1"], TODAY)
    for step in ("reviewed", "published"):
        service.move_item(city, "food-1", 1, step, now=datetime(2026, 3, 2, 16, 30, tzinfo=UTC))
    with city.read() as session:
        with pytest.raises(Refused):  # 00:30 of the third in official time
            repository.published_items(session, ["food-1"], TODAY)
        assert len(repository.published_items(session, ["food-1"], date(2026, 3, 3))) == 1
