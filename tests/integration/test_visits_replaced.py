"""Backups step in strictly in order and only for the closed list; the bundle with such events still verifies."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from app.db.database import Database
from app.disclosure.service import write_bundles
from app.errors import Conflict, Refused
from app.ledger import repository as ledger
from app.plans import service as plans
from app.rounds.fsck import check_all
from app.rounds.voiding import void
from app.visits import repository, service
from app.visits.demo_story import demo_picture
from app.visits.desk import Actor
from app.visits.service import Upload
from app.visits.tables import Visit
from scheduler import verifier
from tests.visited_round import CLERK, Visited, reveal


def evidence(visited: Visited, visit: Visit, department: str, at: datetime) -> str:
    upload = Upload(demo_picture(visit.key), department, "file", at)
    return service.add_evidence(visited.desk, visit.key, upload, CLERK, at).sha256


def backups(db: Database, round_id: str, draw: str, target: str) -> list[str]:
    with db.read() as session:
        strata = json.loads(ledger.load(session, round_id, f"results/{draw}.json"))["strata"]
    (stratum,) = [
        s for s in strata if target in {row["target_id"] for row in (*s["selected"], *s["backups"])}
    ]
    return [row["target_id"] for row in stratum["backups"]]


def test_a_deregistered_target_is_replaced_by_the_next_backup_and_the_bundle_verifies(
    visited: Visited,
) -> None:
    desk = visited.desk
    visit, (check,) = visited.visit()
    at = visited.at(visit)
    proof = evidence(visited, visit, check.department, at)
    for reason, digest, code in (
        ("not_contacted", proof, "not_replaced"), ("postponed", proof, "not_replaced"),
        ("busy", proof, "reason"), ("deregistered", "0" * 64, "evidence"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=rf"replacement\.{code}"):
            service.replace(desk, visit.key, reason, digest, CLERK, at)
    (draw,) = check.draws
    expected = backups(desk.db, visited.round_id, draw, visit.target_id)[:1]
    made = service.replace(desk, visit.key, "deregistered", proof, CLERK, at)
    assert [row.target_id for row in made] == expected
    with pytest.raises(Conflict, match=r"visit\.step"):
        service.replace(desk, visit.key, "deregistered", proof, CLERK, at)
    with desk.db.read() as session:
        gone = repository.check(session, check.key)
        new = repository.checks_of(session, made[0].key)
        logged = [row["entry"] for row in ledger.entries(session, visited.round_id)]
    assert (gone.state, gone.result) == ("replaced", "deregistered")
    assert [(row.state, row.department, row.items) for row in new] == [
        ("proposed", check.department, check.items)
    ]
    (entry,) = [entry for entry in logged if entry["type"] == "round.replacement"]
    assert visit.target_id not in json.dumps(entry)
    crew = visited.crews(visit.key)[check.department]
    assert visit.day
    with desk.db.read() as session:
        day = plans.work_calendar(session).add_working_days(visit.day, 1).date
    service.approve(
        desk,
        made[0].key,
        day,
        {check.department: crew},
        Actor("A1", "coordinator"),
        at,
    )
    reveal(visited, at)
    with desk.db.read() as session:
        events = json.loads(ledger.load(session, visited.round_id, "events.json"))
        assert list(check_all(session, desk.vault)) == []
    (event,) = events
    assert (event["target"], event["backup"], event["evidence_hash"]) == (visit.target_id, expected[0], proof)
    bundles = write_bundles(desk.db, visited.round_id, visited.trip.out)
    for bundle in (bundles.public, bundles.auditor):
        outcome = verifier.verify(bundle)
        assert outcome.status == 0, outcome.render()
    with pytest.raises(Conflict, match=r"round\.stage"):
        service.replace(desk, visit.key, "deregistered", proof, CLERK, at)


def test_a_voided_rounds_visits_end(visited: Visited) -> None:
    visit, (check,) = visited.visit()
    at = visited.at(visit)
    service.notify(visited.desk, visit.key, CLERK, at)
    assert service.void_due(visited.desk, at) == 0
    void(visited.desk.db, visited.desk.vault, visited.round_id, "plan_withdrawn", "甲", "乙", at)
    assert service.void_due(visited.desk, at) == len(visited.checks())
    with pytest.raises(Conflict, match=r"visit\.step"):
        service.arrive(visited.desk, visit.key, visited.crews(visit.key), CLERK, at)
    with visited.desk.db.read() as session:
        assert repository.check(session, check.key).state == "void"
