"""Each identity at each operation of the API, with ids of its own department's objects and of another's.

Requests are generated from the description. Whoever asks, nothing undocumented is answered; another department's object
answers as one that isn't there; and afterwards that department's rows are as they were.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from sqlalchemy import select
from sqlmodel import SQLModel

from app.db.database import Database, sqlite_backup
from tests.accounts import made, signed_in
from tests.identities import DEPARTMENTAL, IDENTITY, NAME, OURS, PHONE, THEIRS, Identities, gathered
from tests.visited_round import Visited

FULL = os.environ.get("TRIALS") == "full"
SEEDS = (1, 2, 3)
"""Each identity is at each operation once, with one seed or another; in full with each of them, and more often."""
API = "/api/v1/"
EVERYBODYS = {"round_id", "year", "register", "operation_id"}
"""Path parameters of objects that belong to no department; so do the objects under these paths:"""
OF_NO_DEPARTMENT = ("plans", "results", "webhooks", "me/tokens", "registers/imports")
ABSENT = {
    "target_id": "T9999", "code": "absent-9", "version": "1", "key": "0" * 20, "number": "999999",
}  # fmt: skip
STREAM = "operation_events"


@dataclass(frozen=True)
class Operation:
    """An operation of the description. `room`: which of the tables of ids its path takes them from."""

    method: str
    path: str
    room: str
    raw: dict[str, Any]
    cases: st.SearchStrategy[Any]

    def address(self, values: dict[str, str]) -> str:
        """Its path with these values."""
        return re.sub(r"{(\w+)}", lambda found: values[found[1]], self.path)


@pytest.fixture(scope="module")
def world(visited_sqlite: Visited, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Identities]:
    """Made once: what requests change belongs to those who ask."""
    folder = tmp_path_factory.mktemp("identities")
    sqlite_backup(visited_sqlite.desk.db.url, str(folder / "identities.db"))
    db = Database(f"sqlite:///{folder / 'identities.db'}")
    world = gathered(visited_sqlite.on(db, folder))
    with ExitStack() as entered:
        for client in world.clients.values():
            entered.enter_context(client)
        yield world
    db.close()


@pytest.fixture(scope="module")
def operations(world: Identities) -> list[Operation]:
    """All but the stream, which doesn't end while its operation runs."""
    described = schemathesis.openapi.from_dict(world.app.openapi())
    found = [result.ok() for result in described.get_all_operations() if isinstance(result, Ok)]
    rooms = (*sorted(world.own, key=len, reverse=True), *OF_NO_DEPARTMENT)
    return [
        Operation(
            one.method.upper(),
            one.path,
            next(
                (room for room in rooms if one.path.startswith(f"{API}{room}/{{") and not shared(one.path)),
                "",
            ),
            one.definition.raw,
            one.as_strategy(),
        )
        for one in found
        if one.definition.raw["operationId"] != STREAM
    ]


def shared(path: str) -> bool:
    """Whether all objects that a path names are everybody's."""
    return set(re.findall(r"{(\w+)}", path)) <= EVERYBODYS


def test_every_object_in_a_path_is_a_departments_or_everybodys(operations: list[Operation]) -> None:
    for operation in operations:
        assert shared(operation.path) or operation.room, (
            f"{operation.path}: whose object is that? Say so here"
        )


@pytest.mark.parametrize("number", SEEDS)
def test_whoever_asks_gets_what_is_documented_and_nothing_of_another_department(
    world: Identities, operations: list[Operation], number: int
) -> None:
    before = theirs(world)
    for place, operation in enumerate(operations):
        for case in _generated(operation, number):
            for turn, (identity, client) in enumerate(world.clients.items()):
                if FULL or (place + turn + number) % len(SEEDS) == 0:
                    _asked(world, operation, case, identity, client)
    assert theirs(world) == before, "another department's rows were changed"


def _generated(operation: Operation, number: int) -> list[Any]:
    """Requests that the description allows; the very first that is tried, always the barest one, is left out."""
    cases: list[Any] = []

    @seed(number)
    @settings(
        max_examples=13 if FULL else 2, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.cases)
    def made(case: Any) -> None:
        cases.append(case)

    made()
    return cases[1:] or cases


def _asked(world: Identities, operation: Operation, case: Any, identity: str, client: TestClient) -> None:
    """One generated request with the department's own ids and, where there are such, with another's."""
    shared = {"round_id": world.round_id, "year": "2026", "register": "targets", "operation_id": "1"}
    said = (identity, operation.method, operation.path)
    values = {**shared, **ABSENT, **world.own.get(operation.room, {})}
    documented(operation, _send(operation, case, client, values), said)
    if operation.room not in world.others:
        return
    foreign = _send(operation, case, client, {**values, **world.others[operation.room]})
    documented(operation, foreign, said)
    if identity in DEPARTMENTAL and operation.room != "accounts":
        absent = _send(operation, case, client, {**values, **ABSENT})
        assert foreign.status_code >= 400, said
        ids = world.others[operation.room]
        assert _plain(foreign, ids) == _plain(absent, {name: ABSENT[name] for name in ids}), said


def _send(operation: Operation, case: Any, client: TestClient, values: dict[str, str]) -> Any:
    guarded = any(one["name"] == "if-match" for one in operation.raw.get("parameters", ()))
    body: dict[str, Any] = {}
    if case.media_type == "application/json" and not isinstance(case.body, schemathesis.core.NotSet):
        body = {"json": case.body}
    elif case.media_type is not None:
        body = {"data": {"by": "x", "department": OURS, "kind": "file"}, "files": {"file": ("a", b"x")}}
    return client.request(
        operation.method, operation.address(values), params=case.query or {},
        headers={"if-match": "*"} if guarded else {}, **body,
    )  # fmt: skip


def documented(operation: Operation, answer: Any, said: tuple[str, ...]) -> None:
    """Not a failure, a status that the description names, and no canary but to those who see every department."""
    assert answer.status_code < 500, (said, answer.text)
    assert str(answer.status_code) in operation.raw["responses"], (said, answer.status_code, answer.text)
    if said[0] != "auditor":
        assert not [word for word in (NAME, PHONE, IDENTITY) if word in answer.text], said


def _plain(answer: Any, ids: dict[str, str]) -> tuple[int, str]:
    """An answer without the ids that were asked for."""
    return answer.status_code, re.sub(rf"\b({'|'.join(ids.values())})\b", "–", answer.text)


def theirs(world: Identities) -> dict[str, list[Any]]:
    """All rows that belong to the other department alone."""
    found: dict[str, list[Any]] = {}
    with world.db.read() as session:
        for name, ids in (
            ("target", world.others["registers/targets"]),
            ("check_item", world.others["registers/items"]),
            ("visit", world.others["visits"]),
            ("visit_check", world.others["visits/checks"]),
            ("sanction", {"id": world.others["sanctions"]["number"]}),
        ):
            table = SQLModel.metadata.tables[name]
            column, value = next(iter(ids.items()))
            key = int(value) if column == "id" else value
            found[name] = [tuple(row) for row in session.execute(select(table).where(table.c[column] == key))]
            assert found[name], name
    return found


def test_the_other_departments_objects_are_there_for_itself(
    world: Identities, operations: list[Operation]
) -> None:
    """Control: what was refused above is answered to those whose it is."""
    theirs_own = signed_in(world.app, world.db, made(world.db, "control", "coordinator", THEIRS))
    found = [
        theirs_own.get(operation.address(world.others[operation.room])).status_code
        for operation in operations
        if operation.method == "GET" and operation.room in world.others and operation.room != "accounts"
    ]
    assert len(found) >= 4
    assert set(found) == {200}
