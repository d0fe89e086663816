"""The verifier's step `checkpoint`: the signed log, known keys, and checkpoints seen elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.disclosure.container import write_bundle
from scheduler import verifier
from scheduler.encoding import canonical_json
from scheduler.merkle import completed, consistency_path, head_of, leaf_hash
from scheduler.notes import Checkpoint, ConsistencyProof, InclusionProof, Note, SignerKey
from scheduler.suite import SHA256
from tests.unit.scheduler.round_factory import Draft, make_round
from tests.unit.scheduler.round_published import LOG_KEY, VERIFIER

VKEY = LOG_KEY.verifier().text
KNOWN = json.loads((Path(__file__).parents[2] / "vectors" / "tlog.json").read_text(encoding="utf-8"))
FILES = {kind: f"log/proofs/{kind}" for kind in ("manifest", "seal", "reveal")}


@pytest.fixture(scope="module")
def draft() -> Draft:
    return make_round("sealed")


def outcome(draft: Draft, folder: Path, changed: dict[str, bytes], **trust: Any) -> tuple[str, str]:
    """Status and detail of the step, over a bundle with some files changed."""
    path = folder / "round.zip"
    write_bundle(path, "auditor", draft.manifest.round_id, {**draft.files("auditor"), **changed})
    r = verifier.Round(verifier.Archive(path.read_bytes()), None, verifier.Trust(**trust))
    r.archive.open()
    line, code = verifier.run_step(r, "checkpoint", verifier.step_checkpoint)
    assert (code == 0) == (line.status == "OK")
    return line.status, line.detail


def leaves(draft: Draft, after: int = 3) -> list[bytes]:
    """The log that the factory signs, as `after` entries more would have it."""
    bodies = {row["index"]: canonical_json(row["entry"]) for row in draft.docs["log/entries"]}
    return [bodies.get(index, b"another") for index in range(max(bodies) + 1 + after)]


class Tree:
    def __init__(self, rows: list[bytes]) -> None:
        self.heads: dict[tuple[int, int], bytes] = {}
        for index, row in enumerate(rows):
            for height, position, head in completed(SHA256, self, index, leaf_hash(SHA256, row)):
                self.heads[height, position] = head

    def __call__(self, height: int, position: int) -> bytes:
        return self.heads[height, position]

    def note(self, size: int, key: SignerKey = LOG_KEY) -> str:
        text = Checkpoint(key.name, size, head_of(SHA256, self, 0, size)).text
        return str(Note(text, (key.sign(text),)))


def test_without_a_key_the_tree_is_checked_and_with_one_the_signature(draft: Draft, tmp_path: Path) -> None:
    status, detail = outcome(draft, tmp_path, {})
    assert status == "OK"
    assert "--key" in detail
    status, detail = outcome(draft, tmp_path, {}, vkeys=[VKEY])
    assert status == "OK"
    assert f"signed by {LOG_KEY.name}" in detail


def test_another_key_or_none_of_the_log_fails(draft: Draft, tmp_path: Path) -> None:
    same_name = SignerKey(LOG_KEY.name, b"\x05" * 32).verifier().text
    for vkeys in ([same_name], [KNOWN["note"]["verifier"]], ["nonsense"], [VKEY[:-1] + "A"]):
        assert outcome(draft, tmp_path, {}, vkeys=vkeys)[0] == "FAIL"


def test_a_checkpoint_signed_by_another_or_changed_fails(draft: Draft, tmp_path: Path) -> None:
    files = draft.files("auditor")
    note = files["log/checkpoint"].decode()
    line = Note.parse(note).signatures[0].line
    other = line[:-6] + ("AAAA" if line[-6:-2] != "AAAA" else "BBBB") + line[-2:]
    changed = {
        name: data.replace(line.encode(), other.encode()) for name, data in files.items() if "log/" in name
    }
    assert outcome(draft, tmp_path, changed)[0] == "OK"
    assert outcome(draft, tmp_path, changed, vkeys=[VKEY])[0] == "FAIL"


@pytest.mark.parametrize("kind", FILES)
def test_each_proof_is_needed_and_binds_its_entry(draft: Draft, tmp_path: Path, kind: str) -> None:
    data = draft.files("auditor")[FILES[kind]]
    proof = InclusionProof.parse(data.decode())
    swapped = InclusionProof(proof.index, tuple(reversed(proof.path)), proof.checkpoint)
    elsewhere = InclusionProof(proof.index + 1, proof.path, proof.checkpoint)
    older = InclusionProof(proof.index, proof.path, Tree(leaves(draft)).note(proof.index + 1))
    for bad in (str(swapped).encode(), str(elsewhere).encode(), str(older).encode(), b"", data[:-1], b"\xff"):
        assert outcome(draft, tmp_path, {FILES[kind]: bad})[0] == "FAIL"


def test_an_entry_that_was_not_logged_fails(draft: Draft, tmp_path: Path) -> None:
    """The entries' file says otherwise than the tree that was signed."""
    honest = {
        name: data
        for name, data in draft.files("auditor").items()
        if name.startswith("log/") and "." not in name
    }
    cheat = draft.copied()
    cheat.entry("seal")["actor_role"] = "somebody"
    assert outcome(cheat, tmp_path, honest)[0] == "FAIL"


def test_a_checkpoint_seen_elsewhere(draft: Draft, tmp_path: Path) -> None:
    log = leaves(draft, after=20)
    tree, size = Tree(log), len(leaves(draft))
    same = tree.note(size).encode()
    assert outcome(draft, tmp_path, {}, vkeys=[VKEY], seen=same)[0] == "OK"
    for other in (1, size - 2, size + 9):
        seen = tree.note(other).encode()
        old, new = sorted((other, size))
        path = consistency_path(SHA256, tree, old, new)
        proof = str(ConsistencyProof(old, path, tree.note(new))).encode()
        assert outcome(draft, tmp_path, {}, vkeys=[VKEY], seen=seen, proof=proof)[0] == "OK"
        assert outcome(draft, tmp_path, {}, seen=seen)[0] == "FAIL"
        assert outcome(draft, tmp_path, {}, seen=seen, proof=proof.replace(b"old ", b"old 1"))[0] == "FAIL"
        if path:
            bad = str(ConsistencyProof(old, path[:-1], tree.note(new))).encode()
            assert outcome(draft, tmp_path, {}, seen=seen, proof=bad)[0] == "FAIL"


def test_history_rewritten_with_the_key_is_caught_by_a_checkpoint_seen(draft: Draft, tmp_path: Path) -> None:
    log = leaves(draft, after=20)
    forged = Tree([b"before", *log[1:]])
    size = len(leaves(draft))
    for other in (size, size - 2, size + 9):
        old, new = sorted((other, size))
        proof = str(ConsistencyProof(old, consistency_path(SHA256, forged, old, new), forged.note(new)))
        seen = forged.note(other).encode()
        status, detail = outcome(draft, tmp_path, {}, vkeys=[VKEY], seen=seen, proof=proof.encode())
        assert status == "FAIL"
        assert "rewritten" in detail


def test_another_logs_checkpoint_is_no_comparison(draft: Draft, tmp_path: Path) -> None:
    stranger = Tree(leaves(draft)).note(5, SignerKey("log.example/other", bytes(32))).encode()
    assert "another log" in outcome(draft, tmp_path, {}, seen=stranger)[1]


def test_the_command_line(draft: Draft, tmp_path: Path) -> None:
    path = draft.write(tmp_path, "public")
    seen = tmp_path / "seen"
    seen.write_bytes(draft.files("public")["log/checkpoint"])
    command = [sys.executable, "-I", str(VERIFIER), str(path), "--key", VKEY, "--seen", str(seen)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    command[5] = KNOWN["note"]["verifier"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    command[-1] = str(tmp_path / "absent")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_signatures_are_judged_as_the_library_judges_them(seed: bytes, message: bytes, bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert verifier.ed25519(key, signature, message)
    assert not verifier.ed25519(key, signature, message + b"x")
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8
    assert not verifier.ed25519(key, bytes(changed), message)
    larger = int.from_bytes(signature[32:], "little") + verifier.ORDER
    assert not verifier.ed25519(key, signature[:32] + larger.to_bytes(33, "little")[:32], message)


def test_the_verifier_reads_what_public_logs_signed() -> None:
    for known in KNOWN["checkpoints"]:
        head = verifier.checkpoint_of(known["note"], "known")
        assert (head.origin, head.size) == (known["origin"], known["size"])
        assert verifier.signers(head, known["keys"][:1], "known")


def test_the_curves_constants() -> None:
    """RFC 8032, section 7.1, test 1 and test 3."""
    for key, signature, message in (
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            "",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            "af82",
        ),
    ):
        assert verifier.ed25519(bytes.fromhex(key), bytes.fromhex(signature), bytes.fromhex(message))
