"""Section 2: every constraint refused by name; section 3: keys, commitments, assurance."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from optimizer.errors import Refused
from scheduler.encoding import canonical_json, lp
from scheduler.manifest import EntropySource, Manifest
from scheduler.seed import (
    RoundKeys,
    assurance,
    check_salt,
    check_unused,
    commitment,
    decoded,
    derive_keys,
    entropy_bytes,
    plan_commitment,
    seal,
    seats_key,
    seats_seal,
)
from scheduler.suite import SHA256

KNOWN: dict[str, Any] = {
    name: json.loads((Path(__file__).parents[2] / "vectors" / f"DR1_{name}.json").read_text())
    for name in ("open", "sealed")
}
Change = Callable[[dict[str, Any]], object]


def changed(change: Change, name: str = "open") -> dict[str, Any]:
    value: dict[str, Any] = copy.deepcopy(KNOWN[name]["manifest"])
    change(value)
    return value


def put(*path_and_value: Any) -> Change:
    *path, last, value = path_and_value

    def change(target: Any) -> None:
        for step in path:
            target = target[step]
        target[last] = value

    return change


def drop(*path: Any) -> Change:
    def change(target: Any) -> None:
        for step in path[:-1]:
            target = target[step]
        del target[path[-1]]

    return change


BROKEN: list[tuple[str, Change, str]] = [
    *[
        (f"no {key}", drop(key), "manifest.key")
        for key in [
            "suite",
            "round_id",
            "plan",
            "period",
            "sequence",
            "privacy",
            "draws",
            "commitments",
            "entropy",
            "entropy_seats",
            "roster_hash",
            "packing",
            "deadlines",
        ]
    ],
    *[
        (f"no draw {key}", drop("draws", 0, key), "manifest.key")
        for key in [
            "draw_id",
            "department",
            "columns",
            "internal",
            "frame_rows",
            "excluded_hash",
            "strata_by",
            "default",
            "strata",
            "cooldown",
            "stream",
            "backups",
        ]
    ],
    ("no frame hash", drop("draws", 0, "frame_hash"), "manifest.digest"),
    ("no max", drop("draws", 0, "default", "max"), "manifest.key"),
    ("no rule", drop("entropy", 0, "rule"), "manifest.key"),
    ("no deadline", drop("deadlines", "reveal"), "manifest.key"),
    ("text sequence", put("sequence", "1"), "manifest.key"),
    ("boolean", put("sequence", True), "manifest.key"),
    ("boolean extra", put("demo", True), "json.boolean"),
    ("float extra", put("demo", 0.5), "json.type"),
    ("large extra", put("demo", 2**53), "json.integer"),
    ("key not ASCII", put("名", 1), "json.key"),
    ("draws not array", put("draws", {}), "manifest.key"),
    ("draw not object", put("draws", 0, "x"), "manifest.key"),
    ("column not text", put("draws", 0, "columns", 0, 1), "manifest.key"),
    ("sequence zero", put("sequence", 0), "manifest.range"),
    ("unknown suite", put("suite", "MD5"), "suite.unknown"),
    ("unknown privacy", put("privacy", "secret"), "manifest.choice"),
    ("text not NFC", put("plan", "e\u0301"), "manifest.text"),
    ("text with TAB", put("title", "a\tb"), "manifest.text"),
    ("text with space at its end", put("draws", 0, "department", "局 "), "manifest.text"),
    ("roster hash in capitals", put("roster_hash", "A" * 64), "manifest.digest"),
    ("short digest", put("draws", 1, "excluded_hash", "ab"), "manifest.digest"),
    ("root in an open round", put("draws", 0, "frame_root", "0" * 64), "manifest.digest"),
    ("salt in an open round", put("salt_commitment", "0" * 64), "manifest.salt"),
    ("internal in an open round", put("draws", 0, "internal", ["credit"]), "manifest.internal"),
    ("no draws", put("draws", []), "manifest.empty"),
    ("no parties", put("commitments", []), "manifest.empty"),
    ("no entropy", put("entropy", []), "manifest.empty"),
    ("draws descend", lambda value: value["draws"].reverse(), "manifest.order"),
    ("draw twice", put("draws", 1, "draw_id", "D1-credit"), "manifest.duplicate"),
    ("parties descend", lambda value: value["commitments"].reverse(), "manifest.order"),
    (
        "party twice",
        lambda value: value["commitments"].insert(0, value["commitments"][0]),
        "manifest.duplicate",
    ),
    (
        "equal commitments",
        lambda value: value["commitments"][1].update(commitment=value["commitments"][0]["commitment"]),
        "manifest.duplicate",
    ),
    ("commitment no digest", put("commitments", 0, "commitment", "00"), "manifest.digest"),
    ("source twice", lambda value: value["entropy"].append(value["entropy"][0]), "manifest.duplicate"),
    (
        "source in both",
        lambda value: value["entropy_seats"].append(value["entropy"][0]),
        "manifest.duplicate",
    ),
    ("unknown encoding", put("entropy", 0, "encoding", "base64"), "manifest.choice"),
    ("negative bits", put("entropy", 0, "bits", -1), "manifest.range"),
    ("empty rule", put("entropy", 0, "rule", ""), "manifest.empty"),
    ("no solver", drop("packing", "solver"), "manifest.packing"),
    ("parameters no object", put("packing", "parameters", "fast"), "manifest.packing"),
    ("date only", put("deadlines", "reveal", "2027-03-31"), "manifest.time"),
    ("no such day", put("deadlines", "reveal", "2027-02-30T00:00:00+08:00"), "manifest.time"),
    ("no offset", put("deadlines", "reveal", "2027-03-31T18:00:00"), "manifest.time"),
    (
        "deadlines out of order",
        put("deadlines", "entropy", "2027-01-05T00:00:00+08:00"),
        "manifest.deadlines",
    ),
    ("negative rows", put("draws", 0, "frame_rows", -1), "manifest.range"),
    ("negative backups", put("draws", 0, "backups", -1), "manifest.range"),
    ("unknown stream", put("draws", 0, "stream", "mine"), "manifest.choice"),
    ("unknown rounding", put("draws", 0, "default", "rounding", "floor"), "manifest.choice"),
    ("ratio above one", put("draws", 0, "default", "ratio_ppm", 1_000_001), "manifest.range"),
    ("negative ratio", put("draws", 0, "default", "ratio_ppm", -1), "manifest.range"),
    ("negative min", put("draws", 0, "default", "min", -1), "manifest.range"),
    ("min above max", put("draws", 0, "strata", 0, "max", -1), "manifest.range"),
    (
        "stratum twice",
        lambda value: value["draws"][0]["strata"].append(value["draws"][0]["strata"][0]),
        "manifest.duplicate",
    ),
    ("key too long", put("draws", 0, "strata", 0, "key", ["A", "B"]), "manifest.key"),
    ("first column", put("draws", 0, "columns", 0, "id"), "manifest.columns"),
    ("column twice", put("draws", 0, "columns", 2, "credit"), "manifest.duplicate"),
    ("strata column absent", put("draws", 0, "strata_by", ["trade"]), "manifest.columns"),
    ("strata column twice", put("draws", 3, "strata_by", ["credit", "credit"]), "manifest.duplicate"),
    ("recent absent", put("draws", 1, "columns", 4, "x"), "manifest.columns"),
    ("recent in strata_by", put("draws", 3, "strata_by", ["recent"]), "manifest.cooldown"),
    ("lambda above one", put("draws", 1, "cooldown", "lambda_ppm", 1_000_001), "manifest.range"),
]


@pytest.mark.parametrize(("change", "code"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_broken_manifests_are_refused(change: Change, code: str) -> None:
    with pytest.raises(Refused) as caught:
        Manifest.from_json(changed(change))
    assert caught.value.problem.code == code
    assert caught.value.problem.zh
    assert caught.value.problem.remedy_zh
    assert caught.value.problem.remedy_en


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (drop("salt_commitment"), "manifest.digest"),
        (drop("draws", 0, "frame_root"), "manifest.digest"),
        (put("draws", 0, "frame_hash", "0" * 64), "manifest.digest"),
        (put("draws", 0, "internal", ["target_id"]), "manifest.internal"),
        (put("draws", 0, "internal", ["phone"]), "manifest.columns"),
        (put("draws", 0, "internal", ["risk", "risk"]), "manifest.duplicate"),
    ],
)
def test_broken_sealed_manifests_are_refused(change: Change, code: str) -> None:
    with pytest.raises(Refused) as caught:
        Manifest.from_json(changed(change, "sealed"))
    assert caught.value.problem.code == code


@pytest.mark.parametrize(
    "change",
    [
        put("title", "第一轮"),
        put("demo", 1),
        put("draws", 0, "items", ["a@1"]),
        put("draws", 0, "default", "note", "x"),
        put("draws", 0, "strata", 0, "note", "x"),
        put("draws", 1, "cooldown", "note", "x"),
        put("commitments", 0, "note", "x"),
        put("entropy", 0, "note", "x"),
        put("deadlines", "note", "x"),
        put("packing", "note", "x"),
        put("entropy_seats", []),
        put("draws", 0, "default", "min", 0),
        put("draws", 1, "cooldown", "lambda_ppm", 1_000_000),
    ],
)
def test_more_keys_are_kept_and_hashed(change: Change) -> None:
    value = changed(change)
    manifest = Manifest.from_json(value)
    assert json.loads(manifest.serialised()) == value
    assert (
        manifest.serialised()
        == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )
    assert manifest.manifest_hash() == SHA256.hash(manifest.serialised())
    assert manifest.manifest_hash().hex() != KNOWN["open"]["manifest_hash"]
    assert Manifest.from_json(json.loads(manifest.serialised())) == manifest


def test_an_extra_key_cannot_hide_another() -> None:
    import dataclasses

    manifest = Manifest.from_json(KNOWN["open"]["manifest"])
    with pytest.raises(Refused) as caught:
        dataclasses.replace(manifest, extra={"plan": "x"})
    assert caught.value.problem.code == "manifest.extra"


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return Manifest.from_json(KNOWN["open"]["manifest"])


@pytest.fixture(scope="module")
def secrets() -> dict[str, bytes]:
    return {party: bytes.fromhex(secret) for party, secret in KNOWN["open"]["secrets"]}


@pytest.fixture(scope="module")
def keys(manifest: Manifest, secrets: dict[str, bytes]) -> RoundKeys:
    return derive_keys(manifest, secrets, dict(KNOWN["open"]["entropy"]))


def test_secrets_must_be_the_committed_ones(manifest: Manifest, secrets: dict[str, bytes]) -> None:
    values = dict(KNOWN["open"]["entropy"])
    party = next(iter(secrets))
    cases: list[tuple[dict[str, bytes], str]] = [
        ({**secrets, "他人": bytes(32)}, "secret.parties"),
        ({name: secret for name, secret in secrets.items() if name != party}, "secret.parties"),
        ({**secrets, party: bytes(32)}, "secret.commitment"),
        ({**secrets, party: bytes(31)}, "secret.size"),
    ]
    for given, code in cases:
        with pytest.raises(Refused) as caught:
            derive_keys(manifest, given, values)
        assert caught.value.problem.code == code


def test_entropy_must_be_the_announced_one(manifest: Manifest, secrets: dict[str, bytes]) -> None:
    values = dict(KNOWN["open"]["entropy"])
    first, second = values
    cases: list[tuple[dict[str, str], str]] = [
        ({first: values[first]}, "entropy.sources"),
        ({**values, "x": "y"}, "entropy.sources"),
        ({**values, second: values[second].upper()}, "entropy.encoding"),
        ({**values, second: values[second][1:]}, "entropy.encoding"),
        ({**values, first: values[first] + " "}, "entropy.encoding"),
    ]
    for given, code in cases:
        with pytest.raises(Refused) as caught:
            derive_keys(manifest, secrets, given)
        assert caught.value.problem.code == code


def test_everything_announced_changes_the_seed(manifest: Manifest, secrets: dict[str, bytes]) -> None:
    values = dict(KNOWN["open"]["entropy"])
    first = next(iter(values))
    base = derive_keys(manifest, secrets, values).prk
    assert derive_keys(manifest, secrets, {**values, first: "03 07 11 19 24 30+10"}).prk != base
    other = Manifest.from_json(changed(put("title", "x")))
    assert derive_keys(other, secrets, values).prk != base
    assert derive_keys(manifest, dict(reversed(secrets.items())), dict(reversed(values.items()))).prk == base


def test_later_hashes_have_their_formula(keys: RoundKeys, manifest: Manifest) -> None:
    plan_hash, mac, digest = bytes(range(32)), SHA256.mac, SHA256.hash
    seats = decoded(manifest.entropy_seats, {"witness digits, second call": "01234567890123456789"})
    expected = lp("DR1/seats", plan_hash, "witness digits, second call", b"01234567890123456789")
    assert seats_key(keys, plan_hash, seats) == mac(keys.inspectors, expected)
    assert plan_commitment(keys, plan_hash) == digest(lp("DR1/plan", keys.seal, plan_hash))
    assignment = {"seats": [["S1", "I7"]]}
    assert seats_seal(keys, assignment) == digest(lp("DR1/seats-seal", keys.seal, canonical_json(assignment)))
    assert keys.own("D3-own") == mac(keys.prk, lp("DR1/key", "numbers", "D3-own"))
    blind = mac(bytes(32), lp("seal"))
    assert seal(keys, []) == digest(lp("DR1/seal", keys.seal, b"[]"))
    assert seal(keys, [], bytes(32)) == digest(lp("DR1/seal", keys.seal, blind, b"[]"))


def test_commitments_bind_round_party_and_secret() -> None:
    found = {
        commitment(SHA256, round_id, party, bytes([secret] * 32))
        for round_id in ("r", "s")
        for party in ("p", "q")
        for secret in (0, 1)
    }
    assert len(found) == 8
    assert SHA256.hash(lp("DR1/commit", "r", "p", bytes(32))) in found


def test_salt_is_checked(manifest: Manifest) -> None:
    sealed = Manifest.from_json(KNOWN["sealed"]["manifest"])
    for given, salt_key in ((manifest, bytes(32)), (sealed, None), (sealed, bytes(32))):
        with pytest.raises(Refused) as caught:
            check_salt(given, salt_key)
        assert caught.value.problem.code == "secret.salt"


def test_entropy_encodings() -> None:
    assert entropy_bytes("utf8", "天") == "天".encode()
    assert entropy_bytes("hex", "00ff") == b"\x00\xff"
    for encoding, value in (
        ("hex", "0"),
        ("hex", "FF"),
        ("hex", ""),
        ("hex", "0g"),
        ("utf8", ""),
        ("x", "00"),
    ):
        with pytest.raises(Refused):
            entropy_bytes(encoding, value)


def test_a_source_once_used_is_refused(manifest: Manifest) -> None:
    check_unused(manifest.entropy, {"双色球 2026001"})
    with pytest.raises(Refused) as caught:
        check_unused(manifest.entropy, {"双色球 2027001"})
    assert caught.value.problem.code == "entropy.used"


@pytest.mark.parametrize(
    ("parties", "made", "bits", "demo", "level"),
    [
        (1, 0, 256, 0, 0),
        (2, 0, 63, 0, 1),
        (2, 0, 64, 0, 2),
        (2, 1, 64, 0, 2),
        (3, 3, 256, 0, 0),
        (3, 2, 256, 0, 2),
        (3, 2, 24, 0, 1),
        (3, 0, 256, 1, 0),
    ],
)
def test_assurance_levels(parties: int, made: int, bits: int, demo: int, level: int) -> None:
    value = changed(put("demo", demo))
    value["commitments"] = [{"party": f"P{n}", "commitment": f"{n:064x}"} for n in range(parties)]
    value["entropy"] = [EntropySource("x", "utf8", "any text", bits).to_json()]
    service = [f"P{number}" for number in range(made)]
    assert assurance(Manifest.from_json(value), service) == level
