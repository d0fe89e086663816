"""Witnesses: others who keep the last checkpoint they saw and cosign only what continues it.

The witness's side needs no database: a key file, a state file (the checkpoint it cosigned last, verbatim) and the
log's public key. The service's side keeps cosignatures of the witnesses that the log has announced.
"""

from __future__ import annotations

import fcntl
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx2
from sqlmodel import Session

from app.errors import Conflict, Problem, Refused, refuse
from app.ledger import keys
from app.ledger.checkpoints import found
from app.ledger.tables import LogCosignature
from scheduler.merkle import is_consistent
from scheduler.notes import Checkpoint, ConsistencyProof, Note, Signature, SignerKey, VerifierKey
from scheduler.suite import SHA256

FETCH_SECONDS: Final = 20.0
_ANSWER_LIMIT: Final = 1_000_000
CLOCKS_APART_SECONDS: Final = 3600
"""How far a witness's clock may be ahead of ours."""
IN_BUNDLE: Final = "log/checkpoint"


def store(session: Session, text: str, now: datetime) -> list[Signature]:
    """Keep the announced witnesses' cosignatures of a checkpoint that this log signed; gives those kept.

    Raises NotFound `log.no_checkpoint`, Refused `note.*`, `witness.other_text`, `witness.unknown`.
    """
    note = Note.parse(text)
    row = found(session, Checkpoint.parse(note.text).size)
    if Note.parse(row.note).text != note.text:
        raise _other_text(row.size)
    kept = []
    for key in keys.witnesses(session):
        for signature in note.signatures:
            if (
                signature.holds(note.text, key)
                and signature.timestamp <= now.timestamp() + CLOCKS_APART_SECONDS
            ):
                kept.append(signature)
                _keep(session, row.size, signature)
    if not kept:
        raise refuse(
            "witness.unknown",
            "没有已登记见证人的有效联署。",
            "There is no valid cosignature of an announced witness.",
            "请由管理员先用 log trust 登记见证人公钥。",
            "Have an administrator announce the witness's public key with `log trust` first.",
        )
    return kept


def _keep(session: Session, size: int, signature: Signature) -> None:
    key = (size, signature.name, signature.key_id.hex())
    if session.get(LogCosignature, key) is None:
        at = datetime.fromtimestamp(signature.timestamp, UTC)
        session.add(LogCosignature(size=size, name=key[1], key_id=key[2], line=signature.line, at=at))
        session.flush()


def _other_text(size: int) -> Refused:
    return Conflict(
        Problem(
            "witness.other_text",
            f"联署的检查点与本日志第 {size} 条的检查点不同。",
            f"What was cosigned is another checkpoint of size {size} than this log's.",
            "请保存两份检查点并交审计人员：同一日志不应有两个版本。",
            "Keep both checkpoints and hand them to an auditor: one log should have one history.",
            {"size": size},
        )
    )


@contextmanager
def held(state: Path) -> Iterator[None]:
    """Keep a witness's state to one run at a time: two runs could cosign two histories."""
    state.parent.mkdir(parents=True, exist_ok=True)
    with state.with_name(state.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def last_seen(state: Path, log_keys: Sequence[VerifierKey]) -> Checkpoint | None:
    """The checkpoint cosigned last, its log's signature checked again; None at the first run."""
    try:
        note = Note.parse(state.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    note.require(log_keys)
    return Checkpoint.parse(note.text)


def cosign(
    offered: ConsistencyProof, state: Path, signer: SignerKey, log_keys: Sequence[VerifierKey], at: int
) -> Note:
    """Cosign a checkpoint that continues what `state` holds, which becomes it first; `at`: POSIX seconds.

    Raises Refused `note.signature` (not this log's), Conflict `witness.inconsistent`, `witness.older`,
    `witness.proof_from` (the proof starts elsewhere than the state).
    """
    note = Note.parse(offered.checkpoint)
    signed = note.require(log_keys)
    new, seen = Checkpoint.parse(note.text), last_seen(state, log_keys)
    if seen is not None:
        _require_continuation(seen, new, offered)
    cosigned = Note(note.text, (*signed, signer.cosign(note.text, at)))
    keys.replace_file(state, str(cosigned))
    return cosigned


def _require_continuation(seen: Checkpoint, new: Checkpoint, offered: ConsistencyProof) -> None:
    if new.origin != seen.origin:
        raise _refused("witness.other_log", seen, new, "是另一日志", "is another log's")
    if new.size < seen.size:
        raise _refused("witness.older", seen, new, "比已见的更早", "is older than the one seen")
    if new.size > seen.size and offered.old != seen.size:
        raise _refused(
            "witness.proof_from", seen, new, "没有从已见检查点开始的证明", "has no proof from the one seen"
        )
    path = offered.path if new.size > seen.size else ()
    if not is_consistent(SHA256, seen.size, new.size, seen.root, new.root, path):
        raise _refused(
            "witness.inconsistent",
            seen,
            new,
            "与已见的不一致：历史被改写",
            "does not continue the one seen: history was rewritten",
        )


def _refused(code: str, seen: Checkpoint, new: Checkpoint, zh: str, en: str) -> Refused:
    return Conflict(
        Problem(
            code,
            f"拒绝联署：{new.origin} 的检查点（{new.size} 条）{zh}（已见 {seen.origin}，{seen.size} 条）。",
            f"Not cosigned: the checkpoint of {new.origin} ({new.size} entries) {en} ({seen.origin}, {seen.size}).",
            "请保存状态文件与此检查点，并报告审计人员。",
            "Keep the state file and this checkpoint, and report both to an auditor.",
            {"seen": seen.size, "offered": new.size},
        )
    )


def offered_by(source: str, old: int) -> ConsistencyProof:
    """What a service's address, a bundle or a file with a proof offers to a witness that has seen `old` entries."""
    if source.startswith(("http://", "https://")):
        return ConsistencyProof.parse(_fetched(f"{source.rstrip('/')}/api/v1/log/consistency?old={old}"))
    path = Path(source)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive, archive.open(IN_BUNDLE) as file:
            return ConsistencyProof(old, (), file.read(_ANSWER_LIMIT).decode())
    text = path.read_text(encoding="utf-8")
    return ConsistencyProof.parse(text) if text.startswith("old ") else ConsistencyProof(old, (), text)


def _fetched(url: str) -> str:
    try:
        with httpx2.stream("GET", url, timeout=FETCH_SECONDS, follow_redirects=False) as answer:
            answer.raise_for_status()
            data = b""
            for chunk in answer.iter_bytes():
                data += chunk
                if len(data) > _ANSWER_LIMIT:
                    raise _unreachable(url, "answer too long")
    except httpx2.HTTPError as error:
        raise _unreachable(url, str(error)) from error
    return data.decode()


def send(base: str, note: Note) -> None:
    """Give a cosigned checkpoint back to the service. Raises Refused `witness.unreachable`."""
    url = f"{base.rstrip('/')}/api/v1/log/cosignatures"
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    try:
        answer = httpx2.post(url, content=str(note).encode(), headers=headers, timeout=FETCH_SECONDS)
        answer.raise_for_status()
    except httpx2.HTTPError as error:
        raise _unreachable(url, str(error)) from error


def _unreachable(url: str, what: str) -> Refused:
    return refuse(
        "witness.unreachable",
        f"无法与 {url} 通信：{what}",
        f"{url} could not be reached: {what}",
        "请稍后再试，或改用文件。",
        "Try again later, or use a file.",
        url=url,
    )
