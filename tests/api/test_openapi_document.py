"""The description is what clients are written against: it changes only when this snapshot is changed with it.

After a change that is meant: `python -m app openapi > tests/api/openapi.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.db.database import Database
from app.http.idempotency import IdempotentRoute
from app.http.openapi import DESCRIPTIONS, PROBLEM
from app.main import create_app
from app.settings import Settings

SNAPSHOT = Path(__file__).with_name("openapi.json")
WRITES = ("post", "put", "delete", "patch")


@pytest.fixture
def document(sqlite_database: Database, tmp_path: Path) -> dict[str, Any]:
    """As it is served."""
    app = create_app(sqlite_database, Settings(data_dir=tmp_path), with_clock=False)
    found: dict[str, Any] = json.loads(json.dumps(app.openapi()))
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation)."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_the_description_is_the_snapshot(document: dict[str, Any]) -> None:
    kept = json.loads(SNAPSHOT.read_text("utf-8"))
    changed = {
        path
        for path in {**kept["paths"], **document["paths"]}
        if kept["paths"].get(path) != document["paths"].get(path)
    }
    assert not changed, "if this is meant: python -m app openapi > tests/api/openapi.json"
    assert document == kept, (
        "schemas changed; if this is meant: python -m app openapi > tests/api/openapi.json"
    )


def test_operation_ids_are_unique_names(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names)) > 30
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)


def test_every_problem_has_its_media_type_and_says_what_it_means(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        assert operation.get("description"), (path, method)
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == [PROBLEM], (path, method, status)
                assert response["content"][PROBLEM]["schema"] == {"$ref": "#/components/schemas/ProblemOut"}
                assert response["description"] in DESCRIPTIONS.values() or len(response["description"]) > 10


def test_lists_are_pages_and_changes_say_their_conditions(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        statuses = set(operation["responses"])
        assert ("if-match" in names) == ({"412", "428"} <= statuses), (path, method)
        if "cursor" in names:
            schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
            assert schema["$ref"].startswith("#/components/schemas/Page_"), path
        if "requestBody" in operation:
            assert {"400", "408", "413", "422"} <= statuses, (path, method)


def test_every_post_honours_idempotency_keys(sqlite_database: Database, tmp_path: Path) -> None:
    from app.plans import api as plans
    from app.registers import api as registers
    from app.rounds import api as rounds

    found = [route for room in (plans, registers, rounds) for route in room.router.routes]
    posts = [route for route in found if "POST" in getattr(route, "methods", ())]
    assert len(posts) >= 10
    assert all(isinstance(route, IdempotentRoute) for route in posts)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document)))
    assert references <= set(document["components"]["schemas"])
    assert "HTTPValidationError" not in document["components"]["schemas"]
