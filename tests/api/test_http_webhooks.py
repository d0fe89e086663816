"""Webhooks: signed, once per entry, tried again, given up visibly, never to private addresses, never redirected."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select, text
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from app.db.database import Database
from app.errors import Conflict, Refused
from app.http import outbound
from app.http.sealing import opened
from app.http.tables import Delivery, Webhook
from app.ledger import outbox
from app.ledger import repository as ledger
from app.main import create_app
from app.rounds.vault import Vault
from app.settings import Settings
from tests.receiver import Receiver

HOSTS = ("127.0.0.1",)


@pytest.fixture
def client(database: Database, tmp_path: Path) -> TestClient:
    """The application; its operator lets 127.0.0.1 be a receiver."""
    settings = Settings(data_dir=tmp_path, webhook_private_hosts="127.0.0.1, hooks.internal")
    return TestClient(create_app(database, settings, with_clock=False))


def log_some(db: Database, *types: str) -> None:
    """Entries as any room appends them."""
    for kind in types:
        with db.write() as session:
            entry = {"type": kind, "subject": "r", "actor_role": "service", "digest": "0"}
            ledger.append(session, entry, datetime.now(UTC))


def listen(client: TestClient, receiver: Receiver, *types: str) -> dict[str, Any]:
    """Make a webhook."""
    body = {"url": f"http://127.0.0.1:{receiver.port}/hook?a=b", "types": list(types)}
    answer = client.post("/api/v1/webhooks", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def seal_of(client: TestClient) -> Vault:
    """The service's key."""
    app: Any = client.app
    vault: Vault = app.state.seal()
    return vault


def deliver_all(client: TestClient, db: Database, now: datetime) -> int:
    """What the thread beside the service does."""
    outbox.put_out(db, now)
    sent = 0
    while outbox.deliver_one(db, now, HOSTS, seal_of(client)) is not None:
        sent += 1
    return sent


def test_each_entry_comes_signed_and_once(client: TestClient, database: Database, receiver: Receiver) -> None:
    log_some(database, "before")
    made = listen(client, receiver)
    assert made["secret"] not in client.get("/api/v1/webhooks").text
    log_some(database, "round.created", "round.void")
    assert deliver_all(client, database, datetime.now(UTC)) == 2
    assert deliver_all(client, database, datetime.now(UTC)) == 0
    told = [Verifier(made["secret"]).verify(body, headers) for headers, body in receiver.got]
    assert [message["type"] for message in told] == ["round.created", "round.void"]
    assert [message["data"]["entry"]["subject"] for message in told] == ["r", "r"]
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 2
    headers, body = receiver.got[0]
    with pytest.raises(WebhookVerificationError):
        Verifier(made["secret"]).verify(body.replace("created", "CREATED"), headers)


def test_only_the_types_asked_for(client: TestClient, database: Database, receiver: Receiver) -> None:
    listen(client, receiver, "round.void")
    log_some(database, "round.created", "round.void", "plan.published")
    deliver_all(client, database, datetime.now(UTC))
    assert [json.loads(body)["type"] for _, body in receiver.got] == ["round.void"]


@pytest.mark.parametrize("status", [500, 400, 302, 307])
def test_what_was_not_taken_is_tried_again_with_the_same_id(
    client: TestClient, database: Database, receiver: Receiver, status: int
) -> None:
    listen(client, receiver)
    log_some(database, "t")
    receiver.answers = [status]
    now = datetime.now(UTC)
    assert deliver_all(client, database, now) == 1
    (waiting,) = client.get("/api/v1/webhooks/1/deliveries", params={"status": "waiting"}).json()["items"]
    assert (waiting["attempts"], waiting["answered"]) == (1, status)
    assert deliver_all(client, database, now + timedelta(seconds=4)) == 0, "not before it is due"
    assert deliver_all(client, database, now + timedelta(seconds=6)) == 1
    (done,) = client.get("/api/v1/webhooks/1/deliveries").json()["items"]
    assert (done["status"], done["attempts"], done["answered"]) == ("delivered", 2, 204)
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len(receiver.got) == 2, "a redirect is not followed"


def test_after_the_last_attempt_it_is_dead_and_can_be_sent_again(
    client: TestClient, database: Database, receiver: Receiver
) -> None:
    listen(client, receiver)
    log_some(database, "t")
    receiver.answers = [503] * (len(outbox.RETRIES) + 1)
    now = datetime.now(UTC)
    for wait in (timedelta(0), *outbox.RETRIES):
        now += wait
        assert deliver_all(client, database, now) == 1
    assert deliver_all(client, database, now + timedelta(days=30)) == 0
    (dead,) = client.get("/api/v1/webhooks/1/deliveries", params={"status": "dead"}).json()["items"]
    assert dead["attempts"] == len(outbox.RETRIES) + 1
    assert client.post("/api/v1/webhooks/1/redeliveries").json() == {"redelivered": 1}
    assert deliver_all(client, database, datetime.now(UTC)) == 1
    assert client.get("/api/v1/webhooks/1/deliveries").json()["items"][0]["status"] == "delivered"


def test_a_sender_that_dies_with_it_in_hand_loses_nothing(
    client: TestClient, database: Database, receiver: Receiver
) -> None:
    listen(client, receiver)
    log_some(database, "t")
    now = datetime.now(UTC)
    outbox.put_out(database, now)
    with database.write() as session:
        assert outbox.claim(session, now) is not None
    assert deliver_all(client, database, now) == 0, "somebody has it in hand"
    assert deliver_all(client, database, now + outbox.LEASE) == 1


def test_a_receiver_that_was_stopped_gets_nothing_more(
    client: TestClient, database: Database, receiver: Receiver
) -> None:
    listen(client, receiver)
    assert client.delete("/api/v1/webhooks/1").status_code == 428
    tag = client.get("/api/v1/webhooks/1").headers["etag"]
    assert not client.delete("/api/v1/webhooks/1", headers={"If-Match": tag}).json()["active"]
    log_some(database, "t")
    assert deliver_all(client, database, datetime.now(UTC)) == 0
    with database.read() as session:
        assert session.exec(select(Delivery)).all() == []


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.2/", "https://localhost/", "https://10.0.0.1/", "https://192.168.1.1/", "https://172.16.0.1/",
        "https://169.254.169.254/latest/meta-data", "https://[::1]/", "https://[fe80::1]/", "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://[2002:a00:1::]/", "https://0.0.0.0/",
        "https://2130706434/", "https://0x7f000002/", "https://0177.0.0.2/", "https://127.2/", "https://224.0.0.1/",
        "https://100.64.0.1/", "http://example.org/", "ftp://example.org/", "file:///etc/passwd", "https:///x",
        "https://a:b@8.8.8.8/", "https://8.8.8.8/#x", "https://8.8.8.8:99999/", "https://[::1", "https://１２７.０.０.２/",
        "javascript:1", "", "https://127.0.0.2。/",
    ],
)  # fmt: skip
def test_tricks_with_addresses_are_refused(client: TestClient, url: str) -> None:
    answer = client.post("/api/v1/webhooks", json={"url": url})
    assert (answer.status_code, answer.json()["code"]) == (422, "webhook.address")


@pytest.mark.parametrize("url", ["https://8.8.8.8/x", "https://[2001:4860:4860::8888]:8443/x"])
def test_public_addresses_are_not(url: str) -> None:
    assert outbound.checked_address(url, ())[1] in url


def test_a_name_that_changes_its_mind_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first answer is public, the second private: the connection goes to the one that was checked."""
    asked: list[str] = []
    reached: list[Any] = []

    def rebinding(host: str, *_rest: Any, **_options: Any) -> Any:
        asked.append(host)
        address = "8.8.8.8" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]

    def refusing(address: Any, *_rest: Any, **_options: Any) -> Any:
        reached.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(socket, "create_connection", refusing)
    answer = outbound.send("https://rebind.example/", "whsec_AAAA", "m", "{}", datetime.now(UTC), ())
    assert (answer.status, answer.failure) == (0, "ConnectError")
    assert (asked, reached) == (["rebind.example"], [("8.8.8.8", 443)])
    with pytest.raises(Refused):
        outbound.checked_address("https://rebind.example/", ())


def kept(db: Database) -> str:
    """The secret of the one receiver as the database holds it."""
    with db.read() as session:
        return str(session.execute(text("SELECT secret FROM webhook")).scalar_one())


def test_a_signing_secret_lies_sealed_and_one_of_before_is_sealed_by_whoever_sends_first(
    client: TestClient, database: Database, receiver: Receiver, tmp_path: Path
) -> None:
    made = listen(client, receiver)
    assert made["secret"] not in kept(database)
    with database.write() as session:
        session.get_one(Webhook, 1).secret = made["secret"]  # as an earlier version kept it
    log_some(database, "t", "t")
    assert deliver_all(client, database, datetime.now(UTC)) == 2, "and until then it signs as it is"
    once = outbox.turn(
        database, Settings(data_dir=tmp_path, webhook_private_hosts="127.0.0.1"), seal_of(client)
    )
    log_some(database, "t")
    assert once()
    assert made["secret"] not in kept(database)
    assert opened(seal_of(client), kept(database)) == made["secret"]
    for headers, body in receiver.got:
        Verifier(made["secret"]).verify(body, headers)
    with pytest.raises(Conflict, match=r"service\.key"):
        opened(Vault(tmp_path / "another"), kept(database))


def test_no_kept_answer_holds_a_secret(client: TestClient, database: Database, receiver: Receiver) -> None:
    body = {"url": f"http://127.0.0.1:{receiver.port}/hook"}
    made = client.post("/api/v1/webhooks", json=body, headers={"Idempotency-Key": "k-1"})
    assert made.headers["cache-control"] == "no-store"
    again = client.post("/api/v1/webhooks", json=body, headers={"Idempotency-Key": "k-1"})
    assert (again.json(), again.headers["idempotency-replayed"]) == (made.json(), "true")
    assert again.headers["cache-control"] == "no-store"
    with database.read() as session:
        held = session.execute(text("SELECT body, headers FROM kept_answer")).one()
    assert made.json()["secret"] not in f"{bytes(held[0])!r} {held[1]}"
