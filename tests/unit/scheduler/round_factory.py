"""Make whole synthetic rounds for the verifier's tests: drawn, packed, seated and logged by the project's own code.

A `Draft` keeps every file as data, so that a test can change one thing, commit to it again as a cheat would, and
write the bundle with fresh digests.
"""

from __future__ import annotations

import copy
import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from app.disclosure.container import Copy, write_bundle
from optimizer.model import Bound, Measures, Parameters, Plan, Report, Route, Stop, Visit
from scheduler.encoding import canonical_json
from scheduler.frame import Frame, excluded_hash, excluded_tsv, sealed_excluded_hash
from scheduler.lottery.draw import draw_seats, lottery_json
from scheduler.lottery.observable import coins_of, draw_observed
from scheduler.lottery.plan import LotteryPlan, plan_lottery
from scheduler.lottery.replacement import LateBar, Move, event_digest, moves_for, standing_of
from scheduler.lottery.roster import Inspector, Leave, Recusal, Roster
from scheduler.lottery.schedule import routes_json, visits_json
from scheduler.lottery.seats import seats_of
from scheduler.manifest import Manifest
from scheduler.merkle import head_and_paths
from scheduler.notes import Checkpoint, InclusionProof, Note, SignerKey
from scheduler.seed import (
    RoundKeys,
    assurance,
    commitment,
    decoded,
    derive_keys,
    plan_commitment,
    salt_commitment,
    seal,
    seats_key,
    seats_seal,
)
from scheduler.selection import draw, full_result_file, public_result_file, result_json
from scheduler.suite import SHA256, suite

ROOT = Path(__file__).parents[3]
VERIFIER = ROOT / "scheduler" / "verifier.py"
DEPARTMENTS = ("D1-市场监管局", "D2-消防救援支队", "D3-生态环境局")
COLUMNS = ("target_id", "credit", "district", "recent")
SALT = bytes(range(100, 132))
SECRETS = {"公证处": bytes(range(32)), "市场监管局": bytes(range(1, 33))}
ENTROPY = {"双色球 2027001": "03 07 11 19 24 30+09", "drand quicknet 35410003": "ab" * 32}
ENTROPY_SEATS = {"witness digits, second call": "01234567890123456789"}
DAYS = tuple(f"2027-01-{day:02}" for day in range(11, 30))
MOVE = ("seat_id", "class_id", "out", "into", "reason")
SPECIALTIES = {DEPARTMENTS[1]: ("电气",)}


@dataclass
class Draft:
    """A round as data: `docs` are JSON files without the suffix, `raw` the other files by name."""

    manifest: Manifest
    keys: RoundKeys
    docs: dict[str, Any]
    raw: dict[str, bytes]
    public: dict[str, Any]
    lottery: LotteryPlan
    openings: dict[str, dict[str, Any]]
    bars: list[LateBar] = field(default_factory=list)

    def copied(self) -> Draft:
        """A draft whose files can be changed without changing this one's."""
        return Draft(
            self.manifest,
            self.keys,
            copy.deepcopy(self.docs),
            dict(self.raw),
            copy.deepcopy(self.public),
            self.lottery,
            self.openings,
            list(self.bars),
        )

    def entry(self, kind: str) -> dict[str, Any]:
        """The log entry of a type, to be changed."""
        return next(
            row["entry"] for row in self.docs["log/entries"] if row["entry"]["type"] == f"round.{kind}"
        )

    def log_reveal(self) -> None:
        """Log the reveal as it now stands."""
        shown = {key: value for key, value in self.docs["reveal"].items() if key != "k_salt"}
        self.entry("reveal")["digest"] = self.keys.suite.hash(canonical_json(shown)).hex()

    def seat(self, lottery: LotteryPlan) -> None:
        """Commit to a lottery, draw it, seal it and log it all: what an honest service does, or a cheat."""
        self.lottery = lottery
        suite_, plan_hash = self.keys.suite, lottery.plan_hash(self.keys.suite)
        second = decoded(self.manifest.entropy_seats, ENTROPY_SEATS)
        k_seats = seats_key(self.keys, plan_hash, second)
        if self.manifest.extra.get("seat_draw") == "observable":
            drawn = draw_observed(lottery, plan_hash, coins_of(second[0][1]), k_seats)
        else:
            drawn = draw_seats(lottery, k_seats)
        self.docs["lottery"] = lottery_json(lottery, drawn, suite_)
        self.bind_plan(plan_hash)
        self.bind_seats()

    def bind_plan(self, plan_hash: bytes) -> None:
        """Log and reveal the commitment to a plan's hash."""
        committed = plan_commitment(self.keys, plan_hash).hex()
        self.docs["reveal"]["plan_commitment"] = self.entry("plan")["digest"] = committed
        self.log_reveal()

    def bind_seats(self) -> None:
        """Log and reveal the seal of the assignment."""
        sealed = seats_seal(self.keys, self.docs["lottery"]["assignment"]).hex()
        self.docs["reveal"]["seats_seal"] = self.entry("seats")["digest"] = sealed
        self.log_reveal()

    def absent(self, at: str, *bars: LateBar, moves: Sequence[Move] | None = None) -> None:
        """File absences and make the moves that they ask for, or other ones, and log it all."""
        seats = seats_of(self.lottery.plan, self.lottery.days)
        events = self.docs["events"]
        done = [Move(*(event[key] for key in MOVE)) for event in events if event["type"] == "seat_move"]
        standing = standing_of(self.docs["lottery"], seats).after(done)
        self.bars += bars
        due = moves_for(standing, self.bars) if moves is None else moves
        for event in [bar.to_json(at, standing) for bar in bars] + [move.to_json(at) for move in due]:
            events.append(plain(event))
            self.log_event(events[-1])

    def log_event(self, event: dict[str, Any]) -> None:
        """Log an absence or a move, before the reveal's entry."""
        rows = self.docs["log/entries"]
        digest = event_digest(self.keys, event).hex()
        entry = {**rows[-2]["entry"], "type": f"round.{event['type']}", "at": event["at"], "digest": digest}
        rows.insert(-1, {"index": rows[-2]["index"] + 1, "entry": entry})
        rows[-1]["index"] = rows[-2]["index"] + 1

    def files(self, copy_: Copy) -> dict[str, bytes]:
        """The files of one copy."""
        docs = dict(self.docs)
        raw = dict(self.raw)
        if copy_ == "public":
            docs.pop("roster", None)
            if self.manifest.privacy == "sealed":
                docs.update(self.public)
                docs["reveal"] = {key: value for key, value in docs["reveal"].items() if key != "k_salt"}
                raw = {name: data for name, data in raw.items() if not name.endswith(".tsv")}
        files = {f"{name}.json": canonical_json(value) + b"\n" for name, value in docs.items()}
        return {**files, **raw, **signed_log(docs["log/entries"])}

    def write(self, folder: Path, copy_: Copy) -> Path:
        """Write one copy, with the digests of what it now holds."""
        path = folder / f"{'round' if copy_ == 'public' else 'auditor'}-{self.manifest.round_id}.zip"
        write_bundle(path, copy_, self.manifest.round_id, self.files(copy_))
        return path


def make_round(
    privacy: str = "sealed",
    suite_name: str = "DR1-HMAC-SHA256",
    rows: int = 90,
    packer: Callable[[list[dict[str, Any]]], Plan] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Draft:
    """A whole honest round of three draws, packed by `packer`, else simply; `extra` are keys of the manifest."""
    frames = make_frames(rows)
    roster = make_roster(frames)
    excluded = {draw_id: excluded_tsv([("91650100MAEXCLUDED", "cap:year")]) for draw_id in frames}
    manifest = make_manifest(privacy, suite_name, frames, excluded, roster, extra or {})
    salt = SALT if privacy == "sealed" else None
    keys = derive_keys(manifest, SECRETS, ENTROPY)
    results = [draw(keys.suite, spec, frames[spec.draw_id], keys, salt) for spec in manifest.draws]
    selected = {result.draw_id: result.selected() for result in results}
    checks = make_checks(manifest, selected)
    plan = (packer or pack_simply)(checks)
    docs: dict[str, Any] = {
        "manifest": manifest.to_json(),
        "roster": roster.to_json(),
        "events": [],
        "visits": {
            "visits": visits_json(plan, DAYS),
            "checks": checks,
            "unscheduled": [],
            "people_caps": {checks[0]["target_id"]: 6},
        },
        "schedule": {
            "days": list(DAYS),
            "parameters": asdict(Parameters()),
            "routes": routes_json(plan, DAYS),
            "report": asdict(plan.report),
        },
        **{f"results/{result.draw_id}": full_result_file(result) for result in results},
    }
    public = {f"results/{result.draw_id}": public_result_file(result) for result in results}
    raw = {"verify.py": VERIFIER.read_bytes()}
    for draw_id, frame in frames.items():
        raw |= {f"frames/{draw_id}.tsv": frame.tsv(), f"excluded/{draw_id}.tsv": excluded[draw_id]}
    sealed = seal(keys, result_json(results), salt).hex()
    docs |= {
        "reveal": make_reveal(manifest, sealed, salt),
        "log/entries": make_log(manifest, keys, sealed),
    }
    lottery = plan_lottery(
        roster,
        plan,
        DAYS,
        weights=manifest.extra.get("seat_weights"),  # type: ignore[arg-type]  # code to integer, as given
        observable=manifest.extra.get("seat_draw") == "observable",
    )
    docs, public = plain(docs), plain(public)
    draft = Draft(manifest, keys, docs, raw, public, lottery, make_openings(manifest, frames, selected))
    draft.seat(lottery)
    return draft


def plain(value: dict[str, Any]) -> dict[str, Any]:
    """The same as JSON gives it back: lists for tuples."""
    found: dict[str, Any] = json.loads(canonical_json(value))
    return found


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
    internal = ["credit"] if sealed else []
    draws: list[dict[str, Any]] = []
    for (draw_id, frame), department in zip(frames.items(), DEPARTMENTS, strict=True):
        digest = (
            {"frame_root": frame.sealed_root(found, draw_id, internal, SALT).hex()}
            if sealed
            else {"frame_hash": frame.frame_hash(found).hex()}
        )
        out = excluded[draw_id]
        left_out = (
            sealed_excluded_hash(found, draw_id, SALT, out) if sealed else excluded_hash(found, out)
        ).hex()
        draws.append(
            {
                **digest,
                **RULES[draw_id],
                "draw_id": draw_id,
                "department": department,
                "departments": [department] if draw_id != "D2-cool" else [department, DEPARTMENTS[0]],
                "columns": list(COLUMNS),
                "internal": internal,
                "frame_rows": len(frame),
                "excluded_hash": left_out,
                "excluded_rows": 1,
                "items": [f"{draw_id}@1", "COMMON@3"],
                "backups": 2,
            }
        )
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


def make_checks(manifest: Manifest, selected: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """One check for each drawn target and department of its draws."""
    wanted: dict[tuple[str, str], list[str]] = {}
    for spec in manifest.draws:
        departments = spec.extra["departments"]
        assert isinstance(departments, list)
        for target_id in selected[spec.draw_id]:
            for department in departments:
                wanted.setdefault((target_id, str(department)), []).append(spec.draw_id)
    return [
        {
            "check_id": f"{target_id}/{department}",
            "target_id": target_id,
            "department": department,
            "draws": draws,
            "items": sorted({f"{draw_id}@1" for draw_id in draws} | {"COMMON@3"}),
            "minutes": 30,
            "officers": 2,
            "specialties": list(SPECIALTIES.get(department, ())),
        }
        for (target_id, department), draws in sorted(wanted.items())
    ]


def pack_simply(checks: list[dict[str, Any]]) -> Plan:
    """One visit a target, six visits a day, one route a department and day: poor but lawful."""
    by_target: dict[str, list[dict[str, Any]]] = {}
    for check in checks:
        by_target.setdefault(check["target_id"], []).append(check)
    visits: list[Visit] = []
    stops: dict[tuple[int, str], list[Stop]] = {}
    for place, (target_id, own) in enumerate(by_target.items()):
        day, start = place // 6, 600 + 60 * (place % 6)
        visits.append(Visit(f"V{place:04}", target_id, day, start, tuple(check["check_id"] for check in own)))
        for check in own:
            stop = Stop(f"V{place:04}", start - 10 if place % 6 else start, start, start + 30)
            stops.setdefault((day, check["department"]), []).append(stop)
    routes = tuple(
        Route(
            f"R{day:02}-{department[:2]}",
            department,
            "天山区",
            day,
            2,
            SPECIALTIES.get(department, ()),
            tuple(own),
        )
        for (day, department), own in sorted(stops.items())
    )
    return Plan(tuple(visits), routes, (), make_report(checks, tuple(visits), routes))


def make_report(checks: list[dict[str, Any]], visits: tuple[Visit, ...], routes: tuple[Route, ...]) -> Report:
    """A report whose figures agree with the plan: each visit is 30 minutes of two officers per check."""
    people, alone = 2 * len(routes), Measures(len(checks), 2 * len(checks), 0, 30 * len(checks), 2)
    crowd = max(2 * len(visit.checks) for visit in visits)
    plan = Measures(len(visits), people, 0, 30 * len(visits), crowd)
    return Report(
        plan,
        alone,
        plan,
        len(visits),
        Bound(people // 2, "energy"),
        500_000,
        0,
        "simple",
        "1",
        True,
        Parameters(),
    )


def make_reveal(manifest: Manifest, sealed: str, salt: bytes | None) -> dict[str, Any]:
    """reveal.json but for the commitments that seating makes."""
    return {
        "round_id": manifest.round_id,
        "manifest_hash": manifest.manifest_hash().hex(),
        "secrets": [{"party": party, "secret": secret.hex()} for party, secret in sorted(SECRETS.items())],
        "entropy": [{"id": source.id, "value": ENTROPY[source.id]} for source in manifest.entropy],
        "entropy_seats": [
            {"id": source.id, "value": ENTROPY_SEATS[source.id]} for source in manifest.entropy_seats
        ],
        "assurance": assurance(manifest),
        "seal": sealed,
        "plan_commitment": "",
        "seats_seal": "",
        "verifier": hashlib.sha256(VERIFIER.read_bytes()).hexdigest(),
        **({} if salt is None else {"k_salt": salt.hex()}),
    }


def make_log(manifest: Manifest, keys: RoundKeys, sealed: str) -> list[dict[str, Any]]:
    """The round's entries in order; the seats' digests are filled in by seating."""

    def hashed(value: Any) -> str:
        return keys.suite.hash(canonical_json(value)).hex()

    first = [{"id": source.id, "value": ENTROPY[source.id]} for source in manifest.entropy]
    second = [{"id": source.id, "value": ENTROPY_SEATS[source.id]} for source in manifest.entropy_seats]
    rows: list[tuple[str, str, str, dict[str, Any]]] = [
        ("manifest", "2027-01-04T09:00:00+08:00", manifest.manifest_hash().hex(), {}),
        (
            "deposits",
            "2027-01-04T10:00:00+08:00",
            hashed([entry.to_json() for entry in manifest.commitments]),
            {},
        ),
        ("entropy", "2027-01-04T14:59:59.5+08:00", hashed(first), {"values": first}),
        ("seal", "2027-01-04T15:10:00+08:00", sealed, {}),
        ("plan", "2027-01-04T16:00:00+08:00", "", {}),
        ("entropy_seats", "2027-01-05T15:00:00+08:00", hashed(second), {"values": second}),
        ("seats", "2027-01-05T15:10:00+08:00", "", {}),
        ("reveal", "2027-03-31T18:00:05+08:00", "", {}),
    ]
    return [
        {
            "index": 40 + 3 * place,
            "entry": {
                "type": f"round.{kind}",
                "subject": manifest.round_id,
                "at": at,
                "actor_role": "service",
                "digest": digest,
                "plan": manifest.plan,
                "period": manifest.period,
                "sequence": manifest.sequence,
                "round_id": manifest.round_id,
                **more,
            },
        }
        for place, (kind, at, digest, more) in enumerate(rows)
    ]


LOG_KEY = SignerKey("log.example/rounds", bytes(range(32)))


def signed_log(rows: list[dict[str, Any]], after: int = 3) -> dict[str, bytes]:
    """A checkpoint of a log that holds these entries at their places, others between and `after` them; the proofs."""
    bodies = {row["index"]: canonical_json(row["entry"]) for row in rows}
    leaves = [bodies.get(index, b"another") for index in range(max(bodies) + 1 + after)]
    wanted = {row["entry"]["type"].removeprefix("round."): row["index"] for row in rows}
    kinds = ("manifest", "seal", "reveal", *(["void"] if "void" in wanted else []))
    wanted = {kind: wanted[kind] for kind in kinds if kind in wanted}
    root, paths = head_and_paths(SHA256, leaves, set(wanted.values()))
    text = Checkpoint(LOG_KEY.name, len(leaves), root).text
    note = str(Note(text, (LOG_KEY.sign(text),)))
    proofs = {
        kind: InclusionProof(wanted.get(kind, 0), paths.get(wanted.get(kind, 0), ()), note) for kind in kinds
    }
    return {
        "log/checkpoint": note.encode(),
        **{f"log/proofs/{kind}": str(proof).encode() for kind, proof in proofs.items()},
    }


def make_openings(
    manifest: Manifest, frames: Mapping[str, Frame], selected: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, Any]]:
    """Openings of the first draw's firms, by target; none in an open round."""
    if manifest.privacy == "open":
        return {}
    spec = manifest.draws[0]
    opened = frames[spec.draw_id].openings(
        manifest.algorithms, spec.draw_id, spec.internal, SALT, frames[spec.draw_id].ids
    )
    return {
        target_id: {
            "round_id": manifest.round_id,
            "draw_id": spec.draw_id,
            "index": item.index,
            "blind": item.blind.hex(),
            "public_cells": list(item.public_cells),
            "inner_hash": item.inner_hash.hex(),
            "path": [node.hex() for node in item.path],
            "drawn": target_id in selected[spec.draw_id],
        }
        for target_id, item in opened.items()
    }
