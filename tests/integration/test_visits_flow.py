"""A visit from notice to disclosure on both databases: legal steps, four eyes, evidence, followed plans."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import text

from app.db.database import Database
from app.errors import Conflict, NotFound, Refused
from app.ledger import repository as ledger
from app.rounds import changes
from app.rounds import service as rounds
from app.rounds.changing import Asked
from app.rounds.fsck import check_all
from app.visits import following, opening, published, repository, service, states
from app.visits.demo_results import fill_results
from app.visits.demo_story import demo_picture
from app.visits.desk import Actor, official_day
from app.visits.published import Window
from app.visits.records import Record
from app.visits.service import Upload
from app.visits.visit_code import CodeKey, on_record
from tests.visit_steps import (
    FINE,
    LEGAL,
    PUBLISHER,
    REVIEWER,
    answered,
    arrived,
    disclosed,
    inspector,
    problem,
    proven,
)
from tests.visited_round import CLERK, Visited, reveal


def test_every_planned_check_becomes_a_record_once_and_none_has_a_result(visited: Visited) -> None:
    with visited.desk.db.read() as session:
        planned = json.loads(ledger.load(session, visited.round_id, "visits.json"))
    rows = visited.checks()
    assert len(rows) == sum(len(visit["checks"]) for visit in planned["visits"]) > 20
    assert {check.state for _, check in rows} == {states.APPROVED}
    assert {check.result for _, check in rows} == {None}
    assert all(len(check.crew) >= 2 for _, check in rows)
    assert opening.open_visits(visited.desk, visited.round_id, visited.trip.clock.now()) == 0
    assert opening.to_open(visited.desk) == []


def test_no_visits_before_the_seats_are_sealed(
    city: Database, publish: Callable[..., str], now: datetime, tmp_path: Path
) -> None:
    from app.rounds.vault import Vault
    from app.visits.desk import Desk

    row = rounds.create(city, publish(), "2026-Q1", now)
    with pytest.raises(Conflict, match=r"visit\.before_seats"):
        opening.open_visits(Desk(city, Vault(tmp_path)), row.round_id, now)


def test_a_whole_visit_with_two_departments_keeps_a_record_each(visited: Visited) -> None:
    desk = visited.desk
    visit, (first, second) = visited.visit(departments=2)
    at = arrived(visited, visit)
    answered(visited, visit, at)
    for check in (first, second):
        service.record(desk, check.key, FINE, inspector(visited, visit, check), at)
    service.review(desk, first.key, REVIEWER, at)
    service.disclose(desk, first.key, PUBLISHER, at)
    with desk.db.read() as session:
        rows = {row.department: row for row in repository.checks_of(session, visit.key)}
        kept = ledger.names(session, f"visit:{visit.key}")
    assert (rows[first.department].state, rows[second.department].state) == ("disclosed", "recorded")
    assert len(kept) == 2
    due = rows[first.department].due_on
    assert due is not None
    assert due > official_day(at) + timedelta(days=20)


def test_illegal_steps_are_refused_and_name_the_legal_ones(visited: Visited) -> None:
    desk = visited.desk
    visit, (check,) = visited.visit()
    at = visited.at(visit)
    for act in (
        lambda: service.arrive(desk, visit.key, visited.crews(visit.key), CLERK, at),
        lambda: service.record(desk, check.key, FINE, inspector(visited, visit, check), at),
        lambda: service.review(desk, check.key, REVIEWER, at),
        lambda: service.legal_review(desk, check.key, LEGAL, at),
        lambda: service.disclose(desk, check.key, PUBLISHER, at),
        lambda: service.send_back(desk, check.key, "因", REVIEWER, at),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert problem(refused) == "visit.step"
        assert refused.value.problem.params["allowed"] == "notify replace void"
        assert "通知" in refused.value.problem.remedy_zh
    with desk.db.read() as session:
        assert repository.check(session, check.key).state == "approved"


def test_nobody_does_two_of_recording_review_and_legal_review(visited: Visited) -> None:
    desk = visited.desk
    visit, (check,) = visited.visit()
    at = arrived(visited, visit)
    me = inspector(visited, visit, check)
    proven(visited, visit, check.department, at)
    service.record(desk, check.key, Record("uncooperative", "none", "", None), me, at)
    with pytest.raises(Conflict) as refused:
        service.review(desk, check.key, me, at)
    assert problem(refused) == "visit.four_eyes"
    service.review(desk, check.key, REVIEWER, at)
    for person in (me, REVIEWER):
        with pytest.raises(Conflict, match=r"visit\.four_eyes"):
            service.legal_review(desk, check.key, person, at)
    with pytest.raises(Conflict) as refused:
        service.disclose(desk, check.key, PUBLISHER, at)
    assert refused.value.problem.params["allowed"] == "return legal_review void"
    service.legal_review(desk, check.key, LEGAL, at)
    with pytest.raises(Conflict, match=r"visit\.four_eyes"):
        service.disclose(desk, check.key, me, at)
    assert service.disclose(desk, check.key, PUBLISHER, at).state == "disclosed"


def test_the_database_itself_keeps_recorder_reviewer_and_legal_reviewer_apart(visited: Visited) -> None:
    for change in (
        "recorded_by = 'X', reviewed_by = 'X'",
        "recorded_by = 'X', reviewed_by = 'Y', legal_by = 'X'",
    ):
        with pytest.raises(DBAPIError), visited.desk.db.write() as session:
            session.execute(text(f"UPDATE visit_check SET {change}"))


def test_a_returned_record_is_made_and_reviewed_anew_but_its_clock_runs_on(visited: Visited) -> None:
    desk = visited.desk
    visit, (check,) = visited.visit()
    at = arrived(visited, visit)
    answered(visited, visit, at)
    me = inspector(visited, visit, check)
    due = service.record(desk, check.key, FINE, me, at).due_on
    service.review(desk, check.key, REVIEWER, at)
    with pytest.raises(Refused, match=r"visit\.return_reason"):
        service.send_back(desk, check.key, " ", LEGAL, at)
    back = service.send_back(desk, check.key, "笔录缺签名", LEGAL, at)
    assert (back.state, back.returned, back.reviewed_by) == ("arrived", "笔录缺签名", None)
    again = service.record(desk, check.key, FINE, me, at + timedelta(days=3))
    assert (again.state, again.submissions, again.due_on, again.returned) == ("recorded", 2, due, None)


def test_a_missing_second_officer_is_a_refusal(visited: Visited) -> None:
    desk = visited.desk
    visit, (check,) = visited.visit()
    at = visited.at(visit)
    service.notify(desk, visit.key, CLERK, at)
    crew = visited.crews(visit.key)[check.department]
    for present in ([], crew[:1], [crew[0], crew[0]], [crew[0], "P999"]):
        with pytest.raises(Refused, match=r"visit\.second_officer"):
            service.arrive(desk, visit.key, {check.department: present}, CLERK, at)
    other = next(row for row, _ in visited.checks() if row.day and visit.day and row.day > visit.day)
    service.notify(desk, other.key, CLERK, at)
    with pytest.raises(Conflict, match=r"visit\.too_early"):
        service.arrive(desk, other.key, visited.crews(other.key), CLERK, at)


@pytest.mark.parametrize(
    ("result", "disposition", "code"),
    [
        ("fine", "none", "result.code"),
        ("", "none", "result.code"),
        ("no_problem", "", "result.disposition"),
        ("no_problem", "none", "record.unanswered"),
        ("not_contacted", "none", "record.attempts"),
        ("uncooperative", "none", "record.evidence"),
        ("closed", "none", "record.evidence"),
    ],
)
def test_a_record_without_what_its_result_demands_is_refused(
    visited: Visited, result: str, disposition: str, code: str
) -> None:
    visit, (check,) = visited.visit()
    at = arrived(visited, visit)
    with pytest.raises(Refused) as refused:
        service.record(
            visited.desk,
            check.key,
            Record(result, disposition, "", None),
            inspector(visited, visit, check),
            at,
        )
    assert problem(refused) == code
    with visited.desk.db.read() as session:
        assert repository.check(session, check.key).result is None


def test_who_cannot_be_contacted_needs_two_attempts_at_two_times_and_is_a_finding(visited: Visited) -> None:
    desk = visited.desk
    visit, (check,) = visited.visit()
    at = arrived(visited, visit)
    me, given = inspector(visited, visit, check), Record("not_contacted", "listed_abnormal", "", None)
    proven(visited, visit, check.department, at, "attempt", 0)
    same = Upload(demo_picture("same time"), check.department, "attempt", at)
    service.add_evidence(desk, visit.key, same, me, at)
    with pytest.raises(Refused, match=r"record\.attempts"):
        service.record(desk, check.key, given, me, at)
    proven(visited, visit, check.department, at, "attempt", 2)
    row = service.record(desk, check.key, given, me, at)
    assert (row.state, row.legal_review) == ("recorded", True)
    with pytest.raises(Refused, match=r"replacement\.not_replaced|visit\.step"):
        service.replace(
            desk, visit.key, "not_contacted", proven(visited, visit, check.department, at), CLERK, at
        )


def test_answers_and_result_must_agree(visited: Visited) -> None:
    visit, (check,) = visited.visit()
    at = arrived(visited, visit)
    me = inspector(visited, visit, check)
    answered(visited, visit, at, bad=visit.checklist[0]["code"])
    with pytest.raises(Refused, match=r"record\.contradicts"):
        service.record(visited.desk, check.key, FINE, me, at)
    answered(visited, visit, at)
    proven(visited, visit, check.department, at)
    with pytest.raises(Refused, match=r"record\.no_point"):
        service.record(visited.desk, check.key, Record("follow_up", "case_filed", "", None), me, at)


def test_an_order_to_correct_has_a_date_and_a_recheck_of_the_failed_points_only(visited: Visited) -> None:
    desk = visited.desk
    visit, (check, other) = visited.visit(departments=2)
    at = arrived(visited, visit)
    me = inspector(visited, visit, check)
    bad = next(q["code"] for q in visit.checklist if q["departments"] == [check.department])
    answered(visited, visit, at, bad=bad)
    proven(visited, visit, check.department, at)
    with pytest.raises(Refused, match=r"record\.rectify_by"):
        service.record(desk, check.key, Record("ordered_to_correct", "ordered", "", None), me, at)
    by = date(2026, 4, 7)
    service.record(desk, check.key, Record("ordered_to_correct", "ordered", "", by), me, at)
    service.review(desk, check.key, REVIEWER, at)
    service.record(desk, other.key, FINE, inspector(visited, visit, other), at)
    service.disclose(desk, check.key, PUBLISHER, at)
    with desk.db.read() as session:
        kept = repository.rectification(session, check.key)
        assert kept is not None
        assert kept.recheck is not None
        recheck = repository.visit(session, kept.recheck)
        (again,) = repository.checks_of(session, kept.recheck)
    assert [q["code"] for q in recheck.checklist] == [bad]
    assert (recheck.kind, recheck.origin, again.state, again.department) == (
        "recheck", visit.key, "proposed", check.department,
    )  # fmt: skip
    crew = visited.crews(visit.key)[check.department]
    with pytest.raises(Conflict, match=r"visit\.four_eyes"):
        service.approve(desk, recheck.key, by, {check.department: crew}, REVIEWER, at)
    with pytest.raises(Refused, match=r"visit\.crew"):
        service.approve(desk, recheck.key, by, {check.department: crew[:1]}, CLERK, at)
    with pytest.raises(Refused, match=r"visit\.day"):
        service.approve(desk, recheck.key, date(2026, 4, 4), {check.department: crew}, CLERK, at)
    service.approve(desk, recheck.key, date(2026, 4, 8), {check.department: crew}, CLERK, at)
    with desk.db.read() as session:
        recheck = repository.visit(session, recheck.key)
    late = arrived(visited, recheck)
    answered(visited, recheck, late)
    service.record(desk, again.key, FINE, me, late)
    service.review(desk, again.key, REVIEWER, late)
    row = reveal(visited, late)
    with desk.db.read() as session:
        line = published.one_result(session, Window(official_day(row.updated_at)), check.key)
    assert (line.rectify_by, line.rectified_on) == (by, official_day(late))


def test_log_entries_of_visits_hold_neither_target_nor_person(visited: Visited) -> None:
    visit, check, _ = disclosed(visited)
    with visited.desk.db.read() as session:
        logged = json.dumps(
            [
                ledger.entries(session, f"{kind}:{key}")
                for kind, key in (("visit", visit.key), ("check", check.key))
            ],
            ensure_ascii=False,
        )
    for hidden in (
        visit.target_id,
        visit.name,
        check.recorded_by,
        REVIEWER.code,
        check.department,
        "no_problem",
    ):
        assert hidden
        assert hidden not in logged
    assert [name for name in states.STEPS if f'"visit.{name}"' in logged] == [
        "notify", "arrive", "record", "review", "disclose",
    ]  # fmt: skip


def test_fsck_finds_a_check_that_no_step_left_so(visited: Visited) -> None:
    _, check, _ = disclosed(visited)
    with visited.desk.db.read() as session:
        assert list(check_all(session, visited.desk.vault)) == []
    with visited.desk.db.write() as session:
        session.execute(text("UPDATE visit_check SET result = 'closed' WHERE key = :key"), {"key": check.key})
        other = next(row for _, row in visited.checks() if row.state == states.APPROVED)
        session.execute(text("UPDATE visit_check SET state = 'arrived' WHERE key = :key"), {"key": other.key})
    with visited.desk.db.read() as session:
        found = {(finding.table, finding.row) for finding in check_all(session, visited.desk.vault)}
    assert found == {("visit_check", check.key), ("visit_check", other.key)}


def test_visits_follow_a_changed_plan_and_their_old_codes_die(visited: Visited) -> None:
    desk = visited.desk
    visit, (check,) = visited.visit()
    key = CodeKey(desk.vault.directory)
    now = visited.trip.clock.now() + timedelta(hours=1)
    service.notify(desk, visit.key, CLERK, now)
    old = key.sign(visit)
    asked = Asked("大雪封路", cancel=(visit.planned_id,))
    proposal = changes.propose(desk.db, desk.vault, visited.round_id, asked, now)
    assert following.to_follow(desk) == []
    changes.take(desk.db, desk.vault, visited.round_id, asked, proposal.confirm, now)
    assert following.to_follow(desk) == [visited.round_id]
    assert following.follow_plan(desk, visited.round_id, now) >= 1
    assert following.to_follow(desk) == []
    with desk.db.read() as session:
        after = repository.visit(session, visit.key)
        assert repository.check(session, check.key).state in ("approved", "void")
        assert on_record(session, key, old) is None
        assert list(check_all(session, desk.vault)) == []
        (again,) = repository.checks_of(session, visit.key)
    assert (after.day != visit.day and after.notified_at is None) or again.state == "void"
    assert len(visited.crews(visit.key)[check.department]) >= 2


def test_another_departments_inspector_sees_no_such_check(visited: Visited) -> None:
    visit, (check,) = visited.visit()
    at = arrived(visited, visit)
    with pytest.raises(NotFound, match=r"visit\.absent"):
        service.record(visited.desk, check.key, FINE, Actor("P001", "inspector", "other"), at)


def test_results_of_a_demonstration_are_filled_alike_from_a_seed_and_never_for_others(
    visited: Visited,
) -> None:
    made = fill_results(visited.desk, visited.round_id, 7, visited.trip.clock.now())
    assert made.counts["no_problem"] > 0.6 * len(visited.checks())
    row = reveal(visited, made.last)
    with visited.desk.db.read() as session:
        window = Window(official_day(row.updated_at))
        shown = [check for _, check in visited.checks() if check.state in ("disclosed", "withdrawn")]
        assert sum(published.counts(session, window).values()) == len(shown) > 0.8 * len(visited.checks())
        assert all(line.demo for line in published.published_results(session, window))
    with visited.desk.db.write() as session:
        session.execute(text("UPDATE round SET demo = :no"), {"no": False})
    with pytest.raises(Conflict, match=r"visit\.not_a_demo"):
        fill_results(visited.desk, visited.round_id, 7, visited.trip.clock.now())
