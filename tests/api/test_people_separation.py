"""Who asks does not approve, who approves does not carry out: freeze and void, over HTTP, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from app.db.database import Database
from app.main import create_app
from app.rounds.fsck import check_rounds
from app.rounds.vault import Vault
from app.rounds.worker import run_once
from app.settings import Settings
from optimizer.progress import Silent
from tests.accounts import made, signed_in
from tests.small_city import plan_data

Publish = Callable[..., str]
WITNESSES = {"id": "first", "kind": "witness_digits", "digits": 20}


def three_of(city: Database, tmp_path: Path) -> tuple[TestClient, ...]:
    """Three coordinators who have signed in."""
    app = create_app(city, Settings(data_dir=tmp_path), with_clock=False)
    return tuple(signed_in(app, city, made(city, name, "coordinator")) for name in ("one", "two", "three"))


def work(db: Database, folder: Path) -> None:
    while run_once(db, Vault(folder), 60, None, progress=Silent()) is not None:
        pass


def seen(client: TestClient, address: str) -> dict[str, str]:
    return {"If-Match": client.get(address).headers["etag"]}


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def test_a_freeze_is_asked_for_approved_and_carried_on_by_three(
    city: Database, publish: Publish, tmp_path: Path
) -> None:
    tasks = [{**task, "strata_by": ["credit", "district"]} for task in plan_data()["tasks"]]
    plan = publish(tasks=tasks, entropy=[WITNESSES], entropy_seats=[{**WITNESSES, "id": "second"}])
    one, two, three = three_of(city, tmp_path)
    assert one.post("/api/v1/rounds", json={"plan": plan, "period": "2026-Q1"}).status_code == 202
    work(city, tmp_path)
    address = f"/api/v1/rounds/{plan}-2026-Q1-1"
    same = one.post(f"{address}/approval", json={"by": "另一人"}, headers=seen(one, address))
    assert code(same) == (403, "sanction.same_person")
    done = two.post(f"{address}/approval", json={"by": "x"}, headers=seen(two, address))
    assert done.status_code == 200, done.text
    work(city, tmp_path)
    value = {"source": "first", "value": "7" * 20}
    for early in (one, two):
        assert code(early.post(f"{address}/entropy", json=value)) == (403, "sanction.same_person")
    assert three.post(f"{address}/entropy", json=value).status_code == 200
    kept = one.get("/api/v1/sanctions?action=round.freeze").json()["items"]
    assert [(row["requested_by"], row["approved_by"], row["executed_by"]) for row in kept] == [(1, 2, 3)]
    with city.read() as session:
        assert not list(check_rounds(session, Vault(tmp_path)))


def test_a_void_takes_three(city: Database, publish: Publish, tmp_path: Path) -> None:
    plan = publish()
    one, two, three = three_of(city, tmp_path)
    round_id = one.post("/api/v1/rounds", json={"plan": plan, "period": "2026-Q1"}).json()["subject"]
    address, wanted = f"/api/v1/rounds/{round_id}", {"reason": "frame_wrong"}
    typed = {**wanted, "by": "甲", "confirmed_by": "乙"}
    void = f"{address}/void"
    assert code(one.post(void, json=typed, headers=seen(one, address))) == (403, "sanction.needed")
    ask = {"action": "round.void", "subject": round_id, **wanted}
    asked = one.post("/api/v1/sanctions", json=ask)
    assert asked.status_code == 201
    assert code(two.post("/api/v1/sanctions", json=ask)) == (409, "sanction.open")
    sanction = asked.headers["location"]
    assert code(one.post(f"{sanction}/approval", headers=seen(one, sanction))) == (
        403,
        "sanction.same_person",
    )
    assert code(three.post(void, json=wanted, headers=seen(three, address))) == (403, "sanction.needed")
    assert two.post(f"{sanction}/approval", headers=seen(two, sanction)).status_code == 200
    other = {"reason": "plan_withdrawn"}
    assert code(three.post(void, json=other, headers=seen(three, address))) == (403, "sanction.needed")
    for early in (one, two):
        assert code(early.post(void, json=wanted, headers=seen(early, address))) == (
            403,
            "sanction.same_person",
        )
    done = three.post(void, json=wanted, headers=seen(three, address))
    assert done.json()["problem"]["code"] == "void.frame_wrong"
    kept = one.get(sanction).json()
    assert [kept[step] for step in ("requested_by", "approved_by", "executed_by")] == [1, 2, 3]
    assert code(two.post(f"{sanction}/approval", headers=seen(two, sanction))) == (409, "sanction.closed")


def test_only_who_asked_takes_it_back(city: Database, tmp_path: Path) -> None:
    one, two, _ = three_of(city, tmp_path)
    ask = {"action": "cap.exemption", "subject": "T0001", "reason": "complaint"}
    sanction = one.post("/api/v1/sanctions", json=ask).headers["location"]
    assert code(two.post(f"{sanction}/withdrawal", headers=seen(two, sanction))) == (
        403,
        "sanction.not_yours",
    )
    assert one.post(f"{sanction}/withdrawal", headers=seen(one, sanction)).status_code == 200
    assert two.post("/api/v1/sanctions", json=ask).status_code == 201
