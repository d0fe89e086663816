"""A trial's keys are of no round, whatever noise somebody puts in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.errors import Refused
from scheduler.manifest import Manifest
from scheduler.seed import RoundKeys, derive_keys
from scheduler.suite import suite
from scheduler.trial import trial_keys

VECTOR = json.loads((Path(__file__).parents[2] / "vectors" / "DR1_open.json").read_text(encoding="utf-8"))
MANIFEST = Manifest.from_json(VECTOR["manifest"])
SECRETS = {party: bytes.fromhex(secret) for party, secret in VECTOR["secrets"]}


def every(keys: RoundKeys) -> set[bytes]:
    return {
        keys.prk,
        keys.numbers,
        keys.sizes,
        keys.inspectors,
        keys.seal,
        keys.own("d"),
        keys.own("numbers"),
    }


def test_no_noise_gives_a_key_of_a_round() -> None:
    real = derive_keys(MANIFEST, SECRETS, dict(VECTOR["entropy"]))
    known = (*SECRETS.values(), MANIFEST.manifest_hash(), *every(real), bytes(32))
    tried = [every(trial_keys(MANIFEST.algorithms, noise)) for noise in known]
    assert all(not found & every(real) for found in tried)
    assert len(set().union(*tried)) == sum(map(len, tried)), "other noise, other keys"


@pytest.mark.parametrize("size", [0, 31, 33])
def test_noise_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(Refused, match=r"trial\.noise"):
        trial_keys(suite("DR1-HMAC-SHA256"), bytes(size))
