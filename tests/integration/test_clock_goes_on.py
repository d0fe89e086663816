"""A tick does what it can: what one plan can't do is logged and keeps no other from being made, voided or woken."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from app import clock
from app.db.database import Database
from app.errors import refuse
from app.http.logs import keep_going
from app.ledger import repository as ledger
from app.plans.tables import PlanRevision
from app.registers.tables import CheckItem
from app.rounds import service
from tests.integration.test_rounds_whole import REAL, run
from tests.small_city import plan_data

Publish = Callable[..., str]
MONTHLY = {"period": None, "recurrence": "monthly working-day 1 09:00", "starts_on": "2026-02-01"}


def one_task(publish: Publish, code: str, place: int) -> str:
    """A monthly plan of one of the city's departments alone."""
    return publish(code=code, tasks=plan_data()["tasks"][place : place + 1], **MONTHLY)


def put_item(db: Database, code: str, status: str) -> None:
    with db.write() as session:
        for item in session.exec(select(CheckItem).where(CheckItem.code == code)):
            item.status = status


def spoil(db: Database, plan: str) -> None:
    """Leave the plan's document without what its revision was published with."""
    with db.write() as session:
        for revision in session.exec(select(PlanRevision).where(col(PlanRevision.plan) == plan)):
            revision.document = {**revision.document, "recurrence": "whenever"}


def test_one_plan_that_fails_stops_nothing_else(
    city: Database, publish: Publish, now: datetime, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    waits = run(city, tmp_path, now, publish(code="waits", **REAL))
    for place, code in enumerate(("a-refused", "b-good", "c-spoilt")):
        one_task(publish, code, place)
    put_item(city, "market-1", "withdrawn")
    spoil(city, "c-spoilt")
    assert service.get(city, waits.round_id).status == "waiting"
    with caplog.at_level(logging.ERROR):
        made = clock.tick(city, now + timedelta(hours=73))
    assert made == ["b-good-2026-02-1", "b-good-2026-03-1"]
    assert service.get(city, waits.round_id).status == "void"
    said = [record.getMessage() for record in caplog.records]
    assert "plan a-refused period 2026-02: refused: plan.unpublished_item" in said
    assert "periods of plan c-spoilt: refused: recurrence.unreadable" in said


def test_a_refused_period_holds_those_after_it_and_is_logged_once(
    city: Database, publish: Publish, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    one_task(publish, "monthly", 0)
    refusals: clock.Refusals = {}
    refused = "plan monthly period 2026-02: refused: plan.unpublished_item"
    put_item(city, "market-1", "withdrawn")
    with caplog.at_level(logging.ERROR):
        for seconds in range(0, 15, 5):
            assert clock.tick(city, now + timedelta(seconds=seconds), refusals) == []
    assert [record.getMessage() for record in caplog.records] == [refused]
    put_item(city, "market-1", "published")
    made = clock.tick(city, now + timedelta(seconds=15), refusals)
    assert made == ["monthly-2026-02-1", "monthly-2026-03-1"]
    assert not refusals


def test_another_refusal_and_one_that_came_back_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    refusals: clock.Refusals = {}
    told = []
    for code in ("a", "a", "b", "b", None, "b"):
        with keep_going("plan p", refusals):
            if code:
                raise refuse(code, "拒", "refused", "改", "mend")
        told.append(len(caplog.records))
    assert told == [1, 1, 2, 2, 2, 3]


def test_deadlines_that_fail_do_not_keep_a_round_from_its_reveal(
    city: Database, publish: Publish, now: datetime, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    codes = publish(code="broken"), publish()
    broken = service.create(city, codes[0], "2026-Q1", now)
    ready = run(city, tmp_path, now, codes[1], until="seated")
    with city.write() as session:
        ledger.keep(session, broken.round_id, "manifest.json", b"no manifest\n", now)
        for row, stage, awaited in ((ready, ready.stage, "reveal"), (broken, "committed", "entropy")):
            row.stage, row.status, row.waiting_for = stage, "waiting", awaited
            session.add(row)
    clock.tick(city, now + timedelta(days=90))
    assert service.get(city, ready.round_id).status == "running"
    assert "deadlines: failed" in caplog.text
