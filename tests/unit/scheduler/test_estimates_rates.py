"""Rates of whole samples: who counts where, what is collapsed, left out, withheld, and said."""

from __future__ import annotations

import pytest

from optimizer.errors import Refused
from scheduler.estimates import (
    RESULTS,
    Domain,
    Estimate,
    Observation,
    Origin,
    Outcome,
    Stratum,
    estimate,
    for_cause,
    outcome_of,
    strata_of,
)
from scheduler.probability import Part, weights
from scheduler.replacement import Reason
from scheduler.selection import CooldownParts, StratumResult

A = Stratum(("A",), 400, cells={"class": "A"})
B = Stratum(("B",), 100, cells={"class": "B"})


def seen(stratum: Stratum, first: int, **counts: int) -> list[Observation]:
    """So many observations of each outcome, with targets numbered from `first`."""
    outcomes = [Outcome(name) for name, count in counts.items() for _ in range(count)]
    return [
        Observation(
            f"T{first + place}", stratum.key, outcome, stratum.recent, {"district": "甲乙"[place % 2]}
        )
        for place, outcome in enumerate(outcomes)
    ]


def codes(found: Estimate) -> list[str]:
    return [note.code for note in found.notes]


def test_the_rate_weights_strata_by_their_rows() -> None:
    found = estimate([A, B], seen(A, 0, finding=2, clear=18) + seen(B, 50, finding=10, clear=10))
    assert found.rate == pytest.approx(0.8 * 0.1 + 0.2 * 0.5)
    assert (found.n, found.findings, found.missing, found.method) == (40, 12, 0, "wilson")
    assert found.notes == ()
    assert found.bounds is not None
    assert (found.bounds.low, found.bounds.high) == (found.low, found.high)


def test_the_ineligible_count_for_the_weight_but_not_for_the_rate() -> None:
    """Ten of thirty examined are gone: each of the others stands for 400/30 targets, not for 400/20."""
    found = estimate(
        [A, B], seen(A, 0, finding=4, clear=16, ineligible=10) + seen(B, 50, finding=10, clear=10)
    )
    weight_a, weight_b = 400 / 30, 100 / 20
    assert found.rate == pytest.approx((4 * weight_a + 10 * weight_b) / (20 * weight_a + 20 * weight_b))
    assert "ineligible" in codes(found)


def test_the_silent_stay_in_the_denominator_within_bounds() -> None:
    found = estimate([A], seen(A, 0, finding=2, clear=14, non_response=3, pending=1))
    assert found.rate == pytest.approx(2 / 20)
    assert found.missing == 4
    assert found.bounds is not None
    assert [found.bounds.rate_low, found.bounds.rate_high] == pytest.approx([0.1, 0.3])
    assert found.bounds.low == found.low
    assert found.high is not None
    assert found.bounds.high > found.high
    assert {"non_response", "pending"} <= set(codes(found))


def test_not_contacted_is_a_finding_of_the_target_but_silence_about_an_item() -> None:
    reached = [
        Observation(f"T{place}", A.key, Outcome.CLEAR, items={"signs": Outcome.CLEAR}) for place in range(15)
    ]
    sample = [*reached, *seen(A, 20, not_contacted=5)]
    assert estimate([A], sample).findings == 5
    per_item = estimate([A], sample, item="signs")
    assert (per_item.findings, per_item.missing, per_item.n) == (0, 5, 20)


def test_an_item_that_does_not_apply_leaves_the_domain() -> None:
    sample = [
        Observation(
            f"T{place}", A.key, Outcome.FINDING, items={"lift": Outcome.FINDING} if place < 12 else {}
        )
        for place in range(30)
    ]
    found = estimate([A], sample, item="lift")
    assert (found.n, found.findings, found.method) == (12, 12, "exact")


def test_for_cause_checks_are_left_out_and_counted_apart() -> None:
    lottery = seen(A, 0, finding=1, clear=19)
    clues = [Observation(f"T{place}", A.key, Outcome.FINDING, origin=Origin.FOR_CAUSE) for place in range(9)]
    found, plain = estimate([A], lottery + clues), estimate([A], lottery)
    assert (found.rate, found.low, found.high) == (plain.rate, plain.low, plain.high)
    assert codes(found) == ["for_cause"]
    assert found.notes[0].count == 9
    assert (for_cause(lottery + clues).checks, for_cause(lottery + clues).findings) == (9, 9)


def test_a_part_without_sample_is_collapsed_and_said_so() -> None:
    parts = [Stratum(("A",), 300, "0"), Stratum(("A",), 100, "1"), Stratum(("B",), 100, "0")]
    found = estimate(parts, seen(parts[0], 0, finding=2, clear=18) + seen(parts[2], 50, finding=10, clear=10))
    assert found.rate == pytest.approx(0.8 * 0.1 + 0.2 * 0.5)
    note = next(note for note in found.notes if note.code == "collapsed")
    assert note.count == 100
    assert "A/1" in note.en
    assert "20.0%" in note.zh


def test_weights_are_those_of_the_draw() -> None:
    """Section 6, under cool-down: N0/n0 and N1/n1."""
    result = StratumResult(
        ("A",), 400, 40, *2 * (weights([Part(("A",), "", 400, 40)])[0].weight ** -1,), (), (), None
    )
    parts = CooldownParts(300, 100, 35, 5, None, None)
    split = StratumResult(("A",), 400, 40, result.pi_cond, result.pi_design, (), (), parts)
    strata = strata_of([split], ["class"])
    assert [(part.rows, part.recent, dict(part.cells)) for part in strata] == [
        (300, "0", {"class": "A"}),
        (100, "1", {"class": "A"}),
    ]
    sample = seen(strata[0], 0, clear=35) + seen(strata[1], 50, finding=5)
    assert estimate(strata, sample).rate == pytest.approx(100 / 400)


def test_a_domain_of_strata_leaves_the_others_out() -> None:
    sample = seen(A, 0, finding=2, clear=18) + seen(B, 50, finding=10, clear=10)
    found = estimate([A, B], sample, Domain((("class", "B"),)))
    assert (found.rate, found.method, found.n) == (0.5, "exact", 20)


def test_a_domain_across_strata_is_a_ratio() -> None:
    sample = seen(A, 0, finding=5, clear=15) + seen(B, 50, finding=10, clear=10)
    found = estimate([A, B], sample, Domain((("district", "甲"),)))
    assert found.n == 20
    assert found.rate == pytest.approx((3 * 20 + 5 * 5) / (10 * 20 + 10 * 5))


def test_few_are_withheld_and_nobody_is_no_rate() -> None:
    sample = seen(A, 0, finding=1, clear=8)
    withheld = estimate([A], sample)
    assert (withheld.suppressed, withheld.rate, withheld.low, withheld.n, withheld.findings) == (
        "small",
        None,
        None,
        None,
        None,
    )
    assert estimate([A], sample, smallest=9).rate == pytest.approx(1 / 9)
    nobody = estimate([A, B], sample, Domain((("class", "B"),)))
    assert (nobody.rate, nobody.n, nobody.suppressed, codes(nobody)) == (None, 0, "", ["no_sample"])
    assert nobody.notes[0].count == 100


def test_zero_findings_never_give_zero_to_zero() -> None:
    for rows in (20, 21, 1_000):
        found = estimate([Stratum(("A",), rows)], seen(A, 0, clear=20))
        assert found.low == 0
        assert found.high is not None
        assert found.high >= 1 / rows


@pytest.mark.parametrize(
    ("code", "strata", "sample"),
    [
        ("estimates.stratum", [A], seen(B, 0, clear=1)),
        ("estimates.stratum", [A, A], seen(A, 0, clear=1)),
        ("estimates.twice", [A], seen(A, 0, clear=1) * 2),
        ("estimates.rows", [Stratum(("A",), 2)], seen(A, 0, clear=3)),
    ],
)
def test_contradictions_are_refused(code: str, strata: list[Stratum], sample: list[Observation]) -> None:
    with pytest.raises(Refused) as caught:
        estimate(strata, sample)
    assert caught.value.problem.code == code
    assert caught.value.problem.remedy_zh


def test_an_unknown_attribute_is_refused() -> None:
    with pytest.raises(Refused, match=r"estimates\.attribute"):
        estimate([A], seen(A, 0, clear=12), Domain((("trade", "旅馆"),)))


def test_every_public_code_and_reason_has_an_outcome() -> None:
    assert len(RESULTS) == 12
    assert RESULTS["停业"] is Outcome.NON_RESPONSE
    assert {reason: outcome_of(reason) for reason in Reason} == {
        Reason.DEREGISTERED: Outcome.INELIGIBLE,
        Reason.REVOKED: Outcome.INELIGIBLE,
        Reason.MOVED_AWAY: Outcome.INELIGIBLE,
        Reason.DUPLICATE: Outcome.INELIGIBLE,
        Reason.NOT_CONTACTED: Outcome.NOT_CONTACTED,
        Reason.REFUSED: Outcome.NON_RESPONSE,
        Reason.POSTPONED: Outcome.NON_RESPONSE,
    }
