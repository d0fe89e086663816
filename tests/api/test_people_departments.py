"""A joint visit from its notice to publication by accounts of two departments, each with its own part and no other's;
then a correction that three persons make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from app.http import dependencies
from app.main import create_app
from app.settings import Settings
from app.visits.tables import Visit, VisitCheck
from tests.accounts import made, signed_in
from tests.visited_round import Visited

Clients = dict[str, TestClient]
API = "/api/v1/visits"


def staff(visited: Visited, folder: Path, visit: Visit, departments: list[str]) -> Clients:
    """A planner, four inspectors and a legal reviewer of each department, and a planner of a third one.

    `one` and `mate` are of the crew that was drawn; `two` and `three` are not.
    """
    db, minutes = visited.desk.db, iter(range(1, 10_000))
    app = create_app(db, Settings(data_dir=folder), with_clock=False)
    start = visited.at(visit)
    app.dependency_overrides[dependencies._now] = lambda: visited.at(visit, next(minutes))
    roles = {
        "planner": "planner",
        "one": "inspector",
        "two": "inspector",
        "three": "inspector",
        "mate": "inspector",
    }
    wanted = {f"{dept}-{name}": (role, dept) for dept in departments for name, role in roles.items()}
    wanted |= {f"{dept}-law": ("legal_reviewer", dept) for dept in departments}
    wanted["other"] = ("planner", next(d for d in ("market", "fire", "health") if d not in departments))
    crews = visited.crews(visit.key)
    drawn = {
        f"{d}-{name}": crews[d][n]
        for d in departments
        if d in crews
        for n, name in enumerate(("one", "mate"))
    }
    return {
        login: signed_in(app, db, made(db, login, role, dept, at=start, inspector=drawn.get(login, "")))
        for login, (role, dept) in wanted.items()
    }


def done(answer: Any) -> Any:
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


BY = {"by": "x"}


def reviewed(clients: Clients, check: VisitCheck) -> None:
    """Record and review one department's check, by two of its people."""
    dept, address = check.department, f"{API}/checks/{check.key}"
    record = {**BY, "result": "no_problem", "disposition": "none"}
    stranger = clients[f"{dept}-three"].post(f"{address}/record", json=record)
    assert (stranger.status_code, stranger.json()["code"]) == (409, "visit.not_seated")
    done(clients[f"{dept}-one"].post(f"{address}/record", json=record))
    for name in ("one", "mate"):
        seen = clients[f"{dept}-{name}"].post(f"{address}/review", json=BY)
        assert (seen.status_code, seen.json()["code"]) == (409, "visit.four_eyes")
    done(clients[f"{dept}-two"].post(f"{address}/review", json=BY))


def disclosed(clients: Clients, check: VisitCheck) -> None:
    """Publish a reviewed result."""
    done(clients[f"{check.department}-planner"].post(f"{API}/checks/{check.key}/disclosure", json=BY))


def test_two_departments_make_a_joint_visit_each_its_own_part(visited: Visited, tmp_path: Path) -> None:
    visit, checks = visited.visit(2)
    first, second = (check.department for check in checks)
    clients = staff(visited, tmp_path, visit, [first, second])
    address = f"{API}/{visit.key}"
    done(clients[f"{first}-planner"].post(f"{address}/notice", json=BY))
    present = {**BY, "present": visited.crews(visit.key)}
    assert (
        clients[f"{first}-three"].post(f"{address}/arrival", json=present).json()["code"]
        == "visit.not_seated"
    )
    done(clients[f"{second}-one"].post(f"{address}/arrival", json=present))
    for check in checks:
        own = {
            row["code"]: {"answer": "yes", "note": ""}
            for row in visit.checklist
            if check.department in row["departments"]
        }
        answers = {**BY, "answers": own}
        stranger = clients[f"{check.department}-two"].post(f"{address}/answers", json=answers)
        assert stranger.json()["code"] == "visit.not_seated"
        done(clients[f"{check.department}-one"].post(f"{address}/answers", json=answers))
    for check, foreign in zip(checks, (second, first), strict=True):
        seen = done(clients[f"{foreign}-one"].get(address))
        assert [row["department"] for row in seen["checks"]] == [foreign], "another's check is no row of mine"
        record = {**BY, "department": check.department, "result": "no_problem", "disposition": "none"}
        refused = clients[f"{foreign}-one"].post(f"{API}/checks/{check.key}/record", json=record)
        assert refused.status_code == 404
        assert check.key not in clients[f"{foreign}-planner"].get(API, params={"limit": 500}).text
    for way in (address, f"{API}/checks/{checks[0].key}"):
        answer = clients["other"].request("GET" if way == address else "POST", way, json=None)
        assert answer.status_code in (404, 405)
    assert clients["other"].post(f"{address}/notice", json=BY).status_code == 404
    reviewed(clients, checks[0])
    early = clients[f"{first}-planner"].post(f"{API}/checks/{checks[0].key}/disclosure", json=BY)
    assert early.json()["code"] == "visit.embargo", "the other department is still to record"
    reviewed(clients, checks[1])
    for check in checks:
        disclosed(clients, check)
    lines = {row["check"]["state"] for row in _lines(clients[f"{first}-planner"], visit)}
    assert lines == {"disclosed"}


def _lines(client: TestClient, visit: Visit) -> list[dict[str, Any]]:
    rows = done(client.get(API, params={"round_id": visit.round_id, "limit": 500}))["items"]
    return [row for row in rows if row["key"] == visit.key]


def test_a_correction_takes_three_persons(visited: Visited, tmp_path: Path) -> None:
    visit, (check,) = visited.visit()
    dept = check.department
    clients = staff(visited, tmp_path, visit, [dept])
    address, visiting = f"{API}/checks/{check.key}", f"{API}/{visit.key}"
    done(clients[f"{dept}-planner"].post(f"{visiting}/notice", json=BY))
    done(clients[f"{dept}-one"].post(f"{visiting}/arrival", json={**BY, "present": visited.crews(visit.key)}))
    own = {
        row["code"]: {"answer": "yes", "note": ""} for row in visit.checklist if dept in row["departments"]
    }
    done(clients[f"{dept}-one"].post(f"{visiting}/answers", json={**BY, "answers": own}))
    reviewed(clients, check)
    disclosed(clients, check)
    change = {
        **BY, "confirmed_by": "y", "reason": "recording_error", "result": "no_activity", "disposition": "none",
    }  # fmt: skip
    planner, one, law = (clients[f"{dept}-{name}"] for name in ("planner", "one", "law"))
    assert planner.post(f"{address}/correction", json=change).json()["code"] == "sanction.needed"
    ask = {"action": "result.correction", "subject": check.key, "reason": change["reason"]}
    made_ = one.post("/api/v1/sanctions", json=ask)
    sanction = made_.headers["location"]
    tag = {"If-Match": law.get(sanction).headers["etag"]}
    assert one.post(f"{sanction}/approval", headers=tag).status_code == 403, "no decider"
    assert planner.post(f"{address}/correction", json=change).json()["code"] == "sanction.needed"
    done(law.post(f"{sanction}/approval", headers=tag))
    other = {**change, "reason": "new_evidence"}
    assert planner.post(f"{address}/correction", json=other).status_code in (403, 422)
    kept = done(planner.post(f"{address}/correction", json=change))
    assert (kept["state"], kept["result"]) == ("disclosed", "no_activity")
    assert planner.post(f"{address}/correction", json=change).json()["code"] == "sanction.needed", "once"


def test_an_absence_is_filed_by_the_inspectors_own_department_and_tells_nothing_of_others_targets(
    visited: Visited, tmp_path: Path
) -> None:
    """P001 is of `fire`; `market` alone supervises T0001 and its like, which aren't there for others, drawn or not."""
    visit = next(v for v, _ in visited.checks() if int(v.target_id[1:]) % 6 == 1)
    undrawn = {f"T{n:04d}" for n in range(1, 240, 6)} - {v.target_id for v, _ in visited.checks()}
    clients = staff(visited, tmp_path, visit, ["fire"])
    way = f"/api/v1/rounds/{visit.round_id}/absences"

    def filed(inspector: str, **more: str) -> Any:
        days = {"start": str(visit.day), "end": str(visit.day)} if "target_id" not in more else {}
        reason = "recusal" if more else "sickness"
        body = {"absences": [{"inspector": inspector, "reason": reason, **days, **more}]}
        return clients["fire-planner"].post(way, json=body)

    foreign, nobody = filed("P000"), filed("P999")
    assert (foreign.status_code, foreign.json()["code"]) == (422, "absence.unknown_inspector")
    assert foreign.text == nobody.text.replace("P999", "P000")
    drawn, other = filed("P001", target_id=visit.target_id), filed("P001", target_id=min(undrawn))
    assert (drawn.status_code, drawn.json()["code"]) == (422, "absence.target")
    assert drawn.text == other.text.replace(min(undrawn), visit.target_id)
    assert done(filed("P001"))["absences"] == 1
