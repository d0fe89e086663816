"""Rules as data: every condition against its own examples, and the parts of a condition."""

from __future__ import annotations

import pytest

from app.errors import Refused
from app.registers import catalogue
from app.registers.catalogue import Example
from app.registers.matching import Matcher

SHIPPED = Matcher(catalogue.conditions().items())


def _tags(matcher: Matcher, **fields: str) -> tuple[str, ...]:
    defaults = {
        "scope": "",
        "trade": "",
        "enterprise_type": "",
        "kind": "firm",
        "district": "650102",
        "name": "",
    }
    target = defaults | fields
    return matcher.matches(
        target["scope"],
        target["trade"],
        target["enterprise_type"],
        target["kind"],
        target["district"],
        target["name"],
    )


@pytest.mark.parametrize(
    "example", list(catalogue.examples()), ids=lambda e: f"{e.condition}-{'yes' if e.expected else 'no'}"
)
def test_shipped_examples(example: Example) -> None:
    assert (example.condition in _tags(SHIPPED, **example.target)) is example.expected


def test_every_condition_has_both_kinds_of_example() -> None:
    seen = {(example.condition, example.expected) for example in catalogue.examples()}
    assert seen == {(name, expected) for name in catalogue.conditions() for expected in (True, False)}


def test_every_condition_serves_a_rule_and_every_item_is_supervised() -> None:
    used = [rule["condition"] for rule in catalogue.rules().values()]
    assert all(condition in used for condition in catalogue.conditions().values())
    assert {item for rule in catalogue.rules().values() for item in rule["items"]} == set(catalogue.items())


def test_catalogue_has_substance() -> None:
    items = catalogue.items()
    assert len(items) >= 120
    assert len(list(catalogue.groups())) >= 60
    assert len(catalogue.departments()) == 20
    for code, item in items.items():
        assert "《" in item["legal_basis"], code
        assert item["title_zh"], code
        assert item["title_en"], code
        assert len(item["content"]) >= 12, code
        assert item["officers"] >= 2, code
        assert 10 <= item["minutes"] <= 180, code
        assert set(item["specialties"]) <= set(catalogue.specialties()), code
        assert set(item["partners"]) <= set(catalogue.departments()), code
        assert item["department"] == code.split("-")[0], code


def test_rules_belong_to_departments_and_give_reasons() -> None:
    for code, rule in catalogue.rules().items():
        assert rule["department"] in catalogue.departments(), code
        assert rule["reason_zh"], code
        assert rule["reason_en"], code
        assert {item.split("-")[0] for item in rule["items"]} == {rule["department"]}, code


def test_filters_must_all_hold() -> None:
    matcher = Matcher([("r", {"kinds": ["premises"], "districts": ["650102"], "types": ["合作"]})])
    right = {"kind": "premises", "district": "650102", "enterprise_type": "农民专业合作社"}
    assert _tags(matcher, **right) == ("r",)
    for field, wrong in (("kind", "firm"), ("district", "650103"), ("enterprise_type", "个体工商户")):
        assert _tags(matcher, **(right | {field: wrong})) == ()


def test_any_evidence_suffices() -> None:
    matcher = Matcher([("r", {"trades": ["住宿业", "61"], "keywords": ["住宿"], "names": ["宾馆"]})])
    assert _tags(matcher, trade="住宿业") == _tags(matcher, trade="6110") == ("r",)
    assert _tags(matcher, scope="住宿") == _tags(matcher, name="天山宾馆") == ("r",)
    assert _tags(matcher, scope="建材", trade="建材批发 61", name="天山建材") == ()


def test_unless_voids_only_its_own_phrase() -> None:
    matcher = Matcher([("r", {"keywords": ["餐饮"], "unless": ["管理"]})])
    assert _tags(matcher, scope="餐饮管理，企业管理") == ()
    assert _tags(matcher, scope="餐饮管理，餐饮服务") == ("r",)


def test_a_shorter_keyword_inside_a_longer_one_counts_for_its_own_rule() -> None:
    matcher = Matcher([("long", {"keywords": ["食品机械"]}), ("short", {"keywords": ["食品"]})])
    assert _tags(matcher, scope="食品机械") == ("long", "short")


def test_full_width_scopes_match() -> None:
    assert _tags(Matcher([("r", {"keywords": ["KTV"]})]), scope="ＫＴＶ包厢") == ("r",)


@pytest.mark.parametrize("condition", [{"keyword": ["食品"]}, {"keywords": "食品"}, {"keywords": [""]}])
def test_unreadable_conditions_are_refused(condition: dict[str, object]) -> None:
    with pytest.raises(Refused) as caught:
        Matcher([("scjg-x", condition)])
    assert caught.value.problem.code == "supervision.bad_condition"
    assert caught.value.problem.params["rule"] == "scjg-x"
