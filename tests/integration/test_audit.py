"""An audit on both databases: silent over an honest round, and each rule speaks where it is given cause."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, select

from app.audit import job
from app.audit.anomalies import FINDERS
from app.audit.lines import CHECKS
from app.audit.names import LINES, RULES
from app.audit.schemas import Anomaly, Line, Looked
from app.db.database import Database
from app.errors import Conflict
from app.http import leases
from app.http.tables import Operation
from app.ledger.tables import Artefact
from app.people.tables import Account, Sanction
from app.rounds.tables import EntropyUse, Round
from app.visits import service, states
from app.visits.demo_story import demo_picture
from app.visits.service import Upload
from app.visits.tables import Visit, VisitCheck, VisitObjection
from tests.accounts import made
from tests.integration.test_log_fsck import free
from tests.visit_steps import FINE, PUBLISHER, REVIEWER, answered, inspector, proven
from tests.visited_round import CLERK, Visited, reveal

MINUTES = timedelta(minutes=1)


def recorded(visited: Visited, skip: int, at: datetime, after: timedelta = 30 * MINUTES) -> VisitCheck:
    """A visit of one department, arrived at `at`, its result recorded `after`."""
    visit, (check,) = visited.visit(skip=skip)
    service.notify(visited.desk, visit.key, CLERK, at)
    service.arrive(visited.desk, visit.key, visited.crews(visit.key), CLERK, at)
    answered(visited, visit, at)
    return service.record(visited.desk, check.key, FINE, inspector(visited, visit, check), at + after)


def later(visited: Visited) -> datetime:
    """Ten o'clock on the last day of the round: every visit's own day is reached, and no time goes back."""
    return max(visited.at(visit) for visit, _ in visited.checks())


def looked(db: Database) -> Looked:
    with db.read() as session:
        return job.looked(session)


def cases(found: Looked, code: str) -> Anomaly:
    return next(anomaly for anomaly in found.anomalies if anomaly.code == code)


def broken(found: Looked) -> list[Line]:
    return [line for line in found.lines if not line.holds]


def test_every_rule_has_its_words_and_its_check() -> None:
    assert list(RULES) == list(FINDERS)
    assert list(LINES) == list(CHECKS)


def test_an_honest_round_is_silent(visited: Visited) -> None:
    """Recorded, reviewed, proven, objected to in vain, frozen by three persons: all at an ordinary pace."""
    db, at = visited.desk.db, later(visited)
    check = recorded(visited, 0, at)
    visit, _ = visited.visit()
    proven(visited, visit, check.department, at + 31 * MINUTES)
    service.review(visited.desk, check.key, REVIEWER, at + 40 * MINUTES)
    service.disclose(visited.desk, check.key, PUBLISHER, at + 50 * MINUTES)
    service.object_to(visited.desk, check.key, "不同意", CLERK, at + 60 * MINUTES)
    service.answer_objection(visited.desk, check.key, "rejected", "维持", REVIEWER, at + 70 * MINUTES)
    asked(db, at + timedelta(hours=2), [("round.freeze", visited.round_id, 0, 1)], timedelta(hours=1))
    reveal(visited, at + timedelta(hours=8))
    found = looked(db)
    assert broken(found) == []
    assert {line.code for line in found.lines} == set(LINES)
    assert [anomaly for anomaly in found.anomalies if anomaly.count] == []
    assert {anomaly.code for anomaly in found.anomalies} == set(RULES)


def asked(
    db: Database, at: datetime, rows: list[tuple[str, str, int, int]], after: timedelta
) -> list[Account]:
    """Requests (action, subject, who asks, who approves) of five coordinators, approved `after`."""
    people = [made(db, f"c{place}", "coordinator", at=at) for place in range(5)]
    with db.write() as session:
        for action, subject, one, other in rows:
            session.add(
                Sanction(
                    action=action, subject=subject, requested_by=people[one].id, requested_at=at,
                    approved_by=people[other].id, approved_at=at + after, executed_by=people[4].id,
                    executed_at=at + after,
                )
            )  # fmt: skip
    return people


def void_twice(visited: Visited, at: datetime) -> None:
    with visited.desk.db.write() as session:
        for number in (2, 3):
            problem = {"code": "void.frame_wrong", "by": "张三", "confirmed_by": f"account:{number}"}
            session.add(
                Round(
                    round_id=f"summer-2026-Q1-{number}", plan="summer", plan_digest="0", period="2026-Q1",
                    sequence=number, status="void", problem=problem, created_at=at, updated_at=at,
                )
            )  # fmt: skip


def come_late(visited: Visited, _at: datetime) -> None:
    with visited.desk.db.write() as session:
        free(session)
        query = select(Artefact.data).where(Artefact.subject == visited.round_id)
        manifest = json.loads(session.exec(query.where(Artefact.name == "manifest.json")).one())
        deadline = datetime.fromisoformat(manifest["deadlines"]["entropy"])
        for row in session.exec(select(EntropyUse).where(EntropyUse.part == "entropy")):
            row.at = deadline - 5 * MINUTES
            session.add(row)


def approve_at_once(visited: Visited, at: datetime) -> None:
    asked(visited.desk.db, at, [("cap.exemption", "T0001", 0, 1)], timedelta(seconds=4))


def approve_one_alone(visited: Visited, at: datetime) -> None:
    rows = [("cap.exemption", f"T{place:04d}", 0, 1) for place in range(9)]
    rows += [("cap.exemption", f"U{place:04d}", place % 3, 3) for place in range(9)]
    asked(visited.desk.db, at, rows, timedelta(hours=1))


def record_at_once(visited: Visited, at: datetime) -> None:
    recorded(visited, 0, at, 2 * MINUTES)


def record_at_night(visited: Visited, at: datetime) -> None:
    recorded(visited, 0, at + timedelta(hours=12))


def find_nothing(visited: Visited, _at: datetime) -> None:
    """One crew of a department finds no problem in any of its checks, all the others in every one."""
    with visited.desk.db.write() as session:
        free(session)
        checks = list(session.exec(select(VisitCheck).where(VisitCheck.department == "market")))
        for place, check in enumerate(checks):
            lenient = place < len(checks) // 2
            check.present = ["P006", "P012"] if lenient else ["P018", "P024"]
            check.result = "no_problem" if lenient else "ordered_to_correct"
            session.add(check)


def object_in_vain_or_not(visited: Visited, at: datetime) -> None:
    check = recorded(visited, 0, at)
    with visited.desk.db.write() as session:
        session.add(
            VisitObjection(
                check_key=check.key, number=1, text="不同意", filed_by="firm:T0001", filed_at=at,
                due_on=at.date(), outcome="upheld", answer="更正", answered_by="R1", answered_at=at,
            )
        )  # fmt: skip


def be_ahead(visited: Visited, at: datetime) -> None:
    check = recorded(visited, 0, at)
    visit, _ = visited.visit()
    upload = Upload(demo_picture("ahead"), check.department, "photo", at + timedelta(hours=5))
    service.add_evidence(visited.desk, visit.key, upload, CLERK, at + timedelta(hours=1))


def replace_often(visited: Visited, _at: datetime) -> None:
    with visited.desk.db.write() as session:
        free(session)
        for check in session.exec(select(VisitCheck).order_by(col(VisitCheck.key)).limit(3)):
            check.present, check.state = ["P006", check.crew[0]], states.REPLACED
            session.add(check)


PLANTED: dict[str, tuple[Callable[[Visited, datetime], None], str]] = {
    "voids": (void_twice, "plan:summer"),
    "entropy_late": (come_late, "5.0 min"),
    "approval_fast": (approve_at_once, "4 s"),
    "same_pair": (approve_one_alone, "9/9"),
    "recorded_fast": (record_at_once, "2.0 min"),
    "off_hours": (record_at_night, " 22:30"),
    "no_problem_rate": (find_nothing, "item:market-1"),
    "corrected": (object_in_vain_or_not, "upheld"),
    "clock_ahead": (be_ahead, "240 min"),
    "replaced": (replace_often, "P006"),
}


@pytest.mark.parametrize("code", RULES)
def test_each_anomaly_is_found(visited: Visited, code: str) -> None:
    plant, says = PLANTED[code]
    plant(visited, later(visited))
    found = looked(visited.desk.db)
    assert [anomaly.code for anomaly in found.anomalies if anomaly.count] == [code]
    rows = cases(found, code).rows
    assert any(says in " ".join((row.where, row.who, row.figure)) for row in rows), rows
    assert "张三" not in str(rows)


def spoil(session: Session, round_id: str, name: str, change: Callable[[Any], None]) -> None:
    """Another stored artefact than the one that was made."""
    row = session.exec(select(Artefact).where(Artefact.subject == round_id, Artefact.name == name)).one()
    value = json.loads(row.data)
    change(value)
    row.data = json.dumps(value).encode()
    session.add(row)


def one_more(session: Session, round_id: str) -> None:
    first = session.get_one(Round, round_id)
    values = {**first.model_dump(), "round_id": "spring-2026-Q1-2", "sequence": 2, "status": "waiting"}
    session.add(Round(**values))


def one_less(session: Session, round_id: str) -> None:
    def drop(result: Any) -> None:
        stratum = next(row for row in result["strata"] if row["n"] > 1)
        stratum["selected"].pop()
        stratum["n"] -= 1

    spoil(session, round_id, "results/t-fire.json", drop)


def one_twice(session: Session, round_id: str) -> None:
    def double(result: Any) -> None:
        chosen = next(row["selected"] for row in result["strata"] if row["n"] > 1)
        chosen[0] = chosen[1]

    spoil(session, round_id, "results/t-fire.json", double)


def other_secret(session: Session, round_id: str) -> None:
    spoil(session, round_id, "reveal.json", lambda reveal: reveal["secrets"][0].update(secret="00" * 32))


def heavier(session: Session, round_id: str) -> None:
    spoil(session, round_id, "lottery.json", lambda lottery: lottery["groups"][0].update(load="99"))


def own_reviewer(session: Session, round_id: str) -> None:
    first = session.exec(select(VisitCheck).join(Visit).where(Visit.round_id == round_id)).first()
    assert first is not None
    session.execute(
        text("UPDATE visit_check SET recorded_by = 'P006', legal_by = 'P006' WHERE key = :key"),
        {"key": first.key},
    )


def no_reason(session: Session, round_id: str) -> None:
    event = {"type": "plan_change", "reason": " ", "at": "2026-12-01T00:00:00+08:00"}
    spoil(session, round_id, "events.json", lambda events: events.append(event))


SPOILED: dict[str, tuple[Callable[[Session, str], None], set[str]]] = {
    "once": (one_more, {"once"}),
    "numbers": (one_less, {"numbers", "sealed"}),
    "cooldown": (one_twice, {"cooldown", "sealed"}),
    "sealed": (other_secret, {"sealed"}),
    "loads": (heavier, {"loads"}),
    "persons": (own_reviewer, {"persons"}),
    "changes": (no_reason, {"changes"}),
}


@pytest.fixture(scope="module")
def revealed(visited_sqlite: Visited, tmp_path_factory: pytest.TempPathFactory) -> Visited:
    """A done round; each test changes it in a transaction that is rolled back."""
    from app.db.database import sqlite_backup

    folder = tmp_path_factory.mktemp("revealed")
    sqlite_backup(visited_sqlite.desk.db.url, str(folder / "own.db"))
    own = visited_sqlite.on(Database(f"sqlite:///{folder / 'own.db'}"), folder)
    reveal(own, later(own) + timedelta(hours=8))
    return own


@pytest.mark.parametrize("code", LINES)
def test_each_broken_rule_is_named(revealed: Visited, code: str) -> None:
    change, names = SPOILED[code]
    with revealed.desk.db.write() as session:
        free(session, Round.metadata.tables["visit_check"])
        change(session, revealed.round_id)
        session.flush()
        found = job.looked(session)
        session.rollback()
    assert {line.code for line in broken(found)} == names
    assert all(line.detail for line in broken(found))


def test_an_audit_is_asked_for_done_and_kept(visited: Visited) -> None:
    db, at = visited.desk.db, later(visited)
    first = job.ask(db, at)
    assert job.ask(db, at).id == first.id, "one at a time"
    report = job.run_once(db, visited.desk.vault.directory, at)
    assert report is not None
    assert report.differences == 0, report.findings
    with db.read() as session:
        kept = job.newest(session, "done")
        assert kept is not None
        assert job.report_of(kept) == report
        assert (kept.percent, kept.result) == (100, None)
    assert not job.any_waiting(db, at)
    assert job.run_once(db, visited.desk.vault.directory, at) is None


def test_a_difference_is_counted_and_said(visited: Visited) -> None:
    db = visited.desk.db
    with db.write() as session:
        free(session)
        session.execute(
            text("UPDATE visit SET name = 'x' WHERE planned_id = (SELECT min(planned_id) FROM visit)")
        )
        report = job.audit(session, visited.desk.vault)
    assert report.differences == 1
    assert report.findings[0].table == "visit"
    assert [line.split("[")[0] for line in job.said(report)] == ["fsck: visit"]


def test_an_audit_is_stopped(visited: Visited, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker gives up at the next step that it reports, and nothing is kept."""
    db, at = visited.desk.db, later(visited)
    job.ask(db, at)

    class Stopping(leases.LeasedProgress):
        def step(self, stage: str, done: int, total: int, note: str = "") -> None:
            if stage == "tables" and not done:
                job.stop(db, at)
            super().step(stage, done, total, note)

    monkeypatch.setattr(leases, "LeasedProgress", Stopping)
    assert job.run_once(db, visited.desk.vault.directory, at) is None
    with db.read() as session:
        row = session.exec(select(Operation).where(Operation.kind == job.KIND)).one()
        assert (row.status, (row.problem or {})["code"]) == ("failed", "audit.stopped")
        assert job.newest(session, "done") is None
    with pytest.raises(Conflict) as refused:
        job.stop(db, at)
    assert refused.value.problem.code == "audit.none"


def test_percent_never_falls() -> None:
    steps = [(stage, done) for stage in job.ENDS for done in range(4)]
    found = [job.percent(stage, done, 3) for stage, done in steps]
    assert found == sorted(found)
    assert found[-1] == 100
