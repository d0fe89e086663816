"""A finished round as it is stored: its artefacts and what the log says of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlmodel import Session, col, select

from app.disclosure.repository import released
from app.ledger import repository as ledger
from app.rounds.tables import Round
from scheduler.manifest import Manifest


@dataclass(frozen=True)
class Finished:
    """A round whose embargo is over, or which was voided before there was one."""

    session: Session
    row: Round

    @cached_property
    def manifest(self) -> Manifest:
        """The frozen manifest. Raises LookupError where there is none."""
        return Manifest.from_json(self.json("manifest.json"))

    @cached_property
    def entries(self) -> list[dict[str, Any]]:
        """What is logged about it, in order."""
        return [row["entry"] for row in ledger.entries(self.session, self.row.round_id)]

    @cached_property
    def logged(self) -> dict[str, dict[str, Any]]:
        """The first entry of each type."""
        return {entry["type"]: entry for entry in reversed(self.entries)}

    @property
    def drawn(self) -> bool:
        """Whether its result is published."""
        return released(self.row)

    def bytes(self, name: str) -> bytes:
        """A stored artefact. Raises LookupError where it is missing."""
        data = ledger.find(self.session, self.row.round_id, name)
        if data is None:
            raise LookupError(name)
        return data

    def json(self, name: str) -> Any:
        """A stored artefact, parsed."""
        return json.loads(self.bytes(name))

    def holds(self, name: str) -> bool:
        """Whether the artefact is there: a void round lacks what the void came before."""
        return name in ledger.names(self.session, self.row.round_id)


def finished(session: Session) -> list[Finished]:
    """Every round that is done or void, in order of its making."""
    query = select(Round).where(col(Round.status).in_(("done", "void")))
    rows = session.exec(query.order_by(col(Round.created_at), col(Round.round_id)))
    return [Finished(session, row) for row in rows]
