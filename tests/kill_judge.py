"""What a database must hold after any kill, asked in plain SQL and with nothing of the service's."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

STAGES = (
    "created", "frozen", "committed", "entropy", "drawn", "packed", "entropy_seats", "seated", "revealed",
)  # fmt: skip
ONCE = {
    "round.manifest": "committed",
    "round.entropy": "entropy",
    "round.seal": "drawn",
    "round.plan": "packed",
    "round.entropy_seats": "entropy_seats",
    "round.seats": "seated",
    "round.reveal": "revealed",
}
"""Entries that a round has exactly once, and the stage whose transaction writes them."""
KEPT = {
    "artefacts": "SELECT subject, name, data FROM artefact",
    "log": 'SELECT "index", body FROM log_entry',
    "public values": "SELECT source, value FROM entropy_use",
    "secrets": "SELECT round_id, party, sealed_secret FROM round_deposit WHERE sealed_secret IS NOT NULL",
    "stages": "SELECT round_id, stage, at FROM round_time",
    "checkpoints": "SELECT size, note FROM log_checkpoint",
    "outbox": "SELECT webhook, entry FROM webhook_delivery",
    "journal": "SELECT number, digest FROM state_change",
}
"""What never goes and never changes once it is there: the seed's parts are the manifest, secrets and public values."""


class Judge:
    """Looks at one database again and again, and remembers what it saw."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._held: Any = None
        self._seen: dict[str, dict[tuple[Any, ...], Any]] = {name: {} for name in KEPT}

    def rows(self, sql: str, patience: float = 60.0) -> list[tuple[Any, ...]]:
        """All rows of a query, over a connection of its own or that of `_one_state`."""
        if self._held is not None:
            return [tuple(row) for row in self._held.execute(sql).fetchall()]
        connection = self._connected(patience)
        try:
            return [tuple(row) for row in connection.execute(sql).fetchall()]
        finally:
            connection.close()

    def _connected(self, patience: float) -> Any:
        if self._url.startswith("sqlite"):
            return sqlite3.connect(self._url.removeprefix("sqlite:///"), timeout=patience)
        connection = psycopg.connect(self._url.replace("postgresql+psycopg://", "postgresql://", 1))
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return connection

    @contextmanager
    def _one_state(self) -> Iterator[None]:
        """All queries of the block see the same state, whoever is at work meanwhile."""
        self._held = self._connected(60.0)
        try:
            self._held.execute("BEGIN")
            yield
        finally:
            self._held.close()
            self._held = None

    def stage(self, patience: float = 60.0) -> str | None:
        """Where the round stands; None before it is made. Waits `patience` seconds for SQLite's lock."""
        found = self.rows("SELECT stage FROM round", patience)
        return str(found[0][0]) if found else None

    def look(self) -> list[str]:
        """Everything that is not as it has to be after a kill."""
        with self._one_state():
            return [*self._kept(), *self._rounds(), *self._log(), *self._outbox()]

    def _kept(self) -> Iterator[str]:
        for name, sql in KEPT.items():
            now = (
                {row[:-1]: _digest(row[-1]) for row in self.rows(sql)}
                if name != "outbox"
                else self._pairs(sql)
            )
            for key, value in self._seen[name].items():
                if now.get(key) != value:
                    yield f"{name}: {key} is gone or another one"
            self._seen[name] = now

    def _pairs(self, sql: str) -> dict[tuple[Any, ...], Any]:
        return dict.fromkeys(self.rows(sql), 1)

    def _rounds(self) -> Iterator[str]:
        for plan, period, count in self.rows(
            "SELECT plan, period, count(*) FROM round GROUP BY plan, period"
        ):
            if count != 1:
                yield f"{count} rounds of {plan} {period}"
        for round_id, stage, status in self.rows("SELECT round_id, stage, status FROM round"):
            behind = STAGES[1 : STAGES.index(stage) + 1]
            if status not in ("running", "waiting", "done"):
                yield f"{round_id} is {status}"
            yield from self._stage_entries(round_id, behind)
            done = sorted(
                row[1] for row in self.rows("SELECT round_id, stage FROM round_time") if row[0] == round_id
            )
            if done != sorted(behind):
                yield f"{round_id}: times of {done}, stages behind it {behind}"
            planned = sum(row[0] == round_id for row in self.rows("SELECT round_id FROM planned_check"))
            if (planned > 0) != ("packed" in behind):
                yield f"{round_id}: {planned} planned checks at stage {stage}"

    def _stage_entries(self, round_id: str, behind: tuple[str, ...]) -> Iterator[str]:
        """The log says neither more nor less than the state, and nothing twice."""
        every = [json.loads(row[0]) for row in self.rows("SELECT body FROM log_entry")]
        bodies = [body for body in every if body["subject"] == round_id]
        logged = Counter(body.get("stage") for body in bodies if body["type"] == "round.stage")
        if logged != Counter(behind):
            yield f"{round_id}: stages logged {dict(logged)}, behind it {behind}"
        types = Counter(body["type"] for body in bodies)
        for kind, stage in ONCE.items():
            if types[kind] != (stage in behind):
                yield f"{round_id}: {types[kind]} entries {kind} at {behind[-1:]}"
        if types["round.created"] != 1:
            yield f"{round_id}: {types['round.created']} entries round.created"
        names = self.rows("SELECT subject, name, count(*) FROM artefact GROUP BY subject, name")
        if any(row[2] != 1 for row in names):
            yield "an artefact twice"

    def _log(self) -> Iterator[str]:
        rows = self.rows('SELECT "index", body, leaf_hash FROM log_entry ORDER BY "index"')
        if [row[0] for row in rows] != list(range(len(rows))):
            yield "the log's numbers have gaps"
        for index, body, leaf in rows:
            if hashlib.sha256(b"\0" + body.encode()).hexdigest() != leaf:
                yield f"entry {index} does not fit its hash"

    def _outbox(self) -> Iterator[str]:
        put_out = self.rows("SELECT entry FROM webhook_delivery ORDER BY entry")
        (limit,) = self.rows("SELECT next_index FROM webhook")[0]
        if [row[0] for row in put_out] != list(range(limit)):
            yield f"the outbox has {len(put_out)} rows for {limit} entries"

    def whole(self) -> Iterator[str]:
        """What a finished round must show besides."""
        if self.stage() != STAGES[-1]:
            yield f"the round ended at {self.stage()}"
        (limit,), (size,) = (
            self.rows("SELECT next_index FROM webhook")[0],
            self.rows("SELECT count(*) FROM log_entry")[0],
        )
        if limit != size:
            yield f"{size} entries, {limit} put out"


def _digest(value: Any) -> str:
    data = value if isinstance(value, bytes) else str(value).encode()
    return hashlib.sha256(data).hexdigest()
