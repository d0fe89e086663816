"""The ceremony's screen: steps and public values as they come, nobody's name before the reveal, no script needed."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.db.database import Database
from app.main import create_app
from app.rounds import service
from app.rounds.vault import Vault
from app.settings import Settings
from app.whole_round import SimulatedClock, Trip, carry
from optimizer.progress import Silent
from tests.disclosure_round import publish as publish_known
from tests.small_city import NOW, plan_data

DIGITS = "12345678901234567890"


def browser(db: Database, folder: Path) -> TestClient:
    app = create_app(db, Settings(data_dir=folder), with_clock=False)
    return TestClient(app, headers={"accept": "text/html"})


@pytest.mark.parametrize("stage", ["committed", "drawn", "seated", "revealed"])
def test_names_come_with_the_reveal_and_not_before(database: Database, tmp_path: Path, stage: str) -> None:
    known = publish_known(database, "open", stage)
    client = browser(database, tmp_path)
    answer = client.get(f"/rounds/{known.round_id}/live")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in answer.text
    assert ("第1商贸有限公司" in answer.text) == (stage == "revealed")
    assert not [target for target in known.targets if stage != "revealed" and target in answer.text]
    tag = answer.headers["etag"]
    assert client.get(f"/rounds/{known.round_id}/live", headers={"if-none-match": tag}).status_code == 304


def test_called_digits_are_on_the_screen_at_once(city: Database, tmp_path: Path) -> None:
    from app.plans import service as plans

    source = {"id": "witnesses", "kind": "witness_digits"}
    data = plan_data(entropy=[source], entropy_seats=[{**source, "id": "witnesses-2"}])
    document = plans.parse_document(data)
    plans.create(city, document, NOW)
    plans.publish(city, document.code, NOW)
    row = service.create(city, document.code, "2026-Q1", NOW)
    clock = SimulatedClock(NOW)
    trip = Trip(city, Vault(tmp_path), tmp_path, Silent(), None, clock, approved_by="审批人")
    row = carry(trip, row, lambda found: found.waiting_for == "approval" and _approved(trip, found.round_id))
    assert (row.stage, row.waiting_for) == ("committed", "entropy")
    client = browser(city, tmp_path)
    path = f"/rounds/{row.round_id}/live"
    before = client.get(path).text
    assert before.count("等待见证人逐位报数") == 2
    assert "已交存" in before
    service.supply(city, row.round_id, "witnesses", DIGITS, clock.now())
    after = client.get(path).text
    assert DIGITS in after
    assert after.count("等待见证人逐位报数") == 1
    assert "waiting for the witnesses" in client.get(f"/en{path}").text


def _approved(trip: Trip, round_id: str) -> bool:
    service.approve(trip.db, round_id, "审批人", trip.clock.now())
    return True


def test_the_screens_script_is_ours_and_small(sqlite_database: Database, tmp_path: Path) -> None:
    client = browser(sqlite_database, tmp_path)
    script = client.get("/static/live.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert len(script.content) < 2_000
