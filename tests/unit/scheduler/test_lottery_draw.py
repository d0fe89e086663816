"""The draw against a second, plain implementation of docs/lottery.md, and what must hold of every draw."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.lottery_city import LotteryCity, LotteryShape, lottery_city
from scheduler.encoding import canonical_json
from scheduler.lottery.draw import SeatDraw, draw_seats, lottery_json
from scheduler.lottery.plan import LotteryPlan, plan_lottery
from scheduler.suite import SHA256

BITS = 20
SMALL = LotteryShape(inspectors=24, routes=15, days=5, lead=0.8, specialty=0.5)


def planned(city: LotteryCity) -> LotteryPlan:
    return plan_lottery(city.roster, city.plan, city.days)


@pytest.fixture(scope="module")
def small() -> LotteryPlan:
    return planned(lottery_city(SMALL, 3))


def key(number: int) -> bytes:
    return hashlib.sha256(b"a test's key %d" % number).digest()


def prefixed(*parts: bytes | str) -> bytes:
    raw = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join(len(part).to_bytes(8, "big") + part for part in raw)


class Plain:
    """Section 7 over lottery.json, with dictionaries and loops."""

    def __init__(self, lottery: dict[str, Any], k_seats: bytes) -> None:
        self.lottery, self.k_seats = lottery, k_seats
        self.members = {group["group_id"]: group["members"] for group in lottery["groups"]}
        self.caps = {group["group_id"]: group["cap"] for group in lottery["groups"]}
        self.arcs = [
            (item["class_id"], item["date"], group, units)
            for item in lottery["classes"]
            for group, units in zip(item["groups"], item["units"], strict=True)
        ]

    def stream(self, length: int, label: str, *parts: bytes | str) -> bytes:
        return hashlib.shake_256(prefixed(label, self.k_seats, *parts)).digest(length)

    def shuffle(self, items: list[str], label: str, *parts: bytes | str) -> list[str]:
        items, place = list(items), 0
        data = self.stream(8 * (len(items) + 64), label, *parts)
        for i in range(len(items) - 1):
            k = len(items) - i
            while (word := int.from_bytes(data[place : place + 8], "big")) >= 2**64 - 2**64 % k:
                place += 8
            place += 8
            j = i + word % k
            items[i], items[j] = items[j], items[i]
        return items

    def halvings(self) -> tuple[list[int], list[str]]:
        order = list(self.members)
        days = sorted({(order.index(g), date) for _, date, g, _ in self.arcs})
        day_nodes = [(order[g], date) for g, date in days]
        edges: list[tuple[Any, Any, str]] = [((g, date), c, "class") for c, date, g, _ in self.arcs]
        edges += [(node[0], node, "day") for node in day_nodes]
        edges += [("root", g, "group") for g in order]
        values = [units for *_, units in self.arcs]
        values += [sum(u for _, d, g, u in self.arcs if (g, d) == node) for node in day_nodes]
        values += [sum(u for _, _, h, u in self.arcs if h == g) for g in order]
        transcript = []
        for level in range(1, BITS + 1):
            values = self.halve(edges, values, level.to_bytes(8, "big"))
            now = b"".join(value.to_bytes(8, "big") for value in values[: len(self.arcs)])
            text = prefixed("DR1/seats/transcript", level.to_bytes(8, "big"), now)
            transcript.append(hashlib.shake_256(text).hexdigest(32))
        return values[: len(self.arcs)], transcript

    def halve(self, edges: list[tuple[Any, Any, str]], values: list[int], level: bytes) -> list[int]:
        odd = [e for e, value in enumerate(values) if value % 2]
        keys = self.stream(8 * len(odd), "DR1/seats/pairs", level)
        at: dict[Any, list[tuple[Any, int, str]]] = defaultdict(list)
        for p, e in enumerate(odd):
            up, down, kind = edges[e]
            lower = (0, keys[8 * p + 4 : 8 * p + 8]) if kind == "class" else (1, b"")
            at["node", up].append((((0, keys[8 * p : 8 * p + 4]), p), p, "leads down"))
            at["node", down].append(((lower, p), p, "leads up"))
        links: dict[int, list[tuple[int, bool]]] = defaultdict(list)
        for listed in at.values():
            listed.sort()
            assert len(listed) % 2 == 0
            for one, other in zip(listed[::2], listed[1::2], strict=True):
                same = one[2] != other[2]
                links[one[1]].append((other[1], same))
                links[other[1]].append((one[1], same))
        sign = self.signs(links, self.stream(len(odd), "DR1/seats/coins", level), len(odd))
        halved = [value // 2 for value in values]
        for p, e in enumerate(odd):
            halved[e] = (values[e] + sign[p]) // 2
        return halved

    @staticmethod
    def signs(links: dict[int, list[tuple[int, bool]]], coins: bytes, count: int) -> dict[int, int]:
        sign: dict[int, int] = {}
        trail = 0
        for p in range(count):
            if p in sign:
                continue
            sign[p] = 1 if coins[trail] & 1 else -1
            trail += 1
            waiting = [p]
            while waiting:
                here = waiting.pop()
                for there, same in links[here]:
                    expected = sign[here] if same else -sign[here]
                    if there not in sign:
                        sign[there] = expected
                        waiting.append(there)
                    assert sign[there] == expected
        return sign

    def draw(self) -> tuple[dict[str, str], dict[str, list[str]], list[str]]:
        counts, transcript = self.halvings()
        wanted = {(c, g): n for (c, _, g, _), n in zip(self.arcs, counts, strict=True)}
        served: Counter[str] = Counter()
        drawn: dict[str, list[tuple[str, list[str]]]] = defaultdict(list)
        for group, members in self.members.items():
            for date in sorted({d for _, d, g, _ in self.arcs if g == group}):
                order = self.shuffle(members, "DR1/seats/members", group, date)
                classes = [c for c, d, g, _ in self.arcs if g == group and d == date]
                k = sum(wanted[c, group] for c in classes)
                chosen = sorted(order, key=lambda code: (served[code], order.index(code)))[:k]
                dealt = [code for code in order if code in chosen]
                served.update(dealt)
                for c in classes:
                    drawn[c].append((group, dealt[: wanted[c, group]]))
                    dealt = dealt[wanted[c, group] :]
        assignment: dict[str, str] = {}
        for item in self.lottery["classes"]:
            people = [code for _, codes in drawn[item["class_id"]] for code in codes]
            dealt = self.shuffle(people, "DR1/seats/deal", item["class_id"])
            assignment.update(zip(item["seats"], dealt, strict=True))
        return assignment, self.reserves(assignment), transcript

    def reserves(self, assignment: dict[str, str]) -> dict[str, list[str]]:
        held = Counter(assignment.values())
        cap = {code: self.caps[g] for g, members in self.members.items() for code in members}
        found = {}
        for item in self.lottery["classes"]:
            same_date = [c for c in self.lottery["classes"] if c["date"] == item["date"]]
            busy = {assignment[seat] for c in same_date for seat in c["seats"]}
            eligible = sorted(code for g in item["groups"] for code in self.members[g])
            order = self.shuffle(eligible, "DR1/seats/reserves", item["class_id"])
            free = [code for code in order if code not in busy and held[code] < cap[code]]
            found[item["class_id"]] = free[: 8 + 2 * len(item["seats"])]
        return found


@pytest.mark.parametrize("seed", range(6))
def test_a_second_implementation_draws_the_same(seed: int) -> None:
    shape = LotteryShape(2, 12 + 3 * seed, 10, 4, cap=2 + seed, lead=0.8, specialty=0.6)
    plan = planned(lottery_city(shape, seed))
    draw = draw_seats(plan, key(seed))
    lottery = json.loads(canonical_json(lottery_json(plan, draw, SHA256)))
    assignment, reserves, transcript = Plain(lottery, key(seed)).draw()
    assert lottery["assignment"] == assignment
    assert lottery["reserves"] == reserves
    assert lottery["transcript"] == transcript


def check_draw(plan: LotteryPlan, draw: SeatDraw) -> None:
    """Nobody ineligible, nobody twice a day, every load its expectation rounded down or up, caps kept."""
    classes = {seat: item for item in plan.classes_json() for seat in item["seats"]}
    members = {group["group_id"]: set(group["members"]) for group in plan.groups_json()}
    assert set(draw.assignment) == {seat.seat_id for seat in plan.seats}
    for seat, code in draw.assignment.items():
        item = classes[seat]
        holders = [
            g for g, units in zip(item["groups"], item["units"], strict=True) if code in members[g] and units
        ]
        assert len(holders) == 1
    assert max(Counter((classes[seat]["date"], code) for seat, code in draw.assignment.items()).values()) == 1
    held = Counter(draw.assignment.values())
    for group in plan.groups_json():
        load = Fraction(group["load"])
        for code in group["members"]:
            assert held[code] in (load.numerator // load.denominator, -(-load.numerator // load.denominator))
            assert held[code] <= group["cap"]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 30), st.binary(min_size=32, max_size=32))
def test_every_draw_keeps_the_rules(seed: int, k_seats: bytes) -> None:
    shape = LotteryShape(inspectors=10 + seed, routes=4 + seed // 2, days=3, lead=0.9, specialty=0.7)
    plan = planned(lottery_city(shape, seed))
    check_draw(plan, draw_seats(plan, k_seats))


def test_reserves_are_free_and_eligible(small: LotteryPlan) -> None:
    draw = draw_seats(small, key(1))
    members = {group["group_id"]: group["members"] for group in small.groups_json()}
    dates = {seat.seat_id: seat.date for seat in small.seats}
    for item in small.classes_json():
        busy = {code for seat, code in draw.assignment.items() if dates[seat] == item["date"]}
        eligible = {code for group in item["groups"] for code in members[group]}
        reserves = draw.reserves[item["class_id"]]
        assert len(reserves) == len(set(reserves)) == min(len(eligible - busy), 8 + 2 * len(item["seats"]))
        assert set(reserves) <= eligible - busy


def test_another_key_gives_another_draw_and_the_same_key_the_same(small: LotteryPlan) -> None:
    one, again, other = (draw_seats(small, key(number)) for number in (1, 1, 2))
    assert one == again
    assert one.assignment != other.assignment
    assert one.transcript != other.transcript


def test_nothing_to_draw() -> None:
    city = lottery_city(LotteryShape(routes=0, recusal=0.0), 1)
    plan = planned(city)
    draw = draw_seats(plan, key(1))
    assert not draw.assignment
    assert not draw.reserves
    assert len(draw.transcript) == BITS
    assert lottery_json(plan, draw, SHA256)["classes"] == []
