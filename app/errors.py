"""Domain errors own their HTTP status; services raise them, the edge renders them."""

from __future__ import annotations

from typing import ClassVar

from optimizer.errors import Param, Problem, Refused, refuse

__all__ = [
    "Conflict",
    "Forbidden",
    "HeadersTooLarge",
    "Malformed",
    "NotFound",
    "Param",
    "PreconditionFailed",
    "PreconditionRequired",
    "Problem",
    "Refused",
    "TooLarge",
    "TooMany",
    "TooSlow",
    "Unauthorized",
    "Unavailable",
    "refuse",
    "status_of",
]


class Unauthorized(Refused):
    """Nobody has signed in, or who did is not known (any more)."""

    status: ClassVar[int] = 401


class Forbidden(Refused):
    """Whoever asks is known and may not."""

    status: ClassVar[int] = 403


class NotFound(Refused):
    """What was named is not there (or not for the one who asks)."""

    status: ClassVar[int] = 404


class Conflict(Refused):
    """The request is right in itself but contradicts what has already happened."""

    status: ClassVar[int] = 409


class Malformed(Refused):
    """The request can't be read at all: bad JSON, bad Unicode, NUL."""

    status: ClassVar[int] = 400


class TooSlow(Refused):
    """The request's body did not arrive in time."""

    status: ClassVar[int] = 408


class PreconditionFailed(Refused):
    """What is to be changed is no longer what the caller has seen."""

    status: ClassVar[int] = 412


class TooLarge(Refused):
    """The request's body is larger than is read."""

    status: ClassVar[int] = 413


class PreconditionRequired(Refused):
    """A change was asked for without saying which state it was made for."""

    status: ClassVar[int] = 428


class TooMany(Refused):
    """Too many attempts in too short a time."""

    status: ClassVar[int] = 429


class HeadersTooLarge(Refused):
    """The request's headers are more than are read."""

    status: ClassVar[int] = 431


class Unavailable(Refused):
    """The service can't answer now: it stops, or the database does not answer."""

    status: ClassVar[int] = 503


def status_of(error: Refused) -> int:
    """HTTP status of a refusal: its class's, else 422 (RFC 9110, 6585)."""
    return int(getattr(error, "status", 422))
