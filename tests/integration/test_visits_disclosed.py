"""A disclosed result on both databases: when it is public, corrections, withdrawals, objections."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import text

from app.errors import Conflict, NotFound, Refused
from app.ledger import repository as ledger
from app.visits import published, service
from app.visits.desk import Actor, official_day
from app.visits.published import Wanted, Window
from app.visits.service import Change
from tests.visit_steps import PUBLISHER, REVIEWER, disclosed, problem
from tests.visited_round import Visited, reveal


def test_a_result_is_public_after_the_reveal_or_where_the_operator_says_so_and_until_it_expires(
    visited: Visited,
) -> None:
    _, check, at = disclosed(visited)
    db, today = visited.desk.db, official_day(at)
    with db.read() as session:
        assert published.published_results(session, Window(today, False)) == []
        with pytest.raises(NotFound) as hidden:
            published.one_result(session, Window(today, False), check.key)
        with pytest.raises(NotFound) as absent:
            published.one_result(session, Window(today, False), "0" * 20)
        assert [r.result_id for r in published.published_results(session, Window(today, True))] == [check.key]
    said = (hidden.value.problem, absent.value.problem)
    assert said[0].zh.replace(check.key, "") == said[1].zh.replace("0" * 20, "")
    row = reveal(visited, at)
    after = official_day(row.updated_at)
    with db.read() as session:
        (line,) = published.published_results(session, Window(after))
        assert published.published_results(session, Window(line.expires_on)) == []
        assert line.on_time
        for wanted, count in (
            (Wanted(name=line.name), 1), (Wanted(name="不存在"), 0), (Wanted(name="%"), 0),
            (Wanted(code=line.code), 1), (Wanted(department=check.department), 1), (Wanted(department="x"), 0),
            (Wanted(item=f"{check.department}-1"), 1), (Wanted(item=check.department), 0),
            (Wanted(result="no_problem"), 1), (Wanted(result="follow_up"), 0), (Wanted(plan="spring"), 1),
            (Wanted(round_id=visited.round_id), 1), (Wanted(since=line.checked_on, until=line.checked_on), 1),
            (Wanted(until=line.checked_on - timedelta(days=1)), 0), (Wanted(withdrawn=True), 0),
        ):  # fmt: skip
            assert len(published.published_results(session, Window(after), wanted)) == count, wanted


def test_a_correction_keeps_before_and_after_and_takes_two_persons(visited: Visited) -> None:
    desk = visited.desk
    _, check, at = disclosed(visited)
    window = Window(official_day(at), True)
    for change, code in (
        (
            Change("recording_error", PUBLISHER.code, "not_disclosed", "corrected_on_site"),
            "result.two_persons",
        ),
        (Change("because", "D2", "not_disclosed", "corrected_on_site"), "result.reason"),
        (Change("recording_error", "D2", "no_problem", "none"), "result.unchanged"),
    ):
        with pytest.raises(Refused) as refused:
            service.correct(desk, check.key, change, PUBLISHER, at)
        assert problem(refused) == code
    change = Change("recording_error", "D2", "not_disclosed", "corrected_on_site")
    service.correct(desk, check.key, change, PUBLISHER, at)
    with desk.db.read() as session:
        line = published.one_result(session, window, check.key)
    assert [(told["kind"], told["result"], told["reason"]) for told in line.history] == [
        ("original", "no_problem", None), ("correction", "not_disclosed", "recording_error"),
    ]  # fmt: skip
    for statement in ("UPDATE visit_version SET number = 9", "DELETE FROM visit_version"):
        with pytest.raises(DBAPIError, match="append-only"), desk.db.write() as session:
            session.execute(text(statement))


@pytest.mark.parametrize(("days", "on_time"), [(3, True), (10, False)])
def test_a_withdrawal_shows_that_it_was_and_whether_in_time_but_no_result(
    visited: Visited, days: int, on_time: bool
) -> None:
    desk = visited.desk
    _, check, at = disclosed(visited)
    later = at + timedelta(days=days)
    ahead = Change("penalty_revoked", "D2", revoked_on=official_day(later) + timedelta(days=1))
    with pytest.raises(Refused, match=r"result\.revoked_on"):
        service.withdraw(desk, check.key, ahead, PUBLISHER, at)
    change = Change("penalty_revoked", "D2", revoked_on=official_day(at))
    service.withdraw(desk, check.key, change, PUBLISHER, later)
    with desk.db.read() as session:
        line = published.one_result(session, Window(official_day(later), True), check.key)
    assert (line.result, line.disposition) == (None, None)
    assert {told["result"] for told in line.history} == {None}
    assert line.history[-1]["on_time"] is on_time
    with pytest.raises(Conflict, match=r"visit\.step"):
        service.correct(desk, check.key, Change("new_evidence", "D2", "closed", "none"), PUBLISHER, later)


def test_an_objection_is_answered_by_somebody_else_and_its_words_stay_inside(visited: Visited) -> None:
    desk = visited.desk
    _, check, at = disclosed(visited)
    firm, words = Actor("firm", "firm"), "机密异议内容"
    service.object_to(desk, check.key, words, firm, at)
    with pytest.raises(Conflict, match=r"objection\.open"):
        service.object_to(desk, check.key, words, firm, at)
    with pytest.raises(Conflict, match=r"visit\.four_eyes"):
        service.answer_objection(desk, check.key, "rejected", "答", Actor(check.recorded_by or ""), at)
    service.answer_objection(desk, check.key, "rejected", "答复", REVIEWER, at)
    with pytest.raises(Conflict, match=r"objection\.none"):
        service.answer_objection(desk, check.key, "rejected", "答", REVIEWER, at)
    with desk.db.read() as session:
        line = published.one_result(session, Window(official_day(at), True), check.key)
        logged = [row["entry"] for row in ledger.entries(session, f"check:{check.key}")]
    assert line.objection == "rejected"
    assert words not in repr(line.model_dump())
    assert words not in json.dumps(logged, ensure_ascii=False)
