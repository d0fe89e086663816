"""The fewest entries of a target against brute force over all partitions, and the stagger of crews under a cap."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.entries import Item, Rules, crews, different_days, fits, partition, stagger


def partitions(rest: list[int]) -> Iterator[list[list[int]]]:
    """All partitions of a list."""
    if not rest:
        yield []
        return
    first, others = rest[0], rest[1:]
    for made in partitions(others):
        yield [[first], *made]
        for place in range(len(made)):
            yield [*made[:place], [first, *made[place]], *made[place + 1 :]]


def possible(items: list[Item], group: list[int], rules: Rules) -> bool:
    """A visit by the words of the rules, without the module's own masks."""
    days = [d for d in range(5) if all(items[i].days >> d & 1 for i in group)]
    clash = any(items[i].conflicts >> j & 1 for i in group for j in group)
    return bool(days) and not clash and stagger(crews([items[i] for i in group]), rules) is not None


def random_items(rng: random.Random) -> list[Item]:
    count = rng.randint(1, 6)
    conflicts = [0] * count
    for i in range(count):
        for j in range(i):
            if rng.random() < 0.3:
                conflicts[i] |= 1 << j
                conflicts[j] |= 1 << i
    return [
        Item(
            rng.randrange(4), rng.choice((30, 90, 200)), rng.choice((2, 3)), rng.randint(1, 31), conflicts[i]
        )
        for i in range(count)
    ]


@pytest.mark.parametrize("seed", range(40))
def test_fewest_entries_equal_brute_force(seed: int) -> None:
    rng = random.Random(seed)
    items = random_items(rng)
    rules = Rules(420, rng.choice((None, 3, 4, 6)))
    found = partition(items, rules)
    ways = [
        p for p in partitions(list(range(len(items)))) if all(possible(items, group, rules) for group in p)
    ]
    best = min(len(way) for way in ways)
    assert len(found.groups) == found.least == best
    assert sorted(i for group in found.groups for i in group) == list(range(len(items)))
    assert all(possible(items, list(group), rules) for group in found.groups)
    masks = [[days_of(items, group) for group in way] for way in ways if len(way) == best]
    assert found.distinct_days == any(different_days(row) for row in masks)


def days_of(items: list[Item], group: list[int]) -> int:
    mask = 31
    for i in group:
        mask &= items[i].days
    return mask


def test_few_entries_left_keep_as_many_checks_as_possible() -> None:
    triangle = [Item(d, 30, 2, 31, 0b111 ^ (1 << d)) for d in range(3)]
    loose = [Item(3, 30, 2, 31), Item(4, 30, 2, 31)]
    found = partition([*triangle, *loose], Rules(420, None, 1))
    assert len(found.groups) == 1
    assert len(found.groups[0]) == 3
    assert len(found.left_out) == 2
    assert partition(triangle, Rules(420, None, 0)).left_out == (0, 1, 2)


def test_nothing_needs_no_entry() -> None:
    assert partition([], Rules(420)).groups == ()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(10, 200), st.integers(2, 4)), min_size=1, max_size=6),
    st.integers(2, 12),
)
def test_stagger_never_admits_more_than_the_cap(parts: list[tuple[int, int]], cap: int) -> None:
    rows = [(number, minutes, officers) for number, (minutes, officers) in enumerate(parts)]
    begins = stagger(rows, Rules(420, cap))
    if begins is None:
        energy = sum(minutes * officers for minutes, officers in parts)
        longest = max(minutes for minutes, _ in parts)
        assert max(o for _, o in parts) > cap or energy + longest * cap > 420 * cap
        return
    assert max(begin + row[1] for begin, row in zip(begins, rows, strict=True)) <= 420
    for minute in range(420):
        there = sum(
            row[2] for begin, row in zip(begins, rows, strict=True) if begin <= minute < begin + row[1]
        )
        assert there <= cap


def test_stagger_tries_every_order_before_it_gives_up() -> None:
    """Longest first ends at 430; 200 and 220 side by side with 180 + 240 fit exactly."""
    parts = [(0, 240, 2), (1, 220, 2), (2, 200, 2), (3, 180, 2)]
    assert stagger(parts, Rules(420, 4)) is not None
    assert stagger(parts, Rules(419, 4)) is None


def test_a_visit_by_itself_needs_days_and_time() -> None:
    assert fits([Item(0, 420, 2, 1)], [0], Rules(420))
    assert not fits([Item(0, 421, 2, 1)], [0], Rules(420))
    assert not fits([Item(0, 60, 2, 1), Item(1, 60, 2, 2)], [0, 1], Rules(420))
