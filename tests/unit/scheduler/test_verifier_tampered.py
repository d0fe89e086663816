"""Cheats that recompute every digest they can: each is caught, at the step where its rule is checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.disclosure.container import Copy
from scheduler.encoding import canonical_json
from scheduler.verifier import verify
from tests.unit.scheduler import cheats, cheats_of_the_draw, cheats_of_the_plan
from tests.unit.scheduler.cheats import Cheat
from tests.unit.scheduler.round_factory import Draft, make_round

PARTS = (cheats_of_the_draw, cheats_of_the_plan)
CASES = cheats.CASES
PLAN_KEYS = ("classes", "district_rule", "groups", "roster_hash", "seats", "unit_bits")


@pytest.fixture(scope="module")
def rounds() -> dict[str, Draft]:
    return {privacy: make_round(privacy) for privacy in ("open", "sealed")}


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
    route = cheats_of_the_plan.routes(draft)[0]
    route["officers"] = 2**52
    report = draft.docs["schedule"]["report"]
    report["plan"]["inspector_days"] += 2**52 - 2
    report["plan"]["people_per_visit_max"] = 2**52 + 10**6
    bound = {key: draft.docs["lottery"][key] for key in PLAN_KEYS}
    bound |= {"routes": cheats_of_the_plan.routes(draft), "visits": draft.docs["visits"]["visits"]}
    digest = draft.keys.suite.hash(canonical_json(bound))
    draft.docs["lottery"]["plan_hash"] = digest.hex()
    draft.bind_plan(digest)
    assert verify(draft.write(tmp_path, "public")).status == 1


def test_kinds_of_cheats() -> None:
    kinds = {case.values[0] for case in CASES}
    assert len(kinds) >= 60
    assert {kind.__module__ for kind in kinds} == {part.__name__ for part in PARTS}


def test_lawful_replacement_holds(tmp_path: Path, rounds: dict[str, Draft]) -> None:
    for privacy, copy in (("open", "public"), ("sealed", "public"), ("sealed", "auditor")):
        draft = rounds[privacy].copied()
        first = cheats_of_the_plan.replacement(draft, 0)
        second = {**cheats_of_the_plan.replacement(draft, 1), "target": first["backup"]}
        none_left = {**first, "target": second["backup"], "backup": None}
        draft.docs["events"] = [first, second, none_left]
        assert verify(draft.write(tmp_path, copy)).status == 0  # type: ignore[arg-type]
