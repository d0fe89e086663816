"""As docs/operations.md has it: two servers over one PostgreSQL, one killed (the cluster: `test_packing_executors`)."""

from __future__ import annotations

from pathlib import Path

import httpx2

from app.db.database import Database
from app.plans import service as plans
from tests import small_city
from tests.recovery.test_serve import serving, shown, until


def test_another_server_finishes_what_a_killed_server_began(
    postgres_database: Database, tmp_path: Path
) -> None:
    small_city.fill(postgres_database)
    document = plans.parse_document(small_city.plan_data())
    plans.create(postgres_database, document, small_city.NOW)
    plans.publish(postgres_database, document.code, small_city.NOW)
    body = {"plan": document.code, "period": "2026-Q1"}
    with (
        serving(postgres_database, tmp_path) as (first, process),
        serving(postgres_database, tmp_path) as (second, _),
    ):
        asked = httpx2.post(f"{first}/api/v1/rounds", json=body, timeout=30)
        assert asked.status_code == 202
        process.kill()
        round_id = str(asked.json()["subject"])
        until(
            lambda: shown(second, round_id)["waiting_for"] == "reveal",
            "the other server has sealed the seats",
        )
        assert httpx2.post(f"{second}/api/v1/rounds", json=body, timeout=30).status_code == 409
