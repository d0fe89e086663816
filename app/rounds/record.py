"""What a round leaves in the log so that every row it owns can be checked later, and what must be signed before a draw.

Artefacts under embargo are bound to the log by message authentication codes under the service's key: they hide
what they bind, and no other bytes fit them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, select

from app.errors import Conflict, Problem, Refused
from app.ledger import checkpoints, keys
from app.ledger.tables import LogEntry
from app.rounds import repository
from app.rounds.tables import STAGES, Round
from app.rounds.vault import Vault
from scheduler.encoding import Json, canonical_json, lp
from scheduler.merkle import path_leads_to
from scheduler.notes import Checkpoint, Note
from scheduler.suite import SHA256

STAGE_ENTRY = "round.stage"


def exact(moment: datetime) -> str:
    """A moment to the microsecond, the same text from both databases."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def artefact_mac(vault: Vault, round_id: str, name: str, digest: str, size: int, at: datetime) -> str:
    """What binds an artefact's row to the log."""
    return vault.mac(lp("DR1/kept", round_id, name, digest, str(size), exact(at)))


def time_mac(vault: Vault, round_id: str, stage: str, at: datetime, seconds: float) -> str:
    """What binds a stage's time to the log."""
    return vault.mac(lp("DR1/took", round_id, stage, exact(at), repr(float(seconds))))


def kept(vault: Vault, round_id: str, made: Mapping[str, bytes], at: datetime) -> list[Json]:
    """What a log entry says of the artefacts that were kept with it."""
    return [
        {
            "name": name,
            "mac": artefact_mac(
                vault, round_id, name, hashlib.sha256(made[name]).hexdigest(), len(made[name]), at
            ),
        }
        for name in sorted(made)
    ]


def stage_record(
    vault: Vault, round_id: str, stage: str, made: Mapping[str, bytes], at: datetime, seconds: float
) -> tuple[str, dict[str, Any]]:
    """Digest and contents of the entry that a stage leaves about its artefacts and its time."""
    more: dict[str, Json] = {
        "stage": stage,
        "kept": kept(vault, round_id, made, at),
        "took": time_mac(vault, round_id, stage, at, seconds),
    }
    return hashlib.sha256(canonical_json(more)).hexdigest(), more


def problem_digest(problem: Mapping[str, Any]) -> str:
    """SHA-256 of a refusal as the round's row holds it."""
    text = json.dumps(problem, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def require_signed_entropy(session: Session, row: Round) -> None:
    """Refuse to use public values that a signed checkpoint does not cover, or other values than those logged.

    Raises Conflict `entropy.not_signed`, `entropy.differs`.
    """
    for part in ("entropy", "entropy_seats"):
        if STAGES.index(row.stage) >= STAGES.index(part):
            _require_signed(session, row.round_id, part)


def _require_signed(session: Session, round_id: str, part: str) -> None:
    query = select(LogEntry).where(LogEntry.subject == round_id, LogEntry.type == f"round.{part}")
    found = session.exec(query.order_by(col(LogEntry.index)).limit(1)).first()
    if found is None or not _is_signed(session, found):
        raise _not_signed(round_id, part)
    logged = {entry["id"]: entry["value"] for entry in json.loads(found.body)["values"]}
    if logged != repository.entropy(session, round_id, part):
        raise _differs(round_id, part)


def _is_signed(session: Session, entry: LogEntry) -> bool:
    row = checkpoints.covering(session, entry.index)
    if row is None:
        return False
    note = Note.parse(row.note)
    note.require(keys.announced(session))
    head = Checkpoint.parse(note.text)
    path = checkpoints.inclusion(session, entry.index, row, row.note).path
    return path_leads_to(SHA256, entry.body.encode(), entry.index, head.size, path, head.root)


def _not_signed(round_id: str, part: str) -> Refused:
    return Conflict(
        Problem(
            "entropy.not_signed",
            f"批次 {round_id} 的公共随机（{part}）尚未在签名的检查点之内，拒绝据此抽取。",
            f"The public values ({part}) of round {round_id} are in no signed checkpoint; nothing is drawn from them.",
            "请运行 log checkpoint；若仍拒绝，请运行 log fsck 并由审计人员核查。",
            "Run `log checkpoint`. If it is refused again, run `log fsck` and have the log audited.",
            {"round_id": round_id, "part": part},
        )
    )


def _differs(round_id: str, part: str) -> Refused:
    return Conflict(
        Problem(
            "entropy.differs",
            f"批次 {round_id} 存档的公共随机（{part}）与日志所记不同，拒绝据此抽取。",
            f"The public values ({part}) kept for round {round_id} are not those in the log; nothing is drawn.",
            "请运行 log fsck 并由审计人员核查。",
            "Run `log fsck` and have the difference audited.",
            {"round_id": round_id, "part": part},
        )
    )
