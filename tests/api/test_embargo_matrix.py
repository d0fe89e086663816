"""Role × route × department × embargo, from the application's own routes: before the reveal a drawn target is told to
nobody but to who goes there; after it everybody reads the list.

Whatever can be read is read by each identity, archives opened. The registers are left to a test of their own: they
answer as those of a city without any round.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlmodel import col, select

from app.db.database import Database, sqlite_backup
from app.disclosure import open_data
from app.main import create_app
from app.needs import NEEDS
from app.rounds.packed import concerning
from app.rounds.tables import PlannedCheck
from app.settings import Settings
from optimizer.explain import Explanation
from tests.accounts import made, signed_in
from tests.api.test_access_matrix import STREAMS, routes
from tests.identities import DEPARTMENTAL, IDENTITY, OURS, PHONE, Identities, gathered
from tests.small_city import fill
from tests.visited_round import Visited, reveal

REGISTERS = (
    "list_targets", "get_target", "list_inspectors", "get_counts", "list_departments", "list_joint_proposals",
    "list_items", "get_item",
)  # fmt: skip
WORK = {
    "work_page", "schedule_file", "team_day_file", "calendars_file", "plan_page", "get_packing", "list_explanations",
    "list_visits", "get_visit", "today_page", "visit_page", "review_queue", "form_page",
    "evidence_file", "arrive_by_scan", "team_calendar_page",
}  # fmt: skip
"""Where a department's people read where they go."""
OF_ALL = frozenset({"auditor"})
"""Sees what every department does."""
TARGETS = re.compile(r"\bT[0-9]{4}\b|企业[0-9]+|金丝雀商行")
INSPECTORS = re.compile(r"\bP[0-9]{3}\b|姓名[0-9]+")
PLANTED = ("list_items", "get_item", "get_counts")
"""Told of drafts that the world has more of."""
LOG = ("log_page", "checkpoint", "live", "ready")
"""Told by the moment, not by what is asked."""


@pytest.fixture(scope="module")
def world(
    visited_sqlite: Visited, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Visited, Identities]]:
    """A round that is seated and not revealed."""
    folder = tmp_path_factory.mktemp("embargo")
    sqlite_backup(visited_sqlite.desk.db.url, str(folder / "embargo.db"))
    db = Database(f"sqlite:///{folder / 'embargo.db'}")
    visited = visited_sqlite.on(db, folder)
    found = gathered(visited)
    with ExitStack() as entered:
        for client in found.clients.values():
            entered.enter_context(client)
        yield visited, found
    db.close()


def readable(world: Identities) -> Iterator[tuple[str, str]]:
    """(name, address) of everything that can be read, with ids of this round and of both departments.

    Without the forms as PDF: they are the pages' text set in type, and take seconds.
    """
    for name, method, path in routes(world.app):
        if method != "GET" or name in (*STREAMS, "form_pdf") or path.startswith(("/en/", "/static/")):
            continue
        for ids in (world.own, world.others):
            values = {
                "round_id": world.round_id, "plan": "spring", "draw": f"t-{OURS}", "draw_id": f"t-{OURS}",
                "index": "1", "number": "1", "version": "1", "year": "2026", "code": "spring", "kind": "notice",
                "digest": "0" * 64, "trade": "r-fire", "operation_id": "1",
                "key": ids["visits"]["key"], "result_id": ids["visits/checks"]["key"],
                "target_id": ids["registers/targets"]["target_id"],
            }  # fmt: skip
            names = open_data.file_names() if name == "data_file" else ("plan.json", "plans.csv", "plan.csv")
            for file in names if "{name}" in path else ("",):
                yield name, path.replace("{name}", file).format_map(values)


def asked(world: Identities, identity: str) -> Iterator[tuple[str, str, str]]:
    """(name, address, text) of what is answered to an identity; of what is public to nobody all, to others a third."""
    turn = list(world.clients).index(identity)
    for place, (name, address) in enumerate(dict.fromkeys(readable(world))):
        if NEEDS[name].public and identity != "nobody" and (place + turn) % 3:
            continue
        answer = world.clients[identity].get(address, follow_redirects=False)
        assert answer.status_code < 500, (identity, address, answer.text)
        yield name, address, opened(answer.content)


def opened(body: bytes) -> str:
    """An answer as text, archives and workbooks with all that is in them."""
    if not body.startswith(b"PK"):
        return body.decode(errors="replace")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return "\n".join(opened(archive.read(name)) for name in archive.namelist())


def drawn(visited: Visited, department: str = "") -> set[str]:
    """Ids and names of the drawn targets, of one department's or all."""
    with visited.desk.db.read() as session:
        wanted = select(PlannedCheck.target_id).where(col(PlannedCheck.department).contains(department))
        found = set(session.exec(wanted))
    return found | {f"企业{int(target[1:])}" for target in found}


def people(department: str) -> set[str]:
    """Codes and names of a department's inspectors in the small city."""
    places = range(("market", "fire", "health").index(department), 42, 3)
    return {f"P{place:03d}" for place in places} | {f"姓名{place}" for place in places}


def test_before_the_reveal_a_drawn_target_is_told_to_those_alone_who_go_there(
    world: tuple[Visited, Identities],
) -> None:
    visited, found = world
    ours, told = drawn(visited, OURS), dict.fromkeys(found.clients, 0)
    own = found.own["registers/targets"]["target_id"]
    leaks: list[tuple[str, str, set[str]]] = []
    for identity in found.clients:
        for name, address, text in asked(found, identity):
            if name in REGISTERS or (identity in OF_ALL and name in WORK):
                continue
            may: set[str] = set()
            if identity in DEPARTMENTAL and name in WORK:
                may = ours | people(OURS)
            elif identity == "firm" and name.startswith(("firm_", "get_me")):
                may = {own, f"企业{int(own[1:])}"}  # its own name, whether drawn or not
            elif name in ("list_access_record", "record_page"):
                continue  # what this very test asked for
            targets = set(TARGETS.findall(text))
            beyond = (targets | set(INSPECTORS.findall(text))) - may
            beyond |= {word for word in (IDENTITY, PHONE) if word in text}
            if beyond:
                leaks.append((identity, address, beyond))
            told[identity] += bool(targets)
    assert not leaks
    assert all(told[role] >= 3 for role in DEPARTMENTAL), "control: they read where they go"
    assert {who for who, times in told.items() if times} <= {*DEPARTMENTAL, "firm"}


def test_a_search_for_a_drawn_target_answers_as_one_for_another(world: tuple[Visited, Identities]) -> None:
    visited, found = world
    shown = drawn(visited)
    undrawn = next(f"T{n:04d}" for n in range(240) if f"T{n:04d}" not in shown)
    hit = min(target for target in shown if target.startswith("T"))
    ids, names = (hit, undrawn), tuple(f"企业{int(target[1:])}" for target in (hit, undrawn))
    searches = (("code", ids), ("name", names), ("q", ids), ("q", names))
    public = {address for name, address in readable(found) if NEEDS[name].public and name not in LOG}
    compared = 0
    for address in sorted(public):
        for field, values in searches:
            answers = [found.clients["nobody"].get(address, params={field: value}) for value in values]
            texts = [opened(answer.content) for answer in answers]
            for value in (*values, *map(quote, values)):
                texts = [text.replace(value, "–") for text in texts]
            assert texts[0] == texts[1], (address, field)
            compared += 1
    assert compared > 100


def test_the_registers_answer_as_those_of_a_city_without_a_round(
    world: tuple[Visited, Identities], sqlite_database: Database, tmp_path: Path
) -> None:
    _, found = world
    fill(sqlite_database)
    app = create_app(sqlite_database, Settings(data_dir=tmp_path), with_clock=False)
    staff = made(sqlite_database, "one", "planner", OURS)
    with signed_in(app, sqlite_database, staff) as without:
        for name, address in readable(found):
            if name in REGISTERS and name not in PLANTED:
                ours = found.clients["planner"].get(address, params={"limit": 500})
                assert ours.text == without.get(address, params={"limit": 500}).text, address


def test_what_changes_the_plan_of_all_departments_is_not_for_one(world: tuple[Visited, Identities]) -> None:
    """A re-plan names whose check it leaves out, and touches any department's visits."""
    visited, found = world
    visit = visited.visit()[0]
    move = {"visit_id": visit.planned_id, "to": "2026-03-19", "reason": "x"}
    for way in ("replan", "stop"):
        refused = found.clients["planner"].post(
            f"/api/v1/rounds/{found.round_id}/{way}", json={**move, "by": "x"}
        )
        assert (refused.status_code, refused.json()["code"]) == (403, "access.all_departments"), way
    whole = signed_in(found.app, found.db, made(found.db, "whole", "planner", at=visited.at(visit)))
    asked = whole.post(f"/api/v1/rounds/{found.round_id}/move", json=move)
    assert asked.status_code in (200, 422)


def test_why_not_is_told_to_the_departments_whose_checks_they_are() -> None:
    checks = [
        {"check_id": f"{target}/{whose}", "department": whose} for target, whose in (("a", OURS), ("b", "x"))
    ]
    lost = [
        Explanation("unscheduled", "c", check["check_id"], (check["check_id"],), (), (), ())
        for check in checks
    ]
    assert concerning(lost, checks, OURS) == (lost[0],)
    assert concerning(lost, checks, "health") == ()


def test_after_the_reveal_everybody_reads_the_list(world: tuple[Visited, Identities]) -> None:
    """The last of this file: it ends the embargo."""
    visited, found = world
    reveal(visited, visited.at(visited.visit()[0], 60))
    targets = {target for target in drawn(visited) if target.startswith("T")}
    for identity, client in found.clients.items():
        rows = client.get(f"/api/v1/rounds/{found.round_id}/results?format=json").text
        assert targets <= set(TARGETS.findall(rows)), identity
    told = {name for name, _, text in asked(found, "nobody") if TARGETS.search(text)}
    assert {"list_page", "results", "bundle"} <= told
