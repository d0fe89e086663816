"""One changed byte anywhere is caught and the step named; hostile files end in a sentence, never a traceback."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.disclosure.container import write_bundle
from scheduler import verifier
from scheduler.encoding import canonical_json
from tests.unit.scheduler.round_factory import Draft, make_round
from tests.unit.scheduler.round_published import VERIFIER

EVERY = 7 if os.environ.get("TRIALS") == "full" else 97
EXAMPLES = 2000 if os.environ.get("TRIALS") == "full" else 120


@pytest.fixture(scope="module")
def sealed() -> Draft:
    return make_round("sealed", rows=75)


@pytest.fixture(scope="module")
def bundle(sealed: Draft, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return sealed.write(tmp_path_factory.mktemp("bundle"), "auditor").read_bytes()


def outcome_of(raw: bytes, folder: Path) -> verifier.Outcome:
    path = folder / "bundle.zip"
    path.write_bytes(raw)
    return verifier.verify(path)


def refused(raw: bytes, folder: Path) -> verifier.Outcome:
    """The outcome, which must not be good, must name a step, and must say why in both languages."""
    outcome = outcome_of(raw, folder)
    failed = [line for line in outcome.lines if line.status == "FAIL"]
    assert outcome.status in (1, 2)
    assert failed
    assert failed[0].detail
    return outcome


def test_every_97th_byte(tmp_path: Path, bundle: bytes) -> None:
    assert outcome_of(bundle, tmp_path).status == 0
    named = set()
    for place in range(0, len(bundle), EVERY):
        changed = bytearray(bundle)
        changed[place] ^= 1 + place % 255
        failed = [line.step for line in refused(bytes(changed), tmp_path).lines if line.status == "FAIL"]
        assert failed[0] in ("container", "digests"), place
        named.add(failed[0])
    assert "container" in named


def test_every_byte_of_the_headers_and_digests(tmp_path: Path, bundle: bytes) -> None:
    """The tail holds digests.json, the directory and the end record: no byte of it is free."""
    start = bundle.index(b'{"copy"')
    for place in range(start - 60, len(bundle), 3 if EVERY > 7 else 1):
        changed = bytearray(bundle)
        changed[place] ^= 0x20
        refused(bytes(changed), tmp_path)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_chosen_bytes(tmp_path: Path, bundle: bytes, data: st.DataObject) -> None:
    changed = bytearray(bundle)
    place = data.draw(st.integers(0, len(bundle) - 1))
    changed[place] ^= data.draw(st.integers(1, 255))
    refused(bytes(changed), tmp_path)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_cut_inserted_or_doubled(tmp_path: Path, bundle: bytes, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(bundle) - 1))
    last = data.draw(st.integers(first + 1, min(len(bundle), first + 400)))
    kind = data.draw(st.sampled_from(["cut", "double", "insert"]))
    middle = {"cut": b"", "double": bundle[first:last] * 2, "insert": b"\0" + bundle[first:last]}[kind]
    refused(bundle[:first] + middle + bundle[last:], tmp_path)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_json_values(tmp_path: Path, sealed: Draft, data: st.DataObject) -> None:
    """Any value of any JSON file replaced by any other: caught, and never a crash, digests recomputed."""
    files = sealed.files("auditor")
    name = data.draw(
        st.sampled_from(sorted(name for name in files if name.endswith(".json") and "events" not in name))
    )
    document = json.loads(files[name])
    found = places(document)
    holder, key = found[data.draw(st.integers(0, len(found) - 1))]
    old, new = holder[key], json.loads(data.draw(st.sampled_from(OTHER_VALUES)))
    if new == old and type(new) is type(old):
        return
    holder[key] = new
    if free_to_differ(name, key):
        return
    files[name] = canonical_json(document) + b"\n"
    path = tmp_path / "bundle.zip"
    write_bundle(path, "auditor", sealed.manifest.round_id, files)
    outcome = verifier.verify(path)
    assert outcome.status in (1, 2), (name, key, old, new)


OTHER_VALUES = (
    "null", "0", "-1", "1", "9007199254740991", '""', '"x"', f'"{"0" * 64}"', "true", "[]", "{}", "[[]]", '{"a":1}',
)  # fmt: skip


def places(value: object) -> list[tuple[Any, Any]]:
    """Every (holder, key) of a JSON document, a thousand at most."""
    found: list[tuple[Any, Any]] = []
    queue: list[Any] = [value]
    while queue and len(found) < 1000:
        holder = queue.pop()
        keys = (
            list(holder)
            if isinstance(holder, dict)
            else range(len(holder))
            if isinstance(holder, list)
            else []
        )
        for key in keys:
            found.append((holder, key))
            queue.append(holder[key])
    return found


def free_to_differ(name: str, key: object) -> bool:
    """Values that no rule fixes: who logged, what is only reported or described."""
    free = {
        "log/entries.json": {"subject", "actor_role", "index", "at"},
        "schedule.json": {
            "kind", "value", "gap_ppm", "estimated_places", "solver", "version", "reproducible", "entries_bound",
            "travel_min", "host_min", "people_per_visit_max", "alone", "greedy", "entries", "inspector_days",
            "report", "days", "profile",
        },
        "visits.json": {"minutes", "officers", "items", "specialties"},
    }  # fmt: skip
    return key in free.get(name, set()) or (name in free and isinstance(key, int))


def with_json(sealed: Draft, folder: Path, name: str, raw: bytes) -> Path:
    files = sealed.files("auditor")
    files[name] = raw
    path = folder / "bundle.zip"
    write_bundle(path, "auditor", sealed.manifest.round_id, files)
    return path


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a":1,"a":2}\n', "repeats"),
        (b'{"a":1.5}\n', "fraction"),
        (b'{"a":1e3}\n', "fraction"),
        (b'{"a":NaN}\n', "NaN"),
        (b'{"a":-Infinity}\n', "Infinity"),
        (b'{"a":9007199254740992}\n', "2^53"),
        (b'{"a":' + b"9" * 5000 + b"}\n", "2^53"),
        (b"[" * 200_000, "deep"),
        (b'{"a":' * 200_000, "deep"),
        (b"\xff\xfe{}\n", "not JSON"),
        (b"\xef\xbb\xbf{}\n", "not JSON"),
        (b"", "not JSON"),
        ('{"é":1}\n'.encode(), "ASCII"),
        (b'{"a":"\\ud800"}\n', "manifest"),
    ],
    ids=range(14),
)
def test_hostile_json(tmp_path: Path, sealed: Draft, raw: bytes, reason: str) -> None:
    path = with_json(sealed, tmp_path, "manifest.json", raw)
    done = subprocess.run([sys.executable, "-I", str(VERIFIER), str(path)], capture_output=True, check=False)
    shown = done.stdout.decode()
    assert done.returncode == (1 if "ud800" in repr(raw) else 2)
    assert done.stderr == b""
    assert "FAIL manifest" in shown
    assert reason in shown


def test_json_not_canonical(tmp_path: Path, sealed: Draft) -> None:
    raw = sealed.files("auditor")["manifest.json"].replace(b'":', b'": ', 1)
    outcome = verifier.verify(with_json(sealed, tmp_path, "manifest.json", raw))
    assert next(line.step for line in outcome.lines if line.status == "FAIL") == "manifest"


def crafted(names: list[bytes], size: int | None = None, packed: bytes = b"\x03\x00") -> bytes:
    """A ZIP of this format's headers with chosen names; `size` is what the headers claim."""
    local = directory = b""
    for name in names:
        method = 0 if name == b"digests.json" else 8
        common = struct.pack(
            "<HHHHHIIIHH", 20, 0x800, method, 0, 0x21, 0, len(packed), size or 0, len(name), 0
        )
        at = struct.pack("<HHHII", 0, 0, 0, 0o100644 << 16, len(local))
        directory += b"PK\x01\x02\x14\x03" + common + at + name
        local += b"PK\x03\x04" + common + name + packed
    end = struct.pack("<HHHHIIH", 0, 0, len(names), len(names), len(directory), len(local), 0)
    return local + directory + b"PK\x05\x06" + end


@pytest.mark.parametrize(
    "names",
    [
        [b"../../etc/passwd", b"digests.json"],
        [b"/etc/passwd", b"digests.json"],
        [b"C:evil", b"digests.json"],
        [b"a\\b", b"digests.json"],
        [b"a/b/c", b"digests.json"],
        [b".hidden", b"digests.json"],
        [b"a/", b"digests.json"],
        [b"a\0b", b"digests.json"],
        [b"\xff\xfe", b"digests.json"],
        [b"twice", b"twice", b"digests.json"],
        [b"", b"digests.json"],
        [b"x" * 60000, b"digests.json"],
        ["a\u202eb".encode(), b"digests.json"],
    ],
    ids=range(13),
)
def test_hostile_names(tmp_path: Path, names: list[bytes]) -> None:
    outcome = refused(crafted(names), tmp_path)
    assert outcome.status == 2
    assert [line.step for line in outcome.lines] == ["container"]
    assert outcome.render().isprintable() or "\n" in outcome.render()


def test_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """A header that admits to 3 GB is refused unread; one that lies is cut off at the size that it claims."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(50_000_000)) + packer.flush()
    honest = outcome_of(crafted([b"a", b"digests.json"], 3_000_000_000, packed), tmp_path)
    assert honest.status == 2
    assert "limit" in honest.lines[0].detail
    lying = outcome_of(crafted([b"a", b"digests.json"], 10, packed), tmp_path)
    assert lying.lines[0][:2] == ("container", "FAIL")


@pytest.mark.parametrize(
    "raw", [b"", b"PK", b"not a zip at all" * 10, b"\0" * 22, b"PK\x05\x06" + b"\xff" * 18]
)
def test_not_a_bundle(tmp_path: Path, raw: bytes) -> None:
    assert refused(raw, tmp_path).status == 2


def test_ordinary_zip(tmp_path: Path) -> None:
    path = tmp_path / "ordinary.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", "{}")
    assert verifier.verify(path).status in (1, 2)


def test_too_large_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.zip"
    with path.open("wb") as file:
        file.truncate(verifier.ZIP_LIMIT + 1)
    outcome = verifier.verify(path)
    assert outcome.status == 2
    assert "exceeds" in outcome.lines[0].detail


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.zip", tmp_path):
        outcome = verifier.verify(path)
        assert outcome.status == 2
        assert len(outcome.lines) == 1


def test_missing_opening_is_unreadable(tmp_path: Path, bundle: bytes) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(bundle)
    assert verifier.verify(path, tmp_path / "absent.json").status == 2


@pytest.mark.parametrize("opening", [b"[]", b"{}", b"{", b'{"a":1.5}', b"\xff", b"[" * 100_000])
def test_hostile_opening(tmp_path: Path, bundle: bytes, opening: bytes) -> None:
    path, firm = tmp_path / "bundle.zip", tmp_path / "OPENING.json"
    path.write_bytes(bundle)
    firm.write_bytes(opening)
    outcome = verifier.verify(path, firm)
    assert outcome.status in (1, 2)
    assert (outcome.lines[-1].step, outcome.lines[-1].status) == ("firm", "FAIL")


def test_command_line_errors() -> None:
    done = subprocess.run([sys.executable, "-I", str(VERIFIER)], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_main_prints_what_it_found(
    tmp_path: Path, bundle: bytes, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(bundle)
    assert verifier.main([str(path)]) == 0
    assert "全部通过".encode() in capfdbinary.readouterr().out
    path.write_bytes(bundle[:-1] + b"\1")
    assert verifier.main([str(path), "--json"]) == 2
    assert json.loads(capfdbinary.readouterr().out)["ok"] is False
