"""Section 4's check before the freeze, against brute force and the example that the specification gives."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.errors import Refused
from scheduler.disclosure_risk import check_disclosure, disclosure_risk, totals
from scheduler.frame import Frame
from scheduler.manifest import Cooldown, DrawSpec, Rule, StratumRule, Stream
from scheduler.patterns import pattern_masses
from scheduler.population import SCALE, Kind, Membership, Profile, groups_of, part_rates, population_of

ZEROS = "0" * 64
CLASSES = {"A": 48_600, "B": 41_500, "C": 6_400, "D": 3_500}
TIERED = {"A": 10_000, "B": 30_000, "C": 100_000, "D": 250_000}


def tiered(draw_id: str, ratios: dict[str, int] | None = None, stream: Stream = "round") -> DrawSpec:
    chosen = TIERED if ratios is None else ratios
    strata = tuple(StratumRule((name,), Rule(ratio, 0, None, "systematic")) for name, ratio in chosen.items())
    return spec_of(draw_id, ("credit",), Rule(0, 0), strata, stream)


def flat(draw_id: str, ratio: int, stream: Stream = "round") -> DrawSpec:
    return spec_of(draw_id, (), Rule(ratio, 0, None, "systematic"), (), stream)


def spec_of(
    draw_id: str, strata_by: tuple[str, ...], rule: Rule, strata: tuple[StratumRule, ...], stream: Stream
) -> DrawSpec:
    columns = ("target_id", "credit", "district", "recent")
    return DrawSpec(
        draw_id, "局", columns, ("credit",), None, ZEROS, 0, ZEROS, strata_by, rule, strata, None, stream
    )


def everybody_in(*specs: DrawSpec) -> dict[Profile, int]:
    return {
        tuple(
            Membership(spec.draw_id, (name,) if spec.strata_by else (), "", (name,)) for spec in specs
        ): count
        for name, count in CLASSES.items()
    }


def test_one_tiered_draw_is_below_the_default_limit() -> None:
    spec = tiered("1")
    report = check_disclosure([spec], everybody_in(spec))
    assert report.worst is not None
    assert report.worst == report.single
    assert (report.worst.value, report.worst.drawn_by) == ("A", ())
    kept = {name: count * (10**6 - TIERED[name]) for name, count in CLASSES.items()}
    assert report.worst.posterior == Fraction(kept["A"], sum(kept.values()))


def test_the_specifications_example_is_refused() -> None:
    """Ratios 1/3/10/25 % in one draw and 10 % for all in another: every firm of the first alone is class D."""
    specs = [tiered("1"), flat("2", 100_000)]
    report = disclosure_risk(specs, everybody_in(*specs))
    assert report.refused
    assert report.worst is not None
    assert (report.worst.value, report.worst.drawn_by) == ("D", ("1",))
    assert report.worst.posterior == 1
    assert report.worst.targets == Fraction(3_500 * 15, 100)
    with pytest.raises(Refused) as caught:
        check_disclosure(specs, everybody_in(*specs))
    assert caught.value.problem.code == "risk.disclosure"
    assert "shared visits" in caught.value.problem.remedy_en
    assert "独立数流" in caught.value.problem.remedy_zh


def test_remedies_have_their_price() -> None:
    specs = [tiered("1"), flat("2", 100_000)]
    remedies = disclosure_risk(specs, everybody_in(*specs)).remedies
    kinds = Counter(remedy.kind for remedy in remedies)
    assert kinds == {"own_stream": 2, "like_shape": 2, "common_floor": 1}
    assert all(remedy.enough for remedy in remedies)
    own = next(remedy for remedy in remedies if remedy.kind == "own_stream")
    ratios = {name: Fraction(TIERED[name], 10**6) for name in CLASSES}
    both = sum(count * min(ratios[name], Fraction(1, 10)) for name, count in CLASSES.items())
    apart = sum(count * ratios[name] * Fraction(1, 10) for name, count in CLASSES.items())
    assert own.shared_visits == (round(both), round(apart))
    assert own.lost == own.shared_visits[0] - own.shared_visits[1]
    shape = next(remedy for remedy in remedies if remedy.kind == "like_shape")
    assert shape.added == 0
    floor = next(remedy for remedy in remedies if remedy.kind == "common_floor")
    assert floor.floor_ppm == 250_000
    assert floor.added > 0


def test_remedies_do_what_they_promise() -> None:
    specs = [tiered("1"), flat("2", 100_000)]
    promised = {
        remedy.draw_id: remedy
        for remedy in disclosure_risk(specs, everybody_in(*specs)).remedies
        if remedy.kind == "own_stream"
    }
    changed = [tiered("1", stream="own"), flat("2", 100_000)]
    report = disclosure_risk(changed, everybody_in(*changed))
    assert report.worst is not None
    assert report.worst.posterior == promised["1"].posterior
    own = frozenset({0})
    assert totals(groups_of(changed, everybody_in(*changed)), own)[1] == promised["1"].shared_visits[1]


def test_like_shapes_are_nested_and_safe() -> None:
    doubled = {name: 2 * ratio for name, ratio in TIERED.items()}
    specs = [tiered("1"), tiered("2", doubled)]
    report = disclosure_risk(specs, everybody_in(*specs))
    assert not report.refused
    assert report.remedies == ()


def test_repeated_hits_are_shown() -> None:
    spec = tiered("1")
    history = disclosure_risk([spec], everybody_in(spec)).history
    assert len(history) == 3
    for hits, risk in enumerate(history, 1):
        masses = {name: count * Fraction(TIERED[name], 10**6) ** hits for name, count in CLASSES.items()}
        assert risk.posterior == max(masses.values()) / sum(masses.values())


def test_what_is_known_beforehand_is_not_the_draws_doing() -> None:
    spec = tiered("1")
    population: dict[Profile, int] = {
        (Membership("1", (name,), "", (name,)),): count for name, count in (("A", 700), ("B", 300))
    }
    report = disclosure_risk([spec], population)
    assert report.known_beforehand == 1000
    assert report.worst is not None
    assert report.worst.value == "B"


def test_patterns_that_nobody_will_see_do_not_count() -> None:
    specs = [tiered("1"), flat("2", 249_990)]
    report = disclosure_risk(specs, everybody_in(*specs))
    assert not report.refused
    assert disclosure_risk(specs, {p: 100 * n for p, n in everybody_in(*specs).items()}).refused


def test_small_groups_are_taken_together() -> None:
    spec = spec_of("1", ("credit", "district"), Rule(100_000, 0), (), "round")
    population: dict[Profile, int] = {
        (Membership("1", (name, district), "", (name,)),): 50
        for name in "AB"
        for district in ("甲", "乙", "丙")
    }
    assert len(groups_of([spec], population, 1)) == 3
    assert [group.count for group in groups_of([spec], population, 200)] == [300]


def test_an_open_round_has_no_risk() -> None:
    spec = DrawSpec("1", "局", ("target_id",), (), ZEROS, None, 0, ZEROS, (), Rule(500_000))
    report = check_disclosure([spec], {(Membership("1", ()),): 100})
    assert (report.worst, report.history, report.groups) == (None, (), 0)
    assert report.to_json()["refused"] == 0


def test_too_many_own_streams_are_refused() -> None:
    specs = [tiered(f"{number:02}", {**TIERED, "A": 10_000 + number}, "own") for number in range(13)]
    with pytest.raises(Refused) as caught:
        disclosure_risk(specs, everybody_in(*specs))
    assert caught.value.problem.code == "risk.own_streams"


def test_alike_own_streams_are_cheap() -> None:
    specs = [tiered(f"{number:02}", stream="own") for number in range(20)]
    report = disclosure_risk(specs, everybody_in(*specs))
    assert report.worst is not None
    assert report.worst.value == "D"
    assert report.refused


def test_population_is_counted_over_frames() -> None:
    first = spec_of("1", ("credit", "district"), Rule(500_000), (), "round")
    second = DrawSpec(
        "2", "局", ("target_id", "recent"), (), ZEROS, None, 0, ZEROS, (), Rule(1), (), Cooldown()
    )
    rows = [("T1", "A", "甲", "0"), ("T2", "A", "甲", "1"), ("T3", "D", "乙", "0")]
    frames = {
        "1": Frame(("target_id", "credit", "district", "recent"), rows),
        "2": Frame(("target_id", "recent"), [("T2", "1"), ("T4", "0")]),
    }
    one = Membership("1", ("A", "甲"), "", ("A",))
    assert population_of([first, second], frames) == {
        (one,): 1,
        (one, Membership("2", (), "1")): 1,
        (Membership("1", ("D", "乙"), "", ("D",)),): 1,
        (Membership("2", (), "0"),): 1,
    }


def test_rates_follow_the_cool_down() -> None:
    rule = Rule(100_000, 0, None, "systematic")
    spec = DrawSpec(
        "1", "局", ("target_id", "recent"), (), ZEROS, None, 0, ZEROS, (), rule, (), Cooldown(500_000)
    )
    population: dict[Profile, int] = {(Membership("1", (), "0"),): 500, (Membership("1", (), "1"),): 500}
    rates = part_rates([spec], population)
    assert rates == {("1", (), "0"): SCALE * 15 // 100, ("1", (), "1"): SCALE * 5 // 100}


def brute_masses(kinds: list[Kind], own: frozenset[int], draws: int) -> dict[int, Counter[str]]:
    """Every pattern's mass by cutting the unit interval at every rate, every own-stream outcome apart."""
    cuts = sorted({0, SCALE, *(rate for kind in kinds for rate in kind.rates)})
    masses: dict[int, Counter[str]] = {}
    for kind in kinds:
        for lower, upper in pairwise(cuts):
            shared = sum(
                1 << place for place in range(draws) if place not in own and kind.rates[place] > lower
            )
            for outcome in product((False, True), repeat=len(own)):
                chance, mask = upper - lower, shared
                for hit, place in zip(outcome, sorted(own), strict=True):
                    chance *= kind.rates[place] if hit else SCALE - kind.rates[place]
                    mask |= hit << place
                if chance:
                    masses.setdefault(mask, Counter())[str(kind.secrets[0])] += kind.count * chance
    return masses


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ABCD"), st.tuples(*[st.integers(0, 20)] * 3), st.integers(1, 9)),
        min_size=1,
        max_size=6,
    ),
    st.sets(st.integers(0, 2), max_size=2),
)
def test_patterns_equal_brute_force(
    cells: list[tuple[str, tuple[int, ...], int]], own_places: set[int]
) -> None:
    """Posteriors agree; own-stream draws that treat all alike are allowed to be left out."""
    kinds = [
        Kind((name,), tuple(rate * SCALE // 20 for rate in rates), count) for name, rates, count in cells
    ]
    own = frozenset(own_places)
    found = pattern_masses(kinds, range(3), own)
    expected = brute_masses(kinds, own, 3)

    def best(masses: dict[int, Counter[str]]) -> Fraction:
        return max(Fraction(max(mass.values()), mass.total()) for mass in masses.values() if mass.total())

    shown = {
        mask: Counter({str(key[0]): mass for key, mass in by.items()})
        for mask, by in found.by_pattern.items()
    }
    assert best(shown) == best(expected)
    if not own:
        assert {mask: +mass for mask, mass in shown.items()} == expected


def test_a_share_of_exactly_the_limit_is_not_known_beforehand() -> None:
    spec = tiered("1", {"A": 10_000, "B": 12_000})
    population: dict[Profile, int] = {
        (Membership("1", (name,), "", (name,)),): count for name, count in (("A", 600), ("B", 400))
    }
    report = disclosure_risk([spec], population)
    assert report.known_beforehand == 0
    assert report.refused
    assert report.worst is not None
    assert (report.worst.value, report.worst.prior) == ("A", Fraction(3, 5))


def test_a_group_of_just_enough_targets_stands_alone() -> None:
    spec = spec_of("1", ("district",), Rule(100_000, 0), (), "round")
    population: dict[Profile, int] = {
        (Membership("1", (district,), "", ("A",)),): count
        for district, count in (("甲", 200), ("乙", 199), ("丙", 1))
    }
    assert sorted(group.count for group in groups_of([spec], population)) == [200, 200]
