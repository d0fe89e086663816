"""The journal of state: which rows a transaction left, each by a digest, written in that transaction.

Every table is journaled unless its `info` says why not (`not_journaled`), and so is every column. The log seals what
the journal gathered before each checkpoint; `log fsck` then names any row that somebody changed past the service.
A change's digest is salted, for a digest of a row that has few possible values could be guessed.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import islice
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Delete,
    Insert,
    LargeBinary,
    Table,
    Update,
    bindparam,
    event,
    func,
    insert,
    select,
    text,
    tuple_,
)
from sqlalchemy import inspect as state_of
from sqlalchemy.orm import ORMExecuteState, UOWTransaction
from sqlalchemy.orm import Session as OrmSession
from sqlmodel import Field, Session, SQLModel, col

from app.db.types import BigKey, not_journaled

Key = tuple[Any, ...]
DIGEST_BYTES: Final = 24
BATCH: Final = 500
PASS_ROWS: Final = 500_000
"""So many rows are compared at once; a larger table is gone over several times, in the same memory."""
_TOUCHED: Final = "journal.touched"


class StateChange(SQLModel, table=True):
    """Rows of one table as a transaction left them: `rows` is what `pack` makes, `digest` what `change_digest` does."""

    __tablename__ = "state_change"
    __table_args__ = {"info": not_journaled("the journal itself: each digest stands in a state.sealed entry")}

    number: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    table_name: str = Field(index=True)
    digest: str = Field(max_length=64)
    salt: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    rows: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class StatePending(SQLModel, table=True):
    """Changes that no log entry has sealed yet."""

    __tablename__ = "state_pending"
    __table_args__ = {"info": not_journaled("follows from state_change and the state.sealed entries")}

    number: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))


class JournaledSession(Session):
    """A session whose transaction notes every journaled row that it adds, changes or deletes."""


def is_journaled(table: Table) -> bool:
    """Whether a table's rows are bound to the log through the journal."""
    return "journal" not in table.info


def journaled_tables() -> list[Table]:
    """All of them, by name."""
    tables = SQLModel.metadata.tables.values()
    return sorted((table for table in tables if is_journaled(table)), key=lambda table: table.name)


def columns_of(table: Table) -> list[Column[Any]]:
    """The columns whose values the journal binds."""
    return [column for column in table.columns if "journal" not in column.info]


def new_salt() -> bytes:
    """16 bytes from the operating system's generator."""
    return secrets.token_bytes(16)


def digester(names: Sequence[str]) -> Callable[[Sequence[Any]], bytes]:
    """What digests a row's values, given in the order of `names`.

    Values that are NULL or empty say nothing, so a column added later changes no digest.
    """
    heads = [f"[{encode_basestring(name)}," for name in names]

    def digest(values: Sequence[Any]) -> bytes:
        said = [
            f"{head}{encode_basestring(value) if type(value) is str else _said(value)}]"
            for head, value in zip(heads, values, strict=True)
            if value is not None and value != ""
        ]
        return hashlib.blake2b(f"[{','.join(said)}]".encode(), digest_size=DIGEST_BYTES).digest()

    return digest


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"a column of {type(value).__name__} has no text for the journal")


_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_plain)


def _said(value: object) -> str:
    """JSON; numbers, dates and empty lists past the encoder, which takes five times as long."""
    if type(value) is int:
        return str(value)
    if isinstance(value, date):
        return _said_once(value) if is_one_moment(value) else f'"{_plain(value)}"'
    return _JSON.encode(value) if value != [] else "[]"


def is_one_moment(value: date) -> bool:
    """Days, and times in UTC: equal ones say the same. Elsewhere times an hour apart may compare equal (PEP 495)."""
    return not isinstance(value, datetime) or value.tzinfo is UTC


@lru_cache(maxsize=4096)
def _said_once(value: date) -> str:
    return f'"{_plain(value)}"'


def key_text(key: Sequence[Any]) -> str:
    """A primary key as one text."""
    return str(key[0]) if len(key) == 1 else "/".join(map(str, key))


def pack(rows: Iterable[tuple[str, bytes]]) -> bytes:
    """(key, digest) pairs as bytes: length of the key in two bytes, the key, the digest; all zero: the row is gone."""
    parts = []
    for key, digest in rows:
        data = key.encode()
        parts += [len(data).to_bytes(2, "big"), data, digest]
    return b"".join(parts)


def unpack(data: bytes) -> Iterator[tuple[str, bytes]]:
    """What `pack` packed. Raises ValueError where the bytes end early."""
    place = 0
    while place < len(data):
        start = place + 2
        middle = start + int.from_bytes(data[place:start], "big")
        place = middle + DIGEST_BYTES
        if place > len(data):
            raise ValueError("a journal row ends early")
        yield data[start:middle].decode(), data[middle:place]


GONE: Final = bytes(DIGEST_BYTES)


def change_digest(table: str, salt: bytes, rows: bytes) -> str:
    """What a log entry names a change by."""
    return hashlib.sha256(salt + table.encode() + b"\0" + rows).hexdigest()


def _write(session: Session, table: Table, rows: Iterable[tuple[str, bytes]]) -> None:
    salt, data = new_salt(), pack(sorted(rows))
    if not data:
        return
    change = {
        "table_name": table.name,
        "digest": change_digest(table.name, salt, data),
        "salt": salt,
        "rows": data,
    }
    connection = session.connection()
    (number,) = connection.execute(insert(StateChange).values(change)).inserted_primary_key or (None,)
    connection.execute(insert(StatePending).values(number=number))


def _batches(keys: Iterable[Key]) -> Iterator[list[Key]]:
    iterator = iter(keys)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def digests(
    session: Session, table: Table, by: Sequence[str], keys: Iterable[Key]
) -> Iterator[tuple[str, bytes]]:
    """(key, digest) of the rows whose columns `by` have one of `keys`, as the database now has them."""
    columns, primary = columns_of(table), list(table.primary_key.columns)
    names, wanted = [column.name for column in columns], [table.c[name] for name in by]
    digest = digester(names)
    for batch in _batches(keys):
        clause = wanted[0].in_([key[0] for key in batch]) if len(by) == 1 else tuple_(*wanted).in_(batch)
        for row in session.connection().execute(select(*primary, *columns).where(clause)):
            yield key_text(row[: len(primary)]), digest(row[len(primary) :])


def wrote(
    session: Session, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]], by: Sequence[str]
) -> None:
    """Journal `rows` (values in `columns` order) that were just written past the session's objects.

    `by` names the columns of a unique key. What was written need not be read back, unless a value that the database
    itself supplied is none of the primary key's.
    """
    primary = [column.name for column in table.primary_key.columns]
    names = [column.name for column in columns_of(table)]
    own = set(names) - set(columns)
    if not own:
        said = _complete(names, primary, columns, rows)
    elif own == set(primary) and len(by) == 1:
        said = _known(session, table, columns, rows, by[0])
    else:
        key = _picked(columns, by)
        said = digests(session, table, by, (tuple(key(row)) for row in rows))
    _write(session, table, dict(said).items())


def _complete(
    names: Sequence[str], primary: Sequence[str], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> Iterator[tuple[str, bytes]]:
    """(key, digest) of rows that say everything themselves."""
    digest, key = digester(names), _picked(columns, primary)
    said = _picked(columns, names)
    return ((key_text(key(row)), digest(said(row))) for row in rows)


def _picked(columns: Sequence[str], names: Sequence[str]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    places = [columns.index(name) for name in names]
    if len(places) == 1:
        return lambda row: (row[places[0]],)
    return itemgetter(*places)


def _known(
    session: Session, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]], by: str
) -> Iterator[tuple[str, bytes]]:
    """(key, digest) of rows that say everything but their primary key, which the database gave them."""
    (primary,), place = table.primary_key.columns, columns.index(by)
    unique, names = table.c[by], [column.name for column in columns_of(table)]
    asked = select(unique, primary).where(among(session, unique, [row[place] for row in rows]))
    keys = {row[0]: row[1] for row in session.connection().execute(asked).all()}
    whole = ((*row, keys[row[place]]) for row in rows)
    return _complete(names, [primary.name], [*columns, primary.name], whole)


def among(session: Session, column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """`column` is one of `values`, texts or whole numbers: one parameter, however many they are."""
    if session.get_bind().dialect.name == "sqlite":
        given = func.json_each(json.dumps(values, ensure_ascii=False)).table_valued("value")
        return column.in_(select(given.c.value))
    return column == func.any(bindparam(None, list(values), type_=ARRAY(column.type), unique=True))


def gone(session: Session, table: Table, keys: Iterable[Key]) -> None:
    """Journal that the rows of these primary keys were deleted past the session's objects."""
    _write(session, table, ((key_text(key), GONE) for key in keys))


def _touched(session: OrmSession, table: Table) -> dict[Key, None]:
    tables: dict[str, dict[Key, None]] = session.info.setdefault(_TOUCHED, {})
    return tables.setdefault(table.name, {})


@event.listens_for(JournaledSession, "after_flush")
def _note_objects(session: Session, _context: UOWTransaction) -> None:
    for instance in (*session.new, *session.dirty, *session.deleted):
        state = state_of(instance)
        table = state.mapper.local_table
        if not is_journaled(table):
            continue
        kept = {state.mapper.get_property_by_column(column).key for column in columns_of(table)}
        if instance in session.dirty and not any(state.attrs[name].history.has_changes() for name in kept):
            continue
        _touched(session, table)[tuple(state.mapper.primary_key_from_instance(instance))] = None


@event.listens_for(JournaledSession, "do_orm_execute")
def _note_statement(execution: ORMExecuteState) -> None:
    """Rows that an UPDATE, DELETE or INSERT of the session is about to change."""
    statement, session = execution.statement, execution.session
    if not isinstance(statement, Update | Delete | Insert) or not isinstance(statement.table, Table):
        return
    table = statement.table
    if not is_journaled(table):
        return
    if isinstance(statement, Insert):
        raise TypeError(f"rows of {table.name} are added by session.add or app.db.bulk.upsert")
    keys = select(*table.primary_key.columns)
    clause = statement.whereclause
    rows = session.connection().execute(keys if clause is None else keys.where(clause))
    _touched(session, table).update(dict.fromkeys(tuple(row) for row in rows))


@event.listens_for(JournaledSession, "before_commit")
def record(session: Session) -> None:
    """Journal what the session's objects and statements touched so far; every commit does so."""
    session.flush()
    for name, keys in sorted(session.info.pop(_TOUCHED, {}).items()):
        table = SQLModel.metadata.tables[name]
        primary = [column.name for column in table.primary_key.columns]
        found = dict(digests(session, table, primary, keys))
        _write(session, table, ((text, found.get(text, GONE)) for text in map(key_text, keys)))


@event.listens_for(JournaledSession, "after_soft_rollback")
def _forget(session: Session, _previous: object) -> None:
    session.info.pop(_TOUCHED, None)


def newest(session: Session, table: Table) -> int:
    """Number of the newest change of a table, 0 before the first.

    Where this transaction keeps the table to itself (`alone`), whatever others write later has a greater number.
    """
    numbers = select(func.max(col(StateChange.number))).where(col(StateChange.table_name) == table.name)
    return session.connection().execute(numbers).scalar_one() or 0


def alone(session: Session, table: Table) -> None:
    """Keep others from writing a table until this transaction ends; on SQLite, one that writes does so anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(text(f'LOCK TABLE "{table.name}" IN SHARE ROW EXCLUSIVE MODE'))


def changed_since(session: Session, table: Table, number: int) -> Iterator[str]:
    """Keys of the rows that changes after `number` left, deleted ones too; a key may come again."""
    changes = select(col(StateChange.rows)).where(
        col(StateChange.table_name) == table.name, col(StateChange.number) > number
    )
    for (data,) in session.execute(changes.execution_options(yield_per=50)):
        yield from (key for key, _ in unpack(data))


def expected(session: Session, table: Table, passes: int = 1, part: int = 0) -> dict[str, bytes]:
    """Digest by key of the rows that the journal says are there; of `passes` equal parts, one."""
    rows: dict[str, bytes] = {}
    changes = select(col(StateChange.rows)).where(col(StateChange.table_name) == table.name)
    for (data,) in session.execute(changes.order_by(col(StateChange.number)).execution_options(yield_per=50)):
        for key, digest in unpack(data):
            if zlib.crc32(key.encode()) % passes != part:
                continue
            if digest == GONE:
                rows.pop(key, None)
            else:
                rows[key] = digest
    return rows


def differing(session: Session, table: Table) -> Iterator[tuple[str, bytes, bool]]:
    """(key, digest of the row as it is, whether the journal knows the key) of rows that differ; no digest: missing."""
    columns, primary = columns_of(table), list(table.primary_key.columns)
    digest_of = digester([column.name for column in columns])
    count = session.execute(select(func.count()).select_from(table)).scalar_one()
    passes = 1 + count // PASS_ROWS
    for part in range(passes):
        known = expected(session, table, passes, part)
        rows = session.execute(select(*primary, *columns), execution_options={"yield_per": 5_000})
        for row in rows:
            key = key_text(row[: len(primary)])
            if zlib.crc32(key.encode()) % passes != part:
                continue
            digest, was = digest_of(row[len(primary) :]), known.pop(key, None)
            if digest != was:
                yield key, digest, was is not None
        yield from ((key, GONE, True) for key in known)


def adopt(session: Session) -> None:
    """Journal every row as it is: after a migration, which changes rows past the service."""
    for table in journaled_tables():
        _write(session, table, [(key, digest) for key, digest, _ in differing(session, table)])
