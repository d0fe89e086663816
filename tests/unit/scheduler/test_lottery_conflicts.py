"""Refusals of plans that cannot be filled, checked person by person by another solver and by plain rules."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_flow

from benchmarks.lottery_city import LotteryCity, LotteryShape, lottery_city
from scheduler.lottery.plan import unfillable
from scheduler.lottery.roster import Inspector, Roster
from scheduler.lottery.seats import FAMILIES, Family, Seat

PLANS = 100 if os.environ.get("TRIALS") == "full" else 25


def able(item: Inspector, seat: Seat, roster: Roster, dropped: Family | None) -> bool:
    """Section 2 of docs/lottery.md, rule by rule, with one family left out."""
    away = any(row.code == item.code and row.start <= seat.date <= row.end for row in roster.leave)
    recused = any(row.code == item.code and row.target_id in seat.targets for row in roster.recusals)
    rules = {
        "department": item.department == seat.department,
        "certificate": item.certificate_expires >= seat.date,
        "leave": not away,
        "recusal": not recused,
        "lead": item.lead or not seat.lead,
        "specialty": all(name in item.specialties for name in seat.specialties),
    }
    return all(holds for family, holds in rules.items() if family != dropped)


def fillable(seats: tuple[Seat, ...], roster: Roster, dropped: Family | None = None) -> bool:
    """Maximum flow over single people: source, people, people's days, seats, sink."""
    people = roster.inspectors
    days = sorted({seat.date for seat in seats})
    first_day = 1 + len(people)
    first_seat = first_day + len(people) * len(days)
    sink = first_seat + len(seats)
    edges: list[tuple[int, int, int]] = [(first_seat + place, sink, 1) for place in range(len(seats))]
    for number, item in enumerate(people):
        edges.append((0, 1 + number, len(seats) if dropped == "workload" else item.cap))
        for day, date in enumerate(days):
            at = first_day + number * len(days) + day
            edges.append((1 + number, at, 1))
            edges += [
                (at, first_seat + place, 1)
                for place, seat in enumerate(seats)
                if seat.date == date and able(item, seat, roster, dropped)
            ]
    tail, head, capacity = (np.array([edge[part] for edge in edges], dtype=np.int32) for part in range(3))
    graph = csr_matrix((capacity, (tail, head)), shape=(sink + 1, sink + 1), dtype=np.int32)
    return int(maximum_flow(graph, 0, sink).flow_value) == len(seats)


def infeasible_cities(count: int) -> Iterator[LotteryCity]:
    """Small cities that lack somebody, for all kinds of reasons; some have a second, idle department."""
    seed = 0
    while count:
        shape = LotteryShape(
            1 + seed % 2, 8 + seed % 5, 6 + seed % 4, 2 + seed % 3,
            cap=seed % 3, leave=0.5, expired=0.2, recusal=1.5, lead=0.5, specialty=0.4, route_specialty=0.4,
        )  # fmt: skip
        city = lottery_city(shape, seed)
        if unfillable(city.roster, city.plan, city.days):
            count -= 1
            yield city
        seed += 1


@pytest.mark.parametrize("city", list(infeasible_cities(PLANS)))
def test_conflicts_are_irreducible_and_repairs_are_exactly_those(city: LotteryCity) -> None:
    for conflict in unfillable(city.roster, city.plan, city.days):
        seats = conflict.seats
        assert not fillable(seats, city.roster)
        for seat in seats:
            assert fillable(tuple(other for other in seats if other is not seat), city.roster)
        eligible = {
            item.code
            for item in city.roster.inspectors
            if any(able(item, seat, city.roster, None) for seat in seats)
        }
        assert set(conflict.eligible) == eligible
        repairing = {
            family for family in FAMILIES if family != "district" and fillable(seats, city.roster, family)
        }
        assert {repair.family for repair in conflict.repairs} == repairing
        for repair in conflict.repairs:
            freed = {
                item.code
                for item in city.roster.inspectors
                if (repair.family == "workload" and item.code in eligible and item.cap < len(seats))
                or any(
                    able(item, seat, city.roster, repair.family) and not able(item, seat, city.roster, None)
                    for seat in seats
                )
            }
            assert freed
            assert set(repair.frees) == freed


def test_another_day_is_one_on_which_the_route_fits() -> None:
    found = 0
    for city in infeasible_cities(PLANS):
        for conflict in unfillable(city.roster, city.plan, city.days):
            for date in conflict.other_days:
                place = city.days.index(date)
                routes = tuple(
                    replace(route, day=place) if route.route_id == conflict.route_id else route
                    for route in city.plan.routes
                    if route.day == place or route.route_id == conflict.route_id
                )
                kept = [route for route in routes if route.department == conflict.seats[0].department]
                moved = replace(city.plan, routes=tuple(kept))
                assert unfillable(city.roster, moved, city.days) == ()
                found += 1
    assert found
