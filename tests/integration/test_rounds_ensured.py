"""Exactly one round for a plan and period, whoever asks how often; what was missed comes in order, marked late."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

from sqlalchemy import text

from app import clock
from app.db.database import Database
from app.rounds import service

Publish = Callable[..., str]
MONTHLY = {"period": None, "recurrence": "monthly working-day 1 09:00", "starts_on": "2026-01-01"}
SERVERS = 4
SKEWS = [timedelta(seconds=seconds) for seconds in (-110, -40, 40, 110)]


def at_once(db: Database, ask: Callable[[Database, timedelta], Any]) -> list[Any]:
    """What several servers are answered, each with connections and a clock of its own, who ask in the same moment."""
    ready = Barrier(SERVERS)

    def asked(skew: timedelta) -> Any:
        own = Database(db.url)
        try:
            ready.wait()
            return ask(own, skew)
        finally:
            own.close()

    with ThreadPoolExecutor(SERVERS) as servers:
        return list(servers.map(asked, SKEWS))


def rows(db: Database, query: str) -> list[tuple[Any, ...]]:
    """By plain SQL."""
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def made(db: Database) -> list[str]:
    """Of which rounds the log says that they were made, in its order."""
    query = "SELECT subject FROM log_entry WHERE type = 'round.created' ORDER BY \"index\""
    return [name for (name,) in rows(db, query)]


def test_three_months_down_give_three_rounds_in_order_each_late(
    city: Database, publish: Publish, now: datetime
) -> None:
    publish(**MONTHLY)
    back = now + timedelta(days=3)
    wanted = ["spring-2026-01-1", "spring-2026-02-1", "spring-2026-03-1"]
    assert clock.tick(city, back) == wanted
    assert clock.tick(city, back + timedelta(minutes=1)) == []
    assert made(city) == wanted
    assert rows(city, "SELECT round_id, late FROM round ORDER BY due_at") == [(name, True) for name in wanted]


def test_servers_that_ask_for_a_period_at_once_get_one_round(
    city: Database, publish: Publish, now: datetime
) -> None:
    plan, at = publish(), now + timedelta(hours=1)
    answers = at_once(city, lambda own, skew: service.ensure(own, plan, "2026-Q1", at + skew))
    assert sorted(new for _, new in answers) == [False] * (SERVERS - 1) + [True]
    assert {row.round_id for row, _ in answers} == {"spring-2026-Q1-1"}
    assert rows(city, "SELECT plan, period, sequence FROM round") == [("spring", "2026-Q1", 1)]
    assert made(city) == ["spring-2026-Q1-1"]


def test_servers_that_come_back_at_once_make_each_missed_month_once(
    city: Database, publish: Publish, now: datetime
) -> None:
    publish(**MONTHLY)
    back = now + timedelta(days=3)
    answers = at_once(city, lambda own, skew: clock.tick(own, back + skew))
    wanted = ["spring-2026-01-1", "spring-2026-02-1", "spring-2026-03-1"]
    assert sorted(name for names in answers for name in names) == wanted
    assert made(city) == wanted
    assert [name for (name,) in rows(city, "SELECT round_id FROM round ORDER BY due_at")] == wanted
