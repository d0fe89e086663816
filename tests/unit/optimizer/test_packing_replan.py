"""Re-planning: what the new situation allows stays as it was told; the new plan keeps to every rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from benchmarks.packing_city import City, city
from benchmarks.packing_small import DAYS, PARAMETERS, codes, problem, site
from optimizer.checker import check
from optimizer.model import Check, ForbiddenPair, PackingProblem, Plan, Visit
from optimizer.replan import Replanned, replan
from optimizer.solve import pack

CITY = city(City(150, 12, 3))
PLAN = pack(CITY, PARAMETERS)


def replanned(given: PackingProblem, plan: Plan = PLAN, first_day: int = 0) -> Replanned:
    found = replan(given, PARAMETERS, plan, first_day)
    assert check(given, PARAMETERS, found.plan) == []
    return found


def with_closed(given: PackingProblem, targets: Iterable[str], day: int) -> PackingProblem:
    shut = set(targets)
    sites = (
        replace(row, closed_days=tuple(sorted({*row.closed_days, day}))) if row.target_id in shut else row
        for row in given.sites
    )
    return replace(given, sites=tuple(sites))


def joint(plan: Plan) -> list[Visit]:
    return [row for row in plan.visits if len(row.checks) > 2]


def test_nothing_new_changes_nothing() -> None:
    found = replanned(CITY)
    assert found.plan.visits == PLAN.visits
    assert found.plan.routes == PLAN.routes
    assert (found.changed, found.cancelled, found.added, found.told) == ((), (), (), ())


@pytest.mark.parametrize("number", range(6))
def test_a_cancelled_visit_moves_and_few_others_change(number: int) -> None:
    visit = joint(PLAN)[number * 7]
    found = replanned(with_closed(CITY, [visit.target_id], visit.day))
    moved = {row.visit_id: row for row in found.plan.visits if row.target_id == visit.target_id}
    assert visit.day not in {row.day for row in moved.values() if row.target_id == visit.target_id}
    assert visit.visit_id in found.cancelled
    assert len(found.added) == 1
    assert len(found.changed) <= 3
    assert found.plan.unscheduled == ()


@pytest.mark.parametrize("number", range(6))
def test_an_urgent_check_joins_a_visit_of_its_target(number: int) -> None:
    uncapped = {row.target_id for row in CITY.sites if row.people_cap is None}
    visit = [row for row in joint(PLAN) if row.target_id in uncapped and row.start + 45 <= 1020][number * 5]
    there = {row.department for row in CITY.checks if row.check_id in visit.checks}
    new = min({row.department for row in CITY.departments} - there)
    urgent = Check("URGENT", visit.target_id, new, 45)
    found = replanned(replace(CITY, checks=(*CITY.checks, urgent)))
    home = next(row for row in found.plan.visits if "URGENT" in row.checks)
    assert home.target_id == visit.target_id
    assert len(found.plan.visits) == len(PLAN.visits)
    assert len(found.changed) == 1
    assert found.inspector_days_added <= 2


@pytest.mark.parametrize("crews_fixed", [False, True])
def test_the_crew_that_comes_anyway_stays_longer_for_an_urgent_check_and_later_visits_wait(
    crews_fixed: bool,
) -> None:
    checks = [Check("A1", "T1", "A", 60), Check("B1", "T1", "B", 60), Check("A2", "T2", "A", 60)]
    given = problem(checks, [site(), site("T2", 100)], heads=2, days=1)
    plan = pack(given, PARAMETERS)
    first, second = sorted(plan.visits, key=lambda row: row.start)
    urgent = replace(given, checks=(*checks, Check("URGENT", first.target_id, "A", 90)))
    found = replan(urgent, PARAMETERS, plan, crews_fixed=crews_fixed)
    assert check(urgent, PARAMETERS, found.plan) == []
    longer, waits = sorted(found.plan.visits, key=lambda row: row.start)
    assert (longer.visit_id, longer.start) == (first.visit_id, first.start)
    assert "URGENT" in longer.checks
    assert (waits.visit_id, waits.start >= longer.start + 150) == (second.visit_id, True)
    assert (found.added, found.cancelled, found.inspector_days_added) == ((), (), 0)


@pytest.mark.parametrize(
    ("minutes", "officers", "skill"),
    [(330, 2, ()), (30, 3, ()), (30, 2, ("食品",))],
    ids=["no time", "no third officer", "no such specialty"],
)
def test_a_crew_that_cannot_stay_longer_leaves_the_plan_as_it_was(
    minutes: int, officers: int, skill: tuple[str, ...]
) -> None:
    checks = [Check("A1", "T1", "A", 60), Check("A2", "T2", "A", 60)]
    given = problem(checks, [site(), site("T2", 100)], heads=2, days=1)
    plan = pack(given, PARAMETERS)
    urgent = Check("URGENT", "T1", "A", minutes, officers, skill)
    found = replan(replace(given, checks=(*checks, urgent)), PARAMETERS, plan)
    assert found.plan.visits == plan.visits
    assert codes(found.plan).keys() == {"URGENT"}


def test_an_urgent_check_at_a_new_target_gets_a_visit_that_moves_nobody() -> None:
    base = CITY.sites[0]
    new = replace(base, target_id="TNEW", closed_days=(), people_cap=None)
    urgent = Check("URGENT", "TNEW", "B01", 45, days=(7, 8))
    found = replanned(replace(CITY, checks=(*CITY.checks, urgent), sites=(*CITY.sites, new)))
    assert found.changed == ()
    (added,) = found.added
    assert next(row for row in found.plan.visits if row.visit_id == added).day in (7, 8)


def test_a_sick_crew_hands_its_stops_over_or_they_move() -> None:
    day = next(route.day for route in PLAN.routes if route.department == "B01")
    out = [route for route in PLAN.routes if route.day == day and route.department == "B01"]
    heads = sum(route.officers for route in out) - 2
    rows = tuple(
        replace(row, heads=tuple(heads if d == day else h for d, h in enumerate(row.heads)))
        if row.department == "B01"
        else row
        for row in CITY.departments
    )
    found = replanned(replace(CITY, departments=rows))
    assert sum(r.officers for r in found.plan.routes if r.day == day and r.department == "B01") <= heads
    assert found.plan.unscheduled == ()
    assert 0 < len(found.changed) + len(found.added) <= 12


def test_bad_weather_moves_a_whole_district_day_and_nothing_else() -> None:
    home = {row.target_id: row.district for row in CITY.sites}
    visit = joint(PLAN)[0]
    district = home[visit.target_id]
    hit = {row.visit_id for row in PLAN.visits if row.day == visit.day and home[row.target_id] == district}
    found = replanned(with_closed(CITY, [t for t, where in home.items() if where == district], visit.day))
    assert hit == set(found.cancelled)
    elsewhere = {row.visit_id for row in PLAN.visits if home[row.target_id] != district}
    assert not elsewhere & set(found.changed)


def test_days_that_are_past_stay_untouched() -> None:
    first_day = 10
    past = [row for row in PLAN.visits if row.day < first_day]
    visit = next(row for row in joint(PLAN) if row.day >= first_day)
    found = replanned(with_closed(CITY, [visit.target_id], visit.day), first_day=first_day)
    kept = {row.visit_id: row for row in found.plan.visits}
    assert all(kept[row.visit_id] == row for row in past)
    assert all(row.day >= first_day for row in found.plan.visits if row.visit_id in found.added)


def test_a_vanished_check_frees_its_crew_but_moves_nobody() -> None:
    visit = joint(PLAN)[1]
    gone = visit.checks[0]
    found = replanned(
        replace(CITY, checks=tuple(row for row in CITY.checks if row.check_id != gone), forbidden=())
    )
    assert found.changed == (visit.visit_id,)
    assert {row.start for row in found.plan.visits if row.visit_id == visit.visit_id} == {visit.start}


def test_what_finds_no_place_is_named() -> None:
    checks = [Check("A1", "T1", "A", 400), Check("A2", "T2", "A", 400)]
    given = problem(checks, [site(), site("T2", 100)], heads=2, days=2)
    plan = pack(given, PARAMETERS)
    lost = replanned(
        with_closed(given, ["T1"], next(v.day for v in plan.visits if v.target_id == "T1")), plan
    )
    assert codes(lost.plan) == {"A1": "packing.no_room"}


def test_an_urgent_check_that_may_not_share_gets_its_own_entry_while_entries_are_left() -> None:
    given = problem([Check("A1", "T1", "A", 60)], [site()])
    plan = pack(given, PARAMETERS)
    urgent = problem(
        [*given.checks, Check("B1", "T1", "B", 60)], [site()], [ForbiddenPair("A1", "B1", "unannounced")]
    )
    found = replanned(urgent, plan)
    assert len(found.added) == 1
    assert len({row.day for row in found.plan.visits}) == 2
    capped = replace(urgent, sites=(replace(site(), entries_left=1),))
    assert codes(replanned(capped, plan).plan) == {"B1": "packing.entries_used_up"}
    assert len(DAYS) == 5


@pytest.mark.parametrize("number", range(4))
def test_with_crews_as_drawn_no_seat_is_added_and_no_crew_changes(number: int) -> None:
    visit = joint(PLAN)[number * 9]
    changed = with_closed(CITY, [visit.target_id], visit.day)
    found = replan(changed, PARAMETERS, PLAN, crews_fixed=True)
    assert check(changed, PARAMETERS, found.plan) == []
    drawn = {row.route_id: replace(row, stops=()) for row in PLAN.routes}
    assert all(drawn[row.route_id] == replace(row, stops=()) for row in found.plan.routes)
    assert found.inspector_days_added <= 0
    held = {name for row in found.plan.visits for name in row.checks}
    held |= {row.check_id for row in found.plan.unscheduled}
    assert held == {row.check_id for row in CITY.checks}


def test_an_idle_crew_goes_out_again_where_crews_are_as_drawn() -> None:
    given = problem([Check("A1", "T1", "A", 60)], [site()], days=2)
    plan = pack(given, PARAMETERS)
    away = replan(with_closed(given, ["T1"], plan.visits[0].day), PARAMETERS, plan, crews_fixed=True)
    assert codes(away.plan) == {"A1": "packing.no_crew"}
    idle = replace(away.plan, routes=tuple(replace(row, stops=()) for row in plan.routes))
    back = replan(given, PARAMETERS, idle, crews_fixed=True)
    assert back.plan.unscheduled == ()
    assert [row.route_id for row in back.plan.routes] == [row.route_id for row in plan.routes]
