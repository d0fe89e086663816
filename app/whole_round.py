"""A whole round by command: carried through its stages, its bundles written, verified, and summed up."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, select

from app import console
from app.db.database import Database
from app.disclosure.service import write_bundles
from app.ledger import repository as ledger
from app.registers.tables import Department, Inspector, Target
from app.rounds import expiry, repository, service
from app.rounds.advance import Clock, advance
from app.rounds.tables import STAGES, Round
from app.rounds.vault import Vault
from app.rounds.worker import SystemClock, owner_name, renewing
from optimizer.progress import Progress

LOOK_SECONDS = 0.5
"""How often a command looks again at a round that another worker holds."""


class SimulatedClock:
    """A clock for demonstrations: it moves a minute at each look, and jumps where a round waits for a time."""

    def __init__(self, start: datetime) -> None:
        self._moment = start

    def now(self) -> datetime:
        """The simulated moment, later than the one before."""
        self._moment += timedelta(minutes=1)
        return self._moment

    def jump(self, moment: datetime) -> None:
        """Go on to `moment`, never back."""
        self._moment = max(self._moment, moment)


@dataclass(frozen=True, slots=True)
class Trip:
    """What a whole round needs: where it is kept, whose clock counts, where bundles go, who watches."""

    db: Database
    vault: Vault
    out: Path
    progress: Progress
    executor: Executor | None = None
    clock: Clock = field(default_factory=SystemClock)
    approved_by: str | None = None
    until: str = STAGES[-1]
    lease_seconds: int = 60


def carry(trip: Trip, row: Round, answer: Callable[[Round], bool]) -> Round:
    """Advance a round as far as it goes; `answer` deals with what it waits for and says whether to go on."""
    while True:
        claimed = _claimed(trip, row.round_id)
        if claimed is not None:
            _advance(trip, claimed)
        row = service.get(trip.db, row.round_id)
        if row.status != "waiting" or not answer(row):
            return row


def _claimed(trip: Trip, round_id: str) -> Round | None:
    """The round, as soon as no other worker holds it (of one that died: when its lease ends); None if it has no work.

    Leases count by the system's clock, whatever clock the round goes by: they are about processes.
    """
    while True:
        with trip.db.write() as session:
            claimed = repository.claim_one(
                session, round_id, owner_name(), datetime.now(UTC), trip.lease_seconds
            )
        if claimed is not None or service.get(trip.db, round_id).status != "running":
            return claimed
        time.sleep(LOOK_SECONDS)


def _advance(trip: Trip, claimed: Round) -> None:
    try:
        with renewing(trip.db, claimed, trip.lease_seconds):
            row = advance(
                trip.db,
                trip.vault,
                claimed,
                trip.clock,
                executor=trip.executor,
                progress=trip.progress,
                until=trip.until,
            )
    except repository.Lost:
        return
    with trip.db.write() as session:
        repository.release(session, row.round_id, row.fence)
        repository.note_operation(session, row)


def answers(trip: Trip, values: Sequence[tuple[str, str]] = ()) -> Callable[[Round], bool]:
    """Answer what a round waits for from what the command was given: an approver, public values, simulated time."""
    left = list(values)

    def answer(row: Round) -> bool:
        if row.waiting_for == "approval" and trip.approved_by:
            service.approve(trip.db, row.round_id, trip.approved_by, trip.clock.now())
            return True
        if row.waiting_for in ("entropy", "entropy_seats") and left:
            name, value = left.pop(0)
            service.supply(trip.db, row.round_id, name, value, trip.clock.now())
            return True
        if row.waiting_for == "reveal":
            if isinstance(trip.clock, SimulatedClock):
                trip.clock.jump(reveal_time(trip.db, row.round_id))
            return row.round_id in expiry.wake(trip.db, trip.clock.now())
        return row.round_id in expiry.expire(trip.db, trip.clock.now())

    return answer


def reveal_time(db: Database, round_id: str) -> datetime:
    """When a round is revealed, as its manifest says."""
    with db.read() as session:
        manifest = json.loads(ledger.load(session, round_id, "manifest.json"))
    return datetime.fromisoformat(manifest["deadlines"]["reveal"]).astimezone(UTC)


def verify(bundle: Path) -> int:
    """Run the verifier that lies inside a bundle, isolated (`python -I`); its exit status."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "verify.py"
        with zipfile.ZipFile(bundle) as archive:
            script.write_bytes(archive.read("verify.py"))
        command = [sys.executable, "-I", str(script), str(bundle)]
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  our own verifier
    return done.returncode


FIGURES = (
    "targets",
    "departments",
    "inspectors",
    "drawn",
    "checks",
    "entries",
    "entries_bound",
    "entries_alone",
    "inspector_days",
    "inspector_days_alone",
    "inspector_days_greedy",
    "inspector_days_bound",
    "gap_ppm",
    "travel_min",
    "host_min",
    "host_min_alone",
    "estimated_places",
    "unscheduled",
)
"""What a summary counts; null where the round has not come so far."""


def finish(trip: Trip, row: Round, seconds: dict[str, float], started: float) -> dict[str, Any]:
    """Write and verify the bundles of a revealed round, and sum it up with the demo's keys."""
    bundle, verified = None, None
    if row.stage == "revealed":
        begun = time.perf_counter()
        trip.progress.step("bundle", 0, 2)
        bundles = write_bundles(trip.db, row.round_id, trip.out)
        trip.progress.step("bundle", 2, 2)
        seconds["bundle"] = round(time.perf_counter() - begun, 2)
        begun = time.perf_counter()
        verified = all(verify(path) == 0 for path in (bundles.public, bundles.auditor))
        seconds["verify"] = round(time.perf_counter() - begun, 2)
        bundle = str(bundles.public)
    with trip.db.read() as session:
        counted = _counts(session, row)
        times = repository.times(session, row.round_id)
    stages = {name: round(times[name].seconds, 2) for name in times}
    total = round(time.perf_counter() - started, 2)
    return {
        "round_id": row.round_id,
        "stage": row.stage,
        "status": row.status,
        "waiting_for": row.waiting_for,
        "problem": row.problem,
        **dict.fromkeys(FIGURES),
        **counted,
        "assurance": row.assurance,
        "seconds": {**seconds, **stages, "total": total},
        "peak_mb": peak_mb(),
        "bundle": bundle,
        "verified": verified,
    }


def _counts(session: Session, row: Round) -> dict[str, Any]:
    def size(table: type[Target] | type[Department] | type[Inspector]) -> int:
        return session.exec(select(func.count()).select_from(table)).one()

    counted: dict[str, Any] = {
        "targets": size(Target),
        "departments": size(Department),
        "inspectors": size(Inspector),
    }
    packing = ledger.find(session, row.round_id, "internal/packing.json")
    if packing is not None:
        stored = json.loads(packing)
        counted |= {"drawn": len(stored["sites"]), "checks": len(stored["checks"])}
    schedule, visits = (ledger.find(session, row.round_id, name) for name in ("schedule.json", "visits.json"))
    if schedule is not None and visits is not None:
        counted |= _measures(json.loads(schedule)["report"], len(json.loads(visits)["unscheduled"]))
    return counted


def _measures(report: dict[str, Any], unscheduled: int) -> dict[str, Any]:
    plan, alone = report["plan"], report["alone"]
    return {
        "entries": plan["entries"],
        "entries_bound": report["entries_bound"],
        "entries_alone": alone["entries"],
        "inspector_days": plan["inspector_days"],
        "inspector_days_alone": alone["inspector_days"],
        "inspector_days_greedy": report["greedy"]["inspector_days"],
        "inspector_days_bound": report["inspector_days_bound"]["value"],
        "gap_ppm": report["gap_ppm"],
        "travel_min": plan["travel_min"],
        "host_min": plan["host_min"],
        "host_min_alone": alone["host_min"],
        "estimated_places": report["estimated_places"],
        "unscheduled": unscheduled,
    }


def peak_mb() -> int:
    """Peak resident memory of this process and the largest of its children, in MiB."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(own, children) // 1024


SUMMARY_LABELS = {
    "targets": "名录对象 targets",
    "drawn": "抽中对象 drawn",
    "checks": "部门检查 checks",
    "entries": "进门次数 entries",
    "entries_alone": "各自入户 entries, departments alone",
    "inspector_days": "人日 inspector-days",
    "inspector_days_alone": "各自人日 inspector-days, alone",
    "inspector_days_bound": "人日下界 proven bound",
    "unscheduled": "未排 unscheduled",
    "assurance": "可信级别 assurance",
    "peak_mb": "内存峰值 peak MB",
    "bundle": "证据包 bundle",
    "verified": "核验一致 verified",
}


WAITING = {
    "approval": "等待审批 waits for approval: round approve {0} --by …",
    "deposits": "等待各方秘密 waits for deposits: round deposit {0} --party …",
    "entropy": "等待公共随机 waits for entropy: round entropy {0} --source … --value …，round resume {0}",
    "entropy_seats": "等待第二次公共随机 waits for the second entropy: round entropy {0} --source … --value …，"
    "round resume {0}",
    "reveal": "等待公开日 waits for the day of reveal: round resume {0}，serve",
}
"""What a person does next; `python -m app` goes before each command."""


def show_summary(summary: dict[str, Any], as_json: bool) -> None:
    """The round's figures as JSON, or as tables a person reads."""
    if as_json:
        console.emit(summary)
        return
    found = {name: summary.get(name) for name in SUMMARY_LABELS}
    rows = [(SUMMARY_LABELS[name], "–" if value is None else value) for name, value in found.items()]
    console.table(f"批次 round {summary['round_id']}", ("项目 figure", "值 value"), rows)
    seconds = list(summary["seconds"].items())
    console.table("用时 time", ("阶段 stage", "秒 seconds"), seconds)
    if summary["unscheduled"]:
        console.say(
            f"! 有 {summary['unscheduled']} 项检查没有排上，原因与办法 some checks have no visit, why and what to do: "
            f"round explain {summary['round_id']}"
        )
    if summary["waiting_for"]:
        console.say(WAITING.get(summary["waiting_for"], "").format(summary["round_id"]))
    if summary["problem"]:
        console.say(json.dumps(summary["problem"], ensure_ascii=False))
