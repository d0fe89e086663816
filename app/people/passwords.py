"""Secrets that people and programs show: passwords and codes hashed slowly (Argon2id), random tokens by SHA-256.

A guess at an account that isn't there costs as much as one at an account that is: it is checked against a hash that
nothing matches. Not more than a few are worked out at once, for each takes 64 MiB (RFC 9106, second choice).
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from functools import cache
from typing import Final

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.errors import refuse

SHORTEST: Final = 12
LONGEST: Final = 256
_AT_ONCE: Final = threading.Semaphore(4)
HASHER: Final = PasswordHash((Argon2Hasher(),))


def hashed(secret: str) -> str:
    """The hash to keep."""
    with _AT_ONCE:
        return HASHER.hash(secret)


def matches(secret: str, kept: str) -> bool:
    """Whether `secret` is what was hashed; where nothing is kept the same work is done for nothing."""
    with _AT_ONCE:
        return HASHER.verify(secret[:LONGEST], kept or _nobody()) and bool(kept)


@cache
def _nobody() -> str:
    return HASHER.hash(secrets.token_urlsafe(32))


def new_token(prefix: str = "") -> str:
    """256 random bits as text."""
    return prefix + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is kept of a random token: it has too much entropy to be guessed, so a fast hash will do."""
    return hashlib.sha256(token.encode()).hexdigest()


def check_new(password: str, login: str) -> str:
    """A password that may be set (SP 800-63B: length counts). Raises Refused `password.weak`."""
    if (
        not SHORTEST <= len(password) <= LONGEST
        or login.lower() in password.lower()
        or len(set(password)) < 5
    ):
        raise refuse(
            "password.weak",
            f"密码须为 {SHORTEST} 至 {LONGEST} 个字符，不含登录名，且不能是少数字符的重复。",
            f"A password has {SHORTEST} to {LONGEST} characters, without the login, and is no repetition of a few.",
            "请改用较长的密码，例如几个不相关的词。",
            "Take a longer one: several unrelated words, say.",
        )
    return password
