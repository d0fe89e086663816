"""Bundles: what each copy holds, that it never changes, and that nothing leaves before the reveal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.db.database import Database
from app.disclosure.bundle import bundle_files
from app.disclosure.container import read_bundle
from app.disclosure.service import bundle_name, firm_opening, public_bundle, write_bundles
from app.errors import Conflict, NotFound, Refused
from scheduler.encoding import canonical_json, lp
from scheduler.merkle import path_leads_to
from scheduler.suite import suite
from tests.disclosure_round import Known, publish

ALWAYS = {
    "events.json",
    "log/checkpoint",
    "log/entries.json",
    "log/proofs/manifest",
    "log/proofs/reveal",
    "log/proofs/seal",
    "lottery.json",
    "manifest.json",
    "reveal.json",
    "schedule.json",
    "verify.py",
    "visits.json",
}
DRAWS = ("D1-credit", "D2-cool", "D3-own", "D4-zero")
RESULTS = {f"results/{draw}.json" for draw in DRAWS}
FRAMES = {f"{folder}/{draw}.tsv" for folder in ("frames", "excluded") for draw in DRAWS}


def copies(db: Database, known: Known, directory: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    written = write_bundles(db, known.round_id, directory)
    return read_bundle(written.public), read_bundle(written.auditor)


@pytest.mark.parametrize(("kind", "public_frames"), [("open", FRAMES), ("sealed", set())])
def test_each_copy_holds_what_the_format_says(
    database: Database, tmp_path: Path, kind: str, public_frames: set[str]
) -> None:
    public, auditor = copies(database, publish(database, kind), tmp_path)
    assert set(public) == ALWAYS | RESULTS | public_frames
    assert set(auditor) == ALWAYS | RESULTS | FRAMES | {"roster.json"}


def test_a_sealed_round_keeps_classes_numbers_and_salt_from_the_public(
    database: Database, tmp_path: Path
) -> None:
    known = publish(database, "sealed")
    public, auditor = copies(database, known, tmp_path)
    assert "k_salt" not in json.loads(public["reveal.json"])
    assert json.loads(auditor["reveal.json"])["k_salt"] == known.k_salt
    for draw, vector in zip(DRAWS, known.vector["results"], strict=True):
        shown = json.loads(public[f"results/{draw}.json"])
        drawn = sorted(target for stratum in vector["strata"] for target in stratum["selected"])
        assert shown == {"draw_id": draw, "n": len(drawn), "selected": drawn}
    everything = b"".join(public.values())
    for secret in (known.k_salt.encode(), b"77700", b"pi_cond", b"cutoff"):
        assert secret not in everything
        assert secret in b"".join(auditor.values())


def test_an_open_round_shows_results_in_full(database: Database, tmp_path: Path) -> None:
    public, auditor = copies(database, publish(database, "open"), tmp_path)
    for name in RESULTS | FRAMES:
        assert public[name] == auditor[name]
    assert json.loads(public["results/D1-credit.json"])["strata"][0]["selected"][0]["u"] == "777000"


def test_json_files_are_canonical_with_one_final_line_feed(database: Database, tmp_path: Path) -> None:
    public, _ = copies(database, publish(database, "sealed"), tmp_path)
    for name, data in public.items():
        if name.endswith(".json"):
            assert data == canonical_json(json.loads(data)) + b"\n", name


def test_a_bundle_made_again_is_the_same_bytes(database: Database, tmp_path: Path) -> None:
    known = publish(database, "sealed")
    first, second = (write_bundles(database, known.round_id, tmp_path / name) for name in ("a", "b"))
    assert first.public.read_bytes() == second.public.read_bytes()
    assert first.auditor.read_bytes() == second.auditor.read_bytes()


def test_the_log_ends_with_the_reveal(database: Database) -> None:
    known = publish(database, "open")
    with database.read() as session:
        entries = json.loads(bundle_files(session, known.round_id, "public")["log/entries.json"])
    types = [row["entry"]["type"] for row in entries]
    assert types[0] == "round.manifest"
    assert types[-1] == "round.reveal"
    assert [row["index"] for row in entries] == sorted(row["index"] for row in entries)


@pytest.mark.parametrize("stage", ["drawn", "seated"])
def test_no_bundle_before_the_reveal(database: Database, tmp_path: Path, stage: str) -> None:
    known = publish(database, "open", stage)
    with pytest.raises(Conflict) as refused:
        write_bundles(database, known.round_id, tmp_path)
    assert refused.value.problem.code == "bundle.before_reveal"
    assert list(tmp_path.glob("*.zip")) == []


def test_for_the_public_what_is_forbidden_looks_absent(database: Database, tmp_path: Path) -> None:
    known = publish(database, "open", "seated")
    said = []
    for round_id in (known.round_id, "no-such-round"):
        with pytest.raises(NotFound) as refused:
            public_bundle(database, round_id, tmp_path)
        said.append((refused.value.problem.code, refused.value.problem.zh.replace(round_id, "*")))
    assert said[0] == said[1]


def test_a_kept_bundle_is_served_again_and_is_the_public_copy(database: Database, tmp_path: Path) -> None:
    known = publish(database, "sealed")
    first = public_bundle(database, known.round_id, tmp_path / "kept")
    made = first.stat().st_mtime_ns
    assert public_bundle(database, known.round_id, tmp_path / "kept") == first
    assert first.stat().st_mtime_ns == made
    assert first.name == bundle_name(known.round_id)
    assert first.read_bytes() == write_bundles(database, known.round_id, tmp_path).public.read_bytes()


@pytest.mark.parametrize("draw", DRAWS)
def test_a_firms_opening_leads_to_the_frozen_root_and_tells_no_class(database: Database, draw: str) -> None:
    known = publish(database, "sealed")
    rules = next(row for row in known.vector["manifest"]["draws"] if row["draw_id"] == draw)
    result = next(row for row in known.vector["results"] if row["draw_id"] == draw)
    target = result["strata"][0]["selected"][0]
    opening = firm_opening(database, known.round_id, draw, target)
    leaf = lp(
        bytes.fromhex(opening["blind"]),
        "\t".join(opening["public_cells"]),
        bytes.fromhex(opening["inner_hash"]),
    )
    path = [bytes.fromhex(sibling) for sibling in opening["path"]]
    algorithm, root = suite(known.vector["manifest"]["suite"]), bytes.fromhex(rules["frame_root"])
    assert path_leads_to(algorithm, leaf, opening["index"], rules["frame_rows"], path, root)
    row = next(row for row in known.vector["rows"] if row[0] == target)
    public = [
        cell for cell, name in zip(row, known.vector["columns"], strict=True) if name not in rules["internal"]
    ]
    assert opening["public_cells"] == public
    assert opening["drawn"] is True


def test_openings_for_those_not_drawn_and_refusals(database: Database) -> None:
    known, opened = publish(database, "sealed"), publish(database, "open")
    result = known.vector["results"][0]
    drawn = {target for stratum in result["strata"] for target in stratum["selected"]}
    spared = next(row[0] for row in known.vector["rows"] if row[0] not in drawn)
    assert firm_opening(database, known.round_id, "D1-credit", spared)["drawn"] is False
    for arguments, code in (
        ((known.round_id, "D9", spared), "opening.no_draw"),
        ((opened.round_id, "D1-credit", spared), "opening.open_round"),
        ((known.round_id, "D1-credit", "91650100MA00000009"), "frame.no_target"),
        (("no-such-round", "D1-credit", spared), "round.not_public"),
    ):
        with pytest.raises(Refused) as refused:
            firm_opening(database, *arguments)
        assert refused.value.problem.code == code


def test_no_opening_before_the_reveal(database: Database) -> None:
    known = publish(database, "sealed", "seated")
    with pytest.raises(NotFound):
        firm_opening(database, known.round_id, "D1-credit", known.targets[0])
