"""A round as the rounds room leaves it: from the draw's known answers and a plan made by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlmodel import Session

from app.db.database import Database
from app.ledger import checkpoints, keys
from app.ledger import repository as ledger
from app.registers.tables import Department, Inspector
from app.rounds.log import entry_of
from app.rounds.tables import STAGES, Round, RoundTime
from scheduler.encoding import canonical_json
from scheduler.frame import Frame, excluded_tsv
from scheduler.notes import SignerKey

VECTORS = Path(__file__).parent / "vectors"
START = datetime(2027, 1, 4, 1, tzinfo=UTC)
ENGLISH = {
    "市场监管局": "Market supervision",
    "消防救援支队": "Fire and rescue",
    "生态环境局": "Environment",
    "卫生健康委": "Health",
}
INSPECTOR_NAME = "机密姓名甲"
ADDRESS = "机密路一号"
HOSTILE_NAME = "=cmd|' /C calc'!A0 & <b>甲</b>"
STOPS_A_DAY = 6
LOG_KEY = SignerKey("log.example/rounds", bytes(range(32)))


@dataclass(frozen=True)
class Known:
    """What the round was made from."""

    round_id: str
    vector: dict[str, Any]
    targets: list[str]
    checks: int

    @property
    def k_salt(self) -> str:
        salt = self.vector["k_salt"]
        assert isinstance(salt, str)
        return salt


def publish(
    db: Database,
    kind: str = "open",
    stage: str = "revealed",
    *,
    estimated: int = 3,
    otherwise: bool = False,
    titled: bool = True,
) -> Known:
    """Store the known answers of `kind` (open|sealed) as a round that has `stage` behind it.

    `otherwise`: with other targets drawn and fewer of them, as another secret would have it; the log is the same.
    `titled`: with a title put into the manifest, whose numbers are then not the known ones any more.
    """
    vector = json.loads((VECTORS / f"DR1_{kind}.json").read_text(encoding="utf-8"))
    round_id = vector["manifest"]["round_id"]
    if otherwise:
        _draw_others(vector)
    drawn = _drawn(vector)
    with TemporaryDirectory() as folder, db.write() as session:
        _registers(session)
        row = _rows(session, vector, stage)
        files = _files(vector, drawn, estimated, titled)
        for name in _stored_by(stage, files):
            ledger.keep(session, round_id, name, files[name], START)
        _log(session, row, vector, stage)
        (Path(folder) / keys.KEY_FILE).write_text(LOG_KEY.text)
        checkpoints.make(session, Path(folder), (ledger.last_time(session) or START) + timedelta(days=1))
    targets = sorted({target for selected in drawn.values() for target in selected})
    checks = len(json.loads(files["visits.json"])["checks"])
    return Known(round_id, vector, targets, checks)


def _drawn(vector: dict[str, Any]) -> dict[str, list[str]]:
    return {
        result["draw_id"]: [target for stratum in result["strata"] for target in stratum["selected"]]
        for result in vector["results"]
    }


def _draw_others(vector: dict[str, Any]) -> None:
    for result in vector["results"]:
        for stratum in result["strata"]:
            stratum["selected"] = stratum["backups"][:1]
            stratum["n"] = len(stratum["selected"])


def _registers(session: Session) -> None:
    if session.get(Department, "市场监管局"):
        return
    for code, english in ENGLISH.items():
        session.add(Department(code=code, name_zh=code, name_en=english))
    session.flush()
    session.add(Inspector(code="市场监管局-01", department="市场监管局", name=INSPECTOR_NAME))


def _rows(session: Session, vector: dict[str, Any], stage: str) -> Round:
    manifest = vector["manifest"]
    row = Round(
        round_id=manifest["round_id"],
        plan=manifest["plan"],
        plan_digest="00" * 32,
        period=manifest["period"],
        sequence=manifest["sequence"],
        privacy=manifest["privacy"],
        stage=stage,
        status="done" if stage == "revealed" else "waiting",
        waiting_for=None if stage == "revealed" else "reveal",
        assurance=2,
        created_at=START,
        updated_at=START,
    )
    session.add(row)
    session.flush()
    for place, name in enumerate(STAGES[: STAGES.index(stage) + 1]):
        session.add(RoundTime(round_id=row.round_id, stage=name, at=START + timedelta(hours=place)))
    return row


def _stored_by(stage: str, files: dict[str, bytes]) -> list[str]:
    late = {"reveal.json", "events.json", "verify.py"}
    return [name for name in files if stage == "revealed" or name not in late]


def file(value: Any) -> bytes:
    return canonical_json(value) + b"\n"


def _files(
    vector: dict[str, Any], drawn: dict[str, list[str]], estimated: int, titled: bool
) -> dict[str, bytes]:
    visits, schedule, lottery = plan(vector["manifest"], drawn)
    names = sorted({target for selected in drawn.values() for target in selected})
    sites = {
        target: {
            "name": HOSTILE_NAME if place == 0 else f"第{place}商贸有限公司",
            "district": "天山区",
            "address": ADDRESS,
            "estimated": place < estimated,
            "kind": "firm",
        }
        for place, target in enumerate(names)
    }
    schedule["report"]["estimated_places"] = estimated
    files = {
        "manifest.json": file({**vector["manifest"], **({"title": "2027 年第一季度抽查"} if titled else {})}),
        "reveal.json": file(_reveal(vector)),
        "visits.json": file(visits),
        "schedule.json": file(schedule),
        "lottery.json": file(lottery),
        "roster.json": file({"inspectors": [], "leave": [], "recusals": []}),
        "events.json": file([]),
        "verify.py": b"print('verify')\n",
        "internal/sites.json": file(sites),
        "internal/risk.json": file({"worst": "D"}),
    }
    rows = vector["rows"]
    for place, (draw, result) in enumerate(zip(vector["manifest"]["draws"], vector["results"], strict=True)):
        chosen = rows if place != 1 else [row for number, row in enumerate(rows) if number % 5 < 3]
        files[f"frames/{draw['draw_id']}.tsv"] = Frame(vector["columns"], chosen).tsv()
        files[f"excluded/{draw['draw_id']}.tsv"] = excluded_tsv([("91650100MA00000001", "cap")])
        files[f"results/{draw['draw_id']}.json"] = file(_full(result))
    return files


def _full(result: dict[str, Any]) -> dict[str, Any]:
    def numbered(targets: list[str]) -> list[dict[str, str]]:
        return [{"target_id": target, "u": f"77700{place}"} for place, target in enumerate(targets)]

    strata = [
        {**row, "cutoff": None, "selected": numbered(row["selected"]), "backups": numbered(row["backups"])}
        for row in result["strata"]
    ]
    return {"draw_id": result["draw_id"], "strata": strata}


def _reveal(vector: dict[str, Any]) -> dict[str, Any]:
    reveal = {
        "round_id": vector["manifest"]["round_id"],
        "manifest_hash": vector["manifest_hash"],
        "secrets": [{"party": party, "secret": secret} for party, secret in vector["secrets"]],
        "entropy": [{"id": source, "value": value} for source, value in vector["entropy"]],
        "entropy_seats": [{"id": "witness digits, second call", "value": "01234567890123456789"}],
        "assurance": 2,
        "seal": vector["seal"],
        "plan_commitment": "ab" * 32,
        "seats_seal": "cd" * 32,
    }
    return reveal | ({"k_salt": vector["k_salt"]} if vector["k_salt"] else {})


def plan(
    manifest: dict[str, Any], drawn: dict[str, list[str]]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Six targets a day, every department that drew a target there together, a crew per department and day."""
    department = {draw["draw_id"]: draw["department"] for draw in manifest["draws"]}
    wanted: dict[str, dict[str, list[str]]] = {}
    for draw_id, targets in drawn.items():
        for target in targets:
            wanted.setdefault(target, {}).setdefault(department[draw_id], []).append(draw_id)
    checks, visits = [], []
    routes: dict[tuple[str, str], dict[str, Any]] = {}
    for place, (target, by_department) in enumerate(sorted(wanted.items())):
        day = (date(2027, 3, 1) + timedelta(days=place // STOPS_A_DAY)).isoformat()
        start = 600 + 60 * (place % STOPS_A_DAY)
        visit = f"V{place:04d}"
        ids = [f"{target}/{name}" for name in sorted(by_department)]
        visits.append({"visit_id": visit, "target_id": target, "date": day, "start": start, "checks": ids})
        for name, draws in sorted(by_department.items()):
            checks.append(_check(target, name, draws))
            route = routes.setdefault((day, name), _route(day, name))
            route["stops"].append({"visit_id": visit, "arrive": start - 5, "start": start, "end": start + 40})
    ordered = sorted(routes.values(), key=lambda route: route["route_id"])
    schedule = {"days": [], "parameters": {}, "routes": ordered, "report": report(len(checks), len(visits))}
    return {"visits": visits, "checks": checks, "unscheduled": []}, schedule, _lottery(ordered)


def _check(target: str, name: str, draws: list[str]) -> dict[str, Any]:
    return {
        "check_id": f"{target}/{name}",
        "target_id": target,
        "department": name,
        "draws": sorted(draws),
        "items": ["M-01@1"],
        "minutes": 40,
        "officers": 2,
        "specialties": [],
    }


def _route(day: str, name: str) -> dict[str, Any]:
    return {
        "route_id": f"{day}-{list(ENGLISH).index(name) + 1}",
        "department": name,
        "district": "天山区",
        "date": day,
        "officers": 2,
        "specialties": [],
        "stops": [],
    }


def report(checks: int, entries: int) -> dict[str, Any]:
    def way(count: int, days: int) -> dict[str, int]:
        return {
            "entries": count,
            "inspector_days": days,
            "travel_min": 30 * count,
            "host_min": 40 * count,
            "people_per_visit_max": 8,
        }

    return {
        "plan": way(entries, 170),
        "alone": way(checks, 240),
        "greedy": way(entries, 200),
        "entries_bound": entries,
        "inspector_days_bound": {"value": 153, "kind": "energy"},
        "gap_ppm": 100_000,
        "estimated_places": 0,
        "solver": "ortools",
        "version": "9.15.6755",
        "reproducible": True,
        "parameters": {},
    }


def _lottery(routes: list[dict[str, Any]]) -> dict[str, Any]:
    seats = {
        f"{route['route_id']}#{seat}": f"{route['department']}-{seat:02d}"
        for route in routes
        for seat in (1, 2)
    }
    return {"assignment": seats, "reserves": {}, "unit_bits": 20}


def _log(session: Session, row: Round, vector: dict[str, Any], stage: str) -> None:
    entropy = [{"id": source, "value": value} for source, value in vector["entropy"]]
    logged: list[tuple[str, str, str, dict[str, Any]]] = [
        ("committed", "round.manifest", vector["manifest_hash"], {}),
        ("committed", "round.deposits", "11" * 32, {}),
        ("entropy", "round.entropy", "22" * 32, {"values": entropy}),
        ("drawn", "round.seal", vector["seal"], {}),
        ("packed", "round.plan", "ab" * 32, {}),
        ("entropy_seats", "round.entropy_seats", "33" * 32, {"values": []}),
        ("seated", "round.seats", "cd" * 32, {}),
        ("revealed", "round.reveal", "44" * 32, {}),
    ]
    began = max(START, ledger.last_time(session) or START)
    for needed, kind, digest, more in logged:
        place = STAGES.index(needed)
        if place <= STAGES.index(stage):
            at = began + timedelta(hours=place)
            ledger.append(session, entry_of(row, kind, "service", at, digest, **more), at)
