"""The bundle's container: the same bytes each time, each of them accounted for, no name that escapes."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.disclosure.container import read_bundle, write_bundle
from optimizer.errors import Refused

FILES = {
    "verify.py": b"print('x')\n",
    "manifest.json": b'{"a":1}\n',
    "frames/D1.tsv": b"target_id\n91650100\n" * 5000,
    "frames/抽取-2.tsv": b"",
    "log/entries.json": b"[]\n",
}


def test_same_bytes_whatever_the_order(tmp_path: Path) -> None:
    first, second = tmp_path / "1.zip", tmp_path / "2.zip"
    write_bundle(first, "public", "r1", FILES)
    write_bundle(second, "public", "r1", dict(reversed(FILES.items())))
    assert first.read_bytes() == second.read_bytes()
    write_bundle(second, "auditor", "r1", FILES)
    assert first.read_bytes() != second.read_bytes()


def test_known_bytes(tmp_path: Path) -> None:
    """One small bundle, byte for byte as docs/bundle.md says."""
    path = tmp_path / "b.zip"
    write_bundle(path, "public", "r1", {"a": b""})
    empty, packed = hashlib.sha256(b"").hexdigest(), hashlib.sha256(b"\x03\x00").hexdigest()
    digests = (
        f'{{"copy":"public","files":[{{"name":"a","packed_sha256":"{packed}","sha256":"{empty}","size":0}}],'
        '"round_id":"r1"}\n'
    ).encode()
    raw = path.read_bytes()
    assert raw.startswith(
        b"PK\x03\x04\x14\x00\x00\x08\x08\x00\x00\x00\x21\x00"
        b"\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00a\x03\x00PK\x03\x04"
    )
    assert raw.index(digests) == 33 + 30 + len("digests.json")
    assert raw.endswith(b"\x00\x00")


def test_any_unzip_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    write_bundle(path, "auditor", "r1", FILES)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == [*sorted(FILES, key=str.encode), "digests.json"]
        assert {name: archive.read(name) for name in FILES} == FILES
        digests = json.loads(archive.read("digests.json"))
        for info in archive.infolist():
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert info.external_attr == 0o100644 << 16
            assert info.extra == info.comment == b""
            assert info.flag_bits == 0x800
    assert digests["copy"] == "auditor"
    assert [row["name"] for row in digests["files"]] == names[:-1]
    for row in digests["files"]:
        assert row["sha256"] == hashlib.sha256(FILES[row["name"]]).hexdigest()
        assert row["size"] == len(FILES[row["name"]])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.dictionaries(st.text("abc中-_", min_size=1, max_size=8), st.binary(max_size=2000), max_size=6)
)
def test_what_is_written_is_read(tmp_path: Path, files: dict[str, bytes]) -> None:
    path = tmp_path / "b.zip"
    write_bundle(path, "public", "r1", files)
    assert read_bundle(path) == files


@pytest.mark.parametrize(
    "name",
    [
        "", "/a", "../a", "a/../b", "a/b/c", "a\\b", "C:a", ".a", "a/.b", "a/", "a\nb", "a?", "a*", 'a"', "a|",
        "digests.json", "x" * 300,
    ],
)  # fmt: skip
def test_names_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "b.zip"
    with pytest.raises(Refused) as caught:
        write_bundle(path, "public", "r1", {name: b""})
    assert caught.value.problem.code == "bundle.name"
    assert list(tmp_path.iterdir()) == []


class Failing(Mapping[str, bytes]):
    """Gives its first file and fails at the second, as a database would that goes away."""

    def __getitem__(self, name: str) -> bytes:
        if name == "b":
            raise ConnectionError
        return b"x"

    def __iter__(self) -> Iterator[str]:
        return iter(("a", "b"))

    def __len__(self) -> int:
        return 2


def test_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    path.write_bytes(b"old")
    with pytest.raises(ConnectionError):
        write_bundle(path, "public", "r1", Failing())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_are_fetched_one_at_a_time(tmp_path: Path) -> None:
    fetched: list[str] = []

    class Counting(Failing):
        def __getitem__(self, name: str) -> bytes:
            fetched.append(name)
            return name.encode()

    write_bundle(tmp_path / "b.zip", "public", "r1", Counting())
    assert fetched == ["a", "b"]


def found_or_code(path: Path) -> dict[str, bytes] | str:
    try:
        return read_bundle(path)
    except Refused as refused:
        return refused.problem.code


def test_damage_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    write_bundle(path, "public", "r1", FILES)
    raw = path.read_bytes()
    for place in range(0, len(raw) - 400, 50):
        changed = bytearray(raw)
        changed[place] ^= 0xFF
        path.write_bytes(bytes(changed))
        assert found_or_code(path) in ("bundle.damaged", FILES)
    path.write_bytes(b"nothing")
    with pytest.raises(Refused):
        read_bundle(path)
