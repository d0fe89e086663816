"""A list read by a process of its own while this one stores what was read: two cores share the work.

What passes between them is plain: tuples, texts, numbers and days, which cost a tenth of a row's parsing to hand over.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from app import processes
from app.errors import Refused, refuse
from app.registers import sources
from app.registers.loaders import Record
from app.registers.reading import Batch, Numbered, Reading, batches, loader_of

ALONE = frozenset(("targets", "credit"))
"""Registers whose rows can be read without asking the database what they refer to."""


@contextmanager
def read_ahead(given: Reading) -> Iterator[Iterator[Batch]]:
    """Batches of a list, each read while the one before it is stored. Ends its process on leaving, however that is."""
    receiving, sending = Pipe(duplex=False)
    process = processes.fresh(_read, sending, given, name="reading")
    process.start()
    sending.close()
    try:
        yield _received(receiving)
    finally:
        process.terminate()
        process.join()
        receiving.close()


def _received(connection: Connection) -> Iterator[Batch]:
    while True:
        try:
            got = connection.recv()
        except (EOFError, OSError):  # at the end of a message, or within one
            raise _cut_off() from None
        if isinstance(got, Exception):
            raise got
        if got is None:
            return
        yield _whole(got)


@processes.many_rows()
def _read(connection: Connection, given: Reading) -> None:
    """What the process does: send batches, then None; or the exception that ended it."""
    processes.begin_beside_parent(nice=0)
    loader = loader_of(given.header.register, given.now, given.today)
    try:
        rows = islice(sources.rows(given.surveyed), 1, None)
        for batch in batches(given, rows, loader):
            connection.send(_plain(batch))
        connection.send(None)
    except Exception as failure:  # noqa: BLE001  whatever it is, the process that stores must know it
        connection.send(failure)


def _plain(batch: Batch) -> tuple[Any, ...]:
    records = [(item.row, *item.record) for item in batch.records]
    return (
        batch.rows, records, batch.refused, batch.notes, batch.normalised, batch.outside, batch.repeated,
    )  # fmt: skip


def _whole(plain: tuple[Any, ...]) -> Batch:
    rows, records, *others = plain
    return Batch(rows, [Numbered(item[0], Record._make(item[1:])) for item in records], *others)


def _cut_off() -> Refused:
    return refuse(
        "import.cut_off",
        "读取名单的进程意外结束（可能内存不足），其余各行未导入；已导入的各行保持不变。",
        "The process that reads the list ended unexpectedly (out of memory?); the rest of the rows did not go in, "
        "those that did stay.",
        "请重新导入同一名单：已有的行不会改变，其余的会补上。",
        "Import the same list again: rows that are there stay as they are, the others follow.",
    )
