"""Cheats that recompute every digest they can: each is caught, at the step where its rule is checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from app.disclosure.container import Copy
from scheduler.encoding import canonical_json
from scheduler.lottery.plan import LotteryPlan, plan_lottery
from scheduler.verifier import verify
from tests.unit.scheduler.round_factory import SALT, Draft, make_round

Cheat = Callable[[Draft], None]
CASES: list[Any] = []
PLAN_KEYS = ("classes", "district_rule", "groups", "roster_hash", "seats", "unit_bits")
DRAW1, DRAW2, DRAW3 = "results/D1-credit", "results/D2-cool", "results/D3-own"


@pytest.fixture(scope="module")
def rounds() -> dict[str, Draft]:
    return {privacy: make_round(privacy) for privacy in ("open", "sealed")}


def caught(step: str, *where: str) -> Callable[[Cheat], Cheat]:
    """Register a cheat with the step that must fail first, for each `privacy/copy`."""

    def keep(cheat: Cheat) -> Cheat:
        CASES.extend(
            pytest.param(cheat, step, *place.split("/"), id=f"{cheat.__name__}-{place}")
            for place in where or ("open/public", "open/auditor", "sealed/public", "sealed/auditor")
        )
        return cheat

    return keep


FULL = ("open/public", "open/auditor", "sealed/auditor")
AUDITOR = ("open/auditor", "sealed/auditor")
HIDDEN = ("sealed/public",)


def bind_manifest(draft: Draft) -> None:
    """Log and reveal the manifest as it now stands, as if it had always been so."""
    digest = draft.keys.suite.hash(canonical_json(draft.docs["manifest"])).hex()
    draft.docs["reveal"]["manifest_hash"] = draft.entry("manifest")["digest"] = digest
    draft.log_reveal()


def hashed(draft: Draft, value: Any) -> str:
    return draft.keys.suite.hash(canonical_json(value)).hex()


@caught("manifest")
def ratio_changed(draft: Draft) -> None:
    draft.docs["manifest"]["draws"][0]["default"]["ratio_ppm"] += 1


@caught("draw")
def ratio_changed_and_rebound(draft: Draft) -> None:
    draft.docs["manifest"]["draws"][0]["default"]["ratio_ppm"] += 1
    bind_manifest(draft)


@caught("manifest")
def minimum_above_maximum(draft: Draft) -> None:
    draft.docs["manifest"]["draws"][0]["default"] |= {"min": 5, "max": 4}
    bind_manifest(draft)


@caught("manifest", "open/public", "open/auditor")
def internal_column_in_open_round(draft: Draft) -> None:
    draft.docs["manifest"]["draws"][0]["internal"] = ["credit"]
    bind_manifest(draft)


@caught("manifest")
def draws_out_of_order(draft: Draft) -> None:
    draft.docs["manifest"]["draws"].reverse()
    bind_manifest(draft)


@caught("manifest")
def equal_commitments(draft: Draft) -> None:
    first, second = draft.docs["manifest"]["commitments"]
    second["commitment"] = first["commitment"]
    bind_manifest(draft)


@caught("manifest")
def text_not_normalised(draft: Draft) -> None:
    draft.docs["manifest"]["title"] = "e\u0301"
    bind_manifest(draft)


@caught("manifest")
def recent_as_stratum(draft: Draft) -> None:
    draft.docs["manifest"]["draws"][1]["strata_by"] = ["credit", "recent"]
    bind_manifest(draft)


@caught("manifest")
def second_manifest_logged(draft: Draft) -> None:
    rows = draft.docs["log/entries"]
    rows.insert(1, {"index": 41, "entry": dict(rows[0]["entry"])})


@caught("manifest")
def unknown_file_added(draft: Draft) -> None:
    draft.docs["results/D4-ghost"] = {}


@caught("manifest")
def verifier_changed(draft: Draft) -> None:
    draft.raw["verify.py"] += b"# sleeps\n"


@caught("commitments")
def secret_changed(draft: Draft) -> None:
    draft.docs["reveal"]["secrets"][0]["secret"] = "00" * 32
    draft.log_reveal()


@caught("commitments")
def party_left_out(draft: Draft) -> None:
    draft.docs["reveal"]["secrets"].pop()
    draft.log_reveal()


@caught("commitments", "sealed/auditor")
def salt_changed(draft: Draft) -> None:
    draft.docs["reveal"]["k_salt"] = "00" * 32


@caught("commitments", "open/public", "open/auditor")
def salt_in_open_round(draft: Draft) -> None:
    draft.docs["reveal"]["k_salt"] = SALT.hex()


@caught("entropy")
def entropy_changed(draft: Draft) -> None:
    draft.docs["reveal"]["entropy"][0]["value"] = "01 02 03 04 05 06+07"
    draft.log_reveal()


@caught("draw", *FULL)
@caught("plan", *HIDDEN)
def entropy_changed_and_logged(draft: Draft) -> None:
    entropy = draft.docs["reveal"]["entropy"]
    entropy[0]["value"] = "01 02 03 04 05 06+07"
    draft.entry("entropy").update(values=entropy, digest=hashed(draft, entropy))
    draft.log_reveal()


@caught("assignment")
def second_entropy_changed_and_logged(draft: Draft) -> None:
    entropy = draft.docs["reveal"]["entropy_seats"]
    entropy[0]["value"] = "98765432109876543210"
    draft.entry("entropy_seats").update(values=entropy, digest=hashed(draft, entropy))
    draft.log_reveal()


@caught("entropy")
def entropy_in_upper_case(draft: Draft) -> None:
    entropy = draft.docs["reveal"]["entropy"]
    entropy[1]["value"] = entropy[1]["value"].upper()
    draft.entry("entropy").update(values=entropy, digest=hashed(draft, entropy))
    draft.log_reveal()


@caught("entropy")
def assurance_overstated(draft: Draft) -> None:
    draft.docs["manifest"]["entropy"][1]["bits"] = 39
    bind_manifest(draft)


@caught("entropy")
def demonstration_called_assured(draft: Draft) -> None:
    draft.docs["manifest"]["demo"] = 1
    bind_manifest(draft)


@caught("frames", *FULL)
def frame_row_edited(draft: Draft) -> None:
    draft.raw["frames/D2-cool.tsv"] = draft.raw["frames/D2-cool.tsv"].replace(b"\t0\n", b"\t1\n", 1)


@caught("frames", *FULL)
def frame_row_removed(draft: Draft) -> None:
    lines = draft.raw["frames/D1-credit.tsv"].splitlines(keepends=True)
    draft.raw["frames/D1-credit.tsv"] = b"".join(lines[:5] + lines[6:])


@caught("frames", *FULL)
def frame_rows_swapped(draft: Draft) -> None:
    lines = draft.raw["frames/D1-credit.tsv"].splitlines(keepends=True)
    lines[3], lines[4] = lines[4], lines[3]
    draft.raw["frames/D1-credit.tsv"] = b"".join(lines)


@caught("frames", *FULL)
def frame_ends_in_crlf(draft: Draft) -> None:
    draft.raw["frames/D1-credit.tsv"] = draft.raw["frames/D1-credit.tsv"].replace(b"\n", b"\r\n")


@caught("frames", *FULL)
def frame_without_last_newline(draft: Draft) -> None:
    draft.raw["frames/D1-credit.tsv"] = draft.raw["frames/D1-credit.tsv"][:-1]


@caught("frames", *FULL)
def frame_not_text(draft: Draft) -> None:
    draft.raw["frames/D1-credit.tsv"] += b"\xff\n"


@caught("frames", *FULL)
def exclusion_added(draft: Draft) -> None:
    draft.raw["excluded/D1-credit.tsv"] += b"91650100MAZ\tfriend\n"


@caught("frames", *FULL)
def exclusion_reason_changed(draft: Draft) -> None:
    draft.raw["excluded/D1-credit.tsv"] = b"91650100MAEXCLUDED\tclosed\n"


def strata(draft: Draft, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = draft.docs[name]["strata"]
    return found


@caught("draw", *FULL)
def target_swapped_for_backup(draft: Draft) -> None:
    chosen = next(item for item in strata(draft, DRAW1) if item["selected"] and item["backups"])
    chosen["selected"][0], chosen["backups"][0] = chosen["backups"][0], chosen["selected"][0]


@caught("visits", *HIDDEN)
def target_swapped_in_list(draft: Draft) -> None:
    listed = draft.public[DRAW1]["selected"]
    listed[0] = "0" + listed[0][1:]


@caught("draw", *FULL)
def backup_removed(draft: Draft) -> None:
    next(item for item in strata(draft, DRAW1) if item["backups"])["backups"].pop()


@caught("draw", *FULL)
def number_changed(draft: Draft) -> None:
    strata(draft, DRAW3)[0]["selected"][0]["u"] = "1"


@caught("draw", *FULL)
def cutoff_changed(draft: Draft) -> None:
    strata(draft, DRAW3)[0]["cutoff"] = "1"


@caught("draw", *FULL)
def probability_changed(draft: Draft) -> None:
    strata(draft, DRAW2)[0]["pi_design"] = "1/7"


@caught("draw", *FULL)
def true_for_one(draft: Draft) -> None:
    next(item for item in strata(draft, DRAW2) if item["n"] == 1)["n"] = True


@caught("draw", *FULL)
def stratum_left_out(draft: Draft) -> None:
    strata(draft, DRAW2).pop()


@caught("draw", *HIDDEN)
def stratum_shown(draft: Draft) -> None:
    draft.public[DRAW1]["strata"] = [{"stratum": ["D"], "n": 3}]


@caught("draw", *HIDDEN)
def list_in_order_of_number(draft: Draft) -> None:
    draft.public[DRAW1]["selected"].reverse()


@caught("draw", *HIDDEN)
def one_drawn_is_dropped(draft: Draft) -> None:
    draft.public[DRAW3]["selected"].pop()
    draft.public[DRAW3]["n"] -= 1


@caught("draw", *HIDDEN)
def far_too_many_drawn(draft: Draft) -> None:
    ids = {f"9{number:03}" for number in range(60)} | set(draft.public[DRAW2]["selected"])
    draft.public[DRAW2] |= {"n": len(ids), "selected": sorted(ids)}


@caught("seal", *FULL)
@caught("log", *HIDDEN)
def seal_changed_in_reveal(draft: Draft) -> None:
    draft.docs["reveal"]["seal"] = "0" * 64
    draft.log_reveal()


@caught("seal", *FULL)
@caught("log", *HIDDEN)
def seal_changed_in_log(draft: Draft) -> None:
    draft.entry("seal")["digest"] = "0" * 64


@caught("seal", *FULL)
def seal_changed_everywhere(draft: Draft) -> None:
    draft.docs["reveal"]["seal"] = draft.entry("seal")["digest"] = "0" * 64
    draft.log_reveal()


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


@caught("log")
def log_reordered(draft: Draft) -> None:
    rows = draft.docs["log/entries"]
    rows[4]["entry"], rows[5]["entry"] = rows[5]["entry"], rows[4]["entry"]
    rows[4]["entry"]["at"], rows[5]["entry"]["at"] = rows[5]["entry"]["at"], rows[4]["entry"]["at"]


@caught("log")
def times_reversed(draft: Draft) -> None:
    draft.entry("seal")["at"] = "2027-01-04T14:00:00+08:00"


@caught("log")
def times_reversed_within_a_second(draft: Draft) -> None:
    draft.entry("seal")["at"] = "2027-01-04T14:59:59.49+08:00"


@caught("log")
def another_rounds_entry(draft: Draft) -> None:
    draft.entry("deposits")["sequence"] = 2


@caught("log")
def deposits_not_logged(draft: Draft) -> None:
    del draft.docs["log/entries"][1]


@caught("log")
def deposits_of_other_commitments(draft: Draft) -> None:
    draft.entry("deposits")["digest"] = "0" * 64


@caught("log")
def entropy_after_its_deadline(draft: Draft) -> None:
    draft.entry("entropy")["at"] = "2027-01-04T15:00:00.1+08:00"


@caught("log")
def reveal_not_the_logged_one(draft: Draft) -> None:
    draft.docs["reveal"]["assurance"] = 1


@caught("log")
def index_reused(draft: Draft) -> None:
    draft.docs["log/entries"][-1]["index"] = draft.docs["log/entries"][-2]["index"]


@caught("manifest")
def time_in_another_zone(draft: Draft) -> None:
    draft.entry("reveal")["at"] = "2027-03-31T10:00:05+00:00"


@pytest.mark.parametrize(("cheat", "step", "privacy", "copy"), CASES)
def test_cheat_is_caught(
    tmp_path: Path, rounds: dict[str, Draft], cheat: Cheat, step: str, privacy: str, copy: Copy
) -> None:
    draft = rounds[privacy].copied()
    cheat(draft)
    outcome = verify(draft.write(tmp_path, copy))
    failed = [line for line in outcome.lines if line.status == "FAIL"]
    assert outcome.status == 1
    assert failed[0].step == step, outcome.render()
    assert " · " in failed[0].detail or "：" in failed[0].detail


def test_absurd_number_of_officers_ends(tmp_path: Path, rounds: dict[str, Draft]) -> None:
    """A route of 2^52 officers, all of it committed to anew, must not exhaust memory."""
    draft = rounds["open"].copied()
    route = routes(draft)[0]
    route["officers"] = 2**52
    report = draft.docs["schedule"]["report"]
    report["plan"]["inspector_days"] += 2**52 - 2
    report["plan"]["people_per_visit_max"] = 2**52 + 10**6
    bound = {key: draft.docs["lottery"][key] for key in PLAN_KEYS}
    bound |= {"routes": routes(draft), "visits": draft.docs["visits"]["visits"]}
    digest = draft.keys.suite.hash(canonical_json(bound))
    draft.docs["lottery"]["plan_hash"] = digest.hex()
    draft.bind_plan(digest)
    assert verify(draft.write(tmp_path, "public")).status == 1


def test_kinds_of_cheats() -> None:
    assert len({case.values[0] for case in CASES}) >= 60


def test_lawful_replacement_holds(tmp_path: Path, rounds: dict[str, Draft]) -> None:
    for privacy, copy in (("open", "public"), ("sealed", "public"), ("sealed", "auditor")):
        draft = rounds[privacy].copied()
        first = replacement(draft, 0)
        second = {**replacement(draft, 1), "target": first["backup"]}
        none_left = {**first, "target": second["backup"], "backup": None}
        draft.docs["events"] = [first, second, none_left]
        assert verify(draft.write(tmp_path, copy)).status == 0  # type: ignore[arg-type]
