"""What a plan is warned of: departments whose rosters could send no crew."""

from __future__ import annotations

import pytest

from app.plans.catalogue import Catalogue, ItemFacts
from app.plans.crews import Officer, warnings
from app.plans.example import EXAMPLE
from app.plans.service import parse_document

FOOD = frozenset({"食品"})
NONE: frozenset[str] = frozenset()
KNOWN = Catalogue(
    departments=frozenset({"SC", "XF"}),
    rules={"SC-food": "SC"},
    items={
        "SC-FOOD-01": ItemFacts("SC-FOOD-01", 1, "published", "general", frozenset({"SC"}), 2, FOOD, None),
        "XF-FIRE-01": ItemFacts("XF-FIRE-01", 1, "published", "general", frozenset({"XF"}), 2, NONE, None),
    },
    classes=("A", "B", "C", "D"),
)
MARKET = [Officer("SC", True, NONE), Officer("SC", False, FOOD)]
FIRE = [Officer("XF", True, NONE), Officer("XF", False, NONE)]


@pytest.mark.parametrize(
    ("officers", "expected"),
    [
        ([*MARKET, *FIRE], []),
        ([*MARKET, FIRE[1], FIRE[1]], [("plan.no_crew", "XF", None)]),
        ([*MARKET, FIRE[0]], [("plan.no_crew", "XF", None)]),
        ([MARKET[0], MARKET[0], *FIRE], [("plan.no_specialist", "SC", "食品")]),
        (FIRE, [("plan.no_crew", "SC", None), ("plan.no_specialist", "SC", "食品")]),
    ],
    ids=["enough", "nobody may lead", "one officer", "nobody with the specialty", "nobody"],
)
def test_each_department_needs_a_lead_a_crew_and_its_specialties(
    officers: list[Officer], expected: list[tuple[str, str, str | None]]
) -> None:
    found = list(warnings(parse_document(EXAMPLE), KNOWN, officers))
    assert [(p.code, p.params["department"], p.params.get("specialty")) for p in found] == expected
    assert all(p.zh and p.en and p.remedy_zh and p.remedy_en for p in found)
