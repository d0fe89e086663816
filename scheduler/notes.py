"""Signed notes, checkpoints, cosignatures and inclusion proofs in the C2SP text formats, with Ed25519 keys given.

Sources: C2SP signed-note, tlog-checkpoint v1.0.0, tlog-cosignature (Ed25519, v1), tlog-proof v1, and tlog-witness for
the text that carries a consistency proof. A key's text form is that of Go's `golang.org/x/mod/sumdb/note`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from optimizer.errors import Refused, refuse

ED25519: Final = 0x01
"""Signature type of a log's own signature over a note's text."""
COSIGNATURE: Final = 0x04
"""Signature type of a witness's timestamped cosignature."""

PROOF_HEADER: Final = "c2sp.org/tlog-proof@v1"
_DASH: Final = "\u2014 "
_SIGNATURES_LIMIT: Final = 100
_SIZE_LIMIT: Final = 1_000_000
_PRIVATE: Final = "PRIVATE+KEY+"
_DECIMAL: Final = re.compile("0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name and what it signs: `kind` is ED25519 or COSIGNATURE. `public` is 32 bytes."""

    name: str
    kind: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `name+hash+base64(kind ‖ key)`. Raises Refused `note.key`."""
        parts = text.strip().split("+", 2)
        data = _base64(parts[2]) if len(parts) == 3 else None
        if data is None or len(data) != 33 or data[0] not in (ED25519, COSIGNATURE) or not _is_name(parts[0]):
            raise _bad_key()
        key = cls(parts[0], data[0], data[1:])
        if parts[1] != key.key_id.hex():
            raise _bad_key()
        return key

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name ‖ LF ‖ kind ‖ key)."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    @property
    def text(self) -> str:
        """The key as others are told it."""
        return f"{self.name}+{self.key_id.hex()}+{_text64(bytes([self.kind]) + self.public)}"

    def as_cosigner(self) -> VerifierKey:
        """The same key as a witness's."""
        return replace(self, kind=COSIGNATURE)


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A private Ed25519 key (32-byte seed) with its name."""

    name: str
    seed: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `PRIVATE+KEY+name+hash+base64(1 ‖ seed)`. Raises Refused `note.key`."""
        head, _, rest = text.strip().partition(_PRIVATE)
        parts = rest.split("+", 2)
        data = _base64(parts[2]) if len(parts) == 3 and not head else None
        if data is None or len(data) != 33 or data[0] != ED25519 or not _is_name(parts[0]):
            raise _bad_key()
        key = cls(parts[0], data[1:])
        if parts[1] != key.verifier().key_id.hex():
            raise _bad_key()
        return key

    def verifier(self, kind: int = ED25519) -> VerifierKey:
        """The public half."""
        return VerifierKey(self.name, kind, self._private().public_key().public_bytes_raw())

    @property
    def text(self) -> str:
        """The key as its file holds it; secret."""
        return f"{_PRIVATE}{self.name}+{self.verifier().key_id.hex()}+{_text64(bytes([ED25519]) + self.seed)}"

    def sign(self, text: str) -> Signature:
        """Sign a note's text."""
        return Signature(self.name, self.verifier().key_id, self._private().sign(text.encode()))

    def cosign(self, text: str, at: int) -> Signature:
        """Cosign a checkpoint's text at POSIX time `at`."""
        value = at.to_bytes(8, "big") + self._private().sign(_cosigned(text, at))
        return Signature(self.name, self.verifier(COSIGNATURE).key_id, value)

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: a key's name and id, and what the key made."""

    name: str
    key_id: bytes
    value: bytes

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a line without its LF. Raises Refused `note.malformed`."""
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        data = _base64(encoded)
        if not line.startswith(_DASH) or not _is_name(name) or data is None or len(data) < 5:
            raise _malformed("signature line")
        return cls(name, data[:4], data[4:])

    @property
    def line(self) -> str:
        """The line, without its LF."""
        return f"{_DASH}{self.name} {_text64(self.key_id + self.value)}"

    def of(self, key: VerifierKey) -> bool:
        """Whether the line claims to be this key's."""
        return self.name == key.name and self.key_id == key.key_id

    def holds(self, text: str, key: VerifierKey) -> bool:
        """Whether this is `key`'s valid signature of `text`."""
        if not self.of(key) or len(self.value) != (64 if key.kind == ED25519 else 72):
            return False
        message = text.encode() if key.kind == ED25519 else _cosigned(text, self.timestamp)
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(self.value[-64:], message)
        except (InvalidSignature, ValueError):
            return False
        return True

    @property
    def timestamp(self) -> int:
        """POSIX time of a cosignature."""
        return int.from_bytes(self.value[:8], "big")


@dataclass(frozen=True, slots=True)
class Note:
    """A text (ending in LF) and its signatures, unverified."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: str) -> Self:
        """Read a signed note. Raises Refused `note.malformed`, naming what is wrong."""
        if len(data) > _SIZE_LIMIT or any(c < " " and c != "\n" for c in data):
            raise _malformed("a control character, or too long")
        text, blank, lines = data.rpartition("\n\n")
        if not blank or not lines.endswith("\n"):
            raise _malformed("no blank line, or no final newline")
        rows = lines[:-1].split("\n")
        if not 1 <= len(rows) <= _SIGNATURES_LIMIT:
            raise _malformed("number of signatures")
        return cls(text + "\n", tuple(Signature.parse(row) for row in rows))

    def __str__(self) -> str:
        """The note as it is passed on."""
        return self.text + "\n" + "".join(signature.line + "\n" for signature in self.signatures)

    def require(self, keys: Iterable[VerifierKey]) -> tuple[Signature, ...]:
        """The signatures of known keys; each must hold, and there must be one. Raises Refused `note.signature`."""
        found = []
        for key in keys:
            own = [signature for signature in self.signatures if signature.of(key)]
            if not all(signature.holds(self.text, key) for signature in own):
                raise _bad_signature(key.name)
            found += own
        if not found:
            raise _bad_signature("、".join(sorted({row.name for row in self.signatures})))
        return tuple(found)

    def signed_also(self, extra: Iterable[Signature]) -> Note:
        """The note with further signatures, none twice."""
        return replace(self, signatures=tuple(dict.fromkeys((*self.signatures, *extra))))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log commits to: its origin, the number of leaves, and the root over them (32 bytes)."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a checkpoint's note text; extension lines are allowed and ignored. Raises Refused `note.checkpoint`."""
        lines = text.removesuffix("\n").split("\n")
        root = _base64(lines[2]) if len(lines) >= 3 and all(lines) else None
        if root is None or len(root) != 32 or not _DECIMAL.fullmatch(lines[1]) or not text.endswith("\n"):
            raise refuse(
                "note.checkpoint",
                "不是日志检查点：应为来源、条数、根哈希三行。",
                "This is no checkpoint: origin, size and root hash should stand on three lines.",
                "请使用 log checkpoint 给出的原文。",
                "Use the very text that `log checkpoint` prints.",
            )
        return cls(lines[0], int(lines[1]), root)

    @property
    def text(self) -> str:
        """The note text that is signed."""
        return f"{self.origin}\n{self.size}\n{_text64(self.root)}\n"


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """A tlog-proof: a leaf's index, its path (lowest sibling first), and the checkpoint's note verbatim."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str

    @classmethod
    def parse(cls, data: str) -> Self:
        """Read a tlog-proof; `extra` is passed over, for it is not authenticated. Raises Refused `note.proof`."""
        head, blank, checkpoint = data.partition("\n\n")
        lines = head.split("\n")
        rest = lines[2:] if len(lines) > 2 and lines[1].startswith("extra ") else lines[1:]
        index = rest[0].removeprefix("index ") if rest else ""
        path = _hashes(rest[1:])
        if lines[0] != PROOF_HEADER or not blank or path is None or f"index {index}" != (rest or [""])[0]:
            raise _bad_proof()
        if not _DECIMAL.fullmatch(index):
            raise _bad_proof()
        return cls(int(index), path, checkpoint)

    def __str__(self) -> str:
        """The proof as it is passed on."""
        return "\n".join([PROOF_HEADER, f"index {self.index}", *map(_text64, self.path), "", self.checkpoint])


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """What tlog-witness's add-checkpoint takes: the old size, the proof from it, and the newer checkpoint's note."""

    old: int
    path: tuple[bytes, ...]
    checkpoint: str

    @classmethod
    def parse(cls, data: str) -> Self:
        """Read the text. Raises Refused `note.proof`."""
        head, blank, checkpoint = data.partition("\n\n")
        first, *rest = head.split("\n")
        path, old = _hashes(rest), first.removeprefix("old ")
        if not blank or path is None or first != f"old {old}" or not _DECIMAL.fullmatch(old):
            raise _bad_proof()
        return cls(int(old), path, checkpoint)

    def __str__(self) -> str:
        """The text as it is passed on."""
        return "\n".join([f"old {self.old}", *map(_text64, self.path), "", self.checkpoint])


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _is_name(name: str) -> bool:
    return (
        bool(name)
        and "+" not in name
        and not any(c.isspace() or unicodedata.category(c) == "Cc" for c in name)
    )


def _text64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _base64(text: str) -> bytes | None:
    """The bytes, or None unless the text is their one standard encoding."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _text64(data) == text else None


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...] | None:
    found = [_base64(line) for line in lines]
    return (
        tuple(row for row in found if row is not None and len(row) == 32)
        if all(row is not None and len(row) == 32 for row in found)
        else None
    )


def _bad_key() -> Refused:
    return refuse(
        "note.key",
        "密钥文本不合 signed-note 格式，或名称、编号与密钥不符。",
        "The key's text is not of the signed-note form, or its name, id and key do not belong together.",
        "请原样粘贴 名称+编号+密钥。",
        "Paste the very text, name+id+key.",
    )


def _malformed(what: str) -> Refused:
    return refuse(
        "note.malformed",
        f"签名文本不合 signed-note 格式（{what}）。",
        f"The signed note is malformed ({what}).",
        "请使用原文，不要改动换行和空格。",
        "Use the original text; do not change its line ends or spaces.",
        what=what,
    )


def _bad_signature(name: str) -> Refused:
    return refuse(
        "note.signature",
        f"没有有效的签名：{name}。",
        f"There is no valid signature of the keys given; the note claims {name}.",
        "请核对日志公钥；若密钥无误，此检查点不可信。",
        "Check the log's public key. If it is right, do not trust this checkpoint.",
        name=name,
    )


def _bad_proof() -> Refused:
    return refuse(
        "note.proof",
        "证明文本不合 C2SP tlog-proof 或 tlog-witness 格式。",
        "The proof is not of C2SP's tlog-proof or tlog-witness form.",
        "请使用日志给出的原文。",
        "Use the very text that the log gave.",
    )
