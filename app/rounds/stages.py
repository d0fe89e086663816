"""The stages of a round. Each is a function of what is stored: it computes, then everything it made is written at once.

An `Outcome` holds the artefacts, log entries and row changes of one stage; `app.rounds.advance` writes it in a single
transaction under the round's fence. Nothing here writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.db.database import Database
from app.ledger import repository as ledger
from app.plans.schemas import PlanDocument
from app.rounds import repository
from app.rounds.tables import Deposit, Round
from app.rounds.vault import Vault
from optimizer.progress import Progress
from scheduler.encoding import Json, canonical_json
from scheduler.lottery.roster import Inspector, Leave, Recusal, Roster
from scheduler.manifest import Manifest
from scheduler.seed import RoundKeys, derive_keys

SALT = ""
"""The party under which a sealed round's salt is kept; no party can have an empty name."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a stage may look at."""

    db: Database
    vault: Vault
    row: Round
    document: PlanDocument
    now: datetime
    executor: Executor | None
    progress: Progress

    def artefact(self, name: str) -> bytes:
        """Bytes that an earlier stage made."""
        with self.db.read() as session:
            return ledger.load(session, self.row.round_id, name)

    def json(self, name: str) -> Any:
        """A JSON artefact."""
        return json.loads(self.artefact(name))

    def manifest(self) -> Manifest:
        """The frozen manifest."""
        return Manifest.from_json(self.json("manifest.json"))

    def log(self) -> list[dict[str, Any]]:
        """What is logged about this round so far."""
        with self.db.read() as session:
            return ledger.entries(session, self.row.round_id)

    def deposits(self) -> list[Deposit]:
        """Commitments and sealed secrets."""
        with self.db.read() as session:
            return repository.deposits(session, self.row.round_id)

    def entropy(self, part: str) -> dict[str, str]:
        """Values supplied for `entropy` or `entropy_seats`."""
        with self.db.read() as session:
            return repository.entropy(session, self.row.round_id, part)


@dataclass(frozen=True, slots=True)
class Logged:
    """One log entry to write: its type, who acts, the digest, and further clear values."""

    type: str
    role: str
    digest: str
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stage leaves."""

    stage: str
    artefacts: Mapping[str, bytes] = field(default_factory=dict)
    log: tuple[Logged, ...] = ()
    assurance: int | None = None
    rows: Callable[[Session, datetime], None] | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A round that can't go on by itself, and what it waits for."""

    what: str


def json_file(value: Any) -> bytes:
    """A `.json` file of a bundle: canonical JSON and one LF."""
    return canonical_json(value) + b"\n"


def secrets_of(work: Work) -> dict[str, bytes]:
    """The parties' secrets, opened."""
    return {
        row.party: work.vault.open(row.sealed_secret)
        for row in work.deposits()
        if row.party != SALT and row.sealed_secret is not None
    }


def salt_of(work: Work) -> bytes | None:
    """K_salt of a sealed round."""
    for row in work.deposits():
        if row.party == SALT and row.sealed_secret is not None:
            return work.vault.open(row.sealed_secret)
    return None


def keys_of(work: Work, manifest: Manifest) -> RoundKeys:
    """The round's keys, from manifest, secrets and entropy."""
    return derive_keys(manifest, secrets_of(work), work.entropy("entropy"))


def roster_of(work: Work) -> Roster:
    """The frozen roster."""
    stored = work.json("roster.json")
    return Roster(
        tuple(Inspector(**{**row, "specialties": tuple(row["specialties"])}) for row in stored["inspectors"]),
        tuple(Leave(row["code"], row["from"], row["to"]) for row in stored["leave"]),
        tuple(Recusal(row["code"], row["target_id"]) for row in stored["recusals"]),
    )


def values_list(ids: Iterable[str], values: Mapping[str, str]) -> list[Json]:
    """`[{id, value}]` in the manifest's order."""
    return [{"id": name, "value": values[name]} for name in ids]
