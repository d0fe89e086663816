"""Verify a round's published bundle, trusting nobody: standard library only, one file, Python 3.8 or later.

    python -I verify.py BUNDLE.zip [--key VKEY] [--seen CHECKPOINT [--proof FILE]] [--firm OPENING.json] [--json]

One line per step: OK, FAIL or SKIP, the step, what was compared. Exit status 0: all hold; 1: a step failed;
2: unreadable. The rules are those of the project's docs: bundle.md (files and container), draw.md (the draw of
targets), packing.md (the schedule), lottery.md (the seats); docstrings name their sections. This is an
implementation of its own: it shares no code with the program that made the bundle.
"""

from __future__ import annotations

import argparse
import array
import base64
import bisect
import collections
import hashlib
import itertools
import json
import math
import re
import struct
import sys
import unicodedata
import zlib
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, Callable, Iterable, NamedTuple, Tuple  # noqa: UP035  Python 3.8 reads this file too

PPM, TWO64 = 10**6, 2**64
ZIP_LIMIT, TOTAL_LIMIT, ENTRY_LIMIT, JSON_LIMIT = 2**29, 2**30, 2**28, 2**26
FILES_LIMIT, ROWS_LIMIT, COLUMNS_LIMIT = 4096, 5 * 10**6, 64


class Wrong(Exception):  # noqa: N818  what a step found, not a failure of this program
    """A rule that the bundle breaks, in Chinese and English."""


class Unreadable(Wrong):
    """The input cannot be read at all: exit status 2."""


class Skip(Wrong):
    """What this copy cannot show, and who can."""


def need(condition: object, rule: str) -> None:
    if not condition:
        raise Wrong(rule)


def same(found: Any, expected: Any, rule: str) -> None:
    """Compare two values, JSON or plain, and show the first place where they differ."""
    place = difference(found, expected, "")
    need(not place, f"{rule}: {place}")


def difference(found: Any, expected: Any, where: str) -> str:
    """Name the first place where two values differ, in type or value; empty if none."""
    keys: Iterable[Any] = ()
    if isinstance(found, dict) and isinstance(expected, dict) and set(found) == set(expected):
        keys = found
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        keys = range(len(found))
    elif type(found) is not type(expected) or found != expected:
        return f"{where} {fold(found, 80)} ≠ {fold(expected, 80)}"
    places = (difference(found[key], expected[key], f"{where}.{key}") for key in keys)
    return next(filter(None, places), "")


def ascending(values: list[Any], rule: str) -> None:
    """Require strict order, hence no repeats. Text compares by code points, which is the order of its bytes."""
    for index in range(1, len(values)):
        need(
            values[index - 1] < values[index],
            f"{rule} 未升序或重复 · not ascending: {fold(values[index], 60)}",
        )


def fold(value: object, limit: int = 200) -> str:
    """Make foreign text safe for one line of a terminal."""
    line = "".join(c if c.isprintable() else "\ufffd" for c in str(value))
    return line if len(line) <= limit else line[: limit - 1] + "…"


# --- The container (bundle.md) --------------------------------------------------------------------------------------


def safe_part(part: str) -> bool:
    """Say whether a name is one that no file system reads as a path, a device or a hidden file."""
    bad = any(c in '/\\:*?"<>|' or not c.isprintable() for c in part)
    return 0 < len(part.encode("utf-8", "replace")) <= 150 and not bad and part[0] != "."


class Archive:
    """The ZIP of bundle.md, read by hand so that every byte outside the packed contents is accounted for."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.entries: dict[str, tuple[int, int, int, int]] = {}  # CRC, packed size, size, where it starts
        self.sha256: dict[str, str] = {}

    def open(self) -> None:
        """Rebuild all headers and compare, then unpack every file against its size and CRC."""
        self._directory()
        names = list(self.entries)
        need(names.pop() == "digests.json", "digests.json 不在最后 · digests.json is not last")
        ascending(names, "文件名 file names")
        self.sha256 = {name: hashlib.sha256(self.read(name)).hexdigest() for name in names}

    def _directory(self) -> None:
        if len(self.raw) < 22 or self.raw[-22:-18] != b"PK\x05\x06":
            raise Unreadable("不是本格式的 ZIP 文件 · not a ZIP file of this format")
        disk, first, here, count, size, at, comment = struct.unpack("<HHHHIIH", self.raw[-18:])
        if disk or first or here != count or comment or at + size + 22 != len(self.raw):
            raise Unreadable("ZIP 结尾记录不合格式 · the ZIP's end record is not of this format")
        if not 0 < count <= FILES_LIMIT:
            raise Unreadable("ZIP 文件数超限 · the ZIP holds no file or too many")
        offset = 0
        for _ in range(count):
            at, offset = self._admit(at, offset)
        need(at == len(self.raw) - 22, "ZIP 内有多余字节 · the ZIP holds bytes of no file")
        need(offset + size == at, "ZIP 内有多余字节 · the ZIP holds bytes of no file")

    def _admit(self, at: int, offset: int) -> tuple[int, int]:
        """Take in the file whose directory record stands at `at` and whose local header must stand at `offset`."""
        need(at + 46 < len(self.raw), "ZIP 目录不完整 · the ZIP's directory is cut short")
        crc, packed, size, length = struct.unpack_from("<IIIH", self.raw, at + 16)
        raw_name = self.raw[at + 46 : at + 46 + length]
        method = 0 if raw_name == b"digests.json" else 8
        common = struct.pack("<HHHHHIIIHH", 20, 0x800, method, 0, 0x21, crc, packed, size, length, 0)
        rest = struct.pack("<HHHII", 0, 0, 0, 0o100644 << 16, offset)
        central, local = b"PK\x01\x02\x14\x03" + common + rest + raw_name, b"PK\x03\x04" + common + raw_name
        good = self.raw.startswith(central, at) and self.raw.startswith(local, offset)
        need(good, f"{fold(raw_name, 60)} 的 ZIP 文件头与格式不符 · a ZIP header is not of this format")
        name = raw_name.decode("utf-8", "replace")
        total = size + sum(entry[2] for entry in self.entries.values())
        if size > (JSON_LIMIT if name.endswith(".json") else ENTRY_LIMIT) or total > TOTAL_LIMIT:
            raise Unreadable(f"{fold(name)} 解压后超限 · unpacked it would exceed the size limit")
        parts = name[len("log/") * name.startswith("log/proofs/") :].split("/")
        if (
            name in self.entries
            or len(parts) > 2
            or not all(map(safe_part, parts))
            or name.encode() != raw_name
        ):
            raise Unreadable(f"{fold(name)} 文件名重复或不允许 · a file name repeats or is not allowed")
        start = offset + len(local)
        self.entries[name] = crc, packed, size, start
        return at + len(central), start + packed

    def packed(self, name: str) -> bytes:
        _, packed, _, start = self.entries[name]
        return self.raw[start : start + packed]

    def read(self, name: str) -> bytes:
        """Unpack one file, never beyond the size that its header states."""
        need(name in self.entries, f"缺少文件 missing file {fold(name)}")
        crc, _, size, _ = self.entries[name]
        contents = self.packed(name)
        if name != "digests.json":
            unpacker = zlib.decompressobj(-15)
            contents = unpacker.decompress(contents, size + 1)
            whole = unpacker.eof and not unpacker.unused_data and not unpacker.unconsumed_tail
            need(whole, f"{name} 压缩流不完整或有多余 · the packed stream is cut short or too long")
        good = len(contents) == size and zlib.crc32(contents) == crc
        need(good, f"{name} 大小或 CRC 不符 · size or CRC differs")
        return contents


# --- Values and JSON (draw.md 1 and 2) ------------------------------------------------------------------------------

BAD_CATEGORIES = ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp")


def text(value: object) -> bool:
    """Section 1's rule for values: NFC, no space at either end, no character of the bad categories."""
    if not isinstance(value, str) or value[:1] == " " or value[-1:] == " ":
        return False
    if value.isascii():
        return value.isprintable()
    bad = any(unicodedata.category(c) in BAD_CATEGORIES for c in set(value))
    return not bad and unicodedata.is_normalized("NFC", value)


def all_text(value: object) -> bool:
    """Section 2: all text obeys the rule, and there are no booleans."""
    if isinstance(value, dict):
        return all(map(all_text, value.values()))
    return (
        all(map(all_text, value))
        if isinstance(value, list)
        else type(value) in (int, type(None)) or text(value)
    )


def canonical(value: object) -> bytes:
    """RFC 8785, within the limits of section 2."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs) or not all(key.isascii() for key in found):
        raise Unreadable("JSON 键重复或非 ASCII · a JSON key repeats or is not ASCII")
    return found


def _integer(digits: str) -> int:
    if len(digits) > 17 or abs(int(digits)) >= 2**53:
        raise Unreadable("JSON 整数过大 · a JSON integer is 2^53 or more")
    return int(digits)


def _no_number(digits: str) -> int:
    raise Unreadable(f"JSON 中有小数或 NaN · JSON holds a fraction, NaN or Infinity: {fold(digits, 30)}")


def parse_json(raw: bytes, name: str) -> Any:
    """Parse strictly: UTF-8, no repeated key, integers below 2^53 only, no deep nesting."""
    hooks = {"parse_int": _integer, "parse_float": _no_number, "parse_constant": _no_number}
    try:
        return json.loads(raw.decode(), object_pairs_hook=_object, **hooks)  # type: ignore[arg-type]
    except RecursionError:
        raise Unreadable(f"{name} 嵌套过深 · nested too deeply") from None
    except ValueError as error:
        raise Unreadable(f"{name} 不是 JSON · not JSON: {fold(error, 80)}") from None


def matches(pattern: str) -> Callable[[object], bool]:
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?\+08:00", re.ASCII)
digest, target = matches("[0-9a-f]{64}"), matches("[0-9A-Z._:-]{1,64}")
looks_like_day = matches("[0-9]{4}-[0-9]{2}-[0-9]{2}")
ratio = matches("0|[1-9][0-9]*(/[1-9][0-9]*)?")
decimal = matches(r"[0-9](\.[0-9]{1,20})?(e[+-][0-9]{1,3})?")


def moment(value: str) -> tuple[datetime, str]:
    """RFC 3339 with +08:00, as something that sorts by time."""
    found = TIME.fullmatch(value)
    if found is None:
        raise Wrong(f"时间格式不符 · not RFC 3339 with +08:00: {fold(value, 40)}")
    return datetime.strptime(found[1], "%Y-%m-%dT%H:%M:%S"), (found[2] or "").ljust(9, "0")  # noqa: DTZ007


def time(value: object) -> bool:
    return isinstance(value, str) and bool(moment(value))


def day(value: object) -> bool:
    return looks_like_day(value) and bool(date.fromisoformat(str(value)))


def name(value: object) -> bool:
    return value != "" and text(value)


def file_part(value: object) -> bool:
    return name(value) and safe_part(str(value))


def count(value: object) -> bool:
    return type(value) is int and value >= 0


def ppm(value: object) -> bool:
    return type(value) is int and 0 <= value <= PPM


def anything(_: object) -> bool:
    return True


def shaped(value: Any, shape: Any, where: str) -> None:
    """Compare a JSON value with a shape.

    A dict names an object's keys (`key?` may be missing, `…` allows others), a list of one shape an array, a tuple
    alternatives (None, literals, rules), a type that type, any other callable a rule for one value.
    """
    if isinstance(shape, dict):
        need(isinstance(value, dict), f"{where} 应为对象 · should be an object")
        for key, inner in shape.items():
            if key.rstrip("?") in value:
                shaped(value[key.rstrip("?")], inner, f"{where}.{key}")
            else:
                need(key[-1] in "?…", f"{where} 缺少 lacks {key}")
        extra = set(value) - {key.rstrip("?") for key in shape}
        need("…" in shape or not extra, f"{where} 有多余的键 · keys of no rule: {fold(sorted(extra), 60)}")
    elif isinstance(shape, list):
        need(isinstance(value, list), f"{where} 应为数组 · should be an array")
        for index, item in enumerate(value):
            shaped(item, shape[0], f"{where}[{index}]")
    else:
        if isinstance(shape, tuple):
            good = any(rule(value) if callable(rule) else rule == value for rule in shape)
        else:
            good = type(value) is shape if isinstance(shape, type) else shape(value)
        need(good, f"{where} 的值不允许 · bad value: {fold(value, 60)}")


# fmt: off
RULE = {
    "ratio_ppm": ppm, "min": count, "max": (None, count), "rounding": ("ceil", "systematic"), "…": anything,
}
SOURCES = [{"id": name, "encoding": ("utf8", "hex"), "rule": name, "bits": count, "…": anything}]
MEASURES = {
    "entries": count, "inspector_days": count, "travel_min": count, "host_min": count, "people_per_visit_max": count,
}
VALUES = [{"id": name, "value": str}]
SHAPES: dict[str, Any] = {
    "manifest": {
        "suite": ("DR1-HMAC-SHA256", "DR1-HMAC-SM3"), "round_id": file_part, "plan": name, "period": name,
        "sequence": count, "privacy": ("open", "sealed"), "entropy": SOURCES, "entropy_seats": SOURCES,
        "commitments": [{"party": name, "commitment": digest, "…": anything}], "roster_hash": digest,
        "packing": {"solver": text, "version": text, "parameters": dict, "…": anything},
        "deadlines": {"entropy": time, "sealed_result": time, "reveal": time, "…": anything},
        "salt_commitment?": digest, "title?": text, "demo?": (0, 1), "seat_weights?": dict,
        "seat_history?": [{"code": name, "department": name, "seats": count}],
        "seat_draw?": ("halvings", "observable"), "…": anything,
        "draws": [{
            "draw_id": file_part, "department": name, "columns": [name], "internal": [name],
            "frame_hash?": digest, "frame_root?": digest, "frame_rows": count, "excluded_hash": digest,
            "strata_by": [name], "default": RULE, "strata": [{"key": [text], **RULE}],
            "cooldown": (None, lambda value: ppm(value["lambda_ppm"])),
            "stream": ("round", "own"), "backups": count, "title?": text, "items?": [name],
            "excluded_rows?": count, "departments?": [name], "…": anything,
        }],
    },
    "reveal": {
        "round_id": name, "manifest_hash": digest, "secrets": [{"party": name, "secret": digest}],
        "entropy": VALUES, "entropy_seats": VALUES, "assurance": (0, 1, 2), "seal": digest,
        "plan_commitment": (None, digest), "seats_seal": (None, digest), "k_salt?": digest, "verifier?": digest,
        "void?": name,
    },
    "digests": {
        "copy": ("public", "auditor"), "round_id": file_part,
        "files": [{"name": str, "size": count, "sha256": digest, "packed_sha256": digest}],
    },
    "visits": {
        "visits": [{"visit_id": name, "target_id": target, "date": day, "start": count, "checks": [name]}],
        "checks": [{
            "check_id": name, "target_id": target, "department": name, "draws": [name], "items": [name],
            "minutes": count, "officers": count, "specialties": [name],
        }],
        "people_caps": lambda value: all(target(key) and count(cap) for key, cap in value.items()),
        "unscheduled": [{"check_id": name, "code": name, "reason": anything, "remedy": anything}],
    },
    "schedule": {
        "days": [day],
        "parameters": {"day_start": count, "day_minutes": count, "max_entries": count, "…": anything},
        "routes": [{
            "route_id": name, "department": name, "district": text, "date": day, "officers": count,
            "specialties": [name],
            "stops": [{"visit_id": name, "arrive": count, "start": count, "end": count}],
        }],
        "report": {
            "plan": MEASURES, "alone": MEASURES, "greedy": MEASURES, "entries_bound": count, "gap_ppm": count,
            "inspector_days_bound": {"value": count, "kind": name}, "parameters": dict, "…": anything,
        },
    },
    "lottery": {
        "roster_hash": digest, "unit_bits": (10, 20), "district_rule": ("any", "home", "away"),
        "seats": [{
            "seat_id": name, "route_id": name, "date": day, "department": name, "lead": bool, "specialties": [name],
        }],
        "groups": [{"group_id": name, "members": [name], "cap": count, "weight": count, "load": ratio}],
        "classes": [{"class_id": name, "date": day, "seats": [name], "groups": [name], "units": [count]}],
        "certificate": {
            "a": [decimal], "b": [decimal], "t": [{"group_id": name, "date": day, "factor": decimal}],
        },
        "plan_hash": digest, "transcript": [digest], "assignment": dict, "reserves": dict,
    },
    "roster": {
        "inspectors": [{
            "code": name, "department": name, "district": text, "certificate_expires": day, "specialties": [name],
            "lead": bool, "cap": count,
        }],
        "leave": [{"code": name, "from": day, "to": day}], "recusals": [{"code": name, "target_id": target}],
    },
    "events": [{"at": time, "type": name, "…": anything}],
    "replacement": {
        "draw_id": name, "target": target, "evidence_hash": digest,
        "reason": ("deregistered", "revoked", "moved_away", "duplicate"), "backup": (None, target), "…": anything,
    },
    "void": {"at": time, "type": name, "reason": name, "by": digest, "confirmed_by": digest},
    "absence": {
        "at": time, "type": name, "inspector": name, "reason": ("sickness", "recusal", "certificate"),
        "from?": day, "to?": day, "routes?": [name],
    },
    "plan_change": {
        "at": time, "type": name, "reason": name, "closed": [{"target_id": target, "date": day}],
        "pins": [{"check_id": name, "date": day}], "checks": [dict], "cancelled": [name],
        "visits": [{"visit_id": name, "target_id": target, "date": day, "start": count, "checks": [name]}],
        "routes": [{"route_id": name, "stops": [{"visit_id": name, "arrive": count, "start": count, "end": count}]}],
        "unscheduled": [{"check_id": name, "code": name, "reason": anything, "remedy": anything}],
        "fewer": [{"department": name, "date": day, "officers": count}], "cost": dict,
    },
    "log/entries": [{"index": count, "entry": {
        "type": name, "subject": str, "at": time, "actor_role": str, "digest": (None, digest), "plan": name,
        "period": name, "sequence": count, "round_id": name, "…": anything,
    }}],
    "opening": {
        "round_id": name, "draw_id": name, "index": count, "blind": digest, "public_cells": [text],
        "inner_hash": digest, "path": [digest], "drawn": bool,
    },
}
# fmt: on

# --- Hash, MAC, lp, tree (draw.md) ----------------------------------------------------------------------------------


def lp(*parts: str | bytes) -> bytes:
    """be64(length) and bytes of each part; text as UTF-8."""
    raw = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join([len(part).to_bytes(8, "big") + part for part in raw])


def u64(number: bytes) -> int:
    return int.from_bytes(number[:8], "big")


class Suite:
    """H and MAC of one suite; both hashes have blocks of 64 bytes and digests of 32."""

    def __init__(self, label: str) -> None:
        try:
            self.fresh = hashlib.new({"DR1-HMAC-SHA256": "sha256", "DR1-HMAC-SM3": "sm3"}[label])
        except ValueError:
            raise Unreadable("本机 Python 没有 SM3 · this Python's OpenSSL has no SM3") from None

    def hash(self, data: bytes) -> bytes:
        state = self.fresh.copy()
        state.update(data)
        return state.digest()

    def mac(self, key: bytes) -> Callable[..., bytes]:
        """HMAC under a key of 32 bytes, over lp(parts): the key's two blocks are hashed once."""
        inner, outer = self.fresh.copy(), self.fresh.copy()
        inner.update(bytes(byte ^ 0x36 for byte in key.ljust(64, b"\0")))
        outer.update(bytes(byte ^ 0x5C for byte in key.ljust(64, b"\0")))

        def over(*parts: str | bytes) -> bytes:
            first, second = inner.copy(), outer.copy()
            first.update(lp(*parts))
            second.update(first.digest())
            return second.digest()

        return over

    def node(self, left: bytes, right: bytes) -> bytes:
        return self.hash(b"\1" + left + right)

    def tree(self, leaves: Iterable[bytes]) -> bytes:
        """RFC 9162's tree head, with the complete subtrees (size, head) on a stack."""
        stack: list[tuple[int, bytes]] = []
        for leaf in leaves:
            subtree = 1, self.hash(b"\0" + leaf)
            while stack and stack[-1][0] == subtree[0]:
                subtree = 2 * subtree[0], self.node(stack.pop()[1], subtree[1])
            stack.append(subtree)
        head = stack.pop()[1] if stack else self.hash(b"")
        while stack:
            head = self.node(stack.pop()[1], head)
        return head

    def includes(self, leaf: bytes, index: int, size: int, path: list[str], root: str) -> bool:
        """RFC 9162 section 2.1.3.2: does the path lead from a leaf to the root?"""
        position, last, head = index, size - 1, self.hash(b"\0" + leaf)
        for sibling in map(bytes.fromhex, path):
            if last == 0:
                return False
            if position & 1 or position == last:
                head = self.node(sibling, head)
                while not position & 1 and position:
                    position, last = position >> 1, last >> 1
            else:
                head = self.node(head, sibling)
            position, last = position >> 1, last >> 1
        return index < size and last == 0 and head.hex() == root


# --- The round as it is being read ----------------------------------------------------------------------------------


class Frame(NamedTuple):
    """A frozen population: targets, the stratum of each (values joined by TAB), and which are recent."""

    ids: list[str]
    strata: list[str]
    recent: set[str]


class Trust(NamedTuple):
    """What the reader knows from elsewhere: the log's public keys, a checkpoint kept, the proof between it and ours."""

    vkeys: Iterable[str] = ()
    seen: bytes | None = None
    proof: bytes | None = None


class Round:
    """What the steps have read and derived so far; every file is parsed once."""

    def __init__(self, archive: Archive, opening: bytes | None, trust: Trust | None = None) -> None:
        self.archive = archive
        self.opening = opening
        self.vkeys, self.seen, self.proof = trust or Trust()
        self.parsed: dict[str, Any] = {}
        self.copy = self.round_id = ""
        self.sealed = self.full = False  # full: frames and numbers are here
        self.draws: list[dict[str, Any]] = []
        self.manifest_hash = b""
        self.keys: dict[str, bytes] = {}
        self.frames: dict[str, Frame] = {}

    def json(self, name: str, shape: Any = None) -> Any:
        """Parse a .json file once: strict JSON, canonical form plus LF, of its shape."""
        if name not in self.parsed:
            raw = self.archive.read(name + ".json")
            value = parse_json(raw, name)
            shaped(value, shape or SHAPES[name], name)
            need(canonical(value) + b"\n" == raw, f"{name}.json 不是规范 JSON · not canonical JSON plus LF")
            self.parsed[name] = value
        return self.parsed[name]

    def mac(self, key: str) -> Callable[..., bytes]:
        return self.suite.mac(self.keys[key])

    def salt(self) -> Callable[..., bytes]:
        """MAC under K_salt, in the auditor's copy of a sealed round."""
        return self.suite.mac(bytes.fromhex(self.json("reveal")["k_salt"]))

    @property
    def suite(self) -> Suite:
        return Suite(self.json("manifest")["suite"])

    def result(self, draw_id: str) -> Any:
        return self.json(f"results/{draw_id}", dict)

    def drawn(self, draw_id: str) -> list[str]:
        """Ids that a draw's result lists as selected, whatever the copy."""
        result = self.result(draw_id)
        if not self.full:
            return list(result["selected"])
        return [row["target_id"] for stratum in result["strata"] for row in stratum["selected"]]

    @property
    def void(self) -> str | None:
        """Why the round is void, as its reveal states it; None where it is not."""
        reason: str | None = self.json("reveal").get("void")
        return reason

    def logged(self, kind: str) -> bool:
        return any(row["entry"]["type"] == "round." + kind for row in self.json("log/entries"))

    def made(self, kind: str) -> bool:
        """Whether a void round had come to this when it was voided; any other round has come to everything."""
        return self.void is None or self.logged(kind)

    def skip_unmade(self, kind: str) -> None:
        if not self.made(kind):
            raise Skip(f"批次作废前未产生 · not made: round void ({fold(self.void, 60)}) before round.{kind}")

    def entry(self, kind: str) -> Any:
        """The one log entry of a type `round.…`."""
        found = [row["entry"] for row in self.json("log/entries") if row["entry"]["type"] == "round." + kind]
        need(len(found) == 1, f"日志应恰有一条 round.{kind} · the log should hold one, not {len(found)}")
        return found[0]


# --- Steps: files, manifest, seed -----------------------------------------------------------------------------------


def step_container(r: Round) -> str:
    r.archive.open()
    return f"{len(r.archive.entries)} 个文件，头部逐字节重建 · files, headers rebuilt byte by byte"


def step_digests(r: Round) -> str:
    table = r.json("digests")
    listed = [row["name"] for row in table["files"]]
    same(listed, list(r.archive.entries)[:-1], "摘要表与文件不符 · digests.json lists other files")
    for row in table["files"]:
        label = row["name"]
        packed = hashlib.sha256(r.archive.packed(label)).hexdigest()
        found = {"name": label, "size": r.archive.entries[label][2], "sha256": r.archive.sha256[label]}
        same({**found, "packed_sha256": packed}, row, f"{label} 摘要不符 · a digest differs")
    r.copy = table["copy"]
    return f"{len(listed)} 个文件的 SHA-256 一致 · contents and packed bytes = digests.json ({r.copy})"


def expected_files(r: Round) -> list[str]:
    """bundle.md's table of files."""
    files = ["manifest", "reveal", "events", "log/entries"]
    files += ["visits", "schedule", "lottery"] * r.made("plan")
    files += ["roster"] * (r.copy == "auditor") + [f"results/{draw['draw_id']}" for draw in r.draws]
    files = [file + ".json" for file in files] + ["verify.py", "log/checkpoint"]
    files += [f"log/proofs/{kind}" for kind in proved(r)]
    for kind in ("frames", "excluded") if r.full else ():
        files += [f"{kind}/{draw['draw_id']}.tsv" for draw in r.draws]
    return sorted(files)


def step_manifest(r: Round) -> str:
    """Section 2. The hash is compared with the log's and the reveal's."""
    manifest, reveal = r.json("manifest"), r.json("reveal")
    r.draws, r.round_id, r.sealed = manifest["draws"], manifest["round_id"], manifest["privacy"] == "sealed"
    r.full = r.copy == "auditor" or not r.sealed
    r.manifest_hash = r.suite.hash(canonical(manifest))
    check_manifest(manifest)
    for draw in r.draws:
        check_draw_rules(draw, r.sealed, f"{draw['draw_id']} ")
    same(list(r.archive.entries)[:-1], expected_files(r), "文件清单不符 · other files than this copy has")
    ids = {r.json("digests")["round_id"], reveal["round_id"]}
    same(ids, {r.round_id}, "批次号不符 · round_id of digests.json or reveal.json differs")
    found = r.manifest_hash.hex()
    same(found, reveal["manifest_hash"], "manifest_hash 与公开文件不符 · differs from the reveal's")
    same(found, r.entry("manifest")["digest"], "manifest_hash 与日志不符 · differs from the log's")
    verifier = reveal.get("verifier", r.archive.sha256["verify.py"])
    same(r.archive.sha256["verify.py"], verifier, "verify.py 与公开文件不符 · not the verifier of the reveal")
    return f"冻结清单 manifest_hash {found[:8]}… = 日志 log = 公开文件 reveal; {len(r.draws)} draws"


def check_manifest(manifest: dict[str, Any]) -> None:
    draws, commitments = manifest["draws"], manifest["commitments"]
    need(draws and commitments and manifest["entropy"], "缺少抽取、承诺或随机源 · no draw, party or entropy")
    need(manifest["sequence"] >= 1, "sequence 应不小于 1 · below 1")
    ascending([draw["draw_id"] for draw in draws], "draw_id")
    ascending([row["party"] for row in commitments], "参与方 party")
    distinct(row["commitment"] for row in commitments)
    distinct(source["id"] for source in manifest["entropy"] + manifest["entropy_seats"])
    times = [moment(manifest["deadlines"][key]) for key in ("entropy", "sealed_result", "reveal")]
    need(times == sorted(times), "期限先后颠倒 · deadlines are not in order of time")
    salted = manifest["privacy"] == "open" or "salt_commitment" in manifest
    need(salted, "封存批次缺少盐承诺 · a sealed round lacks salt_commitment")
    need(all_text(manifest), "文字不合取值规则 · text breaks the rule for values")


def distinct(values: Iterable[Any]) -> None:
    seen = set()
    for value in values:
        need(value not in seen, f"有重复 · a value repeats: {fold(value, 100)}")
        seen.add(value)


def check_draw_rules(draw: dict[str, Any], sealed: bool, label: str) -> None:
    """Sections 1, 2, 5 and 7, as far as the manifest alone shows them."""
    columns, internal, strata_by = draw["columns"], draw["internal"], draw["strata_by"]
    keys = [tuple(rule["key"]) for rule in draw["strata"]]
    for values in (columns, internal, strata_by, keys, draw.get("departments", [])):
        distinct(values)
    need(columns[:1] == ["target_id"], label + "首列不是 target_id · the first column is not target_id")
    known = set(internal) <= set(columns[1:]) and set(strata_by) <= set(columns)
    need(known and len(columns) <= COLUMNS_LIMIT, label + "列未知或过多 · unknown or too many columns")
    need(sealed or not internal, label + "公开批次含内部列 · an open round has an internal column")
    need(("frame_root" if sealed else "frame_hash") in draw, label + "缺少名录摘要 · no digest of the frame")
    need(all(len(key) == len(strata_by) for key in keys), label + "分层键长度不符 · a key of another length")
    for rule in [draw["default"], *draw["strata"]]:
        need(rule["max"] is None or rule["min"] <= rule["max"], label + "最小数大于最大数 · min exceeds max")
    good = draw["cooldown"] is None or ("recent" in columns and "recent" not in strata_by)
    need(good, label + "冷却须有 recent 列且不作分层 · cool-down needs the column recent, not in strata_by")
    departments = draw.get("departments", [draw["department"]])
    need(departments[:1] == [draw["department"]], label + "departments 应以本部门开头 · own department first")


def step_commitments(r: Round) -> str:
    """Section 3: each secret opens its party's commitment."""
    manifest, reveal = r.json("manifest"), r.json("reveal")
    secrets = {row["party"]: bytes.fromhex(row["secret"]) for row in reveal["secrets"]}
    parties = [row["party"] for row in manifest["commitments"]]
    same([row["party"] for row in reveal["secrets"]], parties, "参与方不符 · other parties")
    for row in manifest["commitments"]:
        opened = r.suite.hash(lp("DR1/commit", r.round_id, row["party"], secrets[row["party"]])).hex()
        same(
            opened,
            row["commitment"],
            f"{row['party']} 的秘密与承诺不符 · a secret does not open its commitment",
        )
    salted = r.sealed and r.copy == "auditor"
    need(("k_salt" in reveal) == salted, "k_salt 只属于封存批次的审计本 · only in a sealed auditor's copy")
    if salted:
        opened = r.suite.hash(lp("DR1/salt", r.round_id, bytes.fromhex(reveal["k_salt"]))).hex()
        same(opened, manifest["salt_commitment"], "k_salt 与承诺不符 · does not open its commitment")
    return f"{len(parties)} 方秘密与承诺一致 · each secret opens its commitment" + ", K_salt too" * salted


def entropy_parts(sources: list[dict[str, Any]], values: list[dict[str, Any]]) -> list[str | bytes]:
    """id_1, e_1, id_2, e_2 …: the values decoded as the manifest says."""
    same([row["id"] for row in values], [row["id"] for row in sources], "随机源不符 · other sources")
    parts: list[str | bytes] = []
    for source, row in zip(sources, values):  # noqa: B905  equally long: ids were compared
        is_hex = source["encoding"] == "hex"
        good = re.fullmatch("([0-9a-f]{2})+" if is_hex else ".+", row["value"], re.DOTALL)
        need(good, f"{source['id']} 编码不符 · not of its encoding")
        parts += [source["id"], bytes.fromhex(row["value"]) if is_hex else row["value"].encode()]
    return parts


DRAND = {"quicknet": (1692803367, 3), "mainnet": (1595431050, 30)}  # genesis, Unix time; seconds a round


def ahead(source: dict[str, Any], at: str) -> bool:
    """Whether a source was still to come at a time: False for a drand round that was out; other names don't tell."""
    found = re.fullmatch("drand (quicknet|mainnet) ([1-9][0-9]{0,11})", source["id"])
    if not found:
        return True
    genesis, period = DRAND[found[1]]
    out = datetime(1970, 1, 1, 8) + timedelta(seconds=genesis + (int(found[2]) - 1) * period)  # noqa: DTZ001  +08:00
    return out > moment(at)[0]


def step_entropy(r: Round) -> str:
    """Section 3: entropy as logged, and an assurance level that the manifest can support."""
    manifest, reveal = r.json("manifest"), r.json("reveal")
    for stage in ("entropy", "entropy_seats"):
        sources = manifest[stage] if r.made(stage) else []
        entropy_parts(sources, reveal[stage])
        logged = r.entry(stage).get("values") if sources else []
        same(logged, reveal[stage], f"{stage} 与日志不符 · differs from the log's")
    bits = sum(source["bits"] for source in manifest["entropy"] if ahead(source, r.entry("manifest")["at"]))
    if r.logged("plan"):
        fresh = all(ahead(source, r.entry("plan")["at"]) for source in manifest["entropy_seats"])
        need(fresh, "第二随机源在计划承诺前已产生 · the second entropy was out before the plan was bound")
    demo = manifest.get("demo", False)
    limit = 0 if demo or len(manifest["commitments"]) < 2 else 2 if bits >= 64 else 1
    level = reveal["assurance"]
    need(level <= limit, f"公信等级 {level} 高于 {limit} · the manifest supports no such level")
    shown = "; ".join(f"{row['id']} = {row['value']}" for row in reveal["entropy"] + reveal["entropy_seats"])
    demo_note = "（演示 demo）" if demo else ""
    return (
        f"公共随机与日志一致，公信等级 assurance {level}{demo_note}; 可自行查对 look up: {fold(shown, 300)}"
    )


def step_keys(r: Round) -> str:
    """Section 3: PRK and the keys that every later step uses."""
    secrets = sorted((row["party"], bytes.fromhex(row["secret"])) for row in r.json("reveal")["secrets"])
    parts = [part for pair in secrets for part in pair]
    public = entropy_parts(r.json("manifest")["entropy"], r.json("reveal")["entropy"])
    prk = r.suite.mac(r.manifest_hash)("DR1/ikm", *parts, "DR1/entropy", *public)
    derive = r.suite.mac(prk)
    r.keys = {use: derive("DR1/key", use) for use in ("numbers", "sizes", "inspectors", "seal")}
    for draw in r.draws:
        own = draw["stream"] == "own"
        use = ("numbers", draw["draw_id"]) if own else ("numbers",)
        r.keys["numbers/" + draw["draw_id"]] = derive("DR1/key", *use)
    return f"由 {len(secrets)} 份秘密与公共随机导出 · derived from secrets and entropy: PRK {prk.hex()[:8]}…"


# --- Steps: frames and draw -----------------------------------------------------------------------------------------


def table_of(r: Round, label: str) -> list[list[str]]:
    """Section 1's bytes as rows of cells: UTF-8, each line ending in one LF, every value by the rule."""
    raw = r.archive.read(label)
    need(
        raw[-1:] in (b"\n", b"") and raw.count(b"\n") <= ROWS_LIMIT,
        f"{label} 行尾或行数不符 · line ends, rows",
    )
    body = raw.decode()
    bad = any(unicodedata.category(c) in BAD_CATEGORIES for c in set(body) - {"\t", "\n"})
    spaces = body[:1] == " " or any(pair in body for pair in (" \t", "\t ", " \n", "\n "))
    good = not bad and not spaces and unicodedata.is_normalized("NFC", body)
    need(good, f"{label} 值不合规则 · a value breaks the rule (NFC, spaces, characters)")
    return [line.split("\t") for line in body.split("\n")[:-1]]


def check_ids(rows: list[list[str]], cells: int, label: str) -> None:
    for number, row in enumerate(rows, 1):
        need(
            len(row) == cells and target(row[0]), f"{label} 第 {number} 行格数或编号不符 · cells or target_id"
        )
    ascending([row[0] for row in rows], f"{label} target_id")


def read_frame(r: Round, draw: dict[str, Any]) -> tuple[Frame, str]:
    """Check one frame; its digest is the file's hash (open) or the tree head over its leaves (sealed)."""
    label, columns = f"frames/{draw['draw_id']}.tsv", draw["columns"]
    header, *rows = table_of(r, label)
    same(header, columns, f"{label} 首行与列名不符 · the header differs from the columns")
    same(len(rows), draw["frame_rows"], f"{label} 行数不符 · frame_rows differs")
    check_ids(rows, len(columns), label)
    chosen = [columns.index(column) for column in draw["strata_by"]]
    recent: set[str] = set()
    if draw["cooldown"] is not None:
        at = columns.index("recent")
        need({row[at] for row in rows} <= {"0", "1"}, f"{label} recent 不是 0 或 1 · neither 0 nor 1")
        recent = {row[0] for row in rows if row[at] == "1"}
    root = frame_root(r, draw, rows) if r.sealed else r.suite.hash(r.archive.read(label))
    strata = ["\t".join([row[i] for i in chosen]) for row in rows]
    return Frame([row[0] for row in rows], strata, recent), root.hex()


def frame_root(r: Round, draw: dict[str, Any], rows: list[list[str]]) -> bytes:
    """Section 4: RFC 9162 tree head over the sealed leaves."""
    salt, suite, draw_id = r.salt(), r.suite, draw["draw_id"]
    internal = [i for i, column in enumerate(draw["columns"]) if column in draw["internal"]]
    public = [i for i, column in enumerate(draw["columns"]) if column not in draw["internal"]]

    def leaf(row: list[str]) -> bytes:
        inner = lp("DR1/inner", salt("inner", draw_id, row[0]), "\t".join([row[i] for i in internal]))
        return lp(salt("leaf", draw_id, row[0]), "\t".join([row[i] for i in public]), suite.hash(inner))

    return suite.tree(map(leaf, rows))


def check_excluded(r: Round, draw: dict[str, Any], ids: set[str]) -> int:
    label = f"excluded/{draw['draw_id']}.tsv"
    rows = table_of(r, label)
    check_ids(rows, 2, label)
    need(all(row[1] for row in rows), f"{label} 缺少原因 · a line without rule_id")
    need(ids.isdisjoint(row[0] for row in rows), f"{label} 与名录重叠 · an excluded target is in the frame")
    same(len(rows), draw.get("excluded_rows", len(rows)), f"{label} 行数不符 · excluded_rows differs")
    data = r.archive.read(label)
    if r.sealed:
        data = lp("DR1/excluded", r.salt()("excluded", draw["draw_id"]), data)
    same(r.suite.hash(data).hex(), draw["excluded_hash"], f"{label} 摘要不符 · excluded_hash differs")
    return len(rows)


def step_frames(r: Round) -> str:
    if not r.full:
        raise Skip(
            "封存批次的名录在审计本 · frames are in the auditor's copy; a firm checks its row with --firm"
        )
    rows = excluded = 0
    for draw in r.draws:
        frame, found = read_frame(r, draw)
        expected = draw["frame_root" if r.sealed else "frame_hash"]
        same(found, expected, f"frames/{draw['draw_id']}.tsv 摘要不符 · the frame's digest differs")
        excluded += check_excluded(r, draw, set(frame.ids))
        rows += len(frame.ids)
        r.frames[draw["draw_id"]] = frame
    return f"{len(r.draws)} 份名录 {rows} 行、排除 {excluded} 行与清单一致 · frames and exclusions = manifest"


def clamp(value: int, rule: dict[str, Any], rows: int) -> int:
    """Section 5: clamp(v) = min(min(max(v, min), max), N_h)."""
    value = max(value, rule["min"])
    return min(value if rule["max"] is None else min(value, rule["max"]), rows)


def sample_sizes(
    r: Round, draw: dict[str, Any], counts: dict[str, int]
) -> dict[str, tuple[int, dict[str, Any]]]:
    """Section 5: per stratum, in canonical order, n_h and its rule."""
    rules = {"\t".join(rule["key"]): rule for rule in draw["strata"]}
    start = u64(r.mac("sizes")("size", draw["draw_id"])) * PPM
    unit, walked, sizes = PPM * TWO64, 0, {}
    for key in sorted(counts):
        rule = rules.get(key, draw["default"])
        wanted = counts[key] * rule["ratio_ppm"]
        if rule["rounding"] == "ceil":
            x = -(-wanted // PPM)
        else:
            x = ((walked + wanted) * TWO64 + start) // unit - (walked * TWO64 + start) // unit
            walked += wanted
        sizes[key] = clamp(x, rule, counts[key]), rule
    return sizes


def two_values(x: Fraction) -> list[tuple[Fraction, int]]:
    """The two integers that a random rounding of x can give, with their probabilities."""
    low = x.numerator // x.denominator
    return [(1 - (x - low), low), (x - low, low + 1)]


def expected_sizes(rule: dict[str, Any], lam: int, rows: int, recents: int) -> tuple[Fraction, Fraction]:
    """Section 6: E[n_h] and E[n_1], over the values that n_h and x1 could take before the draw."""
    x = Fraction(rows * rule["ratio_ppm"], PPM)
    if rule["rounding"] == "ceil":
        x = Fraction(-(-x.numerator // x.denominator))
    total, warm = Fraction(0), Fraction(0)
    for chance, value in two_values(x):
        n = clamp(value, rule, rows)
        total += chance * n
        for part, x1 in two_values(Fraction(lam * n * recents, PPM * rows)):
            warm += chance * part * recent_size(x1, n, rows, recents)
    return total, warm


def recent_size(x1: int, n: int, rows: int, recents: int) -> int:
    """Section 7: n_1 from x1."""
    return min(max(x1, n - (rows - recents)), recents, n)


def share(part: Fraction | int, rows: int) -> str | None:
    return str(Fraction(part) / rows) if rows else None


def stratum_result(
    r: Round, draw: dict[str, Any], key: str, rule: dict[str, Any], n: int, members: list[tuple[bytes, str]]
) -> dict[str, Any]:
    """Sections 4 to 7 for one stratum, as bundle.md publishes it; `members` are (D_i, target_id)."""
    rows, recent = len(members), r.frames[draw["draw_id"]].recent
    members.sort()
    warm = [member for member in members if member[1] in recent]
    lam = draw["cooldown"]["lambda_ppm"] if draw["cooldown"] else 0
    expected, expected1 = expected_sizes(rule, lam, rows, len(warm))
    found: dict[str, Any] = {"stratum": key.split("\t") if draw["strata_by"] else [], "N": rows, "n": n}
    found.update(pi_cond=share(n, rows), pi_design=share(expected, rows))
    selected, rest = members[:n], members[n:]
    if draw["cooldown"]:
        cold = [member for member in members if member[1] not in recent]
        start = u64(r.mac("sizes")("recent", draw["draw_id"], key))
        x1 = (lam * n * len(warm) * TWO64 + start * PPM * rows) // (PPM * rows * TWO64)
        n1 = recent_size(x1, n, rows, len(warm))
        n0 = n - n1
        found.update(N0=len(cold), N1=len(warm), n0=n0, n1=n1, pi_design1=share(expected1, len(warm)))
        found["pi_design0"] = share(expected - expected1, len(cold))
        selected, rest = sorted(cold[:n0] + warm[:n1]), cold[n0:] + warm[n1:]
    found["cutoff"] = str(u64(selected[-1][0])) if selected else None
    for part, chosen in (("selected", selected), ("backups", rest[: draw["backups"]])):
        found[part] = [{"target_id": target_id, "u": str(u64(number))} for number, target_id in chosen]
    return found


def draw_again(r: Round, draw: dict[str, Any], shared: dict[str, bytes]) -> dict[str, Any]:
    """Repeat one draw from its frame and the keys; `shared` remembers the common stream's numbers."""
    frame, number = r.frames[draw["draw_id"]], r.mac("numbers/" + draw["draw_id"])
    salt = r.salt() if r.sealed else None
    numbers = {} if draw["stream"] == "own" else shared
    members: dict[str, list[tuple[bytes, str]]] = collections.defaultdict(list)
    for target_id, key in zip(frame.ids, frame.strata):  # noqa: B905  one of each per row
        if target_id not in numbers:
            parts = (target_id, salt("number", target_id)) if salt else (target_id,)
            numbers[target_id] = number(*parts)
        members[key].append((numbers[target_id], target_id))
    sizes = sample_sizes(r, draw, {key: len(rows) for key, rows in members.items()})
    strata = [stratum_result(r, draw, key, rule, n, members[key]) for key, (n, rule) in sizes.items()]
    return {"draw_id": draw["draw_id"], "strata": strata}


def step_draw(r: Round) -> str:
    """Repeat every draw and compare whole; in a sealed round's public copy, what its lists allow."""
    if not r.full:
        total = sum(check_sealed_list(r, draw) for draw in r.draws)
        return f"{total} 个按编号排列，数目合规；号码见审计本 · ids in order, sizes allowed; numbers: auditor's copy"
    shared: dict[str, bytes] = {}
    total = 0
    for draw in r.draws:
        again = draw_again(r, draw, shared)
        same(r.result(draw["draw_id"]), again, f"{draw['draw_id']} 与重新抽取不符 · not what the draw gives")
        total += sum(stratum["n"] for stratum in again["strata"])
    return f"重新抽取 {len(r.draws)} 次共 {total} 个，逐项一致 · drawn again: numbers, sizes, backups, probabilities"


def check_sealed_list(r: Round, draw: dict[str, Any]) -> int:
    label, result = f"results/{draw['draw_id']}", r.result(draw["draw_id"])
    shaped(result, {"draw_id": (draw["draw_id"],), "n": count, "selected": [target]}, label)
    ascending(result["selected"], f"{label} target_id")
    same(len(result["selected"]), result["n"], f"{label} 数目不符 · n differs from the list")
    low, high = size_range(r, draw)
    need(low <= result["n"] <= high, f"{label} n={result['n']} 不在规则范围 · outside [{low}, {high}]")
    return int(result["n"])


def size_range(r: Round, draw: dict[str, Any]) -> tuple[int, int]:
    """Bounds on a draw's size that hold whatever the strata are; exact where there is but one."""
    rows, default = draw["frame_rows"], draw["default"]
    if not rows or not draw["strata_by"]:
        n = sample_sizes(r, draw, {"": rows})[""][0]
        return n, n
    rules = [default, *draw["strata"]]
    ratios = [rule["ratio_ppm"] for rule in rules]
    low = max(0, (rows * min(ratios) - 1) // PPM) if all(rule["max"] is None for rule in rules) else 0
    if default["min"] or default["rounding"] == "ceil":
        return low, rows
    extra = sum(rule["min"] + 1 for rule in draw["strata"])
    return low, min(rows, rows * max(ratios) // PPM + 1 + extra)


def step_seal(r: Round) -> str:
    """Section 3: the seal over section 6's array, which lists ids without their numbers."""
    if not r.full:
        raise Skip("整个结果的封条由审计本核对 · the seal over the whole result: the auditor's copy")
    result = []
    for draw in r.draws:
        strata = [dict(stratum) for stratum in r.result(draw["draw_id"])["strata"]]
        for stratum in strata:
            del stratum["cutoff"]
            for part in ("selected", "backups"):
                stratum[part] = [row["target_id"] for row in stratum[part]]
        result.append({"draw_id": draw["draw_id"], "strata": strata})
    salt = [r.salt()("seal")] if r.sealed else []
    found = r.suite.hash(lp("DR1/seal", r.keys["seal"], *salt, canonical(result))).hex()
    same(found, r.json("reveal")["seal"], "封条与公开文件不符 · the seal is not that of this result")
    same(found, r.entry("seal")["digest"], "封条与日志不符 · the seal differs from the log's")
    return f"封条 {found[:8]}… = 公开文件 reveal = 日志 log"


# --- Steps: visits and schedule -------------------------------------------------------------------------------------


def step_visits(r: Round) -> str:
    """Each drawn target has, for each department of its draws, exactly one check; nothing else is checked."""
    r.skip_unmade("plan")
    expected: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
    for draw in r.draws:
        for target_id in r.drawn(draw["draw_id"]):
            for department in draw.get("departments", [draw["department"]]):
                expected[target_id, department].append(draw["draw_id"])
    visits, checks = r.json("visits"), r.json("visits")["checks"]
    ascending([check["check_id"] for check in checks], "check_id")
    items = {draw["draw_id"]: draw.get("items") for draw in r.draws}
    for check in checks:
        place, label = (check["target_id"], check["department"]), f"检查 {check['check_id']} "
        need(place in expected, label + "无抽取依据或重复 · no draw asked for this check, or it repeats")
        same(check["draws"], expected.pop(place), label + "抽取不符 · other draws")
        need(check["items"] and check["minutes"], label + "没有事项或时长 · no items or minutes")
        listed = [items[draw_id] for draw_id in check["draws"]]
        known = None in listed or set(check["items"]) <= {item for part in listed for item in part or []}
        need(known, label + "事项不在清单中 · an item that its draws do not name")
    need(not expected, f"缺少 {len(expected)} 项检查 · missing: {fold(list(expected)[:3])}")
    check_visits(visits)
    used = check_replacements(r)
    totals = f"{len(checks)} 项检查、{len(visits['visits'])} 次上门、{used} 次递补"
    return f"{totals}与抽取一一对应 · checks = drawn targets × departments"


def check_visits(visits: dict[str, Any]) -> None:
    """Every check in exactly one visit or unscheduled; one target per visit."""
    ascending([visit["visit_id"] for visit in visits["visits"]], "visit_id")
    ascending([row["check_id"] for row in visits["unscheduled"]], "unscheduled check_id")
    targets = {check["check_id"]: check["target_id"] for check in visits["checks"]}
    placed = [row["check_id"] for row in visits["unscheduled"]]
    for visit in visits["visits"]:
        ascending(visit["checks"], f"上门 {visit['visit_id']} checks")
        own = visit["checks"] and all(targets.get(check) == visit["target_id"] for check in visit["checks"])
        need(own, f"上门 {visit['visit_id']} 的检查不属于该对象 · a check of another target, or none")
        placed += visit["checks"]
    same(sorted(placed), sorted(targets), "检查未恰好安排一次 · a check is placed twice, never, or unknown")


def check_replacements(r: Round) -> int:
    """Section 8: backups strictly in order, each for a target that stands in the sample."""
    check_times([event["at"] for event in r.json("events")], "events")
    standing = {draw["draw_id"]: set(r.drawn(draw["draw_id"])) for draw in r.draws}
    queues: dict[tuple[str, str], list[str]] = {}
    for draw in r.draws if r.full else []:
        for stratum in r.result(draw["draw_id"])["strata"]:
            queue = [row["target_id"] for row in stratum["backups"]]
            queues.update({(draw["draw_id"], row["target_id"]): queue for row in stratum["selected"]})
    events = [event for event in r.json("events") if event["type"] == "replacement"]
    for event in events:
        shaped(event, SHAPES["replacement"], "events.replacement")
        draw_id, out, back = event["draw_id"], event["target"], event["backup"]
        good = out in standing[draw_id] and back not in standing[draw_id]
        if r.full:
            queue = queues[draw_id, out]
            good = good and queue[:1] == [back][: back is not None]
            queues[draw_id, back] = queue
            del queue[:1]
        need(good, f"递补 {out} → {back} 不成立 · not a drawn target, or not the next backup in order")
        standing[draw_id] = (standing[draw_id] | {back}) - {out, None}
    return len(events)


def check_times(times: list[str], label: str) -> None:
    for index in range(1, len(times)):
        before, after = times[index - 1 : index + 1]
        need(moment(before) <= moment(after), f"{label} 时间倒退 · times go backwards: {before} → {after}")


def step_schedule(r: Round) -> str:
    """The hard rules of packing that anyone can check."""
    r.skip_unmade("plan")
    schedule, days = r.json("schedule"), r.json("schedule")["days"]
    routes = schedule["routes"]
    ascending(days, "days")
    same(days, r.json("manifest").get("days", days), "days 与清单不符 · differ from the manifest's")
    ascending([route["route_id"] for route in routes], "route_id")
    for route in routes:
        need(route["date"] in days, f"路线 {route['route_id']} 日期不在计划内 · a day of no plan")
    check_hard_rules(r.json("visits"), routes, schedule["parameters"])
    changes = check_changes(r)
    check_report(r)
    officers = sum(route["officers"] for route in routes)
    totals = (
        f"{len(r.json('visits')['visits'])} 次上门、{len(routes)} 条路线、{officers} 人日、{changes} 次调整"
    )
    return f"{totals}符合硬规则 · times, crews, specialties, entries a day; parameters = manifest"


def check_hard_rules(plan: dict[str, Any], routes: list[Any], limits: dict[str, Any]) -> None:
    """Visits, their checks and the routes that come to them."""
    visits = {visit["visit_id"]: visit for visit in plan["visits"]}
    checks = {check["check_id"]: check for check in plan["checks"]}
    crews: dict[str, list[str]] = {visit_id: [] for visit_id in visits}
    for route in routes:
        check_route(route, limits, visits, checks, plan["people_caps"])
        for stop in route["stops"]:
            crews[stop["visit_id"]].append(route["department"])
    present = presence(routes)
    for visit_id, visit in visits.items():
        wanted = sorted({checks[check_id]["department"] for check_id in visit["checks"]})
        first = min((start for start, _, _ in present[visit_id]), default=visit["start"])
        same(first, visit["start"], f"上门 {visit_id} 无人按时开始 · nobody begins at the visit's start")
        people = peak(present[visit_id])
        cap = plan["people_caps"].get(visit["target_id"], people)
        need(people <= cap, f"上门 {visit_id} 同时 {people} 人，超过 {cap} · too many at once")
        same(sorted(crews[visit_id]), wanted, f"上门 {visit_id} 部门与路线不符 · one route per department")


def check_changes(r: Round) -> int:
    """After the plan was bound: each change has a reason, keeps to the hard rules, the routes, and what is past."""
    plan = r.json("visits")
    routes = {route["route_id"]: route for route in r.json("schedule")["routes"]}
    visits = {visit["visit_id"]: visit for visit in plan["visits"]}
    left = {row["check_id"]: row for row in plan["unscheduled"]}
    events = [event for event in r.json("events") if event["type"] == "plan_change"]
    for event in events:
        shaped(event, SHAPES["plan_change"], "events.plan_change")
        label, before = f"调整 {event['at']} ", stops_at(routes, visits)
        known = all(visit_id in visits for visit_id in event["cancelled"])
        need(
            known and event["reason"].strip(),
            label + "无理由或取消不存在的上门 · no reason, or no such visit",
        )
        touched = [visits.pop(visit_id) for visit_id in event["cancelled"]]
        touched += [visits[row["visit_id"]] for row in event["visits"] if row["visit_id"] in visits]
        future = all(event["at"][:10] <= visit["date"] for visit in touched + event["visits"])
        need(future, label + "改动了已过去的上门 · a visit that was over")
        visits.update({row["visit_id"]: row for row in event["visits"]})
        for row in event["routes"]:
            need(row["route_id"] in routes, label + "新增了路线 · a route whose seats nobody drew")
            routes[row["route_id"]] = {**routes[row["route_id"]], "stops": row["stops"]}
        shaped(event["checks"], SHAPES["visits"]["checks"], label + "checks")
        drawn = any(row["draws"] for row in event["checks"])
        need(not drawn, label + "追加的检查不得自称抽中 · a check added was not drawn")
        placed = {check_id for visit in visits.values() for check_id in visit["checks"]}
        left.update({row["check_id"]: row for row in event["unscheduled"]})
        plan = {
            "visits": [visits[key] for key in sorted(visits)], "people_caps": plan["people_caps"],
            "checks": sorted(plan["checks"] + event["checks"], key=lambda row: str(row["check_id"])),
            "unscheduled": [left[key] for key in sorted(left) if key not in placed],
        }  # fmt: skip
        ascending([check["check_id"] for check in plan["checks"]], label + "check_id")
        check_visits(plan)
        out = [route for route in routes.values() if route["stops"]]
        check_hard_rules(plan, out, r.json("schedule")["parameters"])
        if r.copy == "auditor":
            team = {one["code"]: one["department"] for one in r.json("roster")["inspectors"]}
            barred = {(team.get(row["code"]), row["target_id"]) for row in r.json("roster")["recusals"]}
            new = {(routes[key]["department"], name) for key, name in stops_at(routes, visits) - before}
            need(
                not new & barred,
                label + "换到了须回避的部门路线 · somebody of the crew's department is recused",
            )
    return len(events)


def stops_at(routes: dict[str, Any], visits: dict[str, Any]) -> set[tuple[str, str]]:
    """(route, target) of every stop."""
    return {
        (key, visits[stop["visit_id"]]["target_id"]) for key, row in routes.items() for stop in row["stops"]
    }


def presence(routes: list[Any]) -> dict[str, list[tuple[int, int, int]]]:
    """Who is at each visit: (start, end, officers) of every crew."""
    present: dict[str, list[tuple[int, int, int]]] = collections.defaultdict(list)
    for route in routes:
        for stop in route["stops"]:
            present[stop["visit_id"]].append((stop["start"], stop["end"], route["officers"]))
    return present


def peak(present: list[tuple[int, int, int]]) -> int:
    """The most officers at once."""
    return max((sum(n for start, end, n in present if start <= at < end) for at, _, _ in present), default=0)


def check_route(
    route: dict[str, Any],
    limits: dict[str, Any],
    visits: dict[str, Any],
    checks: dict[str, Any],
    caps: dict[str, int],
) -> None:
    """One crew's day: in step with its visits, one after the other, within hours, able and enough.

    Where a target caps people, a crew may begin after the visit's start, when others have left.
    """
    label, stops = f"路线 {route['route_id']} ", route["stops"]
    need(1 <= len(stops) <= limits["max_entries"], label + "站数不符 · no stop, or more than max_entries")
    distinct(stop["visit_id"] for stop in stops)
    free, officers = limits["day_start"], 2
    specialties: set[str] = set()
    for stop in stops:
        need(stop["visit_id"] in visits, label + "上门不存在 · a stop at no visit")
        visit = visits[stop["visit_id"]]
        late = stop["start"] - visit["start"]
        met = visit["date"] == route["date"] and (late == 0 or (late > 0 and visit["target_id"] in caps))
        need(met, label + f"与上门 {stop['visit_id']} 不同步 · date or start differs from the visit's")
        in_time = free <= stop["arrive"] <= stop["start"] < stop["end"]
        need(in_time, label + f"在 {stop['visit_id']} 时间重叠 · stops overlap or start too early")
        work = [checks[c] for c in visit["checks"] if checks[c]["department"] == route["department"]]
        minutes = sum(check["minutes"] for check in work)
        same(stop["end"] - stop["start"], minutes, label + f"在 {stop['visit_id']} 时长不符 · minutes")
        officers = max([officers, *(check["officers"] for check in work)])
        specialties.update(*(check["specialties"] for check in work))
        free = stop["end"]
    need(free <= limits["day_start"] + limits["day_minutes"], label + "超过当日工时 · ends after the day")
    need(route["officers"] >= officers, label + f"人数少于 {officers} · too few officers")
    need(specialties <= set(route["specialties"]), label + "缺少专业 · a specialty is not covered")


def check_report(r: Round) -> None:
    """The report's totals, gap, bounds and parameters against the plan and the manifest."""
    schedule, visits, report = r.json("schedule"), r.json("visits"), r.json("schedule")["report"]
    given = {**schedule["parameters"], **r.json("manifest")["packing"]["parameters"]}
    same(schedule["parameters"], given, "排程参数与清单不符 · parameters differ from the manifest's")
    same(report["parameters"], given, "报告的参数不符 · the report's parameters differ")
    ends: dict[str, int] = collections.Counter()
    present = presence(schedule["routes"])
    for visit_id, crews in present.items():
        ends[visit_id] = max(end for _, end, _ in crews)
    people, bound = (
        sum(route["officers"] for route in schedule["routes"]),
        report["inspector_days_bound"]["value"],
    )
    left_out = {row["check_id"] for row in visits["unscheduled"]}
    minutes = [check["minutes"] for check in visits["checks"] if check["check_id"] not in left_out]
    plan = {"entries": len(visits["visits"]), "inspector_days": people}
    plan["host_min"] = sum(ends[visit["visit_id"]] - visit["start"] for visit in visits["visits"])
    plan["people_per_visit_max"] = max(map(peak, present.values()), default=0)
    for part, expected in (("plan", plan), ("alone", {"entries": len(minutes), "host_min": sum(minutes)})):
        found = {key: report[part][key] for key in expected}
        same(found, expected, f"报告的合计与计划不符 · totals of the report: {part}")
    good = report["entries_bound"] <= plan["entries"] and bound <= people
    need(good, "报告的下界高于计划 · a reported lower bound exceeds the plan")
    gap = -(-(people - bound) * PPM // people) if people else 0
    same(report["gap_ppm"], gap, "报告的差距不符 · gap_ppm")


# --- Steps: plan, roster, lottery, assignment (lottery.md) ----------------------------------------------------------


class Lots:
    """lottery.json as a network: columns of arcs, in order; pairs (group, date) ordered by group, then date."""

    def __init__(self, lottery: dict[str, Any]) -> None:
        self.groups, self.classes = lottery["groups"], lottery["classes"]
        self.bits = lottery["unit_bits"]
        self.unit = 2**self.bits
        self.size = [len(group["members"]) for group in self.groups]
        self.load = [Fraction(group["load"]) for group in self.groups]
        number = {group["group_id"]: g for g, group in enumerate(self.groups)}
        self.arc_class: list[int] = []
        self.arc_group: list[int] = []
        self.units: list[int] = []
        dates: dict[str, set[int]] = collections.defaultdict(set)
        for c, item in enumerate(self.classes):
            same(
                len(item["units"]),
                len(item["groups"]),
                f"{item['class_id']} units 长度不符 · length of units",
            )
            own = [number[group_id] for group_id in item["groups"]]
            self.arc_class += [c] * len(own)
            self.arc_group += own
            self.units += item["units"]
            dates[item["date"]].update(own)
        self.pairs = sorted((g, day) for day, own in dates.items() for g in own)
        self._sum()

    def _sum(self) -> None:
        """Units per pair, group and class."""
        place: dict[str, list[int]] = {day: [0] * len(self.groups) for _, day in self.pairs}
        for p, (g, day) in enumerate(self.pairs):
            place[day][g] = p
        row = [place[item["date"]] for item in self.classes]
        self.pair_of = [row[c][g] for c, g in zip(self.arc_class, self.arc_group)]  # noqa: B905
        self.day, self.total = [0] * len(self.pairs), [0] * len(self.groups)
        for p, units in zip(self.pair_of, self.units):  # noqa: B905
            self.day[p] += units
        for (g, _), units in zip(self.pairs, self.day):  # noqa: B905
            self.total[g] += units

    def residual(self) -> list[list[int]]:
        """Section 4's graph: nodes are groups, then pairs, then classes."""
        first_pair, first_class = len(self.groups), len(self.groups) + len(self.pairs)
        edges: list[list[int]] = [[] for _ in range(first_class + len(self.classes))]
        for p, (g, _) in enumerate(self.pairs):
            if self.day[p] < self.size[g] * self.unit:
                edges[g].append(first_pair + p)
            if self.day[p]:
                edges[first_pair + p].append(g)
        for c, p, units in zip(self.arc_class, self.pair_of, self.units):  # noqa: B905
            edges[first_pair + p].append(first_class + c)
            if units:
                edges[first_class + c].append(first_pair + p)
        return edges


def components(edges: list[list[int]]) -> list[int]:
    """Label each node with one node of its strongly connected component (path-based, without recursion)."""
    order, label = [0] * len(edges), [-1] * len(edges)
    path: list[int] = []
    roots: list[int] = []
    counter = 0
    for start in range(len(edges)):
        work = [] if order[start] else [(start, iter(edges[start]))]
        while work:
            node, rest = work[-1]
            if not order[node]:
                counter += 1
                order[node] = counter
                path.append(node)
                roots.append(node)
            for other in rest:
                if not order[other]:
                    work.append((other, iter(edges[other])))
                    break
                while label[other] < 0 and order[roots[-1]] > order[other]:
                    roots.pop()
            else:
                work.pop()
                if roots[-1] == node:
                    roots.pop()
                    while label[node] < 0:
                        label[path.pop()] = node
    return label


def step_plan(r: Round) -> str:
    """Section 6: the plan that was bound before the second entropy existed."""
    r.skip_unmade("plan")
    lottery = r.json("lottery")
    bound = {
        key: lottery[key]
        for key in ("classes", "district_rule", "groups", "roster_hash", "seats", "unit_bits")
    }
    bound.update(routes=r.json("schedule")["routes"], visits=r.json("visits")["visits"])
    found = r.suite.hash(canonical(bound))
    same(found.hex(), lottery["plan_hash"], "plan_hash 不符 · not the hash of this plan")
    opened = r.suite.hash(lp("DR1/plan", r.keys["seal"], found)).hex()
    same(opened, r.json("reveal")["plan_commitment"], "计划承诺与公开文件不符 · differs from the reveal's")
    same(opened, r.entry("plan")["digest"], "计划承诺与日志不符 · differs from the log's")
    return f"plan_hash {found.hex()[:8]}… = 承诺 commitment {opened[:8]}… = 公开文件 reveal = 日志 log"


def step_roster(r: Round) -> str:
    frozen = r.json("manifest")["roster_hash"]
    if r.made("plan"):
        found = r.json("lottery")["roster_hash"]
        same(found, frozen, "lottery.json 的 roster_hash 不符 · differs from the manifest's")
    if r.copy != "auditor":
        raise Skip("名录在审计本 · the roster is in the auditor's copy; here roster_hash = manifest")
    roster = r.json("roster")
    same(r.suite.hash(canonical(roster)).hex(), frozen, "名录哈希与清单不符 · roster_hash differs")
    codes = [inspector["code"] for inspector in roster["inspectors"]]
    ascending(codes, "inspectors code")
    ascending([(row["code"], row["from"], row["to"]) for row in roster["leave"]], "leave")
    ascending([(row["code"], row["target_id"]) for row in roster["recusals"]], "recusals")
    unknown = {row["code"] for row in roster["leave"] + roster["recusals"]} - set(codes)
    need(not unknown, f"请假或回避的人员不在名录 · unknown inspectors: {fold(sorted(unknown), 60)}")
    return f"roster_hash {frozen[:8]}… = 清单 manifest; {len(codes)} 名执法人员 inspectors"


def seats_asked(r: Round) -> list[dict[str, Any]]:
    """Section 1's list, from the routes."""
    asked = []
    for route in r.json("schedule")["routes"]:
        wanted: list[list[str]] = [[] for _ in range(route["officers"])]
        for j, specialty in enumerate(sorted(set(route["specialties"]))):
            wanted[(j + 1) % route["officers"]].append(specialty)
        common = {key: route[key] for key in ("route_id", "date", "department")}
        for k, specialties in enumerate(wanted):
            own = {"seat_id": f"{route['route_id']}#{k + 1}", "lead": k == 0, "specialties": specialties}
            asked.append({**common, **own})
    return sorted(asked, key=lambda seat: seat["seat_id"])


def check_seats(r: Round) -> None:
    """Section 9.1 and 9.2: seats follow from the routes, classes and groups from who may take them.

    The auditor's copy asks the roster; the public copy takes the published sets and rebuilds all from them. Sets of
    inspectors are integers: bit i for the i-th code.
    """
    lottery = r.json("lottery")
    people = sum(route["officers"] for route in r.json("schedule")["routes"])
    same(len(lottery["seats"]), people, "席位数与路线不符 · as many seats as officers")
    asked = seats_asked(r)
    same(lottery["seats"], asked, "席位与路线不符 · seats do not follow from the routes")
    listed = [seat for item in lottery["classes"] for seat in item["seats"]]
    same(sorted(listed), [seat["seat_id"] for seat in asked], "席位未恰好归类 · each seat in one class")
    caps = {code: group["cap"] for group in lottery["groups"] for code in group["members"]}
    if r.copy == "auditor":
        caps = {one["code"]: one["cap"] for one in r.json("roster")["inspectors"]}
    bit = {code: 1 << i for i, code in enumerate(sorted(caps))}
    open_to = {
        group["group_id"]: union(bit[code] for code in group["members"]) for group in lottery["groups"]
    }
    able: dict[str, int] = {}
    for item in lottery["classes"]:
        able.update(dict.fromkeys(item["seats"], union(open_to[group_id] for group_id in item["groups"])))
    if r.copy == "auditor":
        found, able = able, eligible(r, bit)
        wrong = [seat for seat in able if found[seat] != able[seat]]
        need(not wrong, f"{fold(wrong[:3])} 可任人员与名录不符 · who may take a seat, by the roster")
    weights = r.json("manifest").get("seat_weights", {})
    classes, groups = classes_of(asked, able, caps, weights, observable(r))
    for part, expected in (("classes", classes), ("groups", groups)):
        shown = [{key: row[key] for key in row if key not in ("units", "load")} for row in lottery[part]]
        if shown != expected:
            same(shown, expected, f"{part} 与第 3 节不符 · not those of lottery.md section 3")


def observable(r: Round) -> bool:
    """Section 10: whether coins tossed in public pick the assignment."""
    return bool(r.json("manifest").get("seat_draw") == "observable")


def check_weights(r: Round) -> None:
    """Section 3: the weights are what follows from the seats served before, and nothing else."""
    history = r.json("manifest").get("seat_history", [])
    ascending([row["code"] for row in history], "seat_history code")
    if r.copy == "auditor":
        known = {one["code"]: one["department"] for one in r.json("roster")["inspectors"]}
        found = {row["code"]: row["department"] for row in history}
        same({code: known.get(code) for code in found}, found, "seat_history 与名录不符 · not the roster's")
    served: dict[str, list[int]] = collections.defaultdict(list)
    for row in history:
        served[row["department"]].append(row["seats"])
    mean = {department: -(-sum(seats) // len(seats)) for department, seats in served.items()}
    weights = {}
    for row in history:
        m = mean[row["department"]]
        weight = max(250, min(4000, 2000 * m // (row["seats"] + m))) if m else 1000
        if weight != 1000:
            weights[row["code"]] = weight
    same(r.json("manifest").get("seat_weights", {}), weights, "权重与历史席位不符 · seat_weights")


def union(sets: Iterable[int]) -> int:
    whole = 0
    for one in sets:
        whole |= one
    return whole


def classes_of(
    seats: list[dict[str, Any]],
    able: dict[str, int],
    caps: dict[str, int],
    weights: dict[str, int],
    apart: bool,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Section 3: seat classes and groups, from ascending seats and who may take them; section 10: all `apart`."""
    alike: dict[tuple[str, int, str], list[str]] = collections.defaultdict(list)
    for seat in seats:
        seat_id = seat["seat_id"]
        alike[seat["date"], able[seat_id], seat_id * apart].append(seat_id)
    ordered = sorted(alike.items(), key=lambda entry: (entry[0][0], entry[1][0]))
    serves: list[list[int]] = [[] for _ in caps]
    for c, ((_, mask, _), _) in enumerate(ordered):
        for i, digit in enumerate(bin(mask)[:1:-1]):
            if digit == "1":
                serves[i].append(c)
    grouped: dict[tuple[Any, ...], list[str]] = collections.defaultdict(list)
    for code, own in zip(sorted(caps), serves):  # noqa: B905
        if own:
            grouped[tuple(own), caps[code], weights.get(code, 1000), code * apart].append(code)
    groups: list[dict[str, Any]] = []
    classes: list[dict[str, Any]] = []
    open_to: list[list[str]] = [[] for _ in ordered]
    for (own, cap, weight, _), members in grouped.items():
        groups.append(
            {"group_id": f"G{len(groups) + 1:04}", "members": members, "cap": cap, "weight": weight}
        )
        for c in own:
            open_to[c].append(groups[-1]["group_id"])
    numbers: dict[str, int] = collections.Counter()
    for ((day, _, _), held), names in zip(ordered, open_to):  # noqa: B905  one of each per class
        numbers[day] += 1
        classes.append({"class_id": f"{day}/{numbers[day]:04}", "date": day, "seats": held, "groups": names})
    return classes, groups


def eligible(r: Round, bit: dict[str, int]) -> dict[str, int]:
    """Section 2, from the roster: the inspectors who may take each seat."""
    roster, rule = r.json("roster"), r.json("lottery")["district_rule"]
    holds: dict[tuple[str, str], int] = collections.Counter()
    expires: dict[str, int] = collections.Counter()
    for one in roster["inspectors"]:
        facts = [
            ("of", one["department"]),
            ("at", one["district"]),
            *(("can", s) for s in one["specialties"]),
        ]
        for fact in (*facts, ("lead", str(one["lead"]))):
            holds[fact] |= bit[one["code"]]
        expires[one["certificate_expires"]] |= bit[one["code"]]
    for row in roster["recusals"]:
        holds["barred", row["target_id"]] |= bit[row["code"]]
    free = {}
    for day in {route["date"] for route in r.json("schedule")["routes"]}:
        away = union(bit[row["code"]] for row in roster["leave"] if row["from"] <= day <= row["to"])
        free[day] = union(mask for last, mask in expires.items() if last >= day) & ~away
    at = {visit["visit_id"]: visit["target_id"] for visit in r.json("visits")["visits"]}
    pools = {}
    for route in r.json("schedule")["routes"]:
        recused = union(holds["barred", at[stop["visit_id"]]] for stop in route["stops"])
        pool = free[route["date"]] & holds["of", route["department"]] & ~recused
        home = holds["at", route["district"]]
        pools[route["route_id"]] = {"any": pool, "home": pool & home, "away": pool & ~home}[rule]
    found = {}
    for seat in r.json("lottery")["seats"]:
        mask = pools[seat["route_id"]] & (holds["lead", "True"] if seat["lead"] else -1)
        for specialty in seat["specialties"]:
            mask &= holds["can", specialty]
        found[seat["seat_id"]] = mask
    return found


def check_sums(lots: Lots) -> None:
    """Section 9.3: every sum of the integers, every load."""
    for item in lots.classes:
        whole = len(item["seats"]) * lots.unit
        same(sum(item["units"]), whole, f"{item['class_id']} 合计不符 · units of a class")
    for p, (g, day) in enumerate(lots.pairs):
        full = lots.size[g] * lots.unit
        need(lots.day[p] <= full, f"{who(lots.groups[g])} 在 {day} 超过人数 · more than one seat a day")
    for g, group in enumerate(lots.groups):
        label, exact = who(group), lots.size[g] * lots.load[g] * lots.unit
        need(abs(lots.total[g] - exact) < 1, f"{label} 合计不是负担的取整 · units are not the load, rounded")
        need(str(lots.load[g]) == group["load"] and lots.load[g] <= group["cap"], f"{label} 负担 load, cap")
    total = sum((lots.size[g] * load for g, load in enumerate(lots.load)), Fraction(0))
    seats = sum(len(item["seats"]) for item in lots.classes)
    need(total == seats, f"负担合计 {total} 不等于席位数 {seats} · loads do not add up")


def who(group: dict[str, Any]) -> str:
    """Name a group by its id and its first inspectors."""
    return f"{group['group_id']} ({fold(', '.join(group['members'][:3]), 60)})"


def check_fairness(lots: Lots, edges: list[list[int]]) -> None:
    """Section 9.4: from nobody who could serve more does a path lead to somebody who serves relatively more."""
    value = [load / group["weight"] for load, group in zip(lots.load, lots.groups)]  # noqa: B905
    seen = bytearray(len(edges))
    for level in sorted(set(value)):
        starts = [g for g, own in enumerate(value) if own == level and lots.load[g] < lots.groups[g]["cap"]]
        for g in reached(edges, starts, seen):
            if g < len(value) and value[g] > level:
                more, less = who(lots.groups[g]), who(lots.groups[value.index(level)])
                raise Wrong(f"不公平：{more} 可减负，{less} 等可多担 · an unfair load: it could be less")


def check_loads(lots: Lots, edges: list[list[int]], label: list[int]) -> None:
    """Section 9.4: what loads lack of their units cancels out among equals, and where nobody else could help."""
    lack = [size * load * lots.unit - total for size, load, total in zip(lots.size, lots.load, lots.total)]  # noqa: B905
    alike: dict[Fraction, Fraction] = collections.defaultdict(Fraction)
    part: dict[int, Fraction] = collections.defaultdict(Fraction)
    for g, group in enumerate(lots.groups):
        alike[lots.load[g] / group["weight"]] += lack[g]
        part[label[g]] += lack[g]
    for g, group in enumerate(lots.groups):
        exact = not alike[lots.load[g] / group["weight"]]
        if part[label[g]] > 0:
            found = reached(edges, [g], bytearray(len(edges)))
            exact = exact and sum(lack[other] for other in found if other < len(lack)) <= 0
        need(exact, f"{who(group)} 的负担 {group['load']} 与概率合计不符 · a load that is not exact")


def reached(edges: list[list[int]], starts: list[int], seen: bytearray) -> list[int]:
    """Nodes that a search from `starts` finds anew; `seen` changes with them."""
    queue, found = starts, []
    while queue:
        node = queue.pop()
        if not seen[node]:
            seen[node] = 1
            found.append(node)
            queue += edges[node]
    return found


def check_spread(lots: Lots, certificate: dict[str, Any], label: list[int]) -> None:
    """Section 9.5 and 9.6: zeros are forced, and the rest is as even as the loads allow."""
    first_pair, first_class = len(lots.groups), len(lots.groups) + len(lots.pairs)
    lengths = (len(certificate["a"]), len(certificate["b"]))
    same(lengths, (len(lots.groups), len(lots.classes)), "证书长度不符 · length of the certificate")
    ids = {group["group_id"]: g for g, group in enumerate(lots.groups)}
    place = {pair: p for p, pair in enumerate(lots.pairs)}
    factor, arcs = [1.0] * len(lots.pairs), collections.Counter(lots.pair_of)
    keys = [(ids[row["group_id"]], row["date"]) for row in certificate["t"]]
    ascending(keys, "certificate t")
    for (g, day), row in zip(keys, certificate["t"]):  # noqa: B905  one key per row
        p, full = place[g, day], lots.size[g] * lots.unit
        factor[p] = float(row["factor"])
        bound = lots.day[p] == full and label[g] != label[first_pair + p]
        good = factor[p] == 1 or (lots.day[p] + 4 * arcs[p]) * 1024 >= full * 1023
        need(
            good and (factor[p] <= 1 or bound),
            f"{who(lots.groups[g])} {day} 的系数无依据 · a factor without cause",
        )
    a = [size * lots.unit * float(value) for size, value in zip(lots.size, certificate["a"])]  # noqa: B905
    b = [float(value) for value in certificate["b"]]
    finite = all(0 < value < math.inf for value in (*a, *b, *factor))
    need(finite, "系数须为正的有限数 · a factor is not positive and finite")
    for c, g, p, units in zip(lots.arc_class, lots.arc_group, lots.pair_of, lots.units):  # noqa: B905
        even = a[g] * b[c] * factor[p]
        if units:
            good = units - 4 <= even * (1025 / 1024) and even * (1023 / 1024) <= units + 4
        else:
            good = label[first_class + c] != label[first_pair + p]
        if not good:
            where = f"{lots.classes[c]['class_id']} {who(lots.groups[g])}"
            raise Wrong(
                f"{where} 的概率不均匀或无故为零 · an uneven probability, or a zero that nothing forces"
            )


def step_lottery(r: Round) -> str:
    """Section 9.1 to 9.6: seats, eligibility, sums, fairness, zeros, evenness."""
    r.skip_unmade("plan")
    lottery, manifest = r.json("lottery"), r.json("manifest")
    rule = manifest.get("district_rule", lottery["district_rule"])
    same(lottery["district_rule"], rule, "district_rule 与清单不符 · differs from the manifest's")
    need(
        manifest["entropy_seats"] or not lottery["seats"],
        "有席位而无第二随机源 · seats without a second entropy",
    )
    small = not observable(r) or len(lottery["seats"]) <= 200
    bits = 10 if observable(r) else 20
    need(
        small and lottery["unit_bits"] == bits,
        "抽取方式与清单不符 · unit_bits or size: not of this seat_draw",
    )
    check_weights(r)
    check_seats(r)
    lots = Lots(lottery)
    check_sums(lots)
    edges = lots.residual()
    label = components(edges)
    check_fairness(lots, edges)
    check_loads(lots, edges, label)
    check_spread(lots, lottery["certificate"], label)
    people = sum(lots.size)
    low, high = (min(lots.load, default=0), max(lots.load, default=0))
    return (
        f"{len(lottery['seats'])} 席、{people} 人，负担 {low}–{high}，公平且均匀 · sums, fairness, evenness"
    )


def stream(key: bytes, length: int, label: str, *parts: str | bytes) -> bytes:
    """Section 7: the first bytes of SHAKE-256(lp(label, K_seats, …))."""
    return hashlib.shake_256(lp(label, key, *parts)).digest(length)


def halvings(lots: Lots, key: bytes, coins: str = "") -> tuple[list[int], list[str]]:
    """Section 7.1: people per arc, and the transcript. With `coins`, section 10: down the tree of a plan_hash.

    Upper nodes: root, groups, pairs. Arcs without units stay at zero and are left out; those of a class are neighbours.
    """
    first_pair = 1 + len(lots.groups)
    live = [arc for arc, units in enumerate(lots.units) if units]
    upper = [first_pair + lots.pair_of[arc] for arc in live]
    upper += [1 + g for g, _ in lots.pairs] + [0] * len(lots.groups)
    nodes = first_pair + len(lots.pairs)
    lower = [*range(first_pair, nodes), *range(1, first_pair)]  # of day and group edges
    classes = [lots.arc_class[arc] for arc in live]
    bounds = [bisect.bisect_left(classes, c) for c in range(len(lots.classes) + 1)]
    values = [lots.units[arc] for arc in live] + lots.day + lots.total
    layout = [(len(list(run)), some) for some, run in itertools.groupby(lots.units, bool)]
    pack = struct.Struct(">" + "".join(f"{n}Q" if some else f"{8 * n}x" for n, some in layout)).pack
    meeting: list[list[int]] = [[] for _ in range(nodes)]
    transcript, label = [], "DR1/seats/tree-" if coins else "DR1/seats/"
    for level in range(1, lots.bits + 1):
        tag = level.to_bytes(8, "big")
        where = [tag, coins[: level - 1]] if coins else [tag]
        odd = [edge for edge, value in enumerate(values) if value & 1]
        numbers = struct.unpack(f">{2 * len(odd)}I", stream(key, 8 * len(odd), label + "pairs", *where))
        cuts = [bisect.bisect_left(odd, bound) for bound in bounds]
        below = [lower[edge - len(live)] for edge in odd[cuts[-1] :]]
        order = gather(meeting, map(upper.__getitem__, odd), below, cuts, list(map(float, numbers)))
        tossed = stream(key, len(odd), label + "coins", *where)
        grown = rounded_up(order, tossed, coins[level - 1 : level] == "1")
        values = [value >> 1 for value in values]
        for edge in itertools.compress(odd, grown):
            values[edge] += 1
        seen = lp("DR1/seats/transcript", tag, pack(*values[: len(live)]))
        transcript.append(hashlib.shake_256(seen).hexdigest(32))
    people = [0] * len(lots.units)
    for arc, value in zip(live, values):  # noqa: B905  day and group edges are not asked for
        people[arc] = value
    return people, transcript


def gather(
    meeting: list[list[int]], upper: Iterable[int], below: list[int], cuts: list[int], keys: list[float]
) -> list[int]:
    """List the ends of the odd edges node by node, by key: 2p is edge p's upper end, 2p + 1 its lower one.

    `meeting` is a list for each upper node, made once. Class edges are p < cuts[-1], those of a class between two
    cuts; the others' lower ends meet at the nodes `below`, as the last there.
    """
    for listed in meeting:
        listed.clear()
    for end, node in zip(range(0, len(keys), 2), upper):  # noqa: B905
        meeting[node].append(end)
    order: list[int] = []
    for end, node in zip(range(2 * cuts[-1] + 1, len(keys), 2), below):  # noqa: B905
        keys[end] = math.inf
        meeting[node].append(end)
    for listed in meeting:
        listed.sort(key=keys.__getitem__)
        order += listed
    for first, after in zip(cuts, cuts[1:]):  # noqa: B905, RUF007  not in Python 3.8
        order += sorted(range(2 * first + 1, 2 * after, 2), key=keys.__getitem__)
    return order


def rounded_up(order: list[int], tossed: bytes, turned: bool) -> list[bool]:
    """Pair the ends at each node, follow the trails, one coin each: whether each odd edge's half is rounded up."""
    follow = array.array("i", bytes(4 * len(order)))  # compact, for it is read in no order
    paired = iter(order)
    for one, other in zip(paired, paired):  # noqa: B905  an even number at each node
        follow[one ^ 1] = other
        follow[other ^ 1] = one
    gone, trails = bytearray(len(order)), 0
    for start in range(0, len(order), 2):
        if not gone[start] and not gone[start + 1]:
            sign = 2 - (tossed[trails] & 1 ^ turned)  # 1: edges gone down are rounded up; 2: edges gone up
            trails, end = trails + 1, start
            while not gone[end]:
                gone[end] = sign
                end = follow[end]
    return [down == 1 or up == 2 for down, up in zip(gone[::2], gone[1::2])]  # noqa: B905


def shuffled(items: Iterable[str], key: bytes, label: str, *parts: str) -> Iterable[str]:
    """Section 7.2: Fisher–Yates from the front, one item at a time."""
    line = list(items)
    data, at = stream(key, 8 * len(line) + 8, label, *parts) if len(line) > 1 else b"", 0
    for i in range(len(line)):
        left = len(line) - i
        while left > 1:
            if at == len(data):
                data = stream(key, 2 * len(data), label, *parts)
            x = int.from_bytes(data[at : at + 8], "big")
            at += 8
            if x < TWO64 - TWO64 % left:
                line[i], line[i + x % left] = line[i + x % left], line[i]
                break
        yield line[i]


def deal(lots: Lots, people: list[int], key: bytes) -> dict[str, str]:
    """Section 7.3 and 7.4: from groups to people, from classes to seats."""
    arcs_of: list[list[int]] = [[] for _ in lots.pairs]
    for arc, wanted in enumerate(people):
        if wanted:
            arcs_of[lots.pair_of[arc]].append(arc)
    served: collections.Counter[str] = collections.Counter()
    sitting: dict[int, list[str]] = {}
    for p, (g, day) in enumerate(lots.pairs):
        if arcs_of[p]:
            group, wanted = lots.groups[g], sum(people[arc] for arc in arcs_of[p])
            order = list(shuffled(group["members"], key, "DR1/seats/members", group["group_id"], day))
            chosen = set(sorted(order, key=served.__getitem__)[:wanted])
            served.update(chosen)
            queue = [code for code in order if code in chosen]
            for arc in arcs_of[p]:
                sitting[arc], queue = queue[: people[arc]], queue[people[arc] :]
    gathered: list[list[str]] = [[] for _ in lots.classes]
    for arc in sorted(sitting):
        gathered[lots.arc_class[arc]] += sitting[arc]
    found: dict[str, str] = {}
    for c, item in enumerate(lots.classes):
        found.update(zip(item["seats"], shuffled(gathered[c], key, "DR1/seats/deal", item["class_id"])))  # noqa: B905
    return found


def reserves(lots: Lots, seated: dict[str, str], key: bytes) -> dict[str, list[str]]:
    """Section 7.5: who moves in first, class by class."""
    caps = {code: group["cap"] for group in lots.groups for code in group["members"]}
    spent = {code for code, seats in collections.Counter(seated.values()).items() if seats >= caps[code]}
    busy: dict[str, set[str]] = collections.defaultdict(lambda: set(spent))
    members: list[list[str]] = [[] for _ in lots.classes]
    for item in lots.classes:
        busy[item["date"]].update(seated[seat] for seat in item["seats"])
    for c, g in zip(lots.arc_class, lots.arc_group):  # noqa: B905
        members[c] += lots.groups[g]["members"]
    found = {}
    for c, item in enumerate(lots.classes):
        line = shuffled(sorted(members[c]), key, "DR1/seats/reserves", item["class_id"])
        free = (code for code in line if code not in busy[item["date"]])
        found[item["class_id"]] = list(itertools.islice(free, 8 + 2 * len(item["seats"])))
    return found


def check_assignment(lots: Lots, seated: dict[str, str]) -> None:
    """Section 9.9, directly: able, never twice a day, loads rounded down or up, within caps, nowhere at zero odds."""
    group_of = {code: g for g, group in enumerate(lots.groups) for code in group["members"]}
    columns = zip(lots.arc_class, lots.arc_group, lots.units)  # noqa: B905
    open_to = {(c, g) for c, g, units in columns if units}
    days = []
    for c, item in enumerate(lots.classes):
        for seat in item["seats"]:
            good = (c, group_of.get(seated[seat])) in open_to
            need(good, f"席位 {seat} 的 {fold(seated[seat], 40)} 无资格 · not eligible for this seat")
            days.append((item["date"], seated[seat]))
    distinct(days)
    loads = collections.Counter(code for _, code in days)
    for code, g in group_of.items():
        good = abs(loads[code] - lots.load[g]) < 1 and loads[code] <= lots.groups[g]["cap"]
        need(
            good,
            f"{fold(code, 40)} 的席位数 {loads[code]} 不是负担的取整 · not the load, rounded, within cap",
        )


def check_moves(r: Round, lots: Lots, seated: dict[str, str]) -> int:
    """Section 7.6: each absence moves in the next free reserve and nobody else, and each event was logged."""
    events = [event for event in r.json("events") if event["type"] in ("absence", "seat_move", "plan_change")]
    logged = [
        {"at": row["entry"]["at"], "type": row["entry"]["type"], "digest": row["entry"]["digest"]}
        for row in r.json("log/entries") if row["entry"]["type"][6:] in ("absence", "seat_move", "plan_change")
    ]  # fmt: skip
    found = []
    for event in events:
        digest = r.suite.hash(lp("DR1/seat-event", r.keys["seal"], canonical(event))).hex()
        found.append({"at": event["at"], "type": f"round.{event['type']}", "digest": digest})
    same(logged, found, "换人事件与日志不符 · seat events differ from the log's")
    events = [event for event in events if event["type"] != "plan_change"]
    now, bars, left = dict(seated), [], collections.deque(events)
    while left:
        need(left[0]["type"] == "absence", "无缺勤而换人 · a seat moves without an absence")
        while left and left[0]["type"] == "absence":
            shaped(left[0], SHAPES["absence"], "events.absence")
            bars.append(left.popleft())
        for move in moves_due(r, lots, now, bars):
            event = left.popleft() if left else {"at": ""}
            same(
                event,
                {"at": event["at"], "type": "seat_move", **move},
                "换人与候补次序不符 · not the next reserve",
            )
    return sum(event["type"] == "seat_move" for event in events)


def moves_due(
    r: Round, lots: Lots, now: dict[str, str], bars: list[dict[str, Any]]
) -> Iterable[dict[str, str]]:
    """Give the moves that these absences make necessary, seats ascending; `now` changes with them."""
    lottery = r.json("lottery")
    seats = {seat["seat_id"]: seat for seat in lottery["seats"]}
    class_of = {seat: item["class_id"] for item in lots.classes for seat in item["seats"]}
    caps = {code: group["cap"] for group in lots.groups for code in group["members"]}

    def barred(code: str, seat: dict[str, Any]) -> str:
        """Name the reason, if there is one."""
        for bar in bars:
            away = bar.get("from", "~") <= seat["date"] <= bar.get("to", "")
            if bar["inspector"] == code and (away or seat["route_id"] in bar.get("routes", [])):
                return str(bar["reason"])
        return ""

    for seat_id in sorted(now):
        seat, out = seats[seat_id], now[seat_id]
        reason = barred(out, seat)
        if reason:
            held = collections.Counter(now.values())
            busy = {code for other, code in now.items() if seats[other]["date"] == seat["date"]}
            line = (
                code for code in lottery["reserves"][class_of[seat_id]]
                if code not in busy and held[code] < caps[code] and not barred(code, seat)
            )  # fmt: skip
            now[seat_id] = next(line, "")
            need(now[seat_id], f"席位 {seat_id} 已无候补 · no reserve is left, yet it moves")
            yield {
                "seat_id": seat_id, "class_id": class_of[seat_id], "out": out, "into": now[seat_id], "reason": reason,
            }  # fmt: skip


def step_assignment(r: Round) -> str:
    """Section 9.8 and 9.9: the seats drawn again, then looked at directly; their seal."""
    if not r.made("seats") and r.made("plan"):
        nobody = [r.json("lottery")[key] for key in ("assignment", "reserves", "transcript")]
        same(nobody, [{}, {}, []], "席位未抽却有人员 · seats that were never drawn have holders")
    r.skip_unmade("seats")
    lottery, reveal = r.json("lottery"), r.json("reveal")
    lots, seated = Lots(lottery), lottery["assignment"]
    same(
        sorted(seated),
        [seat["seat_id"] for seat in lottery["seats"]],
        "席位未全部分派 · seats and assignment",
    )
    check_assignment(lots, seated)
    second = entropy_parts(r.json("manifest")["entropy_seats"], reveal["entropy_seats"])
    key = r.mac("inspectors")("DR1/seats", bytes.fromhex(lottery["plan_hash"]), *second)
    if observable(r):
        assert isinstance(second[1], bytes)
        coins = "".join(str(byte & 1) for byte in second[1][:10])
        need(len(coins) == 10, "随机值不足十枚硬币 · the first source has no ten coins")
        people, transcript = halvings(lots, bytes.fromhex(lottery["plan_hash"]), coins)
    else:
        people, transcript = halvings(lots, key)
    same(lottery["transcript"], transcript, "各次对分不符 · the halvings")
    same(seated, deal(lots, people, key), "席位与重新抽取不符 · not what the draw gives")
    same(lottery["reserves"], reserves(lots, seated, key), "候补与重新抽取不符 · reserves")
    sealed = r.suite.hash(lp("DR1/seats-seal", r.keys["seal"], canonical(seated))).hex()
    moved = check_moves(r, lots, seated)
    if reveal["seats_seal"] is None:
        return "没有席位 · no seats"
    same(sealed, reveal["seats_seal"], "席位封条与公开文件不符 · differs from the reveal's")
    same(sealed, r.entry("seats")["digest"], "席位封条与日志不符 · differs from the log's")
    return f"重新抽取 {len(seated)} 席与候补一致，其后换人 {moved} 次 · drawn again; seal {sealed[:8]}… = reveal = log"


# --- Steps: log and firm --------------------------------------------------------------------------------------------

LOG_KINDS = ["manifest", "deposits", "entropy", "seal", "plan", "entropy_seats", "seats", "void", "reveal"]
AFTER_DRAW = ["plan", "entropy_seats", "seats"]


def step_log(r: Round) -> str:
    """Order, times, names and digests of the round's log entries; what came after its deadline."""
    rows, manifest, reveal = r.json("log/entries"), r.json("manifest"), r.json("reveal")
    ascending([row["index"] for row in rows], "index")
    check_times([row["entry"]["at"] for row in rows], "日志 log")
    for row in rows:
        for key in ("plan", "period", "sequence", "round_id"):
            same(row["entry"][key], manifest[key], f"第 {row['index']} 条 {key} 不符 · another round's entry")
    deposits = [{"party": row["party"], "commitment": row["commitment"]} for row in manifest["commitments"]]
    public = {key: value for key, value in reveal.items() if key != "k_salt"}
    hashed = {"deposits": deposits, "entropy": reveal["entropy"], "entropy_seats": reveal["entropy_seats"]}
    digests = {
        key: r.suite.hash(canonical(value)).hex() for key, value in {**hashed, "reveal": public}.items()
    }
    digests.update(manifest=r.manifest_hash.hex(), seal=reveal["seal"], plan=reveal["plan_commitment"])
    digests.update(seats=reveal["seats_seal"], void=void_digest(r))
    order = [row["entry"]["type"][6:] for row in rows if row["entry"]["type"][6:] in LOG_KINDS]
    wanted = [kind for kind in LOG_KINDS if kind in order or kind not in may_lack(r)]
    same(order, wanted, "日志次序不符 · the types do not come once each in a round's order")
    for kind in wanted:
        same(r.entry(kind)["digest"], digests[kind], f"round.{kind} 的摘要不符 · an entry's digest differs")
    for kind, key in (("plan", "plan_commitment"), ("seats", "seats_seal")):
        need(r.made(kind) or reveal[key] is None, f"{key} 不在日志 · revealed, but never logged")
    limits = manifest["deadlines"]
    need(in_time(r), "公共随机晚于期限，应作废 · entropy after its deadline: the round is void")
    late = "; 封存逾期 sealed late" * (moment(r.entry("seal")["at"]) > moment(limits["sealed_result"]))
    late += "; 公开逾期 revealed late" * (r.entry("reveal")["at"][:10] > limits["reveal"][:10])
    return f"{len(rows)} 条日志次序、时间、摘要一致 · order, times, digests of the entries{late}"


def may_lack(r: Round) -> list[str]:
    """Types that this round's log may do without: a void one's, what the void came before."""
    if r.void is not None:
        return [kind for place, kind in enumerate(AFTER_DRAW) if not any(map(r.logged, AFTER_DRAW[place:]))]
    return ["void"] + ["entropy_seats", "seats"] * (not r.json("manifest")["entropy_seats"])


def in_time(r: Round) -> bool:
    """Whether the public values were logged by the deadline: together, or each as it was supplied."""
    limit = moment(r.json("manifest")["deadlines"]["entropy"])
    if moment(r.entry("entropy")["at"]) <= limit:
        return True
    rows = [row["entry"] for row in r.json("log/entries") if row["entry"]["type"] == "round.supplied"]
    given = [
        {"id": row.get("id"), "value": row.get("value")}
        for row in rows
        if row.get("part") == "entropy" and moment(row["at"]) <= limit
    ]
    return all(value in given for value in r.json("reveal")["entropy"])


def void_digest(r: Round) -> str:
    return hashlib.sha256(canonical({"reason": r.void, "round_id": r.round_id})).hexdigest()


def step_void(r: Round) -> str:
    """A void stands in the log, in the reveal and in the events alike, asked for and confirmed by two persons."""
    events = [event for event in r.json("events") if event["type"] == "void"]
    if r.void is None:
        need(
            not events and not r.logged("void"),
            "日志或事件有作废而未声明 · a void that the reveal does not state",
        )
        return "未作废 · not void: none stated, none in log and events"
    entry = r.entry("void")
    same(len(events), 1, "events.json 应恰有一条作废 · one void among the events")
    shaped(events[0], SHAPES["void"], "events.void")
    need(r.json("events")[-1] == events[0], "作废之后仍有事件 · an event after the void")
    expected = {key: entry.get(key) for key in ("at", "reason", "by", "confirmed_by")}
    same(events[0], {"type": "void", **expected}, "作废事件与日志不符 · differs from the log's")
    same(events[0]["reason"], r.void, "作废原因与公开文件不符 · the reason differs from the reveal's")
    need(entry["by"] != entry["confirmed_by"], "作废须由两人 · a void needs two persons")
    alone = r.made("seats") or len(r.json("events")) == 1
    need(alone, "席位未抽却有换人或递补 · moves or replacements without seats")
    return f"本批次已作废 ROUND VOID: {fold(r.void, 60)}, {entry['at']}, 两人 two persons = 日志 log = 事件 events"


def step_firm(r: Round) -> str:
    """Section 4: a firm's leaf leads to the frozen frame, and its being drawn agrees with the list."""
    if r.opening is None:
        raise Skip("未提供企业凭据 · no opening given (--firm OPENING.json)")
    opening = parse_json(r.opening, "OPENING.json")
    shaped(opening, SHAPES["opening"], "OPENING.json")
    draw = {draw["draw_id"]: draw for draw in r.draws}.get(opening["draw_id"])
    need(
        draw and r.sealed and opening["round_id"] == r.round_id,
        "凭据不属于本封存批次 · of another round or draw",
    )
    assert draw is not None
    cells = opening["public_cells"]
    same(len(cells), len(draw["columns"]) - len(draw["internal"]), "公开列数不符 · number of public cells")
    leaf = lp(bytes.fromhex(opening["blind"]), "\t".join(cells), bytes.fromhex(opening["inner_hash"]))
    inside = r.suite.includes(leaf, opening["index"], draw["frame_rows"], opening["path"], draw["frame_root"])
    need(inside, "凭据不通向 frame_root · the path does not lead to the frozen frame's root")
    listed = cells[0] in r.drawn(draw["draw_id"])
    same(opening["drawn"], listed, "是否抽中与名单不符 · drawn differs from the published list")
    outcome = "已抽中 drawn" if listed else "未抽中 not drawn"
    return (
        f"{cells[0]} 在冻结名录第 {opening['index']} 行，{outcome} · leaf → frame_root of {draw['draw_id']}"
    )


# --- Steps: the signed log (C2SP signed-note, tlog-checkpoint and tlog-proof; RFC 9162; Ed25519 of RFC 8032) --------

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME
Point = Tuple[int, int, int, int]  # noqa: UP006  3.8; extended coordinates X, Y, Z, T: x = X/Z, y = Y/Z, XY = ZT
PROOFS = ("manifest", "seal", "reveal")


def proved(r: Round) -> list[str]:
    """Types of the entries whose inclusion in the log is proven, in order of logging."""
    return [kind for kind in LOG_KINDS if kind in PROOFS or (kind == "void" and r.void is not None)]


def plus(p: Point, q: Point) -> Point:
    """Add two points of edwards25519 (RFC 8032 section 5.1.4)."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % PRIME, (p[1] + p[0]) * (q[1] + q[0]) % PRIME
    c, d = 2 * p[3] * q[3] * CURVE % PRIME, 2 * p[2] * q[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def times(number: int, p: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = plus(total, p)
        p, number = plus(p, p), number >> 1
    return total


def point(raw: bytes) -> Point | None:
    """Decode a point (section 5.1.3); None where the bytes encode none."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= PRIME:
        return None
    square = (y * y - 1) * pow(CURVE * y * y + 1, PRIME - 2, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    if (x * x - square) % PRIME or (not x and sign):
        return None
    x = PRIME - x if x & 1 != sign else x
    return x, y, 1, x * y % PRIME


def ed25519(key: bytes, signature: bytes, message: bytes) -> bool:
    """Verify as section 5.1.7 says, without the cofactor."""
    a, r = point(key), point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    base = point((4 * pow(5, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little"))
    if a is None or r is None or base is None or s >= ORDER or len(signature) != 64 or len(key) != 32:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    left, right = times(s, base), plus(r, times(k, a))
    return not any((left[i] * right[2] - right[i] * left[2]) % PRIME for i in (0, 1))


def b64(text: str) -> bytes:
    """Standard base64 in its one form. Raises ValueError."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("base64")
    return raw


class Checkpoint(NamedTuple):
    """A signed checkpoint: `text` is what is signed, `signatures` (key name, key id with signature)."""

    origin: str
    size: int
    root: bytes
    text: str
    signatures: list[tuple[str, bytes]]


def checkpoint_of(note: str, label: str) -> Checkpoint:
    """Read a signed note that is a checkpoint."""
    text, blank, lines = note.rpartition("\n\n")
    rows = lines.split("\n")
    good = blank and not rows.pop() and rows and all(row.startswith("\u2014 ") for row in rows)
    good = good and all(c == "\n" or c.isprintable() for c in note)
    need(good, f"{label} 不是签名文本 · not a signed note")
    origin, size, root = text.split("\n")[:3]
    need(re.fullmatch("0|[1-9][0-9]{0,18}", size), f"{label} 条数不合格式 · the tree's size is malformed")
    signatures = [(name, b64(value)) for name, value in (row[2:].split(" ") for row in rows)]
    return Checkpoint(origin, int(size), b64(root), text + "\n", signatures)


def signers(head: Checkpoint, vkeys: Iterable[str], label: str) -> list[str]:
    """Names of the given keys that signed; a given key's bad signature spoils all, and one must be good."""
    found = []
    for vkey in vkeys:
        name, key_id, encoded = vkey.split("+", 2)
        key = b64(encoded)
        expected = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
        need(
            len(key) == 33 and key[0] == 1 and expected.hex() == key_id,
            f"{fold(vkey, 80)} 不是 Ed25519 日志公钥 · not an Ed25519 log key",
        )
        for signer, value in head.signatures:
            if (signer, value[:4]) == (name, expected):
                good = ed25519(key[1:], value[4:], head.text.encode())
                need(good, f"{label} 的签名无效 · its signature is not valid")
                found.append(name)
    need(found, f"{label} 没有所给公钥的签名 · not signed with a key that was given")
    return found


def continues(old: Checkpoint, new: Checkpoint, path: list[bytes]) -> bool:
    """RFC 9162 section 2.1.4.2: does the newer tree begin with the older one, 0 < old size < new size?"""
    node = Suite("DR1-HMAC-SHA256").node
    nodes = path if old.size & (old.size - 1) else [old.root, *path]
    place, last = old.size - 1, new.size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    if not nodes:
        return False
    first = second = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first, second = node(sibling, first), node(sibling, second)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            second = node(second, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and (first, second) == (old.root, new.root)


def check_seen(r: Round, head: Checkpoint) -> str:
    """Compare with a checkpoint that somebody kept from before or got elsewhere: one log, one history."""
    if r.seen is None:
        return "未提供曾见检查点 · no checkpoint seen elsewhere was given (--seen)"
    seen = checkpoint_of(r.seen.decode(), "--seen")
    same(seen.origin, head.origin, "曾见检查点属于另一日志 · the checkpoint seen is another log's")
    if r.vkeys:
        signers(seen, r.vkeys, "--seen")
    old, new = sorted((seen, head), key=lambda one: one.size)
    if old.size == new.size:
        same(seen.root.hex(), head.root.hex(), "与曾见检查点不同：历史被改写 · history was rewritten")
    else:
        gap = f"{old.size} → {new.size}"
        need(r.proof is not None, f"须附一致性证明 · give the log's consistency proof {gap} (--proof)")
        lines = (r.proof or b"").decode().partition("\n\n")[0].split("\n")
        same(lines[0], f"old {old.size}", "一致性证明的起点不符 · the proof starts elsewhere")
        good = old.size > 0 and continues(old, new, [b64(line) for line in lines[1:]])
        need(good, "与曾见检查点不一致：历史被改写 · does not continue what was seen: history was rewritten")
    return f"与曾见检查点（{seen.size} 条）一致 · agrees with the checkpoint seen"


def step_checkpoint(r: Round) -> str:
    """The log as signed at the reveal holds the manifest, the seal and the reveal, in this order."""
    raw = r.archive.read("log/checkpoint").decode()
    head, tree = checkpoint_of(raw, "log/checkpoint"), Suite("DR1-HMAC-SHA256")
    places = []
    for kind in proved(r):
        label = f"log/proofs/{kind}"
        lines, _, note = r.archive.read(label).decode().partition("\n\n")
        first, index, *path = lines.split("\n")
        same(first, "c2sp.org/tlog-proof@v1", f"{label} 格式不符 · not a tlog-proof")
        same(note, raw, f"{label} 所附检查点不同 · it carries another checkpoint")
        rows = [row for row in r.json("log/entries") if row["entry"]["type"] == f"round.{kind}"]
        same(index, f"index {rows[0]['index']}", f"{label} 序号不符 · the index differs from the entry's")
        leaf, siblings = canonical(rows[0]["entry"]), [b64(line).hex() for line in path]
        inside = tree.includes(leaf, rows[0]["index"], head.size, siblings, head.root.hex())
        need(inside, f"{label} 不通向根 · the entry is not in the signed tree")
        places.append(rows[0]["index"])
    ascending(places, "日志次序 order in the log")
    signed = "未提供日志公钥，签名未核对 · no log key given, signature not checked (--key)"
    if r.vkeys:
        names = "、".join(signers(head, r.vkeys, "log/checkpoint"))
        signed = f"签名有效 · signed by {names}"
    shown = f"{fold(head.origin, 60)}，{head.size} 条 entries，根 root {head.root.hex()[:16]}…"
    return f"{shown}；{signed}；{check_seen(r, head)}"


# --- Running --------------------------------------------------------------------------------------------------------

# name, the steps that it builds on, what it does
STEPS: tuple[tuple[str, str, Callable[[Round], str]], ...] = (
    ("container", "", step_container),
    ("digests", "container", step_digests),
    ("manifest", "digests", step_manifest),
    ("commitments", "manifest", step_commitments),
    ("entropy", "manifest", step_entropy),
    ("keys", "commitments entropy", step_keys),
    ("frames", "commitments", step_frames),
    ("draw", "keys frames", step_draw),
    ("seal", "keys draw", step_seal),
    ("visits", "draw", step_visits),
    ("schedule", "visits", step_schedule),
    ("plan", "keys schedule", step_plan),
    ("roster", "manifest", step_roster),
    ("lottery", "plan roster", step_lottery),
    ("assignment", "lottery", step_assignment),
    ("void", "manifest", step_void),
    ("log", "manifest", step_log),
    ("checkpoint", "log", step_checkpoint),
    ("firm", "draw", step_firm),
)


class Line(NamedTuple):
    """One step's outcome; `status` is OK, FAIL or SKIP."""

    step: str
    status: str
    detail: str


class Outcome(NamedTuple):
    """What `verify` found: one line per step, and the exit status."""

    bundle: str
    copy: str
    round_id: str
    lines: list[Line]
    status: int
    void: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Give the object that --json prints."""
        steps = [line._asdict() for line in self.lines]
        found = {"bundle": self.bundle, "copy": self.copy, "round_id": self.round_id}
        return {**found, "void": self.void, "steps": steps, "ok": self.status == 0}

    def render(self) -> str:
        """One line per step, and a last one that says it in a word."""
        lines = [f"{line.status:<4} {line.step:<11} {fold(line.detail, 600)}" for line in self.lines]
        verdicts = ("全部通过 · all steps hold", "有步骤未通过 · a step failed", "无法读取 · unreadable")
        void = f"；本批次已作废 · THE ROUND IS VOID: {fold(self.void, 60)}" if self.void else ""
        return "\n".join([*lines, f"{fold(self.bundle)}: {verdicts[self.status]}{void}"])


MALFORMED = (AttributeError, ArithmeticError, AssertionError, LookupError, TypeError, ValueError, zlib.error)


def run_step(r: Round, label: str, check: Callable[[Round], str]) -> tuple[Line, int]:
    """Run one step; whatever it stumbles over becomes a line, never a traceback."""
    try:
        return Line(label, "OK", check(r)), 0
    except Skip as skip:
        return Line(label, "SKIP", str(skip)), 0
    except Wrong as wrong:
        return Line(label, "FAIL", str(wrong)), 2 if isinstance(wrong, Unreadable) else 1
    except (RecursionError, MemoryError):
        return Line(label, "FAIL", "内容过深或过大 · the contents are too deep or too large"), 2
    except MALFORMED as error:
        return Line(
            label, "FAIL", f"内容不合格式 · not of the format: {type(error).__name__} {fold(error, 80)}"
        ), 1


def read_limited(path: Path, limit: int) -> bytes:
    """Read a file of the input, refusing one beyond the limit before reading it."""
    try:
        if path.stat().st_size > limit:
            raise Unreadable(f"{fold(path)} 超过 {limit} 字节 · the file exceeds the limit")
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{fold(path)} 无法读取 · cannot be read: {fold(error.strerror, 60)}") from None


def verify(bundle: Path, firm: Path | None = None, trust: Trust | None = None) -> Outcome:
    """Verify one bundle, with a firm's opening and what is known of the log from elsewhere, if given."""
    try:
        opening = None if firm is None else read_limited(firm, JSON_LIMIT)
        r = Round(Archive(read_limited(bundle, ZIP_LIMIT)), opening, trust)
    except Unreadable as unreadable:
        return Outcome(str(bundle), "", "", [Line("container", "FAIL", str(unreadable))], 2)
    lines: list[Line] = []
    broken: set[str] = set()
    status = 0
    for label, needs, check in STEPS:
        blocker = next((other for other in needs.split() if other in broken), None)
        line, code = Line(label, "SKIP", f"因 {blocker} 未通过而未核对 · waits for {blocker}"), 0
        if blocker is None:
            line, code = run_step(r, label, check)
        if blocker or code:
            broken.add(label)
        lines.append(line)
        status = max(status, code)
        if code == 2:
            break
    void = r.parsed.get("reveal", {}).get("void")
    return Outcome(str(bundle), r.copy, r.round_id, lines, status, void)


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, print the outcome, give the exit status."""
    parser = argparse.ArgumentParser(
        description="核验一个批次的公开归档 · verify the published bundle of a round"
    )
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--firm", type=Path, help="OPENING.json of one firm")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--key", action="append", default=[], help="the log's public key; repeat after a rotation"
    )
    parser.add_argument(
        "--seen", type=Path, help="a checkpoint of the log, kept from before or from a witness"
    )
    parser.add_argument(
        "--proof", type=Path, help="the log's consistency proof between that and this bundle's"
    )
    options = parser.parse_args(arguments)
    try:
        files = [path and read_limited(path, JSON_LIMIT) for path in (options.seen, options.proof)]
    except Unreadable as unreadable:
        parser.error(str(unreadable))
    outcome = verify(options.bundle, options.firm, Trust(options.key, *files))
    shown = json.dumps(outcome.as_json(), ensure_ascii=False) if options.json else outcome.render()
    sys.stdout.buffer.write(shown.encode("utf-8", "backslashreplace") + b"\n")
    return outcome.status


if __name__ == "__main__":
    sys.exit(main())
