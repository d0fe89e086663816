"""The log's formats against answers that others published: notes, checkpoints, cosignatures, trees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from optimizer.errors import Refused
from scheduler.notes import Checkpoint, ConsistencyProof, InclusionProof, Note, SignerKey, VerifierKey

KNOWN: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "tlog.json").read_text(encoding="utf-8")
)
NOTE = KNOWN["note"]
PETER, ENOCH = VerifierKey.parse(NOTE["verifier"]), VerifierKey.parse(NOTE["second_verifier"])


def refused(code: str) -> Any:
    return pytest.raises(Refused, match=code.replace(".", r"\."))


def test_a_note_is_signed_byte_for_byte_as_go_signs_it() -> None:
    signer = SignerKey.parse(NOTE["signer"])
    assert signer.text == NOTE["signer"]
    assert signer.verifier().text == NOTE["verifier"]
    note = Note(NOTE["text"], (signer.sign(NOTE["text"]),))
    assert str(note) == NOTE["text"] + "\n" + NOTE["line"] + "\n"
    assert note.require([PETER]) == note.signatures


def test_two_signatures_are_told_apart_and_unknown_ones_passed_over() -> None:
    note = Note.parse(f"{NOTE['text']}\n{NOTE['line']}\n{NOTE['second_line']}\n")
    assert [row.name for row in note.require([PETER])] == ["PeterNeumann"]
    assert [row.name for row in note.require([PETER, ENOCH])] == ["PeterNeumann", "EnochRoot"]
    with refused("note.signature"):
        note.require([VerifierKey("PeterNeumann", 1, ENOCH.public)])


def test_a_known_key_whose_signature_fails_spoils_the_note() -> None:
    changed = NOTE["text"].replace("answer", "Answer")
    with refused("note.signature"):
        Note.parse(f"{changed}\n{NOTE['line']}\n").require([PETER])


def test_no_part_of_a_key_and_no_changed_key_is_a_key() -> None:
    for text, parse in ((NOTE["verifier"], VerifierKey.parse), (NOTE["signer"], SignerKey.parse)):
        pieces = [text[:end] for end in range(len(text))] + [text[start:] for start in range(1, len(text))]
        changed = [text[:at] + chr(ord(text[at]) + 1) + text[at + 1 :] for at in range(len(text))]
        for bad in pieces + changed:
            with refused("note.key"):
                parse(bad)


@pytest.mark.parametrize(
    "data",
    [
        NOTE["text"],
        NOTE["text"] + "\n",
        f"{NOTE['text']}\n{NOTE['line']}",
        f"\x01{NOTE['text']}\n{NOTE['line']}\n",
        f"{NOTE['text']}\n{NOTE['line'].replace('PeterNeumann', 'Bad Name')}\n",
        f"{NOTE['text']}\n{NOTE['line']}\nUnexpected line.\n",
        f"{NOTE['text']}\n" + f"{NOTE['line']}\n" * 101,
    ],
)
def test_malformed_notes(data: str) -> None:
    with refused("note.malformed"):
        Note.parse(data)


@pytest.mark.parametrize("known", KNOWN["checkpoints"], ids=lambda known: str(known["origin"]))
def test_checkpoints_of_public_logs(known: dict[str, Any]) -> None:
    note = Note.parse(known["note"])
    assert str(note) == known["note"]
    found = note.require([VerifierKey.parse(key) for key in known["keys"]])
    assert len(found) == len(known["keys"])
    checkpoint = Checkpoint.parse(note.text)
    assert (checkpoint.origin, checkpoint.size) == (known["origin"], known["size"])
    assert checkpoint.text == note.text
    if "cosigned_at" in known:
        assert found[-1].timestamp == known["cosigned_at"]
    for key in known["keys"]:
        with refused("note.signature"):
            Note(note.text.replace("\n2", "\n3").replace("\n1", "\n2"), note.signatures).require(
                [VerifierKey.parse(key)]
            )


def test_a_cosignature_covers_its_time() -> None:
    signer = SignerKey("witness.example/w1", bytes(range(32)))
    text = Checkpoint("example.com/log", 7, bytes(32)).text
    key = signer.verifier().as_cosigner()
    signature = signer.cosign(text, 1679315147)
    assert signature.holds(text, key)
    assert signature.timestamp == 1679315147
    later = type(signature)(
        signature.name, signature.key_id, (1679315148).to_bytes(8, "big") + signature.value[8:]
    )
    assert not later.holds(text, key)
    assert not signature.holds(text, signer.verifier())


@pytest.mark.parametrize(
    "text",
    [
        "a\n1\n",
        "a\n01\n" + "A" * 43 + "=\n",
        "a\n1\nAAAA\n",
        "\n1\n" + "A" * 43 + "=\n",
        "a\n-1\n" + "A" * 43 + "=\n",
    ],
)
def test_malformed_checkpoints(text: str) -> None:
    with refused("note.checkpoint"):
        Checkpoint.parse(text)


def test_proofs_are_written_and_read_back() -> None:
    inclusion = InclusionProof(73894, (bytes(32), b"\x01" * 32), KNOWN["checkpoints"][0]["note"])
    assert str(inclusion).startswith("c2sp.org/tlog-proof@v1\nindex 73894\nAAAA")
    assert InclusionProof.parse(str(inclusion)) == inclusion
    with_extra = str(inclusion).replace("@v1\n", "@v1\nextra QUJD\n")
    assert InclusionProof.parse(with_extra) == inclusion
    consistency = ConsistencyProof(5, (), KNOWN["checkpoints"][0]["note"])
    assert str(consistency).startswith("old 5\n\ngo.sum")
    assert ConsistencyProof.parse(str(consistency)) == consistency
    for bad in ("", "old 5", "old 05\n\nx", "c2sp.org/tlog-proof@v1\nindex x\n\ny"):
        for parse in (InclusionProof.parse, ConsistencyProof.parse):
            with refused("note.proof"):
                parse(bad)
