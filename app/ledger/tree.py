"""The log's Merkle tree in the database: subtree heads are stored as they complete, so proofs read O(log n) rows."""

from __future__ import annotations

import hashlib
from typing import Final

from sqlalchemy import insert
from sqlmodel import Session, col, func, select

from app.ledger.tables import LogEntry, LogNode
from scheduler.merkle import completed, head_of
from scheduler.suite import SHA256

HASH: Final = "SHA-256"
"""The log's one hash algorithm, fixed at its birth and named in its first key entry."""
_CHUNK: Final = 10_000


def entry_count(session: Session) -> int:
    """Leaves in the log."""
    last = session.exec(select(func.max(LogEntry.index))).one()
    return 0 if last is None else last + 1


class StoredTree:
    """Reads subtree heads: leaves from the entries, higher ones as stored, else from their halves."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._new: dict[tuple[int, int], bytes] = {}

    def __call__(self, height: int, position: int) -> bytes:
        """The head of a complete subtree. Raises LookupError for a leaf that is not there."""
        if (height, position) in self._new:
            return self._new[height, position]
        if height == 0:
            return self._leaf(position)
        row = self._session.get(LogNode, (height, position))
        if row is not None:
            return bytes.fromhex(row.head)
        halves = self(height - 1, 2 * position) + self(height - 1, 2 * position + 1)
        return hashlib.sha256(b"\x01" + halves).digest()

    def _leaf(self, index: int) -> bytes:
        query = select(LogEntry.leaf_hash).where(LogEntry.index == index)
        found = self._session.exec(query).first()
        if found is None:
            raise LookupError(f"log entry {index}")
        return bytes.fromhex(found)

    def root(self, size: int) -> bytes:
        """Head of the tree over the first `size` entries."""
        return head_of(SHA256, self, 0, size)

    def grow(self, old: int, new: int) -> None:
        """Store the heads that entries [old, new) complete; those before `old` are stored already."""
        for start in range(old, new, _CHUNK):
            query = (
                select(LogEntry.index, LogEntry.leaf_hash)
                .where(col(LogEntry.index) >= start, col(LogEntry.index) < min(new, start + _CHUNK))
                .order_by(col(LogEntry.index))
            )
            for index, leaf in self._session.exec(query).all():
                for height, position, head in completed(SHA256, self, index, bytes.fromhex(leaf)):
                    self._new[height, position] = head
        rows = [
            {"height": height, "position": position, "head": head.hex()}
            for (height, position), head in self._new.items()
            if height
        ]
        if rows:
            self._session.execute(insert(LogNode), rows)
