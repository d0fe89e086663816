"""A trial draw: what it says is right, it writes nothing, and it is of no use for a real one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select as all_of
from sqlmodel import SQLModel, select
from typer.testing import CliRunner

from app.cli import app
from app.db.database import Database
from app.errors import Conflict, NotFound
from app.plans import service as plans
from app.registers.tables import Inspector, InspectorLeave
from app.rounds import service
from app.rounds.tables import Deposit, Round
from app.rounds.trial import Trial, trial
from app.rounds.vault import Vault
from app.rounds.worker import run_once
from app.settings import settings
from optimizer.progress import Silent
from tests import small_city
from tests.integration.test_rounds_exemptions import CAP, FULL, at_their_cap
from tests.small_city import DISTRICTS, NOW, QUARTERLY, TARGETS, plan_data

Publish = Callable[..., str]
NOISE = bytes(range(32))
LIMIT = 600_000


def tried(db: Database, code: str, noise: bytes = NOISE) -> Trial:
    return trial(db, code, NOW, noise, LIMIT, Silent())


def stored(db: Database) -> dict[str, Counter[str]]:
    """Every row of every table."""
    with db.read() as session:
        return {
            table.name: Counter(map(repr, session.execute(all_of(table)).all()))
            for table in SQLModel.metadata.sorted_tables
        }


def test_it_counts_what_a_draw_would_take(city: Database, publish: Publish) -> None:
    found = tried(city, publish())
    assert [(one.task_id, one.rows, one.drawn) for one in found.draws] == [
        ("t-market", 240, 42), ("t-fire", 120, 21), ("t-health", 80, 14),
    ]  # fmt: skip
    work = found.work
    assert (work.checks, work.targets) == (77, sum(count for _, count in work.sets))
    assert work.entries == work.targets, "every target's departments can come at once"
    assert sum(size * visits for size, visits in work.by_size) == work.checks
    assert work.least == sum(need.least for need in found.needs) <= work.greedy
    assert {need.department: need.supervised for need in found.needs} == {
        "market": 240,
        "fire": 120,
        "health": 80,
    }
    assert {need.department: need.free for need in found.needs}["market"] == 12 * 10, "a lead is on leave"
    assert (found.days[0], found.days[-1], len(found.days)) == (date(2026, 3, 12), date(2026, 3, 25), 10)
    assert found.risk.problem is None
    assert found.risk.worst_ppm
    assert found.risk.worst_ppm <= LIMIT
    assert found.warnings == ()


def test_it_is_its_noise_and_nothing_else(city: Database, publish: Publish) -> None:
    code = publish()
    assert tried(city, code) == tried(city, code)
    assert tried(city, code).work.sets != tried(city, code, NOISE[::-1]).work.sets, (
        "another noise, another draw"
    )


def test_nothing_is_written_while_a_round_is_under_way(
    city: Database, publish: Publish, tmp_path: Path
) -> None:
    """Beside a round that holds its secrets and waits for its entropy: no row changes, no key is opened."""
    asks = [{"id": "witnesses", "kind": "witness_digits", "digits": 20}]
    real = publish(code="real", entropy=asks, entropy_seats=[{"id": "beacon", "kind": "drand"}])
    other = publish(code="other", recurrence=QUARTERLY, period=None, starts_on="2026-04-01")
    service.create(city, real, "2026-Q1", NOW)
    vault = Vault(tmp_path)
    while run_once(city, vault, 60, None, progress=Silent()):
        pass
    assert service.get(city, "real-2026-Q1-1").waiting_for == "entropy"
    before, files = stored(city), {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    tried(city, other)
    with pytest.raises(Conflict, match=r"trial\.frozen"):
        tried(city, real)
    assert stored(city) == before
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path in files} == files
    assert before[Deposit.__tablename__], "there was a secret to touch"


@pytest.mark.parametrize("code", ["spring", "absent"])
def test_only_a_published_plan_is_tried(sqlite_database: Database, code: str) -> None:
    small_city.fill(sqlite_database)
    plans.create(sqlite_database, plans.parse_document(plan_data()), NOW)
    wanted = r"plan\.not_in_force" if code == "spring" else r"plan\."
    with pytest.raises(Conflict if code == "spring" else NotFound, match=wanted):
        tried(sqlite_database, code)


def test_who_cannot_be_reached_is_counted(city: Database, publish: Publish) -> None:
    """Four at their cap; in the directed draw of one district the others are in none; a task that draws nobody."""
    tasks = plan_data()["tasks"]
    tasks[1] |= {"directed": True, "condition": {"districts": [DISTRICTS[0]]}}
    tasks[2] |= {"min": 0, "max": 0}
    code = publish(tasks=tasks, caps=[CAP], recurrence=QUARTERLY, period=None)
    with city.write() as session:
        session.add(
            Round(
                round_id="old-1", plan="old", plan_digest="", period="2026-01", sequence=1, privacy="open",
                stage="revealed", status="done", created_at=NOW, updated_at=NOW,
            )
        )  # fmt: skip
        session.flush()
        at_their_cap(session, "old-1")
    market, fire, health = tried(city, code).draws
    assert market.left_out == (("cap:year", len(FULL)),)
    assert market.rows == TARGETS - len(FULL)
    assert fire.left_out == (), "T0000, T0003 … are of that district; T0003 is not under fire"
    assert (health.idle, health.drawn) == (health.rows, 0)
    outside = {need.department: need.outside for need in tried(city, code).needs}
    assert outside == {"market": 0, "fire": 120 - fire.rows, "health": 0}


def test_a_department_that_could_send_nobody_is_named(city: Database, publish: Publish) -> None:
    """No officer at all for health; too few days of officers for fire."""
    code = publish()
    with city.write() as session:
        for row in session.exec(select(Inspector)):
            if row.department == "health":
                row.active = False
            elif row.department == "fire" and row.code not in ("P001", "P004"):
                session.add(
                    InspectorLeave(inspector=row.code, start=date(2026, 3, 1), end=date(2026, 12, 31))
                )
            session.add(row)
    found = tried(city, code)
    needs = {need.department: need for need in found.needs}
    assert [problem.code for problem in found.warnings] == ["plan.no_crew"]
    assert needs["health"].unplaced == (("packing.no_crew", needs["health"].checks),)
    assert (needs["health"].least, needs["health"].free) == (0, 0)
    assert needs["fire"].free < needs["market"].free
    placed = sum(size * visits for size, visits in found.work.by_size)
    assert placed == found.work.checks - needs["health"].checks


def test_a_telling_list_is_said_and_does_not_stop_the_trial(city: Database, publish: Publish) -> None:
    found = tried(city, publish(risk_limit_ppm=540_000))
    assert found.risk.problem
    assert found.risk.problem.code == "risk.disclosure"
    assert found.risk.worst_ppm
    assert found.risk.worst_ppm > found.risk.limit_ppm == 540_000


@pytest.fixture
def here(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    small_city.fill(sqlite_database)
    plans.create(sqlite_database, plans.parse_document(plan_data()), NOW)
    plans.publish(sqlite_database, "spring", NOW)
    monkeypatch.setenv("DATABASE_URL", sqlite_database.url)
    settings.cache_clear()
    yield sqlite_database
    settings.cache_clear()


def test_the_command_bears_the_watermark_and_names_nobody(here: Database) -> None:
    before = stored(here)
    told = CliRunner().invoke(app, ["plan", "trial", "spring"])
    assert told.exit_code == 0, told.output
    lines = told.output.splitlines()
    assert "试抽 · 不作数" in lines[0]
    assert "试抽 · 不作数" in lines[-1]
    given = CliRunner().invoke(app, ["plan", "trial", "spring", "--json"])
    answer = json.loads(given.stdout.splitlines()[-1])
    assert answer["watermark"].startswith("试抽 · 不作数")
    assert answer["work"]["checks"] == 77
    for text in (told.output, given.output):
        assert "T00" not in text
        assert "企业" not in text
    assert stored(here) == before
