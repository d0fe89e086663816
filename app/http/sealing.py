"""Secrets that sign what is sent have to be used again, so they are kept sealed to the service's key, never as a hash.

Rows of before hold theirs plain; whoever sends first seals them.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from typing import Final, Protocol

PLAIN: Final = "whsec_"
"""How a signing secret begins (Standard Webhooks); nothing sealed does."""


class Seal(Protocol):
    """The service's key (`app.rounds.vault.Vault`)."""

    def seal(self, secret: bytes) -> bytes:
        """Encrypt."""

    def open(self, sealed: bytes) -> bytes:
        """Decrypt; raises Conflict `vault.wrong_key`."""


class Signing(Protocol):
    """A row with the secret that signs what it is sent."""

    secret: str


def new_signing_secret() -> str:
    """32 bytes from the operating system's generator, as Standard Webhooks writes them."""
    return PLAIN + base64.b64encode(secrets.token_bytes(32)).decode()


def sealed(seal: Seal, secret: str) -> str:
    """A signing secret as it is kept."""
    return seal.seal(secret.encode()).decode()


def opened(seal: Seal, kept: str) -> str:
    """What signs, from what is kept."""
    return kept if kept.startswith(PLAIN) else seal.open(kept.encode()).decode()


def seal_plain(rows: Iterable[Signing], seal: Seal) -> None:
    """Seal what rows of before hold plain, in their session."""
    for row in rows:
        if row.secret.startswith(PLAIN):
            row.secret = sealed(seal, row.secret)
