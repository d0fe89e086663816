"""Whole rounds of four draws, from rows to backups, against published known answers."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from scheduler.encoding import canonical_json, lp
from scheduler.frame import Frame, excluded_hash, sealed_excluded_hash
from scheduler.manifest import DrawSpec, Manifest
from scheduler.merkle import path_leads_to
from scheduler.numbers import number_of
from scheduler.seed import RoundKeys, assurance, check_salt, derive_keys, salt_commitment, seal
from scheduler.selection import DrawResult, draw, full_result_file, public_result_file, result_json
from scheduler.suite import suite

VECTORS = Path(__file__).parents[2] / "vectors"


class Round:
    """A known round, computed once."""

    def __init__(self, name: str) -> None:
        self.known: dict[str, Any] = json.loads((VECTORS / f"DR1_{name}.json").read_text())
        self.manifest = Manifest.from_json(self.known["manifest"])
        self.suite = self.manifest.algorithms
        self.salt_key = bytes.fromhex(self.known["k_salt"]) if self.known["k_salt"] else None
        self.secrets = {party: bytes.fromhex(secret) for party, secret in self.known["secrets"]}
        self.keys: RoundKeys = derive_keys(self.manifest, self.secrets, dict(self.known["entropy"]))

    def frame(self, place: int) -> Frame:
        rows = self.known["rows"]
        if place == 1:
            rows = [row for index, row in enumerate(rows) if index % 5 < 3]
        return Frame(self.known["columns"], rows)

    def frames(self) -> list[tuple[DrawSpec, Frame]]:
        return [(spec, self.frame(place)) for place, spec in enumerate(self.manifest.draws)]

    def results(self) -> list[DrawResult]:
        return [draw(self.suite, spec, frame, self.keys, self.salt_key) for spec, frame in self.frames()]


@pytest.fixture(scope="module", params=["open", "sealed", "sm3"])
def known_round(request: pytest.FixtureRequest) -> Round:
    return Round(request.param)


def test_manifest_has_the_known_bytes(known_round: Round) -> None:
    assert len(known_round.manifest.serialised()) == known_round.known["manifest_jcs_length"]
    assert known_round.manifest.manifest_hash().hex() == known_round.known["manifest_hash"]
    assert json.loads(known_round.manifest.serialised()) == known_round.known["manifest"]


def test_frames_have_the_known_digests(known_round: Round) -> None:
    for spec, frame in known_round.frames():
        assert len(frame) == spec.frame_rows
        if known_round.salt_key is None:
            assert frame.frame_hash(known_round.suite).hex() == spec.frame_hash
        else:
            root = frame.sealed_root(known_round.suite, spec.draw_id, spec.internal, known_round.salt_key)
            assert root.hex() == spec.frame_root


def test_exclusions_have_the_known_digests(known_round: Round) -> None:
    data = known_round.known["excluded_tsv"].encode()
    for spec in known_round.manifest.draws:
        if known_round.salt_key is None:
            found = excluded_hash(known_round.suite, data)
        else:
            found = sealed_excluded_hash(known_round.suite, spec.draw_id, known_round.salt_key, data)
        assert found.hex() == spec.excluded_hash


def test_keys_and_first_number_are_known(known_round: Round) -> None:
    for name, digest in known_round.known["keys"].items():
        assert getattr(known_round.keys, name).hex() == digest
    first = known_round.known["first_target"]
    found = number_of(known_round.suite, known_round.keys.numbers, first["target_id"], known_round.salt_key)
    assert found.hex() == first["number"]


def test_results_and_seal_are_known(known_round: Round) -> None:
    results = result_json(reversed(known_round.results()))
    assert json.loads(canonical_json(results)) == known_round.known["results"]
    assert seal(known_round.keys, results, known_round.salt_key).hex() == known_round.known["seal"]


def test_salt_and_assurance(known_round: Round) -> None:
    check_salt(known_round.manifest, known_round.salt_key)
    if known_round.salt_key is not None:
        found = salt_commitment(known_round.suite, known_round.manifest.round_id, known_round.salt_key)
        assert found.hex() == known_round.manifest.salt_commitment
    assert assurance(known_round.manifest) == 2


def test_bundle_files_agree_with_the_result(known_round: Round) -> None:
    for result, kept in zip(known_round.results(), known_round.known["results"], strict=True):
        full: Any = full_result_file(result)
        for shown, stratum in zip(full["strata"], kept["strata"], strict=True):
            assert [item["target_id"] for item in shown["selected"]] == stratum["selected"]
            assert shown["cutoff"] == (shown["selected"][-1]["u"] if shown["selected"] else None)
            numbers = [int(item["u"]) for item in shown["selected"]]
            assert numbers == sorted(numbers)
        public = public_result_file(result)
        assert set(public) == {"draw_id", "n", "selected"}
        assert public["selected"] == tuple(sorted(result.selected()))


def test_every_firm_finds_itself_under_the_root() -> None:
    sealed = Round("sealed")
    assert sealed.salt_key is not None
    spec, frame = sealed.frames()[1]
    openings = frame.openings(sealed.suite, spec.draw_id, spec.internal, sealed.salt_key, frame.ids)
    root = bytes.fromhex(spec.frame_root or "")
    for place, (target_id, opening) in enumerate(openings.items()):
        assert opening.index == place
        assert opening.public_cells[0] == target_id
        assert len(opening.public_cells) == len(spec.columns) - len(spec.internal)
        assert path_leads_to(sealed.suite, opening.leaf, place, len(frame), opening.path, root)
        assert not path_leads_to(sealed.suite, opening.leaf, place ^ 1, len(frame), opening.path, root)


def test_mac_is_rfc_hmac_and_hkdf() -> None:
    known = json.loads((VECTORS / "hkdf_hmac_rfc.json").read_text())
    sha256 = suite("DR1-HMAC-SHA256")
    for case in known["hmac"]:
        assert sha256.mac(bytes.fromhex(case["key"]), case["data_utf8"].encode()).hex() == case["mac"]
    case = known["hkdf_a1"]
    prk = sha256.mac(bytes.fromhex(case["salt"]), bytes.fromhex(case["ikm"]))
    assert prk.hex() == case["prk"]
    first = sha256.mac(prk, bytes.fromhex(case["info"]) + b"\x01")
    second = sha256.mac(prk, first + bytes.fromhex(case["info"]) + b"\x02")
    assert (first + second)[: case["L"]].hex() == case["okm"]


@pytest.mark.parametrize("algorithm", ["sha256", "sm3"])
@pytest.mark.parametrize("size", [0, 1, 32, 63, 64, 65, 200])
def test_mac_equals_the_standard_librarys(algorithm: str, size: int) -> None:
    algorithms = suite("DR1-HMAC-SHA256" if algorithm == "sha256" else "DR1-HMAC-SM3")
    key, message = bytes(range(size)), b"message" * size
    expected = hmac.new(key, message, algorithm).digest()
    assert algorithms.mac(key, message) == expected
    assert algorithms.mac_stream(key).prefixed(message[:9])(message[9:]) == expected
    assert algorithms.mac_stream(key).many([message, b""])[0] == expected
    assert algorithms.hash(message) == hashlib.new(algorithm, message).digest()


def test_sm3_is_the_standards() -> None:
    """GB/T 32905-2016, example 1."""
    expected = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert suite("DR1-HMAC-SM3").hash(b"abc").hex() == expected


def test_lp_tells_lists_apart() -> None:
    assert lp("ab", "c") == bytes(7) + b"\x02ab" + bytes(7) + b"\x01c"
    assert lp("a", "bc") != lp("ab", "c")
    assert lp("天") == bytes(7) + b"\x03" + "天".encode()
