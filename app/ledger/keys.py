"""The log's signing key, a file outside the database; and the keys that the log itself announces.

Every key the log ever signed with is an entry of the log, so a rotation can be followed from the first key on. The
witnesses whose cosignatures are kept are entries as well.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlmodel import Session, col, select

from app.errors import Conflict, Problem, Refused
from app.ledger import repository
from app.ledger.tables import LogEntry
from app.ledger.tree import HASH
from scheduler.notes import SignerKey, VerifierKey

KEY_FILE: Final = "log.key"
NEXT_FILE: Final = "log.key.next"
"""A rotation's new key, until its announcement is committed."""
SUBJECT: Final = "log"
KEY, WITNESS = "log.key", "log.witness"


def load(directory: Path, name: str = KEY_FILE) -> SignerKey | None:
    """The signing key of this machine, or None where there is none yet."""
    try:
        return SignerKey.parse((directory / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def create(directory: Path, origin: str | None = None) -> SignerKey:
    """Make the key file (mode 0600) with a new seed, unless there is one; gives whichever there is.

    `origin`: the log's name, a schema-less URL; by default one of its own under `double-random.invalid`.
    """
    name = origin or f"double-random.invalid/{secrets.token_hex(8)}"
    try:
        return create_file(directory / KEY_FILE, name)
    except FileExistsError:
        return SignerKey.parse((directory / KEY_FILE).read_text(encoding="utf-8"))


def create_file(path: Path, name: str) -> SignerKey:
    """Make a key file (mode 0600) with a new seed. Raises FileExistsError, and Refused `note.key` for a bad name."""
    key = SignerKey.parse(SignerKey(name, secrets.token_bytes(32)).text)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _written(path, key.text + "\n", 0o600)
    try:
        path.hardlink_to(part)
    finally:
        part.unlink()
    return key


def prepare(directory: Path, name: str) -> SignerKey:
    """Make a rotation's new key, in a file beside the one in force."""
    key = SignerKey(name, secrets.token_bytes(32))
    replace_file(directory / NEXT_FILE, key.text + "\n", 0o600)
    return key


def promote(directory: Path) -> None:
    """Put a rotation's new key in the place of the old one, which is no more."""
    (directory / NEXT_FILE).replace(directory / KEY_FILE)


def replace_file(path: Path, text: str, mode: int = 0o644) -> None:
    """Put `text` at `path` whole or not at all, on the disk before it returns."""
    _written(path, text, mode).replace(path)


def _written(path: Path, text: str, mode: int) -> Path:
    """A file beside `path` with the text, on the disk: nobody ever sees half a file under `path` itself."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return part


def announced(session: Session) -> list[VerifierKey]:
    """Every key that the log has announced, in order; the last one is in force."""
    return [VerifierKey.parse(body["vkey"]) for body in _bodies(session, KEY)]


def witnesses(session: Session) -> list[VerifierKey]:
    """The witnesses' keys that the log trusts."""
    trusted: dict[str, VerifierKey] = {}
    for body in _bodies(session, WITNESS):
        key = VerifierKey.parse(body["vkey"])
        if body["trusted"]:
            trusted[key.text] = key
        else:
            trusted.pop(key.text, None)
    return list(trusted.values())


def every_witness(session: Session) -> list[VerifierKey]:
    """The witnesses' keys that the log ever trusted: what was kept of theirs stays."""
    return [VerifierKey.parse(body["vkey"]) for body in _bodies(session, WITNESS) if body["trusted"]]


def _bodies(session: Session, kind: str) -> Iterable[dict[str, Any]]:
    query = select(LogEntry.body).where(LogEntry.type == kind).order_by(col(LogEntry.index))
    return [json.loads(body) for body in session.exec(query)]


def announce(session: Session, key: VerifierKey, now: datetime, reason: str, previous: str | None) -> None:
    """Log a key; from the next checkpoint on it signs. The first one fixes the log's origin and hash."""
    body: dict[str, Any] = {"vkey": key.text, "previous": previous, "reason": reason, "hash": HASH}
    repository.append(session, _entry(KEY, now, "service", key.text, body), now)


def trust_witness(session: Session, key: VerifierKey, now: datetime, *, trusted: bool = True) -> None:
    """Log that a witness's cosignatures are kept from now on, or no longer."""
    body = {"vkey": key.text, "trusted": trusted}
    repository.append(session, _entry(WITNESS, now, "administrator", key.text, body), now)


def _entry(kind: str, now: datetime, role: str, vkey: str, more: dict[str, Any]) -> dict[str, Any]:
    digest = hashlib.sha256(vkey.encode()).hexdigest()
    at = now.isoformat(timespec="seconds")
    return {"type": kind, "subject": SUBJECT, "at": at, "actor_role": role, "digest": digest, **more}


def in_force(session: Session, directory: Path, now: datetime) -> SignerKey:
    """The key to sign with; at the log's birth it is made and announced.

    Raises Conflict `log.no_key` or `log.wrong_key` where this machine lacks the key that the log announced last.
    """
    known, signer = announced(session), load(directory)
    if not known:
        signer = signer or create(directory)
        announce(session, signer.verifier(), now, "birth", None)
        return signer
    for found in (signer, load(directory, NEXT_FILE)):
        if found is not None and found.verifier() == known[-1]:
            return found
    raise _not_ours(signer, known[-1])


def _not_ours(signer: SignerKey | None, wanted: VerifierKey) -> Refused:
    found = "无 none" if signer is None else signer.verifier().text
    return Conflict(
        Problem(
            "log.no_key" if signer is None else "log.wrong_key",
            f"日志的签名密钥应为 {wanted.text}，本机的是：{found}。拒绝签名。",
            f"The log is signed with {wanted.text}; this machine has: {found}. It does not sign.",
            f"请从备份恢复 {KEY_FILE}；密钥确已遗失时由管理员执行 log rotate-key --lost。",
            f"Put {KEY_FILE} back from its back-up; if it is lost for good, run `log rotate-key --lost`.",
            {"wanted": wanted.text, "found": found},
        )
    )
