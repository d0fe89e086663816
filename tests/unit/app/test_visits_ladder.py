"""The ladder of deadlines: in working days, the most urgent rung first, nothing lost between rungs."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import date, timedelta

from app.plans.calendar import packaged
from app.visits.deadlines import RUNGS, days_left, rungs
from app.visits.views import RUNG_NAMES, deadline_ladder
from app.web.language import LANGUAGES
from scheduler.calendar import WorkCalendar, YearCalendar

TODAY = date(2026, 9, 28)


def calendar() -> WorkCalendar:
    year = packaged(2026)
    return WorkCalendar.of([YearCalendar(year.year, frozenset(year.holidays), frozenset(year.makeup))])


def test_a_deadline_stands_on_the_rung_of_its_working_days() -> None:
    days = calendar()
    dues = [TODAY + timedelta(days=shift) for shift in range(-30, 60)]
    found = dict(rungs(days, dues, TODAY))
    assert sum(found.values()) == len(dues)
    left = [days_left(days, due, TODAY) for due in dues]
    assert found[0] == sum(-1 < n <= 0 for n in left) > 0
    assert found[RUNGS[0]] == sum(n <= RUNGS[0] for n in left) > 0
    assert found[None] == sum(n > RUNGS[-1] for n in left) > 0


def test_the_ladder_names_every_rung_in_both_languages() -> None:
    days = calendar()
    told = [deadline_ladder(rungs(days, [TODAY], TODAY), language) for language in LANGUAGES]
    for picture in told:
        assert len(picture.rows) == len(RUNG_NAMES)
        assert [count for _, count in picture.rows] == ["0", "0", "1", "0", "0", "0", "0"]
        assert ET.fromstring(picture.svg).get("role") == "img"
    assert not {label for label, _ in told[0].rows} & {label for label, _ in told[1].rows}
