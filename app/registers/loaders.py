"""How each register takes rows: what a row must say, whether it is known already, how it is stored.

A loader never decides about duplicates or counts: `importing` does, alike for every register.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import select, tuple_
from sqlmodel import Session, SQLModel

from app.db.bulk import upsert
from app.db.journal import among
from app.errors import Refused
from app.registers import target_rows
from app.registers.repository import CREDIT, TARGET, in_batches
from app.registers.values import Cells, bad

_TABLES = SQLModel.metadata.tables


class Record(NamedTuple):
    """A row ready to be stored: its key, the fingerprint of what it says, its values in the loader's order."""

    key: str
    fingerprint: str
    values: tuple[Any, ...]
    outside: bool = False


class Loader(Protocol):
    """What `importing` asks of a register."""

    def begin(self, session: Session) -> None:
        """Read what rows refer to, once."""

    def parse(self, cells: Cells) -> Record:
        """Read a row, or raise `Refused`."""

    def refusals(self, session: Session, records: Sequence[Record]) -> Mapping[str, Refused]:
        """Records (by key) that refer to something which is not there."""

    def fingerprints(self, session: Session, records: Sequence[Record]) -> Mapping[str, str]:
        """Fingerprints of those records' keys that are stored already."""

    def store(self, session: Session, records: Sequence[Record], new: AbstractSet[str]) -> None:
        """Insert or replace. `new`: keys that were not there."""


def fingerprint(values: Sequence[Any]) -> str:
    """16 bytes in hexadecimal, over the values' texts."""
    text = "\x1f".join(map(str, values))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def target_keys(session: Session, target_ids: Sequence[str]) -> dict[str, int]:
    """Surrogate keys of targets by id."""
    chosen = among(session, TARGET.target_id, target_ids)
    return {
        row[0]: row[1] for row in session.execute(select(TARGET.target_id, TARGET.id).where(chosen)).all()
    }


def store_classes(
    session: Session, classes: Sequence[tuple[str, str, date | None, str]], today: date, new: AbstractSet[str]
) -> None:
    """Add to the history (target id, class, since, source); without a date only where the class in force differs.

    `new`: targets that have no history yet.
    """
    keys = target_keys(session, [target_id for target_id, *_ in classes])
    latest = current_classes(session, [key for target_id, key in keys.items() if target_id not in new], today)
    rows = [
        (keys[target_id], since or today, credit, source)
        for target_id, credit, since, source in classes
        if since is not None or latest.get(keys[target_id]) != credit
    ]
    columns = ("target", "since", "credit", "source")
    upsert(session, _TABLES["credit_class"], columns, rows, ("target", "since"))


def current_classes(session: Session, targets: Sequence[int], on: date) -> dict[int, str]:
    """The class in force on a day, by surrogate key."""
    chosen = among(session, CREDIT.target, targets)
    ask = select(CREDIT.target, CREDIT.credit).where(chosen, CREDIT.since <= on).order_by(CREDIT.since)
    return {row[0]: row[1] for row in session.execute(ask)}


class TargetLoader:
    """检查对象: known by the stored digest; a credit class in the row goes to the history."""

    def __init__(self, now: datetime, today: date) -> None:
        self._now, self._today = now.astimezone(UTC), today

    def begin(self, session: Session) -> None:
        """Targets refer to nothing."""

    def parse(self, cells: Cells) -> Record:
        """The record carries the class and its date after the stored values."""
        row = target_rows.parse(cells, self._today)
        return Record(row.key, row.fingerprint, (*row.values, row.credit, row.since), row.outside)

    def refusals(self, session: Session, records: Sequence[Record]) -> Mapping[str, Refused]:  # noqa: ARG002  the Protocol's
        """None."""
        return {}

    def fingerprints(self, session: Session, records: Sequence[Record]) -> Mapping[str, str]:
        """Stored digests."""
        chosen = among(session, TARGET.target_id, [record.key for record in records])
        return {
            row[0]: row[1]
            for row in session.execute(select(TARGET.target_id, TARGET.digest).where(chosen)).all()
        }

    def store(self, session: Session, records: Sequence[Record], new: AbstractSet[str]) -> None:
        """One upsert, in order of the key, which spares the index; then classes."""
        columns = (*target_rows.COLUMNS, "digest", "changed_at")
        ordered = sorted(records, key=lambda record: record.key)
        rows = ((*record.values[:-2], record.fingerprint, self._now) for record in ordered)
        upsert(session, _TABLES["target"], columns, rows, ("target_id",))
        classes = [
            (record.key, record.values[-2], record.values[-1], "import")
            for record in records
            if record.values[-2]
        ]
        if classes:
            store_classes(session, classes, self._today, new)


class CreditLoader:
    """信用风险分类 of targets that are in the register already."""

    def __init__(self, today: date) -> None:
        self._today = today

    def begin(self, session: Session) -> None:
        """Targets are looked up batch by batch."""

    def parse(self, cells: Cells) -> Record:
        """Key: the target and the day from which the class holds (empty: from today where it is new)."""
        target_id = wanted_target(cells)
        credit = cells.choice("credit", target_rows.CLASSES, "") or cells.needed("credit")
        since, source = cells.date("since"), cells.text("source")
        return Record(f"{target_id}|{since or ''}", credit, (target_id, credit, since, source))

    def refusals(self, session: Session, records: Sequence[Record]) -> Mapping[str, Refused]:
        """Targets that are not in the register."""
        return unknown_targets(session, {record.key: record.values[0] for record in records})

    def fingerprints(self, session: Session, records: Sequence[Record]) -> Mapping[str, str]:
        """Dated classes by their day; undated ones by the class in force today."""
        keys = target_keys(session, [record.values[0] for record in records])
        targets = list(keys.values())
        latest = current_classes(session, targets, self._today)
        ask = select(CREDIT.target, CREDIT.since, CREDIT.credit).where(among(session, CREDIT.target, targets))
        dated = {(target, since): credit for target, since, credit in session.execute(ask)}
        found: dict[str, str] = {}
        for record in records:
            target, since = keys[record.values[0]], record.values[2]
            credit = dated.get((target, since)) if since else latest.get(target)
            if credit is not None:
                found[record.key] = credit
        return found

    def store(self, session: Session, records: Sequence[Record], new: AbstractSet[str]) -> None:  # noqa: ARG002
        """Add to the history."""
        rows = [
            (values[0], values[1], values[2], values[3]) for values in (record.values for record in records)
        ]
        store_classes(session, rows, self._today, frozenset())


def wanted_target(cells: Cells) -> str:
    """The id of the target that a row is about: 对象编号, else the credit code."""
    target_id = cells.target_id() or cells.credit_code()
    if not target_id:
        raise bad(
            cells.column("code"), "", "target.no_identity", "没有说明是哪个对象", "it doesn't say which target",
            "补上对象编号或统一社会信用代码。", "Supply the 对象编号 (target_id) or the credit code.",
        )  # fmt: skip
    return target_id


def unknown_targets(session: Session, wanted: Mapping[str, str]) -> dict[str, Refused]:
    """A refusal for each key whose target id is not in the register."""
    known = target_keys(session, list(wanted.values()))
    return {
        key: bad(
            "target_id", target_id, "target.unknown", "名录库中没有该对象", "the register has no such target",
            "先导入检查对象名录。", "Import the target register first.",
        )
        for key, target_id in wanted.items()
        if target_id not in known
    }  # fmt: skip


class TableLoader:
    """A small register: one table, a key of one or more columns, every value compared."""

    def __init__(self, table: str, columns: Sequence[str], key: Sequence[str]) -> None:
        self._table = _TABLES[table]
        self._columns, self._key = tuple(columns), tuple(key)
        self._places = [self._columns.index(name) for name in key]

    def record(self, values: tuple[Any, ...]) -> Record:
        """A record of `values` in the order of the columns."""
        return Record(self.key(values), fingerprint(values), values)

    def key(self, values: Sequence[Any]) -> str:
        """The key's columns as one text."""
        return "|".join(str(values[place]) for place in self._places)

    def refusals(self, session: Session, records: Sequence[Record]) -> Mapping[str, Refused]:  # noqa: ARG002  the Protocol's
        """None, unless the register refers to targets."""
        return {}

    def fingerprints(self, session: Session, records: Sequence[Record]) -> Mapping[str, str]:
        """Fingerprints of the stored rows under the records' keys."""
        keys = [self._table.c[name] for name in self._key]
        wanted = [tuple(record.values[place] for place in self._places) for record in records]
        columns = [self._table.c[name] for name in self._columns]
        found: dict[str, str] = {}
        for batch in in_batches(wanted, 1_000):
            clause = keys[0].in_([k[0] for k in batch]) if len(keys) == 1 else tuple_(*keys).in_(batch)
            rows = session.execute(select(*columns).where(clause))
            found.update((self.key(row), fingerprint(row)) for row in rows)
        return found

    def store(self, session: Session, records: Sequence[Record], new: AbstractSet[str]) -> None:  # noqa: ARG002
        """One upsert."""
        upsert(session, self._table, self._columns, (record.values for record in records), self._key)
