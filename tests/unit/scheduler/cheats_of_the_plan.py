"""Cheats in visits, schedule, plan, roster, lottery and assignment."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

from scheduler.encoding import canonical_json
from scheduler.lottery.plan import LotteryPlan, plan_lottery
from tests.unit.scheduler.cheats import AUDITOR, DRAW1, FULL, caught, strata
from tests.unit.scheduler.round_factory import Draft


@caught("visits")
def check_left_out(draft: Draft) -> None:
    draft.docs["visits"]["checks"].pop()


@caught("visits")
def undrawn_target_checked(draft: Draft) -> None:
    checks = draft.docs["visits"]["checks"]
    checks.append({**checks[-1], "check_id": "Z", "target_id": "91650100MAFRIEND"})


@caught("visits")
def check_asked_by_another_draw(draft: Draft) -> None:
    draft.docs["visits"]["checks"][0]["draws"] = ["D1-credit", "D2-cool", "D3-own"]


@caught("visits")
def item_beyond_the_plan(draft: Draft) -> None:
    draft.docs["visits"]["checks"][0]["items"].append("FISHING@1")


@caught("visits")
def two_targets_in_one_visit(draft: Draft) -> None:
    visits = draft.docs["visits"]["visits"]
    visits[0]["checks"] = sorted(visits[0]["checks"] + visits[1]["checks"])


@caught("visits")
def check_in_no_visit(draft: Draft) -> None:
    many = next(visit for visit in draft.docs["visits"]["visits"] if len(visit["checks"]) > 1)
    many["checks"].pop()


def replacement(draft: Draft, place: int) -> dict[str, Any]:
    chosen = next(item for item in strata(draft, DRAW1) if item["selected"] and len(item["backups"]) > 1)
    return {
        "at": "2027-02-01T10:00:00+08:00",
        "type": "replacement",
        "draw_id": "D1-credit",
        "target": chosen["selected"][0]["target_id"],
        "reason": "deregistered",
        "evidence_hash": "ab" * 32,
        "backup": chosen["backups"][place]["target_id"],
    }


@caught("visits", *FULL)
def backup_out_of_turn(draft: Draft) -> None:
    draft.docs["events"] = [replacement(draft, 1)]


@caught("visits")
def replaced_for_no_listed_reason(draft: Draft) -> None:
    draft.docs["events"] = [{**replacement(draft, 0), "reason": "refused"}]


@caught("visits")
def replaced_twice(draft: Draft) -> None:
    draft.docs["events"] = [replacement(draft, 0), replacement(draft, 1)]


def routes(draft: Draft) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = draft.docs["schedule"]["routes"]
    return found


def long_route(draft: Draft) -> dict[str, Any]:
    return next(route for route in routes(draft) if len(route["stops"]) > 1)


@caught("schedule")
def stops_overlap(draft: Draft) -> None:
    stops = long_route(draft)["stops"]
    stops[1]["arrive"] = stops[0]["end"] - 1


@caught("schedule")
def begins_without_the_others(draft: Draft) -> None:
    stop = routes(draft)[0]["stops"][0]
    stop["start"], stop["end"] = stop["start"] + 1, stop["end"] + 1


@caught("schedule")
def one_officer(draft: Draft) -> None:
    routes(draft)[0]["officers"] = 1


@caught("schedule")
def specialty_not_covered(draft: Draft) -> None:
    next(route for route in routes(draft) if route["specialties"])["specialties"] = []


@caught("schedule")
def minutes_cut_short(draft: Draft) -> None:
    routes(draft)[0]["stops"][-1]["end"] -= 5


@caught("schedule")
def another_day(draft: Draft) -> None:
    routes(draft)[0]["date"] = draft.docs["schedule"]["days"][-1]


@caught("schedule")
def route_left_out(draft: Draft) -> None:
    routes(draft).pop()


@caught("schedule")
def parameters_changed(draft: Draft) -> None:
    draft.docs["schedule"]["parameters"]["seed"] = 2


@caught("schedule")
def more_entries_a_day_allowed(draft: Draft) -> None:
    draft.docs["schedule"]["parameters"]["max_entries"] = 7


@caught("schedule")
def savings_exaggerated(draft: Draft) -> None:
    draft.docs["schedule"]["report"]["plan"]["inspector_days"] -= 2


@caught("schedule")
def more_people_than_the_target_admits(draft: Draft) -> None:
    visits = draft.docs["visits"]
    visits["people_caps"][visits["visits"][0]["target_id"]] = 1


@caught("schedule")
def gap_understated(draft: Draft) -> None:
    draft.docs["schedule"]["report"]["gap_ppm"] -= 1


@caught("schedule")
def crowd_hidden(draft: Draft) -> None:
    draft.docs["schedule"]["report"]["plan"]["people_per_visit_max"] -= 2


@caught("schedule")
def alone_made_to_look_worse(draft: Draft) -> None:
    draft.docs["schedule"]["report"]["alone"]["entries"] += 1


@caught("schedule")
def bound_above_the_plan(draft: Draft) -> None:
    draft.docs["schedule"]["report"]["inspector_days_bound"]["value"] = 10**6


@caught("plan")
def plan_changed_after_its_commitment(draft: Draft) -> None:
    for route in routes(draft):
        route["district"] = "新市区"


@caught("plan")
def plan_commitment_changed(draft: Draft) -> None:
    draft.docs["reveal"]["plan_commitment"] = draft.entry("plan")["digest"] = "0" * 64
    draft.log_reveal()


@caught("roster", *AUDITOR)
def roster_changed(draft: Draft) -> None:
    draft.docs["roster"]["inspectors"][0]["cap"] += 1


@caught("roster", *AUDITOR)
def leave_added_later(draft: Draft) -> None:
    draft.docs["roster"]["leave"].append({"code": "D3-07", "from": "2027-01-11", "to": "2027-01-29"})


def shifted(lottery: LotteryPlan, moves: dict[int, int]) -> LotteryPlan:
    """Move units between arcs, with the loads that then follow exactly."""
    units = lottery.units.copy()
    load = list(lottery.load)
    for arc, change in moves.items():
        units[arc] += change
        group = int(lottery.shape.arc_group[arc])
        load[group] += Fraction(change, len(lottery.shape.groups[group].members) << 20)
    return dataclasses.replace(lottery, units=units, load=tuple(load))


def exact(lottery: LotteryPlan) -> LotteryPlan:
    """The same plan with each load exactly its units, so that a shift leaves all sums right."""
    totals: dict[int, int] = {}
    for arc, group in enumerate(lottery.shape.arc_group.tolist()):
        totals[group] = totals.get(group, 0) + int(lottery.units[arc])
    load = tuple(
        Fraction(totals[place], len(group.members) << 20) for place, group in enumerate(lottery.shape.groups)
    )
    return dataclasses.replace(lottery, load=load)


def rich_arcs(lottery: LotteryPlan) -> tuple[int, int]:
    """Two arcs of one class, of different groups, both with many units."""
    wide = 1 << 14
    for place in range(len(lottery.shape.classes)):
        arcs = [
            arc
            for arc, own in enumerate(lottery.shape.arc_class.tolist())
            if own == place and lottery.units[arc] > wide
        ]
        if len(arcs) > 1:
            return arcs[0], arcs[1]
    raise AssertionError


@caught("lottery")
def favourite_serves_less(draft: Draft) -> None:
    """Units move from one group to another, loads with them; committed, drawn and sealed anew."""
    first, second = rich_arcs(draft.lottery)
    draft.seat(shifted(exact(draft.lottery), {first: -(1 << 13), second: 1 << 13}))


@caught("lottery")
def sums_do_not_close(draft: Draft) -> None:
    lottery = draft.lottery
    units = lottery.units.copy()
    units[0] += 2
    draft.docs["lottery"]["classes"][0]["units"][0] += 2
    draft.bind_plan(dataclasses.replace(lottery, units=units).plan_hash(draft.keys.suite))
    draft.docs["lottery"]["plan_hash"] = (
        dataclasses.replace(lottery, units=units).plan_hash(draft.keys.suite).hex()
    )


@caught("lottery")
def steered_within_the_loads(draft: Draft) -> None:
    """Two groups trade two days, so that one surely meets a certain firm: same loads, uneven odds."""
    lottery = draft.lottery
    arcs: dict[tuple[int, int], int] = {}
    for arc in range(len(lottery.units)):
        arcs[int(lottery.shape.arc_class[arc]), int(lottery.shape.arc_group[arc])] = arc
    shift = 1 << 15
    for (c, g), one in arcs.items():
        for (d, h), other in arcs.items():
            cross = arcs.get((c, h)), arcs.get((d, g))
            if g >= h or c == d or None in cross:
                continue
            third, fourth = cross
            assert third is not None
            assert fourth is not None
            dates = {lottery.shape.classes[c].date, lottery.shape.classes[d].date}
            if len(dates) == 2 and min(lottery.units[third], lottery.units[fourth]) > shift:
                moves = {one: shift, other: shift, third: -shift, fourth: -shift}
                draft.seat(shifted(lottery, moves))
                return
    raise AssertionError


@caught("lottery")
def certificate_changed(draft: Draft) -> None:
    draft.docs["lottery"]["certificate"]["a"][0] = "9.000000000000000e+00"


@caught("assignment")
def ineligible_inspector_seated(draft: Draft) -> None:
    lottery = draft.docs["lottery"]
    item = lottery["classes"][0]
    foreign = next(
        group["members"][0] for group in lottery["groups"] if group["group_id"] not in item["groups"]
    )
    lottery["assignment"][item["seats"][0]] = foreign
    draft.bind_seats()


@caught("lottery", *AUDITOR)
def eligibility_widened(draft: Draft) -> None:
    """Recusals are dropped from the plan, not from the frozen roster; all of it is committed anew."""
    roster = dataclasses.replace(draft.lottery.roster, recusals=(), leave=())
    frozen = draft.docs["manifest"]["roster_hash"]
    widened = plan_of(roster, draft)
    draft.seat(widened)
    draft.docs["lottery"]["roster_hash"] = frozen
    bound = {**widened.plan_object(draft.keys.suite), "roster_hash": frozen}
    digest = draft.keys.suite.hash(canonical_json(bound))
    draft.docs["lottery"]["plan_hash"] = digest.hex()
    draft.bind_plan(digest)


def plan_of(roster: Any, draft: Draft) -> LotteryPlan:
    return plan_lottery(roster, draft.lottery.plan, draft.lottery.days)


@caught("assignment")
def inspector_double_booked(draft: Draft) -> None:
    lottery = draft.docs["lottery"]
    for item in lottery["classes"]:
        if len(item["seats"]) > 1:
            first, second = item["seats"][:2]
            lottery["assignment"][first] = lottery["assignment"][second]
            draft.bind_seats()
            return
    one, two = (item for item in lottery["classes"][:2])
    lottery["assignment"][one["seats"][0]] = lottery["assignment"][two["seats"][0]]
    draft.bind_seats()


@caught("assignment")
def seats_exchanged(draft: Draft) -> None:
    """Two colleagues of one group trade days: lawful, fair on paper, and not what was drawn."""
    lottery = draft.docs["lottery"]
    seated = lottery["assignment"]
    group = next(group for group in lottery["groups"] if len(group["members"]) > 1)
    one, two = group["members"][:2]
    for seat, code in seated.items():
        seated[seat] = {one: two, two: one}.get(code, code)
    draft.bind_seats()


@caught("assignment")
def reserves_reordered(draft: Draft) -> None:
    next(codes for codes in draft.docs["lottery"]["reserves"].values() if len(codes) > 1).reverse()


@caught("assignment")
def transcript_changed(draft: Draft) -> None:
    draft.docs["lottery"]["transcript"][7] = "0" * 64


@caught("assignment")
def seats_seal_changed(draft: Draft) -> None:
    draft.docs["reveal"]["seats_seal"] = draft.entry("seats")["digest"] = "0" * 64
    draft.log_reveal()
