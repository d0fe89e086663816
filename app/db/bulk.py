"""Many rows at once: COPY to a temporary table on PostgreSQL, executemany on SQLite, then one upsert.

`session.add_all` is 10 to 14 times slower on both.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, cast

from sqlalchemy import Table, text
from sqlmodel import Session

from app.db import journal

Row = Sequence[Any]


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _upsert_clause(columns: Sequence[str], key: Sequence[str]) -> str:
    rest = [column for column in columns if column not in key]
    if not rest:
        return f"ON CONFLICT ({_quoted(key)}) DO NOTHING"
    updates = ", ".join(f'"{column}" = excluded."{column}"' for column in rest)
    return f"ON CONFLICT ({_quoted(key)}) DO UPDATE SET {updates}"


def _stored(table: Table, columns: Sequence[str], session: Session) -> list[Any]:
    dialect = session.get_bind().dialect
    return [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in columns]


class _Converted(dict[Any, Any]):
    """Values of one column as the driver takes them, each converted once: days and times repeat from row to row."""

    def __init__(self, process: Callable[[Any], Any]) -> None:
        self._process = process

    def __missing__(self, value: Any) -> Any:
        converted = self[value] = self._process(value)
        return converted


def _bound(rows: Iterable[Row], processors: Sequence[Any]) -> Iterable[list[Any]]:
    """Rows as the driver takes them; only the columns whose type converts are touched."""
    needed = [
        (place, process, _Converted(process))
        for place, process in enumerate(processors)
        if process is not None
    ]
    for row in rows:
        values = list(row)
        for place, process, converted in needed:
            value = values[place]
            once = isinstance(value, date) and journal.is_one_moment(value)
            values[place] = converted[value] if once else process(value)
        yield values


def upsert(
    session: Session, table: Table, columns: Sequence[str], rows: Iterable[Row], key: Sequence[str]
) -> None:
    """Insert `rows` (values in `columns` order); where `key` exists already, the other columns are replaced.

    `key` names the columns of a unique constraint. An empty `key` inserts only.
    """
    if not journal.is_journaled(table):
        _upsert(session, table, columns, rows, key)
        return
    written = list(rows)
    _upsert(session, table, columns, written, key)
    by = tuple(key) or tuple(column.name for column in table.primary_key.columns)
    journal.wrote(session, table, columns, written, by)


def _upsert(
    session: Session, table: Table, columns: Sequence[str], rows: Iterable[Row], key: Sequence[str]
) -> None:
    values = _bound(rows, _stored(table, columns, session))
    clause = _upsert_clause(columns, key) if key else ""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" for _ in columns)
        statement = f'INSERT INTO "{table.name}" ({_quoted(columns)}) VALUES ({marks}) {clause}'  # noqa: S608
        cursor = connection.connection.cursor()
        cast("sqlite3.Cursor", cursor).executemany(statement, values)
        cursor.close()
        return
    _copy_upsert(session, table.name, columns, values, clause)


def _copy_upsert(
    session: Session, name: str, columns: Sequence[str], values: Iterable[list[Any]], clause: str
) -> None:
    staging = f"staging_{name}"
    names = _quoted(columns)
    session.execute(
        text(f'CREATE TEMP TABLE "{staging}" ON COMMIT DROP AS SELECT {names} FROM "{name}" LIMIT 0')  # noqa: S608
    )
    cursor = session.connection().connection.cursor()
    with cursor.copy(f'COPY "{staging}" ({names}) FROM STDIN') as copy:
        for row in values:
            copy.write_row(row)
    cursor.close()
    session.execute(text(f'INSERT INTO "{name}" ({names}) SELECT {names} FROM "{staging}" {clause}'))  # noqa: S608
    session.execute(text(f'DROP TABLE "{staging}"'))
