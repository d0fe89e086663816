"""Honest rounds hold, in both copies, with both suites; known answers hold; a firm finds its own row."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from app.disclosure.container import Copy, write_bundle
from optimizer.model import Check, Department, PackingProblem, Parameters, Plan, Site
from optimizer.solve import pack
from scheduler.encoding import canonical_json
from scheduler.frame import Frame
from scheduler.manifest import Manifest
from scheduler.numbers import u_numbers
from scheduler.seed import derive_keys
from scheduler.verifier import STEPS, verify
from tests.unit.scheduler.round_factory import DAYS, Draft, make_round
from tests.unit.scheduler.round_frozen import DEPARTMENTS, SALT, SPECIALTIES
from tests.unit.scheduler.round_published import VERIFIER, signed_log

LATER = ("visits", "schedule", "lottery", "roster", "events")
VECTORS = Path(__file__).parents[2] / "vectors"
STEP_NAMES = [
    "container", "digests", "manifest", "commitments", "entropy", "keys", "frames", "draw", "seal", "visits",
    "schedule", "plan", "roster", "lottery", "assignment", "void", "log", "checkpoint", "firm",
]  # fmt: skip


@pytest.fixture(scope="module")
def sealed() -> Draft:
    return make_round("sealed")


def statuses(path: Path, firm: Path | None = None) -> dict[str, str]:
    return {line.step: line.status for line in verify(path, firm).lines}


@pytest.mark.parametrize("suite_name", ["DR1-HMAC-SHA256", "DR1-HMAC-SM3"])
@pytest.mark.parametrize(
    ("privacy", "copy", "skipped"),
    [
        ("open", "public", {"roster", "firm"}),
        ("open", "auditor", {"firm"}),
        ("sealed", "public", {"frames", "seal", "roster", "firm"}),
        ("sealed", "auditor", {"firm"}),
    ],
)
def test_honest_round_holds(
    tmp_path: Path, privacy: str, copy: Copy, skipped: set[str], suite_name: str
) -> None:
    outcome = verify(make_round(privacy, suite_name).write(tmp_path, copy))
    assert [line.step for line in outcome.lines] == STEP_NAMES == [step[0] for step in STEPS]
    assert {line.step for line in outcome.lines if line.status == "SKIP"} == skipped
    assert {line.status for line in outcome.lines if line.step not in skipped} == {"OK"}
    assert outcome.status == 0
    assert outcome.copy == copy


def pack_really(checks: list[dict[str, Any]]) -> Plan:
    """The project's own packing, over places made up by rule."""
    ids = sorted({check["target_id"] for check in checks})
    sites = tuple(
        Site(name, "天山区", 700 * place % 9000, 900 * place % 7000) for place, name in enumerate(ids)
    )
    asked = tuple(
        Check(
            row["check_id"], row["target_id"], row["department"], row["minutes"], 2, tuple(row["specialties"])
        )
        for row in checks
    )
    heads = tuple(
        Department(name, (4,) * len(DAYS), tuple((s, (2,) * len(DAYS)) for s in SPECIALTIES.get(name, ())))
        for name in DEPARTMENTS
    )
    return pack(PackingProblem(DAYS, asked, sites, heads), Parameters())


@pytest.mark.parametrize("privacy", ["open", "sealed"])
def test_really_packed_round_holds(tmp_path: Path, privacy: str) -> None:
    outcome = verify(make_round(privacy, packer=pack_really).write(tmp_path, "auditor"))
    assert outcome.status == 0, outcome.render()


def test_verifier_inside_the_bundle_runs_alone(tmp_path: Path, sealed: Draft) -> None:
    """Extracted, isolated from user site, environment and current folder, it verifies the bundle it came in."""
    path = sealed.write(tmp_path, "auditor")
    with zipfile.ZipFile(path) as archive:
        archive.extract("verify.py", tmp_path)
    command = [sys.executable, "-I", str(tmp_path / "verify.py"), str(path), "--json"]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, env={}, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    found = json.loads(done.stdout)
    assert set(found) == {"bundle", "copy", "round_id", "void", "steps", "ok"}
    assert found["ok"] is True
    assert (found["copy"], found["round_id"]) == ("auditor", "2027-Q1-sealed")
    assert [step["step"] for step in found["steps"]] == STEP_NAMES
    assert all(set(step) == {"step", "status", "detail"} for step in found["steps"])


def test_lines_are_bilingual(tmp_path: Path, sealed: Draft) -> None:
    shown = verify(sealed.write(tmp_path, "public")).render().splitlines()
    assert len(shown) == len(STEP_NAMES) + 1
    for line in shown:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in line)
        assert any(letter.isascii() and letter.isalpha() for letter in line[17:])


def test_source_needs_only_the_standard_library_and_python_3_8() -> None:
    source = VERIFIER.read_text()
    tree = ast.parse(source, feature_version=(3, 8))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names
    assert not {"random", "scheduler", "app", "optimizer"} & imported


@pytest.mark.parametrize("vector", ["DR1_open", "DR1_sealed", "DR1_sm3"])
def test_known_answers_hold(tmp_path: Path, vector: str) -> None:
    """The draw's known answers, as a bundle whose later files are left empty: all steps up to the seal hold."""
    known = json.loads((VECTORS / f"{vector}.json").read_text())
    path = tmp_path / "auditor.zip"
    write_bundle(path, "auditor", known["manifest"]["round_id"], vector_files(known))
    found = statuses(path)
    assert [found[step] for step in STEP_NAMES[:9]] == ["OK"] * 9
    assert found["visits"] == "FAIL"


@pytest.mark.parametrize("vector", ["DR1_open", "DR1_sealed", "DR1_sm3"])
def test_known_answers_changed_do_not_hold(tmp_path: Path, vector: str) -> None:
    known = json.loads((VECTORS / f"{vector}.json").read_text())
    files = vector_files(known)
    result = json.loads(files["results/D2-cool.json"])
    chosen = next(stratum for stratum in result["strata"] if stratum["selected"] and stratum["backups"])
    chosen["selected"][-1], chosen["backups"][0] = chosen["backups"][0], chosen["selected"][-1]
    files["results/D2-cool.json"] = canonical_json(result) + b"\n"
    path = tmp_path / "auditor.zip"
    write_bundle(path, "auditor", known["manifest"]["round_id"], files)
    assert statuses(path)["draw"] == "FAIL"


def vector_files(known: dict[str, Any]) -> dict[str, bytes]:
    """A known answer as an auditor's copy; visits, schedule, seats and roster are empty objects."""
    manifest, results = known["manifest"], known["results"]
    rows = [tuple(row) for row in known["rows"]]
    frames = {
        spec["draw_id"]: Frame(
            known["columns"], rows if place != 1 else [r for i, r in enumerate(rows) if i % 5 < 3]
        )
        for place, spec in enumerate(manifest["draws"])
    }
    values = [{"id": source, "value": value} for source, value in known["entropy"]]
    reveal = {
        "round_id": manifest["round_id"],
        "manifest_hash": known["manifest_hash"],
        "secrets": [{"party": party, "secret": secret} for party, secret in sorted(known["secrets"])],
        "entropy": values,
        "entropy_seats": [{"id": manifest["entropy_seats"][0]["id"], "value": "01234567890123456789"}],
        "assurance": 1,
        "seal": known["seal"],
        "plan_commitment": "0" * 64,
        "seats_seal": "0" * 64,
        **({"k_salt": known["k_salt"]} if known["k_salt"] else {}),
    }
    digests = {
        "manifest": known["manifest_hash"],
        "entropy": None,
        "seal": known["seal"],
        "entropy_seats": None,
    }
    common = {key: manifest[key] for key in ("plan", "period", "sequence", "round_id")}
    at = {"at": "2027-01-04T12:00:00+08:00", "subject": "", "actor_role": "service"}
    log = [
        {
            "index": place,
            "entry": {**common, **at, "type": f"round.{kind}", "digest": digest, "values": reveal.get(kind)},
        }
        for place, (kind, digest) in enumerate(digests.items())
    ]
    docs: dict[str, Any] = {name: {} for name in LATER}
    docs |= {"manifest": manifest, "reveal": reveal, "log/entries": log}
    docs |= {f"results/{result['draw_id']}": with_numbers(result, known, frames) for result in results}
    files = {f"{name}.json": canonical_json(value) + b"\n" for name, value in docs.items()}
    files |= {f"frames/{draw_id}.tsv": frame.tsv() for draw_id, frame in frames.items()}
    files |= {f"excluded/{draw_id}.tsv": known["excluded_tsv"].encode() for draw_id in frames}
    return {**files, **signed_log(log), "verify.py": b"# not run\n"}


def with_numbers(result: dict[str, Any], known: dict[str, Any], frames: dict[str, Frame]) -> dict[str, Any]:
    """A known result with the numbers that bundle.md puts beside each id."""
    manifest = Manifest.from_json(known["manifest"])
    secrets = {party: bytes.fromhex(secret) for party, secret in known["secrets"]}
    keys = derive_keys(manifest, secrets, dict(known["entropy"]))
    draw_id = result["draw_id"]
    key = keys.own(draw_id) if manifest.draw(draw_id).stream == "own" else keys.numbers
    salt = bytes.fromhex(known["k_salt"]) if known["k_salt"] else None
    ids = frames[draw_id].ids
    numbers = dict(zip(ids, map(str, u_numbers(keys.suite, key, ids, salt).tolist()), strict=True))
    strata = []
    for stratum in result["strata"]:
        chosen = stratum["selected"]
        lists = {
            part: [{"target_id": one, "u": numbers[one]} for one in stratum[part]]
            for part in ("selected", "backups")
        }
        strata.append({**stratum, **lists, "cutoff": numbers[chosen[-1]] if chosen else None})
    return {"draw_id": draw_id, "strata": strata}


def opening_file(folder: Path, opening: dict[str, Any]) -> Path:
    path = folder / "OPENING.json"
    path.write_text(json.dumps(opening))
    return path


@pytest.mark.parametrize("copy", ["public", "auditor"])
def test_every_firm_finds_its_row(tmp_path: Path, sealed: Draft, copy: Copy) -> None:
    bundle = sealed.write(tmp_path, copy)
    drawn = {opening["drawn"] for opening in sealed.openings.values()}
    assert drawn == {True, False}
    for opening in list(sealed.openings.values())[::9]:
        assert statuses(bundle, opening_file(tmp_path, opening))["firm"] == "OK"


@pytest.mark.parametrize(
    "change",
    [
        {"drawn": None},
        {"index": -1},
        {"public_cells": None},
        {"blind": "0" * 64},
        {"inner_hash": "1" * 64},
        {"path": None},
        {"round_id": "another"},
        {"draw_id": "D9"},
        {"index": 10**9},
        {"extra": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_false_opening_fails(tmp_path: Path, sealed: Draft, change: dict[str, Any]) -> None:
    opening = dict(sealed.openings[next(iter(sealed.openings))])
    key, value = next(iter(change.items()))
    if key == "drawn":
        value = not opening["drawn"]
    elif key == "public_cells":
        value = [opening[key][0], *("别处" for _ in opening[key][1:])]
    elif key == "path":
        value = opening[key][:-1]
    opening[key] = value
    outcome = verify(sealed.write(tmp_path, "public"), opening_file(tmp_path, opening))
    assert outcome.status == 1
    assert [line.step for line in outcome.lines if line.status == "FAIL"] == ["firm"]


def test_opening_holds_no_salt(sealed: Draft) -> None:
    """An opening must not carry what proves a class: neither the salt key nor the internal cell."""
    for opening in sealed.openings.values():
        assert SALT.hex() not in json.dumps(opening)
        assert len(opening["public_cells"]) == 3
