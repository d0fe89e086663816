"""What a synthetic round freezes: three frames, the roster, and the manifest that binds them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from scheduler.frame import Frame, excluded_hash, sealed_excluded_hash
from scheduler.lottery.roster import Inspector, Leave, Recusal, Roster
from scheduler.manifest import Manifest
from scheduler.seed import (
    commitment,
    salt_commitment,
)
from scheduler.suite import Suite, suite

DEPARTMENTS = ("D1-市场监管局", "D2-消防救援支队", "D3-生态环境局")
COLUMNS = ("target_id", "credit", "district", "recent")
SALT = bytes(range(100, 132))
SECRETS = {"公证处": bytes(range(32)), "市场监管局": bytes(range(1, 33))}
ENTROPY = {"双色球 2027001": "03 07 11 19 24 30+09", "drand quicknet 35410003": "ab" * 32}
ENTROPY_SEATS = {"witness digits, second call": "01234567890123456789"}
SPECIALTIES = {DEPARTMENTS[1]: ("电气",)}


def make_frames(rows: int) -> dict[str, Frame]:
    """Three overlapping frames over one population."""
    chance = random.Random(7)
    people = [
        (
            f"91650100MA{chance.randrange(10**8):08}",
            chance.choices("ABCD", (49, 41, 6, 4))[0],
            chance.choice(("天山区", "新市区", "沙依巴克区")),
            chance.choice("01"),
        )
        for _ in range(rows)
    ]
    return {
        "D1-credit": Frame(COLUMNS, people),
        "D2-cool": Frame(COLUMNS, people[: rows * 2 // 3]),
        "D3-own": Frame(COLUMNS, people[rows // 3 :]),
    }


def make_roster(frames: Mapping[str, Frame]) -> Roster:
    """Eight inspectors a department: some may not lead, some hold a specialty, one is away, some are recused."""
    people = [
        Inspector(
            f"{department[:2]}-{number:02}",
            department,
            ("天山区", "新市区")[number % 2],
            "2027-12-31" if number else "2027-01-20",
            SPECIALTIES.get(department, ()) if number % 2 else (),
            number % 3 != 2,
            12,
        )
        for department in DEPARTMENTS
        for number in range(8)
    ]
    ids = frames["D1-credit"].ids
    recusals = [Recusal(person.code, ids[place * 3]) for place, person in enumerate(people)]
    return Roster(tuple(people), (Leave("D1-01", "2027-01-12", "2027-01-14"),), tuple(recusals))


def make_manifest(
    privacy: str,
    suite_name: str,
    frames: Mapping[str, Frame],
    excluded: Mapping[str, bytes],
    roster: Roster,
    extra: Mapping[str, Any],
) -> Manifest:
    """Rules with both roundings, bounds, cool-down and an own stream."""
    found, sealed = suite(suite_name), privacy == "sealed"
    draws = [
        make_draw(found, draw_id, frame, department, excluded[draw_id], sealed)
        for (draw_id, frame), department in zip(frames.items(), DEPARTMENTS, strict=True)
    ]
    value: Any = {
        "suite": suite_name,
        "round_id": f"2027-Q1-{privacy}",
        "plan": "plan-a",
        "period": "2027-Q1",
        "sequence": 1,
        "privacy": privacy,
        "draws": draws,
        "commitments": [
            {"party": party, "commitment": commitment(found, f"2027-Q1-{privacy}", party, secret).hex()}
            for party, secret in sorted(SECRETS.items())
        ],
        "entropy": [
            {"id": "双色球 2027001", "encoding": "utf8", "rule": "as printed", "bits": 24},
            {"id": "drand quicknet 35410003", "encoding": "hex", "rule": "64 hex digits", "bits": 256},
        ],
        "entropy_seats": [
            {"id": name, "encoding": "utf8", "rule": "20 digits", "bits": 66} for name in ENTROPY_SEATS
        ],
        "roster_hash": roster.roster_hash(found).hex(),
        "packing": {
            "solver": "simple",
            "version": "1",
            "parameters": {"seed": 1, "max_entries": 6},
        },
        "deadlines": {
            "entropy": "2027-01-04T15:00:00+08:00",
            "sealed_result": "2027-01-04T18:00:00+08:00",
            "reveal": "2027-03-31T18:00:00+08:00",
        },
        "demo": 0,
        **extra,
        **({"salt_commitment": salt_commitment(found, f"2027-Q1-{privacy}", SALT).hex()} if sealed else {}),
    }
    return Manifest.from_json(value)


def make_draw(
    found: Suite, draw_id: str, frame: Frame, department: str, out: bytes, sealed: bool
) -> dict[str, Any]:
    """A draw's entry in the manifest; `out` are the bytes of those left out."""
    internal = ["credit"] if sealed else []
    digest = (
        {"frame_root": frame.sealed_root(found, draw_id, internal, SALT).hex()}
        if sealed
        else {"frame_hash": frame.frame_hash(found).hex()}
    )
    left_out = sealed_excluded_hash(found, draw_id, SALT, out) if sealed else excluded_hash(found, out)
    return {
        **digest,
        **RULES[draw_id],
        "draw_id": draw_id,
        "department": department,
        "departments": [department] if draw_id != "D2-cool" else [department, DEPARTMENTS[0]],
        "columns": list(COLUMNS),
        "internal": internal,
        "frame_rows": len(frame),
        "excluded_hash": left_out.hex(),
        "excluded_rows": 1,
        "items": [f"{draw_id}@1", "COMMON@3"],
        "backups": 2,
    }


RULES: dict[str, dict[str, Any]] = {
    "D1-credit": {
        "strata_by": ["credit"],
        "default": {"ratio_ppm": 150_000, "min": 0, "max": None, "rounding": "systematic"},
        "strata": [
            {"key": ["D"], "ratio_ppm": 500_000, "min": 1, "max": 3, "rounding": "ceil"},
            {"key": ["C"], "ratio_ppm": 250_000, "min": 1, "max": None, "rounding": "systematic"},
        ],
        "cooldown": None,
        "stream": "round",
    },
    "D2-cool": {
        "strata_by": ["credit", "district"],
        "default": {"ratio_ppm": 200_000, "min": 0, "max": None, "rounding": "systematic"},
        "strata": [],
        "cooldown": {"lambda_ppm": 250_000},
        "stream": "round",
    },
    "D3-own": {
        "strata_by": [],
        "default": {"ratio_ppm": 203_333, "min": 0, "max": None, "rounding": "systematic"},
        "strata": [],
        "cooldown": {"lambda_ppm": 0},
        "stream": "own",
    },
}
