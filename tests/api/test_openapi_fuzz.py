"""The whole API under generated requests: no 5xx, no status, media type or body that the description doesn't name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from app.db.database import Database
from app.errors import Conflict, Problem
from app.main import create_app
from app.rounds import service
from app.rounds.vault import Vault
from app.rounds.worker import run_once
from app.settings import Settings
from optimizer.progress import Silent
from tests.accounts import made, token_of
from tests.small_city import NOW

EXAMPLES = 60 if os.environ.get("TRIALS") == "full" else 12
SEEDS = (1, 2, 3) if os.environ.get("TRIALS") == "full" else (1,)
IDENTITIES = {
    "anonymous": "", "planner-market": "planner", "planner-fire": "planner", "inspector-market": "inspector",
    "auditor": "auditor", "system": "system_admin",
}  # fmt: skip
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    negative_data_rejection,
]  # fmt: skip
KNOWN: dict[str, list[Any]] = {
    "round_id": ["spring-2026-Q1-1"], "operation_id": [1], "code": ["spring", "market-1"], "version": [1],
    "number": [1], "target_id": ["T0001"], "year": [2026, 2030],
}  # fmt: skip
STREAM = "operation_events"


@pytest.fixture
def served(city: Database, publish: Callable[..., str], tmp_path: Path) -> FastAPI:
    """The application over the small city with a plan and a round that went as far as it goes by itself."""
    service.create(city, publish(), "2026-Q1", NOW)
    while run_once(city, Vault(tmp_path), 60, None, progress=Silent()) is not None:
        pass
    return create_app(city, Settings(data_dir=tmp_path), with_clock=False)


@pytest.mark.parametrize("number", SEEDS)
def test_nothing_undocumented_whatever_is_sent(served: FastAPI, number: int) -> None:
    described = schemathesis.openapi.from_asgi("/api/openapi.json", served)
    operations = [found.ok() for found in described.get_all_operations() if isinstance(found, Ok)]
    failures: list[str] = []
    for operation in operations:
        if operation.definition.raw["operationId"] == STREAM:
            continue  # a running one's stream doesn't end; tested by itself
        try:
            _fuzz(operation, number)
        except* Exception as found:  # noqa: BLE001  reported below, all operations at once
            failures.append(f"{operation.label}: {_said(found)}")
    assert len(operations) > 30
    assert not failures, "\n\n".join(failures)


def _bearers(db: Database) -> list[dict[str, str]]:
    """Headers of each identity, nobody's first; from here on the service asks who comes."""
    found: list[dict[str, str]] = []
    for login, role in IDENTITIES.items():
        department = login.partition("-")[2]
        token = token_of(db, made(db, login, role, department)) if role else ""
        found.append({"Authorization": f"Bearer {token}"} if token else {})
    return found


@pytest.mark.parametrize("number", SEEDS)
def test_nothing_undocumented_whoever_sends_it(served: FastAPI, city: Database, number: int) -> None:
    """Identities take turns over the operations, others with another seed."""
    described = schemathesis.openapi.from_asgi("/api/openapi.json", served)
    operations = [found.ok() for found in described.get_all_operations() if isinstance(found, Ok)]
    bearers, failures = _bearers(city), []
    for place, operation in enumerate(operations):
        if operation.definition.raw["operationId"] not in (STREAM, "create_account", "reset_password"):
            who = (place + number) % len(bearers)
            try:
                _fuzz(operation, number, bearers[who], max(2, EXAMPLES // 4))
            except* Exception as found:  # noqa: BLE001  reported below, all operations at once
                failures.append(f"{operation.label} as {list(IDENTITIES)[who]}: {_said(found)}")
    assert not failures, "\n\n".join(failures)


def _said(found: BaseExceptionGroup[Any]) -> str:
    lines: list[str] = []
    for error in found.exceptions:
        lines.append(
            _said(error) if isinstance(error, BaseExceptionGroup) else f"{type(error).__name__}: {error}"
        )
        lines += getattr(error, "__notes__", [])
    return "\n".join(lines)[:3000]


def _fuzz(
    operation: Any, number: int, headers: dict[str, str] | None = None, examples: int = EXAMPLES
) -> None:
    cases = operation.as_strategy()
    guarded = any(
        parameter["name"] == "if-match" for parameter in operation.definition.raw.get("parameters", ())
    )

    @seed(number)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def sent(data: st.DataObject) -> None:
        case = data.draw(cases)
        changed = False
        for name, values in KNOWN.items():
            if name in (case.path_parameters or {}) and data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(values))
                changed = True
        if guarded and data.draw(st.booleans()):
            case.headers = {**(case.headers or {}), "If-Match": "*"}
            changed = True
        checks = [check for check in CHECKS if not (changed and check is negative_data_rejection)]
        case.call_and_validate(checks=checks, headers=headers)

    sent()


def test_the_check_notices(served: FastAPI) -> None:
    """Control: a route that fails, and one that answers what it doesn't describe, are found."""

    @served.get("/api/v1/fails/{number}")
    def fails(number: int) -> int:
        return 1 // (number - number)

    @served.get("/api/v1/hides/{number}")
    def hides(number: int) -> None:
        raise Conflict(Problem("hidden", "", ""))

    served.openapi_schema = None
    described = schemathesis.openapi.from_asgi("/api/openapi.json", served)
    for path in ("fails", "hides"):
        with pytest.raises((FailureGroup, ZeroDivisionError)):
            _fuzz(described[f"/api/v1/{path}/{{number}}"]["GET"], 1)
