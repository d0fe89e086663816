"""What every rule of an audit looks with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlmodel import Session

from app.audit.names import Thresholds


@dataclass(frozen=True, slots=True)
class Look:
    """A view of the database, from where on a case counts, and `known`: the roster's codes, no personal data."""

    session: Session
    limits: Thresholds
    known: frozenset[str]

    def coded(self, person: str | None) -> str:
        """A person by code: an account, a firm, an inspector of the register; of a typed-in name a digest."""
        if (
            not person
            or person in self.known
            or person.startswith(("account:", "firm:"))
            or person == "service"
        ):
            return person or ""
        return "#" + hashlib.sha256(person.encode()).hexdigest()[:8]
