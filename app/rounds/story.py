"""A round as the log tells it: the entries about it in order, and what follows from them."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from app.ledger.fsck import second
from app.ledger.tables import Artefact, LogEntry
from app.rounds import record
from app.rounds.tables import STAGES, Round
from app.rounds.vault import Vault
from scheduler.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Story:
    """A round's row with everything that is logged about it, in order."""

    session: Session
    vault: Vault
    row: Round
    entries: tuple[dict[str, Any], ...]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Entries of one type."""
        return [entry for entry in self.entries if entry["type"] == kind]

    def last(self, kind: str) -> dict[str, Any] | None:
        """The newest entry of a type."""
        return next(iter(reversed(self.of(kind))), None)

    def stages(self) -> dict[str, dict[str, Any]]:
        """Entry of each stage that the log says is done, in order."""
        return {entry["stage"]: entry for entry in self.of(record.STAGE_ENTRY)}

    def stage(self) -> str:
        """The last stage that the log says is done."""
        return next(reversed(self.stages()), STAGES[0])

    def reached(self, stage: str) -> bool:
        """Whether the log says `stage` is done."""
        return STAGES.index(self.stage()) >= STAGES.index(stage)

    def json(self, name: str) -> Any:
        """A stored artefact; LookupError where it is missing."""
        query = select(Artefact.data).where(Artefact.subject == self.row.round_id, Artefact.name == name)
        data = self.session.exec(query).first()
        if data is None:
            raise LookupError(f"artefact {name}")
        return json.loads(data)

    def manifest(self) -> Manifest:
        """The frozen manifest."""
        return Manifest.from_json(self.json("manifest.json"))


def stories(session: Session) -> dict[str, list[dict[str, Any]]]:
    """Every readable entry about rounds, by round, in order."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    query = select(LogEntry).where(col(LogEntry.type).startswith("round.")).order_by(col(LogEntry.index))
    for row in session.exec(query):
        with suppress(ValueError):  # the log's own check names an entry that can't be read
            found[row.subject].append(json.loads(row.body))
    return found


def said_at(entry: Mapping[str, Any]) -> datetime:
    """When an entry says it was made, to the second."""
    return second(datetime.fromisoformat(entry["at"]))


def sha(text: str | None) -> str | None:
    """SHA-256 of a name as the log has it; None stays None."""
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()
