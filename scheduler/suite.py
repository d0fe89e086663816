"""The two suites of the draw: one hash and its HMAC, SHA-256 or SM3 throughout. Source: RFC 2104, GB/T 32905."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from optimizer.errors import refuse

DIGEST_SIZE: Final = 32
_BLOCK_SIZE: Final = 64


class Hasher(Protocol):
    """The part of a hashlib object that is used here."""

    def update(self, data: bytes, /) -> None:
        """Absorb `data`."""

    def digest(self) -> bytes:
        """Give the digest of what was absorbed."""

    def copy(self) -> Hasher:
        """Give an independent object in the same state."""


class KeyedMac:
    """HMAC under one key, its two key blocks absorbed once.

    Copying two prepared hashlib objects costs 0.7 µs a message where `hmac.digest` costs 1.8 µs (OpenSSL 3.0),
    which is what makes a draw from a million rows quick. `inner` may have absorbed a common prefix of the
    messages as well.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, inner: Hasher, outer: Hasher) -> None:
        self._inner = inner
        self._outer = outer

    def __call__(self, message: bytes) -> bytes:
        """Give MAC(key, prefix ‖ message), 32 bytes."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()

    def prefixed(self, prefix: bytes) -> KeyedMac:
        """Give the same key with `prefix` put before every message."""
        inner = self._inner.copy()
        inner.update(prefix)
        return KeyedMac(inner, self._outer)

    def many(self, messages: Iterable[bytes]) -> list[bytes]:
        """Give the MAC of each message, in order; the loop is spelt out because it is the draw's hot spot."""
        copy_inner, copy_outer = self._inner.copy, self._outer.copy
        digests: list[bytes] = []
        append = digests.append
        for message in messages:
            inner = copy_inner()
            inner.update(message)
            outer = copy_outer()
            outer.update(inner.digest())
            append(outer.digest())
        return digests


@dataclass(frozen=True, slots=True)
class Suite:
    """A named pair of hash `H` and `MAC`. `algorithm` is hashlib's name for the hash."""

    name: str
    algorithm: str

    def new(self) -> Hasher:
        """Give an empty hash object."""
        return hashlib.new(self.algorithm)

    @property
    def constructor(self) -> Callable[[bytes], Hasher]:
        """Give the quickest way to a hash object of some bytes, for loops."""
        return hashlib.sha256 if self.algorithm == "sha256" else self._named

    def _named(self, data: bytes) -> Hasher:
        return hashlib.new(self.algorithm, data)

    def hash(self, data: bytes) -> bytes:
        """H(data), 32 bytes."""
        return hashlib.new(self.algorithm, data).digest()

    def mac(self, key: bytes, message: bytes) -> bytes:
        """MAC(key, message), 32 bytes."""
        return self.mac_stream(key)(message)

    def mac_stream(self, key: bytes) -> KeyedMac:
        """Prepare MAC under `key` for many messages."""
        if len(key) > _BLOCK_SIZE:
            key = self.hash(key)
        block = key.ljust(_BLOCK_SIZE, b"\0")
        inner, outer = self.new(), self.new()
        inner.update(bytes(byte ^ 0x36 for byte in block))
        outer.update(bytes(byte ^ 0x5C for byte in block))
        return KeyedMac(inner, outer)


SHA256: Final = Suite("DR1-HMAC-SHA256", "sha256")
SM3: Final = Suite("DR1-HMAC-SM3", "sm3")
_SUITES: Final = {item.name: item for item in (SHA256, SM3)}


def suite(name: str) -> Suite:
    """Give the suite of that name, after a trial of its hash: there is no falling back to another.

    Raises:
        Refused: `suite.unknown`, or `suite.unavailable` where this machine's OpenSSL has no such hash.
    """
    found = _SUITES.get(name)
    if found is None:
        raise refuse(
            "suite.unknown",
            f"没有名为“{name}”的算法套件。",
            f"There is no suite named {name!r}.",
            "请使用 DR1-HMAC-SHA256 或 DR1-HMAC-SM3。",
            "Use DR1-HMAC-SHA256 or DR1-HMAC-SM3.",
            suite=name,
        )
    try:
        found.new()
    except ValueError as error:
        raise refuse(
            "suite.unavailable",
            f"本机的密码库不提供套件 {name} 所需的 {found.algorithm}。",
            f"This machine's cryptographic library lacks {found.algorithm}, which suite {name} needs.",
            "请安装带该算法的 OpenSSL；系统不会改用其他算法。",
            "Install an OpenSSL that has it; no other hash is put in its place.",
            suite=name,
            algorithm=found.algorithm,
        ) from error
    return found
