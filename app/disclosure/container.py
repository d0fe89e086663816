"""The ZIP container of a round's bundle, byte for byte as docs/bundle.md fixes it.

The same files give the same bytes (with one zlib), and every byte outside the packed contents follows from names,
CRCs and sizes, so that a verifier can rebuild and compare it. `zipfile` is not used for writing: its choices
(flags, attributes, version fields) are not ours to fix.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from optimizer.errors import refuse

Copy = Literal["public", "auditor"]

DIGESTS = "digests.json"
COMPRESSION_LEVEL = 6
_SIZE_LIMIT = 2**32 - 1
_COUNT_LIMIT = 2**16 - 2
_FLAGS_UTF8 = 0x0800
_DATE_1980_01_01 = 0x0021
_MADE_BY_UNIX_20 = 0x0314
_REGULAR_FILE_0644 = 0o100644 << 16
_DEFLATED, _STORED = 8, 0
_NAME = re.compile(
    r'(?:log/proofs/|[^/\\:*?"<>|\x00-\x1f\x7f.][^/\\:*?"<>|\x00-\x1f\x7f]*/)?'
    + r'[^/\\:*?"<>|\x00-\x1f\x7f.][^/\\:*?"<>|\x00-\x1f\x7f]*'
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One packed entry: what the two headers need, and where its local header starts."""

    name: bytes
    method: int
    crc: int
    packed: int
    size: int
    offset: int

    def common(self) -> bytes:
        """Version needed … extra length: the fields that both headers share, in their order."""
        return struct.pack(
            "<HHHHHIIIHH",
            20, _FLAGS_UTF8, self.method, 0, _DATE_1980_01_01,
            self.crc, self.packed, self.size, len(self.name), 0,
        )  # fmt: skip

    def local(self) -> bytes:
        return b"PK\x03\x04" + self.common() + self.name

    def central(self) -> bytes:
        made_by = struct.pack("<H", _MADE_BY_UNIX_20)
        rest = struct.pack("<HHHII", 0, 0, 0, _REGULAR_FILE_0644, self.offset)
        return b"PK\x01\x02" + made_by + self.common() + rest + self.name


def write_bundle(path: Path, copy: Copy, round_id: str, files: Mapping[str, bytes]) -> None:
    """Write the bundle of `files` (name → contents, without `digests.json`) to `path`, or leave `path` as it was.

    Contents are fetched from the mapping one at a time and only their packed form is held, so a mapping that
    reads its values when asked keeps memory at one file. Raises `bundle.name` for a name that docs/bundle.md
    does not allow, `bundle.too_large` beyond ZIP's 4 GiB (ZIP64 is not used).
    """
    names = sorted(files, key=str.encode)
    for name in names:
        _check_name(name)
    if len(names) > _COUNT_LIMIT:
        raise _too_large(f"{len(names)} files")
    part = tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False)  # noqa: SIM115
    try:
        with part as out:
            _write(out, copy, round_id, names, files)
            out.flush()
            os.fsync(out.fileno())
        os.chmod(part.name, 0o644)  # noqa: PTH101  the file has only a name here
        Path(part.name).replace(path)
    except BaseException:
        Path(part.name).unlink(missing_ok=True)
        raise


def read_bundle(path: Path) -> dict[str, bytes]:
    """Contents by name, `digests.json` left out, each compared with its digest.

    For our own bundles; a stranger's go through the verifier. Raises `bundle.damaged` naming the entry.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            digests = json.loads(archive.read(DIGESTS))
            contents = {row["name"]: archive.read(row["name"]) for row in digests["files"]}
    except (OSError, zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError) as error:
        raise _damaged(path.name) from error
    for row in digests["files"]:
        if hashlib.sha256(contents[row["name"]]).hexdigest() != row["sha256"]:
            raise _damaged(row["name"])
    return contents


def _write(out: IO[bytes], copy: Copy, round_id: str, names: list[str], files: Mapping[str, bytes]) -> None:
    entries: list[_Entry] = []
    rows: list[dict[str, str | int]] = []
    for name in names:
        contents = files[name]
        packed = _deflate(contents)
        rows.append(
            {
                "name": name,
                "size": len(contents),
                "sha256": hashlib.sha256(contents).hexdigest(),
                "packed_sha256": hashlib.sha256(packed).hexdigest(),
            }
        )
        entries.append(_append(out, name, _DEFLATED, contents, packed))
    digests = _canonical({"copy": copy, "round_id": round_id, "files": rows})
    entries.append(_append(out, DIGESTS, _STORED, digests, digests))
    directory = b"".join(entry.central() for entry in entries)
    start = out.tell()
    if start + len(directory) > _SIZE_LIMIT:
        raise _too_large(f"{start} bytes")
    out.write(directory)
    count = len(entries)
    out.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), start, 0))


def _append(out: IO[bytes], name: str, method: int, contents: bytes, packed: bytes) -> _Entry:
    offset = out.tell()
    if max(offset, len(contents), len(packed)) > _SIZE_LIMIT:
        raise _too_large(name)
    entry = _Entry(name.encode(), method, zlib.crc32(contents), len(packed), len(contents), offset)
    out.write(entry.local())
    out.write(packed)
    return entry


def _deflate(contents: bytes) -> bytes:
    packer = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY)
    return packer.compress(contents) + packer.flush()


def _canonical(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def _check_name(name: str) -> None:
    if name != DIGESTS and len(name.encode()) <= 200 and _NAME.fullmatch(name):
        return
    raise refuse(
        "bundle.name",
        f"归档文件名不允许：{name!r}",
        f"This file name is not allowed in a bundle: {name!r}.",
        '文件名至多一层目录（log/proofs/ 除外），不含 / \\ : * ? " < > | 与控制字符，不以点开头。',
        'Use at most one folder (or log/proofs/), none of / \\ : * ? " < > | or control characters, no leading dot.',
        name=name,
    )


def _too_large(what: str) -> Exception:
    return refuse(
        "bundle.too_large",
        f"归档超过 ZIP 格式上限：{what}",
        f"The bundle exceeds what a plain ZIP can hold: {what}.",
        "请把本批次拆成较小的计划。",
        "Split the plan into smaller rounds.",
        what=what,
    )


def _damaged(name: str) -> Exception:
    return refuse(
        "bundle.damaged",
        f"归档已损坏：{name}",
        f"The bundle is damaged: {name}.",
        "请从存储的材料重新生成归档，或重新下载。",
        "Make the bundle again from the stored artefacts, or download it again.",
        name=name,
    )
