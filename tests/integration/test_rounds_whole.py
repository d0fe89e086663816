"""A whole round on both databases: every stage, once; refused, waited for, voided where the rules say so."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from app import clock
from app.db.database import Database
from app.disclosure.service import write_bundles
from app.errors import Conflict, Refused
from app.ledger import repository as ledger
from app.rounds import expiry, repository, service, voiding
from app.rounds.advance import advance
from app.rounds.tables import PlannedCheck, Round
from app.rounds.vault import Vault, new_secret
from app.whole_round import SimulatedClock, Trip, answers, carry
from optimizer.progress import Silent
from scheduler import verifier
from scheduler.seed import commitment
from scheduler.suite import SHA256

Publish = Callable[..., str]
WITNESSES = {"id": "witnesses", "kind": "witness_digits", "digits": 20}
REAL = {"entropy": [WITNESSES], "entropy_seats": [{**WITNESSES, "id": "second"}]}


def trip(db: Database, folder: Path, now: datetime, **more: Any) -> Trip:
    """A trip on a simulated clock, approved."""
    return Trip(db, Vault(folder), folder, Silent(), None, SimulatedClock(now), approved_by="审批人", **more)


def run(db: Database, folder: Path, now: datetime, code: str, **more: Any) -> Round:
    """The plan's round, carried as far as it goes."""
    going = trip(db, folder, now, **more)
    return carry(going, service.create(db, code, "2026-Q1", now), answers(going))


def isolated(bundle: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """The verifier inside a bundle, run with nothing but the standard library."""
    script = folder / "verify.py"
    with zipfile.ZipFile(bundle) as archive:
        script.write_bytes(archive.read("verify.py"))
    return subprocess.run(
        [sys.executable, "-I", str(script), str(bundle)], capture_output=True, text=True, check=False
    )


def test_a_round_from_freeze_to_verified_bundles(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    row = run(city, tmp_path, now, publish())
    assert (row.stage, row.status, row.assurance) == ("revealed", "done", 0), row.problem
    bundles = write_bundles(city, row.round_id, tmp_path / "a")
    again = write_bundles(city, row.round_id, tmp_path / "b")
    for first, second in ((bundles.public, again.public), (bundles.auditor, again.auditor)):
        assert first.read_bytes() == second.read_bytes()
        done = isolated(first, tmp_path)
        assert done.returncode == 0, done.stdout
        assert "FAIL" not in done.stdout


def test_every_drawn_target_is_entered_once_and_seats_are_eligible(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    row = run(city, tmp_path, now, publish())
    with city.read() as session:
        visits = json.loads(ledger.load(session, row.round_id, "visits.json"))
        lottery = json.loads(ledger.load(session, row.round_id, "lottery.json"))
        planned = session.exec(select(PlannedCheck).where(PlannedCheck.round_id == row.round_id)).all()
    targets = [visit["target_id"] for visit in visits["visits"]]
    assert targets
    assert len(targets) == len(set(targets)) == len({row["target_id"] for row in visits["checks"]})
    assert visits["unscheduled"] == []
    assert len(planned) == len(visits["checks"]) > len(targets)
    holders = set(lottery["assignment"].values())
    assert holders
    assert "P000" not in holders, "an inspector on leave was seated"


def test_a_second_try_names_the_first(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    row = run(city, tmp_path, now, publish())
    with pytest.raises(Conflict) as refused:
        service.create(city, "spring", "2026-Q1", now)
    assert refused.value.problem.code == "round.exists"
    assert row.round_id in refused.value.problem.zh


def test_an_open_round_with_credit_classes_is_refused(city: Database, publish: Publish) -> None:
    with pytest.raises(Refused) as refused:
        publish(privacy="open")
    assert "credit" in refused.value.problem.en


def test_entropy_is_waited_for_logged_first_and_used_once(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    code = publish(**REAL)
    row = run(city, tmp_path, now, code)
    assert (row.stage, row.status, row.waiting_for) == ("committed", "waiting", "entropy")
    with pytest.raises(Refused, match=r"entropy\.digits"):
        service.supply(city, row.round_id, "witnesses", "12345", now)
    service.supply(city, row.round_id, "witnesses", "０１２３４５６７８９ 01234 56789", now)
    with pytest.raises(Conflict, match=r"entropy\.used"):
        service.supply(city, row.round_id, "witnesses", "9" * 20, now)
    going = trip(city, tmp_path, now)
    assert carry(going, row, answers(going, [("second", "9" * 20)])).status == "done"
    with city.read() as session:
        types = [entry["entry"]["type"] for entry in ledger.entries(session, row.round_id)]
        logged = [
            e["entry"] for e in ledger.entries(session, row.round_id) if e["entry"]["type"] == "round.entropy"
        ]
    assert types.index("round.manifest") < types.index("round.entropy") < types.index("round.seal")
    assert logged[0]["values"] == [{"id": "witnesses", "value": "01234567890123456789"}]


def test_a_missed_deadline_voids_and_the_next_sequence_may_follow(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    code = publish(**REAL)
    row = run(city, tmp_path, now, code)
    assert expiry.expire(city, now + timedelta(hours=71)) == []
    assert expiry.expire(city, now + timedelta(hours=73)) == [row.round_id]
    voided = service.get(city, row.round_id)
    assert voided.status == "void"
    following = service.create(city, code, "2026-Q1", now + timedelta(days=4))
    assert (following.sequence, following.round_id) == (2, "spring-2026-Q1-2")


def test_outside_parties_commit_and_deposit(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    code, secret = publish(**REAL), new_secret()
    digest = commitment(SHA256, "spring-2026-Q1-1", "公证处", secret).hex()
    row = service.create(city, code, "2026-Q1", now, [("公证处", digest)])
    going = trip(city, tmp_path, now)
    row = carry(going, row, answers(going))
    assert row.waiting_for == "deposits"
    with pytest.raises(Refused, match=r"deposit\.mismatch"):
        service.deposit(city, going.vault, row.round_id, "公证处", new_secret(), now)
    service.deposit(city, going.vault, row.round_id, "公证处", secret, going.clock.now())
    values = [("witnesses", "0" * 20), ("second", "1" * 20)]
    row = carry(going, row, answers(going, values))
    assert (row.status, row.assurance) == ("done", 2), row.problem
    bundles = write_bundles(city, row.round_id, tmp_path)
    assert verifier.main([str(bundles.auditor)]) == 0


def test_a_worker_that_lost_its_fence_writes_nothing(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    row = service.create(city, publish(), "2026-Q1", now)
    with city.write() as session:
        first = repository.claim(session, "a", now, 60)
    with city.write() as session:
        assert repository.claim(session, "b", now, 60) is None
        second = repository.claim(session, "c", now + timedelta(seconds=61), 60)
    assert first is not None
    assert second is not None
    with pytest.raises(repository.Lost):
        advance(city, Vault(tmp_path), first, SimulatedClock(now), executor=None, progress=Silent())
    assert service.get(city, row.round_id).stage == "created"


def test_the_clock_makes_each_missed_period_once_and_marks_it_late(
    city: Database, publish: Publish, now: datetime
) -> None:
    publish(period=None, recurrence="monthly working-day 1 09:00", starts_on="2026-01-01")
    made = clock.tick(city, now)
    assert made == ["spring-2026-01-1", "spring-2026-02-1", "spring-2026-03-1"]
    assert clock.tick(city, now) == []
    assert [service.get(city, name).late for name in made] == [True, True, False]


def test_cool_down_sees_the_round_before(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    first = run(city, tmp_path, now, publish())
    with city.read() as session:
        days = [
            row.day
            for row in session.exec(select(PlannedCheck).where(PlannedCheck.round_id == first.round_id))
        ]
        recent = repository.visited_since(session, min(days), max(days) + timedelta(days=1))
        assert recent
        assert (
            repository.visited_since(session, max(days) + timedelta(days=1), max(days) + timedelta(days=9))
            == set()
        )


def test_a_period_that_the_plan_does_not_have_is_no_way_to_draw_again(
    city: Database, publish: Publish, now: datetime
) -> None:
    code = publish(**REAL)
    with pytest.raises(Refused, match=r"round\.unknown_period"):
        service.create(city, code, "2026-Q1b", now)
    assert service.create(city, code, "2026-Q1", now).round_id == "spring-2026-Q1-1"


def test_a_recurring_plan_gives_its_begun_periods_alone(
    city: Database, publish: Publish, now: datetime
) -> None:
    code = publish(period=None, recurrence="quarterly day 1 09:00", **REAL)
    for period in ("2026-Q2", "2025-Q4", "2026"):
        with pytest.raises(Refused, match=r"round\.unknown_period"):
            service.create(city, code, period, now)
    assert service.create(city, code, "2026-Q1", now).round_id == "spring-2026-Q1-1"


def test_nothing_sets_a_void_round_going_again(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    code = publish(**REAL)
    row = service.create(city, code, "2026-Q1", now)
    going = trip(city, tmp_path, now, until="frozen")
    assert carry(going, row, answers(going)).stage == "frozen"
    voiding.void(city, Vault(tmp_path), row.round_id, "frame_wrong", "甲", "乙", now)
    with pytest.raises(Conflict, match=r"round\.void"):
        service.approve(city, row.round_id, "审批人", now)
    assert service.get(city, row.round_id).status == "void"


def test_a_void_is_not_overwritten_by_a_worker_that_waits(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    row = service.create(city, publish(**REAL), "2026-Q1", now)
    with city.write() as session:
        claimed = repository.claim_one(session, row.round_id, "worker", now, 60)
    assert claimed is not None
    voiding.void(city, Vault(tmp_path), row.round_id, "frame_wrong", "甲", "乙", now)
    clock_ = SimulatedClock(now)
    advance(city, Vault(tmp_path), claimed, clock_, executor=None, progress=Silent())
    assert service.get(city, row.round_id).status == "void"


def test_public_values_after_the_deadline_are_too_late(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    row = run(city, tmp_path, now, publish(**REAL))
    late = now + timedelta(hours=73)
    with pytest.raises(Conflict, match=r"round\.void"):
        service.supply(city, row.round_id, "witnesses", "1" * 20, late)
    assert service.get(city, row.round_id).status == "void"
