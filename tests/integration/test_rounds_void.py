"""Void rounds on both databases: the result is published with the void, never hidden, and its targets stay due."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from app.db.database import Database
from app.disclosure.export import export_round
from app.disclosure.repository import released
from app.disclosure.service import firm_opening, write_bundles
from app.errors import Conflict, NotFound, Refused
from app.ledger import repository as ledger
from app.main import create_app
from app.rounds import expiry, service, voiding
from app.rounds.fsck import check_all
from app.rounds.tables import PlannedCheck, Round
from app.rounds.vault import Vault, new_secret
from app.settings import Settings
from app.whole_round import SimulatedClock, Trip, answers, carry
from optimizer.progress import Silent
from scheduler import verifier
from scheduler.frame import Frame
from scheduler.seed import commitment
from scheduler.suite import SHA256

Publish = Callable[..., str]
WITNESSES = {"id": "witnesses", "kind": "witness_digits", "digits": 20}
REAL = {"entropy": [WITNESSES], "entropy_seats": [{**WITNESSES, "id": "second"}]}
VALUES = [("witnesses", "01234567890123456789"), ("second", "98765432109876543210")]
UNMADE = {
    "drawn": {"visits", "schedule", "plan", "lottery", "assignment"},
    "packed": {"assignment"},
    "seated": set(),
}
OPEN_TASKS: list[dict[str, Any]] = [
    {
        "task_id": "t-market",
        "title_zh": "公开抽查",
        "department": "market",
        "rules": ["r-market"],
        "items": ["market-1"],
        "strata_by": ["district"],
        "default_ratio": 60_000,
    }
]


def going_to(db: Database, folder: Path, now: datetime, stage: str) -> Trip:
    """A trip on a simulated clock, approved, that ends at a stage."""
    return Trip(
        db, Vault(folder), folder, Silent(), None, SimulatedClock(now), approved_by="审批人", until=stage
    )


def at_stage(
    db: Database, folder: Path, now: datetime, code: str, stage: str, period: str = "2026-Q1"
) -> Round:
    """The plan's round with `stage` behind it."""
    going = going_to(db, folder, now, stage)
    row = carry(going, service.create(db, code, period, now), answers(going, VALUES))
    assert row.stage == stage, row.problem
    return row


def void(db: Database, folder: Path, row: Round, now: datetime) -> Round:
    return voiding.void(db, Vault(folder), row.round_id, "plan_withdrawn", "甲某", "乙某", now)


@pytest.mark.parametrize("privacy", ["open", "sealed"])
@pytest.mark.parametrize("stage", ["drawn", "packed", "seated"])
def test_a_void_after_the_draw_publishes_what_was_made(
    city: Database, publish: Publish, now: datetime, tmp_path: Path, stage: str, privacy: str
) -> None:
    changes = {"privacy": "open", "tasks": OPEN_TASKS} if privacy == "open" else {}
    row = at_stage(city, tmp_path, now, publish(**REAL, **changes), stage)
    with city.read() as session:
        drawn = {
            name: ledger.load(session, row.round_id, name)
            for name in ledger.names(session, row.round_id)
            if name.startswith("results/")
        }
    assert not released(row)
    voided = void(city, tmp_path, row, now + timedelta(days=1))
    assert (voided.status, voided.stage, released(voided)) == ("void", stage, True)
    first, again = (write_bundles(city, row.round_id, tmp_path / name) for name in "ab")
    for path, other in ((first.public, again.public), (first.auditor, again.auditor)):
        assert path.read_bytes() == other.read_bytes()
        outcome = verifier.verify(path)
        assert outcome.status == 0, outcome.render()
        assert outcome.void == "plan_withdrawn"
        skipped = {line.step for line in outcome.lines if line.status == "SKIP"}
        assert UNMADE[stage] <= skipped <= UNMADE[stage] | {"roster", "frames", "seal", "firm"}
    with city.read() as session:
        assert {name: ledger.load(session, row.round_id, name) for name in drawn} == drawn
        events = json.loads(ledger.load(session, row.round_id, "events.json"))
        assert session.exec(select(PlannedCheck).where(PlannedCheck.round_id == row.round_id)).all() == []
        assert list(check_all(session, Vault(tmp_path))) == []
    assert [(event["type"], event["reason"]) for event in events] == [("void", "plan_withdrawn")]
    assert events[0]["by"] != events[0]["confirmed_by"]


def test_a_void_before_the_draw_publishes_nothing(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    row = void(
        city, tmp_path, at_stage(city, tmp_path, now, publish(**REAL), "committed"), now + timedelta(days=1)
    )
    assert (row.status, released(row)) == ("void", False)
    with pytest.raises(Conflict, match=r"bundle\.before_reveal"):
        write_bundles(city, row.round_id, tmp_path)
    with city.read() as session:
        assert "reveal.json" not in ledger.names(session, row.round_id)
        assert list(check_all(session, Vault(tmp_path))) == []


@pytest.mark.parametrize("stage", ["entropy", "entropy_seats"])
def test_a_result_that_is_determined_is_computed_before_the_void(
    city: Database, publish: Publish, now: datetime, tmp_path: Path, stage: str
) -> None:
    row = at_stage(city, tmp_path, now, publish(**REAL), stage)
    later = now + timedelta(days=1)
    with pytest.raises(Conflict) as refused:
        void(city, tmp_path, row, later)
    assert refused.value.problem.code == "void.result_due"
    assert f"round resume {row.round_id}" in refused.value.problem.remedy_zh
    assert f"round resume {row.round_id}" in refused.value.problem.remedy_en
    following = {"entropy": "drawn", "entropy_seats": "seated"}[stage]
    going = going_to(city, tmp_path, later, following)
    assert carry(going, row, answers(going)).stage == following
    assert void(city, tmp_path, row, later + timedelta(hours=1)).status == "void"
    outcome = verifier.verify(write_bundles(city, row.round_id, tmp_path).auditor)
    assert outcome.status == 0, outcome.render()


@pytest.mark.parametrize(("stage", "place"), [("committed", 0), ("packed", 1)])
def test_values_that_were_supplied_forbid_a_void_before_anybody_computes(
    city: Database, publish: Publish, now: datetime, tmp_path: Path, stage: str, place: int
) -> None:
    row = at_stage(city, tmp_path, now, publish(**REAL), stage)
    row = carry(going_to(city, tmp_path, now + timedelta(hours=1), "revealed"), row, lambda _: False)
    assert (row.stage, row.status) == (stage, "waiting")
    service.supply(city, row.round_id, *VALUES[place], now + timedelta(hours=2))
    with pytest.raises(Conflict, match=r"void\.result_due"):
        void(city, tmp_path, row, now + timedelta(hours=3))


def test_values_supplied_in_time_are_drawn_from_however_late_the_worker_is(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    code = publish(**REAL)
    going = going_to(city, tmp_path, now, "revealed")
    row = carry(going, service.create(city, code, "2026-Q1", now), answers(going))
    assert row.waiting_for == "entropy"
    service.supply(city, row.round_id, *VALUES[0], now + timedelta(hours=1))
    late = now + timedelta(hours=73)
    assert expiry.expire(city, late) == []
    going = going_to(city, tmp_path, late, "revealed")
    row = carry(going, row, answers(going, VALUES[1:]))
    assert row.status == "done", row.problem
    for path in write_bundles(city, row.round_id, tmp_path).public, tmp_path / f"auditor-{row.round_id}.zip":
        outcome = verifier.verify(path)
        assert outcome.status == 0, outcome.render()


def test_entropy_is_taken_only_after_every_deposit(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    code, secret = publish(**REAL), new_secret()
    digest = commitment(SHA256, "spring-2026-Q1-1", "公证处", secret).hex()
    row = service.create(city, code, "2026-Q1", now, [("公证处", digest)])
    going = going_to(city, tmp_path, now, "revealed")
    row = carry(going, row, answers(going))
    assert row.waiting_for == "deposits"
    with pytest.raises(Conflict, match=r"entropy\.before_deposits"):
        service.supply(city, row.round_id, *VALUES[0], going.clock.now())
    service.deposit(city, going.vault, row.round_id, "公证处", secret, going.clock.now())
    assert service.supply(city, row.round_id, *VALUES[0], going.clock.now()).status == "running"


def test_a_revealed_round_is_not_voided(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    row = at_stage(city, tmp_path, now, publish(), "revealed")
    with pytest.raises(Conflict, match=r"void\.revealed"):
        void(city, tmp_path, row, now + timedelta(days=400))
    assert service.get(city, row.round_id).status == "done"


@pytest.mark.parametrize("is_void", [False, True], ids=["carried on", "void"])
def test_targets_of_a_void_round_stay_due(
    city: Database, publish: Publish, now: datetime, tmp_path: Path, is_void: bool
) -> None:
    tasks = [{**OPEN_TASKS[0], "cooldown": 250_000}]
    monthly = {"period": None, "recurrence": "monthly working-day 1 09:00"}
    code = publish(privacy="open", tasks=tasks, **monthly)
    first = at_stage(city, tmp_path, now, code, "seated", "2026-01")
    with city.read() as session:
        visits = json.loads(ledger.load(session, first.round_id, "visits.json"))["visits"]
    visited = {visit["target_id"] for visit in visits}
    assert visited
    if is_void:
        void(city, tmp_path, first, now + timedelta(days=1))
    second = at_stage(city, tmp_path, now + timedelta(days=90), code, "frozen", "2026-02")
    with city.read() as session:
        frames = [
            Frame.from_tsv(ledger.load(session, second.round_id, name))
            for name in ledger.names(session, second.round_id)
            if name.startswith("frames/")
        ]
    recent = {
        target_id
        for frame in frames
        for target_id, cell in zip(frame.ids, frame.column("recent"), strict=True)
        if cell == "1"
    }
    assert (visited & recent == set()) == is_void
    assert recent == (set() if is_void else visited & {name for frame in frames for name in frame.ids})


def test_the_next_sequence_may_draw_the_same_targets_again(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    code = publish()
    first = void(city, tmp_path, at_stage(city, tmp_path, now, code, "packed"), now + timedelta(days=1))
    second = at_stage(city, tmp_path, now + timedelta(days=2), code, "drawn")
    assert (first.sequence, second.sequence) == (1, 2)
    with city.read() as session:
        for name in ledger.names(session, first.round_id):
            if name.startswith("frames/"):
                known = ledger.load(session, first.round_id, name)
                assert ledger.load(session, second.round_id, name) == known, "a void changed a frame"


@pytest.fixture
def client(city: Database, tmp_path: Path) -> TestClient:
    """The whole application, its clock standing still, to those at the machine."""
    app = create_app(city, Settings(data_dir=tmp_path), with_clock=False)
    return TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 5000))


@pytest.mark.parametrize("stage", ["drawn", "seated"])
def test_pages_and_api_show_the_void_and_its_result_without_visits(
    city: Database, publish: Publish, now: datetime, tmp_path: Path, client: TestClient, stage: str
) -> None:
    row = at_stage(city, tmp_path, now, publish(**REAL), stage)
    base = f"/api/v1/rounds/{row.round_id}"
    assert client.get(f"{base}/results").status_code == 404
    void(city, tmp_path, row, now + timedelta(days=1))
    page = client.get(f"/rounds/{row.round_id}").text
    for shown in ("本批次已作废", "计划已撤销", "抽中名单", "抽中对象", "自己核验"):
        assert shown in page
    for hidden in ("入户次数", "检查安排节省了什么", "人员的机会与负担", "甲某", "乙某"):
        assert hidden not in page
    assert "This round is void" in client.get(f"/en/rounds/{row.round_id}").text
    assert "计划已撤销" in client.get("/").text
    answer = client.get(f"{base}/results").json()
    assert answer["void"] == "plan_withdrawn"
    targets = answer["targets"]
    assert sum(draw["n"] for draw in answer["draws"]) >= len(targets) > 0
    assert all(item["name"] and item["draws"] and item["departments"] for item in targets)
    assert all(item["dates"] == item["visits"] == [] for item in targets)
    listed = client.get(f"/rounds/{row.round_id}/list").text
    assert targets[0]["target_id"] in listed
    assert "不据此检查任何对象" in listed
    assert client.get(f"{base}/bundle").content.startswith(b"PK")
    assert client.get(f"/rounds/{row.round_id}/inspectors").status_code == 404
    assert client.get(f"/staff/rounds/{row.round_id}").status_code == 409


def test_an_export_of_a_void_round_has_no_schedule(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    row = void(city, tmp_path, at_stage(city, tmp_path, now, publish(), "seated"), now + timedelta(days=1))
    made = export_round(city, row.round_id, tmp_path / "out")
    assert made.internal is None
    assert not (tmp_path / "out" / "staff").exists()
    assert "本批次已作废" in made.page.read_text(encoding="utf-8")


def test_a_firm_of_a_void_round_opens_its_leaf(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    row = at_stage(city, tmp_path, now, publish(), "drawn")
    with city.read() as session:
        name = next(name for name in ledger.names(session, row.round_id) if name.startswith("frames/"))
        target_id = Frame.from_tsv(ledger.load(session, row.round_id, name)).ids[0]
    draw_id = name.removeprefix("frames/").removesuffix(".tsv")
    with pytest.raises(NotFound):
        firm_opening(city, row.round_id, draw_id, target_id)
    void(city, tmp_path, row, now + timedelta(days=1))
    opening = tmp_path / "OPENING.json"
    opening.write_text(json.dumps(firm_opening(city, row.round_id, draw_id, target_id)))
    outcome = verifier.verify(write_bundles(city, row.round_id, tmp_path).public, opening)
    assert outcome.status == 0, outcome.render()
    assert next(line.status for line in outcome.lines if line.step == "firm") == "OK"


def test_a_void_needs_a_reason_and_two_persons(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    row = at_stage(city, tmp_path, now, publish(), "drawn")
    for reason, confirmed_by in (("frame_wrong", "甲"), ("not pleased", "乙")):
        with pytest.raises(Refused, match=r"void\.rule"):
            voiding.void(
                city, Vault(tmp_path), row.round_id, reason, "甲", confirmed_by, now + timedelta(days=1)
            )


def _drand(number: int | str = "") -> dict[str, Any]:
    return {"id": "beacon", "kind": "drand", "issue": str(number)}


def test_a_drand_round_that_is_out_at_the_freeze_is_refused(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    code = publish(**{**REAL, "entropy": [_drand(657413)]})
    going = going_to(city, tmp_path, now, "revealed")
    row = carry(going, service.create(city, code, "2026-Q1", now), answers(going))
    assert (row.stage, row.status) == ("created", "refused")
    assert row.problem is not None
    assert row.problem["code"] == "entropy.drand_out"
    assert void(city, tmp_path, row, now + timedelta(days=1)).status == "void"


def test_a_drand_round_that_came_out_before_the_approval_is_refused(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    code = publish(**{**REAL, "entropy": [_drand()]})
    going = going_to(city, tmp_path, now, "frozen")
    row = carry(going, service.create(city, code, "2026-Q1", now), lambda _: False)
    late = now + timedelta(hours=72)
    going = going_to(city, tmp_path, late, "revealed")
    row = carry(going, row, answers(going))
    assert row.status == "refused"
    assert row.problem is not None
    assert row.problem["code"] == "entropy.drand_out"


@pytest.mark.parametrize(
    ("source", "value", "code"),
    [
        ({"kind": "witness_digits", "digits": 20}, "01234567890123456789", "entropy.used"),
        ({"kind": "lottery_issue"}, "2026031 01 02 03 04 05 06+07", "entropy.used"),
        ({"kind": "lottery_issue", "issue": "2026031"}, "01 02 03 04 05 06+07", "entropy.used"),
    ],
    ids=["digits", "issue typed", "issue named"],
)
def test_entropy_of_another_round_is_refused(
    city: Database,
    publish: Publish,
    now: datetime,
    tmp_path: Path,
    source: dict[str, Any],
    value: str,
    code: str,
) -> None:
    extra = [] if source["kind"] == "witness_digits" else [{**WITNESSES, "id": "more"}]
    plan = {"entropy": [{**source, "id": "first"}, *extra], "entropy_seats": [{**WITNESSES, "id": "second"}]}
    rows: list[Round] = []
    for name in ("spring", "summer"):
        going = going_to(city, tmp_path, now + timedelta(hours=len(rows)), "revealed")
        row = service.create(city, publish(code=name, **plan), "2026-Q1", going.clock.now())
        rows.append(carry(going, row, answers(going)))
    service.supply(city, rows[0].round_id, "first", value, now + timedelta(hours=3))
    with pytest.raises(Conflict) as refused:
        service.supply(city, rows[1].round_id, "first", value, now + timedelta(hours=4))
    assert refused.value.problem.code == code
    assert rows[0].round_id in refused.value.problem.zh


def test_a_lottery_issue_of_an_earlier_year_is_refused(
    city: Database, publish: Publish, now: datetime, tmp_path: Path
) -> None:
    plan = {
        "entropy": [{"kind": "lottery_issue", "id": "ssq"}, WITNESSES],
        "entropy_seats": REAL["entropy_seats"],
    }
    going = going_to(city, tmp_path, now, "revealed")
    row = carry(going, service.create(city, publish(**plan), "2026-Q1", now), answers(going))
    with pytest.raises(Refused, match=r"entropy\.value"):
        service.supply(city, row.round_id, "ssq", "2025150 01 02 03 04 05 06+07", now + timedelta(hours=1))
    assert service.supply(city, row.round_id, "ssq", "2026031 01 02 03 04 05 06+07", now + timedelta(hours=1))
