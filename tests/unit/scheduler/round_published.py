"""What a synthetic round publishes beside its plan: the reveal, the log with its proofs, the openings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scheduler.encoding import canonical_json
from scheduler.frame import Frame
from scheduler.manifest import Manifest
from scheduler.merkle import head_and_paths
from scheduler.notes import Checkpoint, InclusionProof, Note, SignerKey
from scheduler.seed import (
    RoundKeys,
    assurance,
)
from scheduler.suite import SHA256
from tests.unit.scheduler.round_frozen import ENTROPY, ENTROPY_SEATS, SALT, SECRETS

ROOT = Path(__file__).parents[3]
VERIFIER = ROOT / "scheduler" / "verifier.py"
LOG_KEY = SignerKey("log.example/rounds", bytes(range(32)))


def make_reveal(manifest: Manifest, sealed: str, salt: bytes | None) -> dict[str, Any]:
    """reveal.json but for the commitments that seating makes."""
    return {
        "round_id": manifest.round_id,
        "manifest_hash": manifest.manifest_hash().hex(),
        "secrets": [{"party": party, "secret": secret.hex()} for party, secret in sorted(SECRETS.items())],
        "entropy": [{"id": source.id, "value": ENTROPY[source.id]} for source in manifest.entropy],
        "entropy_seats": [
            {"id": source.id, "value": ENTROPY_SEATS[source.id]} for source in manifest.entropy_seats
        ],
        "assurance": assurance(manifest),
        "seal": sealed,
        "plan_commitment": "",
        "seats_seal": "",
        "verifier": hashlib.sha256(VERIFIER.read_bytes()).hexdigest(),
        **({} if salt is None else {"k_salt": salt.hex()}),
    }


def make_log(manifest: Manifest, keys: RoundKeys, sealed: str) -> list[dict[str, Any]]:
    """The round's entries in order; the seats' digests are filled in by seating."""

    def hashed(value: Any) -> str:
        return keys.suite.hash(canonical_json(value)).hex()

    first = [{"id": source.id, "value": ENTROPY[source.id]} for source in manifest.entropy]
    second = [{"id": source.id, "value": ENTROPY_SEATS[source.id]} for source in manifest.entropy_seats]
    rows: list[tuple[str, str, str, dict[str, Any]]] = [
        ("manifest", "2027-01-04T09:00:00+08:00", manifest.manifest_hash().hex(), {}),
        (
            "deposits",
            "2027-01-04T10:00:00+08:00",
            hashed([entry.to_json() for entry in manifest.commitments]),
            {},
        ),
        ("entropy", "2027-01-04T14:59:59.5+08:00", hashed(first), {"values": first}),
        ("seal", "2027-01-04T15:10:00+08:00", sealed, {}),
        ("plan", "2027-01-04T16:00:00+08:00", "", {}),
        ("entropy_seats", "2027-01-05T15:00:00+08:00", hashed(second), {"values": second}),
        ("seats", "2027-01-05T15:10:00+08:00", "", {}),
        ("reveal", "2027-03-31T18:00:05+08:00", "", {}),
    ]
    return [
        {
            "index": 40 + 3 * place,
            "entry": {
                "type": f"round.{kind}",
                "subject": manifest.round_id,
                "at": at,
                "actor_role": "service",
                "digest": digest,
                "plan": manifest.plan,
                "period": manifest.period,
                "sequence": manifest.sequence,
                "round_id": manifest.round_id,
                **more,
            },
        }
        for place, (kind, at, digest, more) in enumerate(rows)
    ]


def signed_log(rows: list[dict[str, Any]], after: int = 3) -> dict[str, bytes]:
    """A checkpoint of a log that holds these entries at their places, others between and `after` them; the proofs."""
    bodies = {row["index"]: canonical_json(row["entry"]) for row in rows}
    leaves = [bodies.get(index, b"another") for index in range(max(bodies) + 1 + after)]
    wanted = {row["entry"]["type"].removeprefix("round."): row["index"] for row in rows}
    kinds = ("manifest", "seal", "reveal", *(["void"] if "void" in wanted else []))
    wanted = {kind: wanted[kind] for kind in kinds if kind in wanted}
    root, paths = head_and_paths(SHA256, leaves, set(wanted.values()))
    text = Checkpoint(LOG_KEY.name, len(leaves), root).text
    note = str(Note(text, (LOG_KEY.sign(text),)))
    proofs = {
        kind: InclusionProof(wanted.get(kind, 0), paths.get(wanted.get(kind, 0), ()), note) for kind in kinds
    }
    return {
        "log/checkpoint": note.encode(),
        **{f"log/proofs/{kind}": str(proof).encode() for kind, proof in proofs.items()},
    }


def make_openings(
    manifest: Manifest, frames: Mapping[str, Frame], selected: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, Any]]:
    """Openings of the first draw's firms, by target; none in an open round."""
    if manifest.privacy == "open":
        return {}
    spec = manifest.draws[0]
    opened = frames[spec.draw_id].openings(
        manifest.algorithms, spec.draw_id, spec.internal, SALT, frames[spec.draw_id].ids
    )
    return {
        target_id: {
            "round_id": manifest.round_id,
            "draw_id": spec.draw_id,
            "index": item.index,
            "blind": item.blind.hex(),
            "public_cells": list(item.public_cells),
            "inner_hash": item.inner_hash.hex(),
            "path": [node.hex() for node in item.path],
            "drawn": target_id in selected[spec.draw_id],
        }
        for target_id, item in opened.items()
    }
