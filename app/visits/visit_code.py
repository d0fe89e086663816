"""The visit code (扫码入企): a token signed with Ed25519 that names visit, firm, day and nonce, as text and as a QR.

96 bytes in base64url: version, visit key, day, a digest of the firm's identity, nonce, and the signature over all of
them. Whoever holds it can have it checked; whoever makes one up, or changes one, is answered as if there were none.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Final

import segno
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlmodel import Session

from app.errors import Conflict, Problem
from app.ledger import keys
from app.visits import repository, states
from app.visits.tables import Visit, VisitCheck
from scheduler.notes import SignerKey

KEY_FILE: Final = "visit-code.key"
_NAME: Final = "double-random.invalid/visit-code"
_DOMAIN: Final = b"DR1/visit-code\0"
_VERSION: Final = b"\x01"
_SIGNED: Final = 32
_WHOLE: Final = 96


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What the answer 有备案 shows: nothing that the one who was handed the code does not know."""

    name: str
    day: date
    departments: tuple[str, ...]
    items: tuple[str, ...]
    round_id: str
    demo: bool


class CodeKey:
    """The key that visit codes are signed with, a file of its own in `directory`, made on first use (mode 0600)."""

    def __init__(self, directory: Path) -> None:
        path = directory / KEY_FILE
        with suppress(FileExistsError):
            keys.create_file(path, _NAME)
        seed = SignerKey.parse(path.read_text(encoding="utf-8")).seed
        self._private = Ed25519PrivateKey.from_private_bytes(seed)

    def sign(self, visit: Visit) -> str:
        """The token of a visit. Raises Conflict `code.no_day` for a visit without a day."""
        data = _message(visit)
        return _text(data + self._private.sign(_DOMAIN + data))

    def read(self, token: str) -> Token | None:
        """What a token says; None unless it is exactly what this key signed."""
        data = _bytes(token)
        if data is None or len(data) != _WHOLE or data[:1] != _VERSION:
            return None
        try:
            self._private.public_key().verify(data[_SIGNED:], _DOMAIN + data[:_SIGNED])
        except InvalidSignature:
            return None
        return Token(data[:_SIGNED])


@dataclass(frozen=True, slots=True)
class Token:
    """The signed part of a code: version (1), visit key (10), day (4), firm (9), nonce (8)."""

    data: bytes

    @property
    def visit(self) -> str:
        """The visit's key."""
        return self.data[1:11].hex()

    def names(self, visit: Visit) -> bool:
        """Whether it was made for this visit as it stands now."""
        return visit.day is not None and _message(visit) == self.data


def on_record(session: Session, key: CodeKey, token: str) -> OnRecord | None:
    """The visit that a code stands for, from its notice on; None for all else, whatever the reason."""
    said = key.read(token)
    visit = session.get(Visit, said.visit) if said else None
    if said is None or visit is None or visit.day is None or not said.names(visit):
        return None
    checks = [row for row in repository.checks_of(session, visit.key) if row.state in states.ON_RECORD]
    if not checks:
        return None
    return _shown(session, visit, visit.day, checks)


def _shown(session: Session, visit: Visit, day: date, checks: list[VisitCheck]) -> OnRecord:
    names = repository.departments(session)
    titles = repository.items(session, [item for check in checks for item in check.items])
    items = [item for check in checks for item in check.items]
    return OnRecord(
        name=visit.name,
        day=day,
        departments=tuple(names[check.department].name_zh for check in checks),
        items=tuple(dict.fromkeys(titles[item].title_zh if item in titles else item for item in items)),
        round_id=visit.round_id,
        demo=visit.demo,
    )


def qr_svg(text: str) -> str:
    """A QR code as an SVG picture without size, of error level M."""
    out = BytesIO()
    segno.make(text, error="m").save(out, kind="svg", xmldecl=False, omitsize=True, border=2)
    return out.getvalue().decode()


def _message(visit: Visit) -> bytes:
    if visit.day is None:
        raise Conflict(
            Problem(
                "code.no_day",
                f"检查 {visit.key} 尚未排定日期，没有检查码。",
                f"Visit {visit.key} has no day yet, and so no code.",
                "请先审批并排定日期。",
                "Approve it with a day first.",
                {"visit": visit.key},
            )
        )
    firm = hashlib.sha256(b"DR1/firm\0" + visit.target_id.encode()).digest()[:9]
    day = visit.day.toordinal().to_bytes(4, "big")
    return _VERSION + bytes.fromhex(visit.key) + day + firm + bytes.fromhex(visit.nonce)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(token: str) -> bytes | None:
    """The token's bytes; None where it is not the one way of writing them."""
    try:
        data = base64.b64decode(
            token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True
        )
    except (ValueError, binascii.Error):
        return None
    return data if _text(data) == token else None
