"""A packed round looked at: the plan's report, and why checks have no visit or visits are not one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.db.database import Database
from app.ledger import repository as ledger
from app.rounds import lottery_store, repository, service
from app.rounds.changes import current_files
from app.rounds.packing import problem
from app.rounds.stages import Work, roster_of
from app.rounds.vault import Vault
from optimizer.explain import Explanation, explain
from optimizer.model import Unscheduled
from optimizer.progress import Silent

PACKED = ("packed", "entropy_seats", "seated", "revealed")


def report(db: Database, round_id: str) -> dict[str, Any] | None:
    """The report of the plan that was committed to; None before. Raises NotFound."""
    with db.read() as session:
        service.found(session, round_id)
        stored = ledger.find(session, round_id, "schedule.json")
    return None if stored is None else dict(json.loads(stored)["report"])


def visits(db: Database, round_id: str) -> list[dict[str, Any]]:
    """The visits as they stand, by date, start and id. Raises NotFound; Conflict `round.stage` before the plan."""
    row = service.get(db, round_id)
    if row.stage not in PACKED:
        raise service.wrong_stage(row, "visits", " / ".join(PACKED))
    with db.read() as session:
        found: list[dict[str, Any]] = current_files(session, round_id)[0]["visits"]
    return sorted(found, key=lambda visit: (visit["date"], visit["start"], visit["visit_id"]))


def explained(
    db: Database, vault: Vault, round_id: str, department: str | None = None
) -> tuple[Explanation, ...]:
    """Every check without a visit and every two visits of a target, as the plan stands; of one department if named.

    Raises NotFound; Conflict `round.stage` before the plan is made.
    """
    row = service.get(db, round_id)
    if row.stage not in PACKED:
        raise service.wrong_stage(row, "explain", " / ".join(PACKED))
    with db.read() as session:
        work = Work(db, vault, row, repository.document(session, row), row.updated_at, None, Silent())
        files = current_files(session, round_id)
    stored = {**work.json("internal/packing.json"), "checks": files[0]["checks"]}
    lost = tuple(
        Unscheduled(entry["check_id"], entry["code"], entry["reason"], entry["reason"], entry["remedy"])
        for entry in files[0]["unscheduled"]
    )
    plan = replace(lottery_store.plan_of(*files), unscheduled=lost)
    parameters = work.document.schedule.packing.parameters()
    found = explain(problem(stored, roster_of(work)), parameters, plan)
    return found if department is None else concerning(found, stored["checks"], department)


def concerning(
    found: Sequence[Explanation], checks: Sequence[Mapping[str, Any]], department: str
) -> tuple[Explanation, ...]:
    """Those about a check of the department: under embargo it reads of its own targets alone."""
    own = {check["check_id"] for check in checks if check["department"] == department}
    return tuple(one for one in found if own.intersection(one.checks))
