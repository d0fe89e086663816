"""Domain errors own their HTTP status; services raise them, the edge renders them."""

from __future__ import annotations

from optimizer.errors import Param, Problem, Refused, refuse

__all__ = ["Conflict", "NotFound", "Param", "Problem", "Refused", "refuse", "status_of"]


class NotFound(Refused):
    """What was named is not there (or not for the one who asks)."""


class Conflict(Refused):
    """The request is right in itself but contradicts what has already happened."""


def status_of(error: Refused) -> int:
    """HTTP status of a refusal: 404, 409, else 422 (RFC 9110)."""
    return 404 if isinstance(error, NotFound) else 409 if isinstance(error, Conflict) else 422
