"""The planners' guide: its examples load, may be published, and every field is explained."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from app.plans import limits
from app.plans.calendar import PACKAGED, packaged
from app.plans.catalogue import Catalogue, ItemFacts
from app.plans.example import EXAMPLE
from app.plans.review import review
from app.plans.schemas import CalendarYearIn, Cap, PlanDocument, Source, Task
from app.plans.service import parse_document
from app.registers.schemas import Condition
from scheduler.calendar import WorkCalendar, YearCalendar

GUIDE = (Path(__file__).parents[3] / "docs" / "plans.md").read_text("utf-8")
PLAN, CALENDAR = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
YEARS = [packaged(year) for year in PACKAGED]


def item(code: str, department: str, kind: str) -> ItemFacts:
    """A published item."""
    return ItemFacts(code, 1, "published", kind, frozenset({department}), 2, frozenset(), None)


CATALOGUE = Catalogue(
    departments=frozenset({"SC", "XF"}),
    rules={"SC-food": "SC"},
    items={
        "SC-FOOD-01": item("SC-FOOD-01", "SC", "general"),
        "SC-KEY-01": item("SC-KEY-01", "SC", "key"),
        "XF-FIRE-01": item("XF-FIRE-01", "XF", "general"),
    },
    classes=("A", "B", "C", "D"),
)


def test_the_worked_example_may_be_published() -> None:
    document = parse_document(tomllib.loads(PLAN))
    known = WorkCalendar.of(
        YearCalendar(year.year, frozenset(year.holidays), frozenset(year.makeup)) for year in YEARS
    )
    assert review(document, CATALOGUE, limits.Limits(), known) == ()
    assert document.tasks[0].ratios == {"A": 10_000, "B": 30_000, "C": 100_000, "D": 250_000}


def test_the_interfaces_example_is_the_guides() -> None:
    written, shown = parse_document(tomllib.loads(PLAN)), parse_document(EXAMPLE)
    assert written.tasks[0].model_copy(update={"title_en": ""}) == shown.tasks[0]
    assert (written.code, written.recurrence, written.caps) == (shown.code, shown.recurrence, shown.caps)


def test_the_calendars_example_loads() -> None:
    year = CalendarYearIn.model_validate(tomllib.loads(CALENDAR))
    assert [day.isoformat() for day in year.holidays] == ["2027-01-01"]


@pytest.mark.parametrize(
    "model", [PlanDocument, Task, Cap, Source, Condition], ids=lambda model: model.__name__
)
def test_every_field_is_explained(model: type[PlanDocument | Task | Cap | Source | Condition]) -> None:
    explained = set(re.findall(r"`([a-z_]+)`", GUIDE)) | set(re.findall(r"^([a-z_]+) =", PLAN, re.MULTILINE))
    sections = {
        "tasks",
        "caps",
        "entropy",
        "entropy_seats",
        "deadlines",
        "schedule",
        "id",
        "title",
        "kind",
        "code",
    }
    assert set(model.model_fields) - explained - sections == set()


def test_the_limits_named_are_those_that_exist() -> None:
    for name, value in (("general_ratio_ppm", 300_000), ("entropy_bits", 64)):
        assert f"`{name}`" in GUIDE
        assert getattr(limits.Limits(), name) == value
