"""Everybody who can ask over one seated round: each role in one department, another department's objects beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select

from app.db.database import Database
from app.http import dependencies
from app.http.access import ROLES
from app.main import create_app
from app.people.tables import Sanction
from app.registers.tables import CheckItem, Inspector, Target
from app.settings import Settings
from app.visits.tables import Visit
from tests.accounts import HTTPS, KIND_OF, firm_signed_in, made, signed_in
from tests.small_city import NOW
from tests.visited_round import Visited

OURS, THEIRS = "fire", "market"
"""The department of those who ask, and the one whose objects they must not get at."""
IDENTITY, PHONE, NAME = "650102199001011234", "13912345678", "金丝雀商行"
"""Canaries in the other department's rows."""
DEPARTMENTAL = sorted(role for role in ROLES if KIND_OF[role] == "business")

Ids = dict[str, dict[str, str]]
"""Values of path parameters, by what a path below `/api/v1/` begins with."""


@dataclass(frozen=True)
class Identities:
    """An application with a client of each identity, and the ids of one department's objects and of another's."""

    app: FastAPI
    db: Database
    round_id: str
    clients: Mapping[str, TestClient]
    own: Ids
    others: Ids


def gathered(visited: Visited) -> Identities:
    """Identities over a seated round in a database of its own, with canaries planted in `THEIRS`."""
    db, now = visited.desk.db, visited.at(visited.visit()[0])
    app = create_app(db, Settings(data_dir=visited.desk.vault.directory), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: now
    own, others = _objects(visited, OURS), _objects(visited, THEIRS)
    clients = {
        role: signed_in(app, db, made(db, role, role, OURS if role in DEPARTMENTAL else "", at=now))
        for role in sorted(ROLES)
    }
    clients["firm"] = firm_signed_in(app, db, own["registers/targets"]["target_id"])
    clients["nobody"] = TestClient(app, base_url=HTTPS)
    scapegoat = str(made(db, "scapegoat", "inspector", THEIRS, at=now).id)
    own["accounts"] = others["accounts"] = {"number": scapegoat}
    _plant(db, others)
    return Identities(app, db, visited.round_id, clients, own, others)


def _objects(visited: Visited, department: str) -> Ids:
    """A department's objects: a target and a visit that are its alone or, of `OURS`, shared with others."""
    ours = {visit.key for visit, check in visited.checks() if check.department == OURS}
    visit, check = next(
        (visit, check)
        for visit, check in visited.checks()
        if check.department == department
        and (visit.key in ours) == (department == OURS)
        and int(visit.target_id[1:]) % 2 == (department == THEIRS)
    )
    item = CheckItem(
        code=f"{department}-9", version=1, title_zh="草稿", department=department, changed_at=NOW
    )
    asked = Sanction(
        action="result.correction", subject=check.key, reason="recording_error", requested_at=NOW
    )
    with visited.desk.db.write() as session:
        session.add_all((item, asked))
        session.flush()
        return {
            "registers/targets": {"target_id": visit.target_id},
            "registers/items": {"code": item.code, "version": "1"},
            "visits/checks": {"key": check.key},
            "visits": {"key": visit.key},
            "sanctions": {"number": str(asked.id)},
        }


def _plant(db: Database, ids: Ids) -> None:
    with db.write() as session:
        visit = session.get_one(Visit, ids["visits"]["key"])
        wanted = Target.target_id == ids["registers/targets"]["target_id"]
        target = session.exec(select(Target).where(wanted)).one()
        item = session.get_one(CheckItem, (ids["registers/items"]["code"], 1))
        person = session.get_one(Inspector, "P000")  # of THEIRS
        visit.name = target.name = item.title_zh = person.name = NAME
        visit.address = target.address = PHONE
        person.certificate_no = IDENTITY
        session.add_all((visit, target, item, person))
