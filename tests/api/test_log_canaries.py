"""Personal data that requests bring along, that rows hold and that failures repeat is in no line of the log.

The whole table of routes is asked by each role with canaries in paths, queries, headers, forms and bodies; at the level
`debug`, where the libraries speak too; answered, refused and crashing.
"""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from fastapi.testclient import TestClient

from app.db.database import Database, sqlite_backup
from app.http import dependencies, logs
from tests.api.test_access_matrix import OF_A_SESSION, STREAMS, routes
from tests.identities import IDENTITY, NAME, PHONE, Identities, gathered
from tests.visited_round import Visited

CANARIES = (NAME, PHONE, IDENTITY, quote(NAME), json.dumps(NAME).strip('"'))
ALL = f"{NAME} {PHONE} {IDENTITY}"


@pytest.fixture(scope="module")
def written() -> Iterator[io.StringIO]:
    """Where the logs go, at `debug`; afterwards everything is as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    logs.configure("debug", stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def world(
    written: io.StringIO, visited_sqlite: Visited, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Identities]:
    """A seated round; its database is opened after the logs were set, as the service does."""
    folder = tmp_path_factory.mktemp("canaries")
    sqlite_backup(visited_sqlite.desk.db.url, str(folder / "canaries.db"))
    db = Database(f"sqlite:///{folder / 'canaries.db'}")
    found = gathered(visited_sqlite.on(db, folder))
    with ExitStack() as entered:
        for client in found.clients.values():
            entered.enter_context(client)
        yield found
    db.close()


def ask(client: TestClient, method: str, path: str, turn: int) -> int:
    """One request with canaries wherever it can carry one; the status."""
    address = re.sub(r"{(\w+)}", lambda found: "1" if turn % 2 else quote(ALL), path)
    bodies: list[dict[str, Any]] = [
        {"json": {"name": NAME, "by": ALL, "reason": IDENTITY, "text": PHONE}},
        {"data": {"by": ALL, "login": PHONE, "password": IDENTITY, "code": IDENTITY}},
        {"content": f"{{{NAME}".encode(), "headers": {"content-type": "application/json"}},
    ]
    if path.endswith(("/imports", "/evidence")):
        bodies = [{"files": {"file": (f"{NAME}.csv", f"名称,电话\n{NAME},{PHONE}".encode())}}]
    body: dict[str, Any] = {} if method == "GET" else dict(bodies[turn % len(bodies)])
    headers = {"x-request-id": IDENTITY, "user-agent": PHONE, "if-match": IDENTITY}
    headers |= body.pop("headers", {})
    answer = client.request(
        method, address, params={"name": NAME, "q": PHONE, "code": IDENTITY}, headers=headers,
        follow_redirects=False, **body,
    )  # fmt: skip
    return answer.status_code


def test_no_role_leaves_anybody_in_the_log(world: Identities, written: io.StringIO) -> None:
    written.seek(0)
    written.truncate()
    statuses: set[int] = set()
    for turn, (name, method, path) in enumerate(routes(world.app)):
        if name not in (*STREAMS, *OF_A_SESSION, "put_lock") and not path.startswith("/en/"):
            for place, client in enumerate(world.clients.values()):
                if (turn + place) % 3 == 0:
                    statuses.add(ask(client, method, path, turn + place // 3))
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert {401, 403, 404, 422} <= statuses
    assert len([line for line in lines if line["event"] == "request"]) > 200
    assert not [
        line for line in lines if any(word in json.dumps(line, ensure_ascii=False) for word in CANARIES)
    ]


def test_a_failure_leaves_nobody_in_the_log(
    world: Identities, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every route that asks for the time fails with a person in its words, and one in the words of its cause.

    uvicorn logs what comes out of the application with its trace; so does this.
    """

    def fails() -> None:
        try:
            raise KeyError(PHONE)
        except KeyError as error:
            raise ValueError(f"{NAME} {IDENTITY}") from error

    monkeypatch.setitem(world.app.dependency_overrides, dependencies._now, fails)
    written.seek(0)
    written.truncate()
    crashed = 0
    for name, method, path in routes(world.app):
        if method == "GET" and name not in STREAMS:
            try:
                ask(world.clients["coordinator"], method, path, 1)
            except ValueError as error:
                logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=error)
                crashed += 1
    assert crashed >= 5
    assert "ValueError < KeyError" in written.getvalue()
    assert not [word for word in CANARIES if word in written.getvalue()]


def test_the_check_notices(written: io.StringIO) -> None:
    """Control: a line with a person in it is found."""
    logging.getLogger("any").debug("asked for %s", NAME)
    assert NAME in written.getvalue()
