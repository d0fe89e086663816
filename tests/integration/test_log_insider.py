"""An insider with database, files and the log's own key rewrites what a witness has seen: each attempt is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from app.db.database import Database
from app.errors import Refused
from app.ledger import checkpoints, keys, repository, witness
from app.ledger.tables import LogEntry
from scheduler.encoding import canonical_json
from scheduler.merkle import completed, consistency_path, head_of, leaf_hash
from scheduler.notes import Checkpoint, ConsistencyProof, Note, SignerKey
from scheduler.suite import SHA256

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
WITNESS = SignerKey("witness.example/w1", bytes(range(32)))
LATER = 9
"""Entries that the insider appends after rewriting, so as to offer a longer log."""

Forge = Callable[[list[bytes], int], list[bytes]]


def altered(leaves: list[bytes], index: int) -> list[bytes]:
    """One entry says something else."""
    body = {**json.loads(leaves[index]), "digest": "f" * 64}
    return [*leaves[:index], canonical_json(body), *leaves[index + 1 :]]


def deleted(leaves: list[bytes], index: int) -> list[bytes]:
    """One entry was never there."""
    return [*leaves[:index], *leaves[index + 1 :]]


def inserted(leaves: list[bytes], index: int) -> list[bytes]:
    """One entry more, as if it had been there all along."""
    return [*leaves[:index], b'{"type":"round.void"}', *leaves[index:]]


def offered(leaves: Sequence[bytes], old: int, signer: SignerKey) -> ConsistencyProof:
    """The best that the insider can offer: the forged log's own tree, signed, and a proof from its first `old`."""
    heads: dict[tuple[int, int], bytes] = {}
    for number, leaf in enumerate(leaves):
        for height, place, head in completed(
            SHA256, lambda h, p: heads[h, p], number, leaf_hash(SHA256, leaf)
        ):
            heads[height, place] = head
    node = lambda height, place: heads[height, place]  # noqa: E731
    text = Checkpoint(signer.name, len(leaves), head_of(SHA256, node, 0, len(leaves))).text
    path = consistency_path(SHA256, node, old, len(leaves)) if old <= len(leaves) else ()
    return ConsistencyProof(old, path, str(Note(text, (signer.sign(text),))))


@pytest.mark.parametrize("forge", [altered, deleted, inserted])
def test_no_rewrite_of_what_a_witness_has_seen_is_cosigned(
    sqlite_database: Database, tmp_path: Path, forge: Forge
) -> None:
    for number in range(13):
        with sqlite_database.write() as session:
            entry = {"type": "t", "subject": str(number), "actor_role": "r", "digest": "0"}
            repository.append(session, entry, NOW + timedelta(minutes=number))
            checkpoints.make(session, tmp_path, NOW + timedelta(minutes=number))
    with sqlite_database.read() as session:
        leaves = [body.encode() for body in session.exec(select(LogEntry.body).order_by(col(LogEntry.index)))]
    signer = keys.load(tmp_path)
    assert signer is not None
    later = [f'{{"later":{number}}}'.encode() for number in range(LATER)]
    state = tmp_path / "state"
    witness.cosign(offered(leaves, 0, signer), state, WITNESS, [signer.verifier()], 1)
    kept = state.read_bytes()
    for index in range(len(leaves)):
        for more in range(LATER):
            forged = [*forge(leaves, index), *later[:more]]
            with pytest.raises(Refused) as refusal:
                witness.cosign(offered(forged, len(leaves), signer), state, WITNESS, [signer.verifier()], 2)
            assert refusal.value.problem.code in ("witness.inconsistent", "witness.older"), (index, more)
    assert state.read_bytes() == kept
    honest = offered([*leaves, *later], len(leaves), signer)
    assert witness.cosign(honest, state, WITNESS, [signer.verifier()], 3)
