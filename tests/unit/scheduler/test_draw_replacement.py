"""Section 8: reasons, backups strictly in order; and the strata that need approval (section 5)."""

from __future__ import annotations

import pytest

from optimizer.errors import Refused
from scheduler.approval import largest_size, strata_to_approve
from scheduler.frame import Frame
from scheduler.manifest import DrawSpec, Rule, StratumRule
from scheduler.replacement import CHINESE, Handling, Reason, Replacement, handling, reason_of, replace

EVIDENCE = "ab" * 32


def code_of(
    target: str,
    reason: Reason,
    evidence: str,
    selected: list[str],
    backups: list[str],
    earlier: tuple[Replacement, ...] = (),
) -> str:
    with pytest.raises(Refused) as caught:
        replace(target, reason, evidence, selected, backups, earlier)
    assert caught.value.problem.remedy_zh
    return caught.value.problem.code


def test_backups_are_used_in_order_and_replace_each_other() -> None:
    events: list[Replacement] = []
    for target in ("A", "B1", "C", "D"):
        events.append(
            replace(target, Reason.REVOKED, EVIDENCE, ["A", "B", "C", "D"], ["B1", "B2", "B3"], events)
        )
    assert [event.backup for event in events] == ["B1", "B2", "B3", None]
    assert events[0].to_json() == {
        "target": "A",
        "reason": "revoked",
        "evidence_hash": EVIDENCE,
        "backup": "B1",
    }


def test_only_the_listed_reasons_replace() -> None:
    assert {reason for reason in Reason if handling(reason) is Handling.REPLACE} == {
        Reason.DEREGISTERED,
        Reason.REVOKED,
        Reason.MOVED_AWAY,
        Reason.DUPLICATE,
    }
    assert handling(Reason.NOT_CONTACTED) is Handling.FINDING
    assert handling(Reason.REFUSED) is handling(Reason.POSTPONED) is Handling.NON_RESPONSE
    assert set(CHINESE) == set(Reason)
    assert reason_of("duplicate") is Reason.DUPLICATE
    with pytest.raises(Refused):
        reason_of("unwelcome")


def test_replacements_that_are_refused() -> None:
    done = Replacement("A", Reason.REVOKED, EVIDENCE, "B1")
    skipped = Replacement("A", Reason.REVOKED, EVIDENCE, "B2")
    selected, backups = ["A", "C"], ["B1", "B2"]
    assert code_of("A", Reason.NOT_CONTACTED, EVIDENCE, selected, backups) == "replacement.not_replaced"
    assert code_of("A", Reason.REFUSED, EVIDENCE, selected, backups) == "replacement.not_replaced"
    assert code_of("A", Reason.REVOKED, "", selected, backups) == "replacement.evidence"
    assert code_of("A", Reason.REVOKED, EVIDENCE, selected, backups, (done,)) == "replacement.twice"
    assert code_of("B1", Reason.REVOKED, EVIDENCE, selected, backups) == "replacement.not_drawn"
    assert code_of("C", Reason.REVOKED, EVIDENCE, selected, backups, (skipped,)) == "replacement.order"


def spec_of(default: Rule, strata: tuple[StratumRule, ...] = ()) -> DrawSpec:
    columns = ("target_id", "district")
    zeros = "0" * 64
    return DrawSpec("D", "局", columns, (), zeros, None, 0, zeros, ("district",), default, strata, backups=1)


def frame_of(**rows: int) -> Frame:
    pairs = [
        (f"{district.upper()}{number}", district)
        for district, count in rows.items()
        for number in range(count)
    ]
    return Frame(("target_id", "district"), pairs)


def test_small_and_over_drawn_strata_need_approval() -> None:
    frame = frame_of(large=1000, twenty=20, nineteen=19, heavy=100)
    spec = spec_of(Rule(100_000, 0), (StratumRule(("heavy",), Rule(100_000, 21)),))
    found = {entry.stratum[0]: entry for entry in strata_to_approve([spec], {"D": frame})}
    assert sorted(found) == ["heavy", "nineteen"]
    assert (found["nineteen"].few, found["nineteen"].over_drawn) == (True, False)
    assert (found["heavy"].few, found["heavy"].over_drawn, found["heavy"].most) == (False, True, 21)
    assert found["heavy"].to_json()["stratum"] == ("heavy",)


def test_exactly_twice_the_ratio_is_not_over_drawn() -> None:
    spec = spec_of(Rule(100_000, 20))
    assert strata_to_approve([spec], {"D": frame_of(even=100)}) == ()
    assert len(strata_to_approve([spec], {"D": frame_of(even=99)})) == 1


def test_the_larger_possible_size_counts() -> None:
    assert largest_size(Rule(50_000, 0, None, "systematic"), 21) == 2
    assert largest_size(Rule(50_000, 0, None, "systematic"), 20) == 1
    assert largest_size(Rule(50_000, 0, None, "ceil"), 21) == 2
    assert largest_size(Rule(0, 1), 5) == 1
