"""Deriving every row that the rounds own again, from the log and the stored artefacts, and naming what differs.

`lease_owner`, `lease_until`, `fence`, `waiting_for` and, while a round runs, `status` and `updated_at` say who works
on it now; nothing is drawn from them, and only their sense is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlmodel import Session, select

from app.ledger.fsck import Finding, check_ledger, differences, second, unreadable
from app.ledger.fsck_state import check_state
from app.ledger.tables import Artefact
from app.plans import service as plans
from app.rounds import record
from app.rounds.fsck_rows import check_deposits, check_entropy, check_planned, check_seat_events
from app.rounds.service import SERVICE_PARTY
from app.rounds.story import Story, said_at, sha, stories
from app.rounds.tables import STAGES, Round, RoundTime
from app.rounds.vault import Vault
from optimizer.progress import SILENT, Progress
from scheduler.seed import assurance

WAITS = {
    "frozen": ("approval",),
    "committed": ("deposits", "entropy"),
    "packed": ("entropy_seats",),
    "seated": ("reveal",),
}
"""What a round can wait for, by the stage behind it."""


def check_all(session: Session, vault: Vault, progress: Progress = SILENT) -> Iterator[Finding]:
    """Every difference in the log's tables, the journaled ones and the rounds'. Changes nothing."""
    yield from check_ledger(session, vault.directory, progress)
    yield from check_state(session, progress=progress)
    yield from check_rounds(session, vault, progress)


def check_rounds(session: Session, vault: Vault, progress: Progress = SILENT) -> Iterator[Finding]:
    """Every difference in the tables of the rounds."""
    logged = stories(session)
    rows = {row.round_id: row for row in session.exec(select(Round))}
    both = sorted(set(logged) | set(rows))
    for number, round_id in enumerate(both):
        progress.step("rounds", number, len(both))
        if round_id not in rows or round_id not in logged:
            missing = "round" if round_id in logged else "log_entry"
            yield Finding(missing, round_id, "*", "missing", "round.created and its row")
            continue
        story = Story(session, vault, rows[round_id], tuple(logged[round_id]))
        for table, check in CHECKS.items():
            yield from unreadable(table, round_id, lambda check=check, story=story: check(story))  # type: ignore[misc]  # bound at once


def _check_round(story: Story) -> Iterator[Finding]:
    row, created = story.row, story.of("round.created")[0]
    stage, approval = story.stage(), story.last("round.approval")
    document = plans.document_of(story.session, created["plan"], created["digest"])
    pairs: dict[str, tuple[object, object]] = {
        **{name: (getattr(row, name), created[name]) for name in ("plan", "period", "sequence", "late")},
        "plan_digest": (row.plan_digest, created["digest"]),
        "due_at": (row.due_at and record.exact(row.due_at), created["due_at"]),
        "created_at": (second(row.created_at), said_at(created)),
        "stage": (row.stage, stage),
        "privacy": (row.privacy, document.privacy),
        "demo": (row.demo, document.demo),
        "assurance": (row.assurance, _assurance(story)),
        "approved_by": (sha(row.approved_by), approval and approval["digest"]),
    }
    yield from differences("round", row.round_id, pairs)
    yield from _check_status(story)


def _check_status(story: Story) -> Iterator[Finding]:
    row, void = story.row, story.last("round.void")
    ended = "void" if void else "done" if story.stage() == STAGES[-1] else None
    if ended or row.status in ("void", "done"):
        yield from differences("round", row.round_id, {"status": (row.status, ended or "running")})
    elif row.status not in ("running", "waiting", "refused"):
        yield Finding("round", row.round_id, "status", row.status, "running, waiting or refused")
    waits = WAITS.get(story.stage(), ()) if row.status == "waiting" else (None,)
    if row.waiting_for not in waits:
        yield Finding("round", row.round_id, "waiting_for", str(row.waiting_for), str(waits))
    if (row.lease_owner is None) != (row.lease_until is None):
        yield Finding("round", row.round_id, "lease_owner", str(row.lease_owner), "owner and time together")
    if row.fence < 0:
        yield Finding("round", row.round_id, "fence", str(row.fence), "0 or more")
    if ended:
        last = void or story.stages()[STAGES[-1]]
        yield from differences("round", row.round_id, {"updated_at": (second(row.updated_at), said_at(last))})
    yield from _check_problem(story, void)


def _check_problem(story: Story, void: Mapping[str, Any] | None) -> Iterator[Finding]:
    row = story.row
    found: object = row.problem
    expected: object = None
    if void:
        found = {
            **(row.problem or {}),
            **{name: sha((row.problem or {}).get(name)) for name in ("by", "confirmed_by")},
        }
        expected = {
            "code": f"void.{void['reason']}",
            **{name: void.get(name) for name in ("by", "confirmed_by")},
        }
    elif row.status == "refused":
        refusal = story.last("round.refused")
        found, expected = record.problem_digest(row.problem or {}), refusal and refusal["digest"]
    yield from differences("round", row.round_id, {"problem": (found, expected)})


def _assurance(story: Story) -> int:
    return assurance(story.manifest(), [SERVICE_PARTY]) if story.reached("drawn") else 0


def _check_times(story: Story) -> Iterator[Finding]:
    round_id, stages = story.row.round_id, story.stages()
    rows = {
        row.stage: row for row in story.session.exec(select(RoundTime).where(RoundTime.round_id == round_id))
    }
    for stage in sorted(set(stages) | set(rows)):
        name = f"{round_id}/{stage}"
        if stage not in rows or stage not in stages:
            yield Finding("round_time", name, "stage", "one alone", "a row for each stage logged")
            continue
        row = rows[stage]
        mac = record.time_mac(story.vault, round_id, stage, row.at, row.seconds)
        pairs: dict[str, tuple[object, object]] = {"at": (second(row.at), said_at(stages[stage]))}
        found = list(differences("round_time", name, pairs))
        if not found and mac != stages[stage]["took"]:
            found = [
                Finding("round_time", name, "seconds", f"{row.at} {row.seconds}", "the time that was logged")
            ]
        yield from found


def _check_artefacts(story: Story) -> Iterator[Finding]:
    round_id = story.row.round_id
    leaving = [*story.stages().values(), *story.of("round.void")]
    wanted = {kept["name"]: kept["mac"] for entry in leaving for kept in entry.get("kept", ())}
    query = select(Artefact.name, Artefact.digest, Artefact.size, Artefact.at)
    for name, digest, size, at in story.session.exec(query.where(Artefact.subject == round_id)):
        mac = record.artefact_mac(story.vault, round_id, name, digest, size, at)
        if wanted.pop(name, None) != mac:
            yield Finding("artefact", f"{round_id}/{name}", "*", f"{digest} {at}", "what was logged")
    for name in wanted:
        yield Finding("artefact", f"{round_id}/{name}", "*", "missing", "what was logged")


CHECKS: dict[str, Callable[[Story], Iterator[Finding]]] = {
    "round": _check_round,
    "round_time": _check_times,
    "artefact": _check_artefacts,
    "round_deposit": check_deposits,
    "entropy_use": check_entropy,
    "planned_check": check_planned,
    "seat_event": check_seat_events,
}
"""What is checked of every round, by table."""
