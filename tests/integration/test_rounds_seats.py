"""Seats over several rounds, by coins in public, and after the freeze: whole rounds on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from app.db.database import Database
from app.disclosure.service import write_bundles
from app.ledger import repository as ledger
from app.rounds import service
from app.rounds.tables import Round
from app.rounds.vault import Vault
from app.whole_round import SimulatedClock, Trip, answers, carry
from optimizer.progress import Silent
from scheduler import verifier
from scheduler.lottery.shares import shares_of

Publish = Callable[..., str]


def run(
    db: Database, folder: Path, now: datetime, code: str, period: str = "2026-Q1", until: str = "revealed"
) -> Round:
    """The plan's round of a period, carried as far as `until` on a simulated clock."""
    trip = Trip(
        db, Vault(folder), folder, Silent(), None, SimulatedClock(now), approved_by="审批人", until=until
    )
    return carry(trip, service.create(db, code, period, now), answers(trip))


def stored(db: Database, round_id: str, name: str) -> Any:
    with db.read() as session:
        return json.loads(ledger.load(session, round_id, name))


def test_who_served_much_is_expected_less_in_the_next_round(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    code = publish()
    first = run(city, tmp_path, now, code)
    second = run(city, tmp_path, now + timedelta(days=150), code, "2026-Q3")
    assert (second.stage, second.status) == ("revealed", "done"), second.problem
    assert "seat_history" not in stored(city, first.round_id, "manifest.json")
    manifest = stored(city, second.round_id, "manifest.json")
    served = {row["code"]: row["seats"] for row in manifest["seat_history"]}
    assert served == {
        share.code: share.drawn for share in shares_of(stored(city, first.round_id, "lottery.json"))
    }
    assert set(manifest["seat_weights"].values()) - {1000}
    roster = stored(city, second.round_id, "roster.json")["inspectors"]
    alike = {one["code"]: (one["department"], one["lead"]) for one in roster}
    expected = {
        share.code: share.expected for share in shares_of(stored(city, second.round_id, "lottery.json"))
    }
    pairs = [
        (one, other)
        for one in served
        for other in served
        if alike[one] == alike[other] and served[one] > served[other]
    ]
    assert all(expected[one] <= expected[other] for one, other in pairs)
    assert any(expected[one] < expected[other] for one, other in pairs)
    bundles = write_bundles(city, second.round_id, tmp_path)
    assert verifier.verify(bundles.public).status == 0
    assert verifier.verify(bundles.auditor).status == 0


def test_a_voided_round_and_one_under_embargo_count_for_nothing(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    code = publish()
    voided = run(city, tmp_path, now, code, until="seated")
    service.void(city, voided.round_id, "plan_withdrawn", "甲", "乙", now + timedelta(days=1))
    run(city, tmp_path, now, code, "2026-Q2", until="seated")
    later = run(city, tmp_path, now + timedelta(days=2), code, "2026-Q3", until="frozen")
    assert "seat_history" not in stored(city, later.round_id, "manifest.json")


def test_coins_in_public_pick_one_of_the_published_assignments(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    sources = {
        "entropy": [{"id": "first", "kind": "witness_digits", "digits": 20}],
        "entropy_seats": [{"id": "coins", "kind": "witness_digits", "digits": 20}],
    }
    code = publish(
        **sources,
        tasks=few_targets(),
        schedule={"first_working_day": 8, "days": 10, "seat_draw": "observable"},
    )
    row = service.create(city, code, "2026-Q1", now)
    trip = Trip(city, Vault(tmp_path), tmp_path, Silent(), None, SimulatedClock(now), approved_by="审批人")
    row = carry(trip, row, answers(trip, [("first", "5" * 20), ("coins", "1001110101" + "0" * 10)]))
    assert row.status == "done", row.problem
    lottery = stored(city, row.round_id, "lottery.json")
    assert (lottery["unit_bits"], len(lottery["transcript"])) == (10, 10)
    assert len(lottery["classes"]) == len(lottery["seats"]) <= 200
    bundles = write_bundles(city, row.round_id, tmp_path)
    for bundle in (bundles.public, bundles.auditor):
        outcome = verifier.verify(bundle)
        assert outcome.status == 0, outcome.render()


def few_targets() -> list[dict[str, Any]]:
    """One task whose seats can be read out."""
    return [
        {
            "task_id": "t-market",
            "title_zh": "抽查",
            "department": "market",
            "rules": ["r-market"],
            "items": ["market-1"],
            "strata_by": [],
            "default_ratio": 60_000,
        }
    ]
