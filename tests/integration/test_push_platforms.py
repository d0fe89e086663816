"""Pushing to outside platforms: through a folder and over real HTTP, with receipts, repeats, and what is given up."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select
from standardwebhooks.webhooks import Webhook

from app.db.database import Database
from app.disclosure import push
from app.disclosure.tables import Platform, Receipt
from app.errors import Conflict, NotFound, Refused
from app.ledger.outbox import RETRIES
from app.main import create_app
from app.rounds.vault import Vault
from app.settings import Settings
from app.visits import service
from app.visits.desk import Actor, official_day
from app.visits.published import Window
from app.visits.service import Change
from tests.api.test_result_pages import disclosed
from tests.visited_round import Visited

HOST = "127.0.0.1"


@contextmanager
def receiver(answers: list[int]) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A platform that answers with these statuses in turn, the last one for ever."""
    got: list[tuple[dict[str, str], bytes]] = []

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            status = answers.pop(0) if len(answers) > 1 else answers[0]
            body = b'{"receipt":"R-%d"}' % len(got)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_port}/in", got
    finally:
        server.shutdown()
        server.server_close()


def sent(db: Database, now: datetime, seal: Vault, before_reveal: bool = True) -> int:
    """Everything that is due."""
    push.put_out(db, now)
    count = 0
    while push.deliver_one(db, Window(official_day(now), before_reveal), now, {HOST}, seal) is not None:
        count += 1
    return count


def receipts(db: Database) -> list[Receipt]:
    with db.read() as session:
        return list(session.exec(select(Receipt).order_by(col(Receipt.id))).all())


def test_both_adapters_deliver_a_result_and_its_correction_with_receipts(
    visited: Visited, tmp_path: Path
) -> None:
    db, out = visited.desk.db, tmp_path / "out"
    now = visited.at(visited.visit()[0], 60)
    with receiver([202]) as (url, got):
        push.add(db, "national", "national", "files", str(out), {HOST}, now, visited.desk.vault)
        _, secret = push.add(db, "credit", "credit", "http", url, {HOST}, now, visited.desk.vault)
        _, check = disclosed(visited)
        assert sent(db, now, visited.desk.vault) == 2
        change = Change("recording_error", "confirmer", "not_disclosed", "ordered")
        service.correct(visited.desk, check.key, change, Actor("corrector", "reviewer"), now)
        assert sent(db, now, visited.desk.vault) == 2
        assert sent(db, now, visited.desk.vault) == 0
    files = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(out.rglob("*.json"))]
    assert sorted(one["action"] for one in files) == ["change", "publish"]
    assert {one["record"]["insres"] for one in files} == {"no_problem", "not_disclosed"}
    assert {one["record"]["recordid"] for one in files} == {check.key}
    bodies = [json.loads(body) for _, body in got]
    assert [one["action"] for one in bodies] == ["publish", "change"]
    for headers, body in got:
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        signed = Webhook(secret).sign(headers["webhook-id"], at, body.decode())
        assert signed == headers["webhook-signature"]
    with db.read() as session:
        assert secret not in session.get_one(Platform, "credit").secret
    rows = receipts(db)
    assert {row.status for row in rows} == {"delivered"}
    assert {row.receipt for row in rows if row.platform == "credit"} == {
        '{"receipt":"R-1"}',
        '{"receipt":"R-2"}',
    }
    assert all(row.receipt.startswith("sha256:") for row in rows if row.platform == "national")
    assert not [name for one in bodies for name in one["record"] if "inspector" in name]


def test_a_platform_that_fails_is_tried_again_then_given_up_and_tried_when_asked(
    visited: Visited, tmp_path: Path
) -> None:
    db = visited.desk.db
    now = visited.at(visited.visit()[0], 60)
    with receiver([500]) as (url, got):
        push.add(db, "p", "supervision", "http", url, {HOST}, now, visited.desk.vault)
        disclosed(visited)
        for wait in (timedelta(0), *RETRIES):
            now += wait
            assert sent(db, now, visited.desk.vault) == 1
        (row,) = receipts(db)
        assert (row.status, row.answered, row.attempts) == ("dead", 500, len(RETRIES) + 1)
        assert len({headers["webhook-id"] for headers, _ in got}) == 1
    client = TestClient(
        create_app(db, Settings(data_dir=tmp_path), with_clock=False),
        client=(HOST, 4000),
        base_url=f"http://{HOST}",
    )
    shown = client.get("/staff/platforms?status=dead").text
    assert row.result_id in shown
    assert "已放弃" in shown
    assert client.post("/staff/platforms/p/redelivery", follow_redirects=False).status_code == 303
    assert [one.status for one in receipts(db)] == ["waiting"]
    stranger = TestClient(create_app(db, Settings(data_dir=tmp_path), with_clock=False))
    assert stranger.get("/staff/platforms").status_code == 404


def test_what_is_not_shown_yet_waits_without_using_up_attempts(visited: Visited, tmp_path: Path) -> None:
    db = visited.desk.db
    now = visited.at(visited.visit()[0], 60)
    push.add(db, "p", "national", "files", str(tmp_path / "out"), {HOST}, now, visited.desk.vault)
    disclosed(visited)
    assert sent(db, now, visited.desk.vault, before_reveal=False) == 1
    (row,) = receipts(db)
    assert (row.status, row.attempts, row.failure) == ("waiting", 0, "not shown")
    assert not (tmp_path / "out").exists()
    assert sent(db, now + push.NOT_SHOWN, visited.desk.vault) == 1
    assert [one.status for one in receipts(db)] == ["delivered"]


def test_what_a_platform_may_not_be_is_refused(sqlite_database: Database, tmp_path: Path) -> None:
    now = datetime.fromisoformat("2026-03-02T01:00:00+00:00")
    for profile, kind, address, code in (
        ("national", "http", "http://10.0.0.1/in", "webhook.address"),
        ("national", "http", "https://localhost/in", "webhook.address"),
        ("other", "files", str(tmp_path), "platform.profile"),
        ("national", "post", str(tmp_path), "platform.kind"),
    ):
        with pytest.raises(Refused) as refused:
            push.add(sqlite_database, "p", profile, kind, address, (), now, Vault(tmp_path))
        assert refused.value.problem.code == code
    push.add(sqlite_database, "p", "national", "files", str(tmp_path), (), now, Vault(tmp_path))
    with pytest.raises(Conflict):
        push.add(sqlite_database, "p", "national", "files", str(tmp_path), (), now, Vault(tmp_path))
    with pytest.raises(NotFound):
        push.redeliver(sqlite_database, "q", now)
