"""Make whole synthetic rounds for the verifier's tests: drawn, packed, seated and logged by the project's own code.

A `Draft` keeps every file as data, so that a test can change one thing, commit to it again as a cheat would, and
write the bundle with fresh digests.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from app.disclosure.container import Copy, write_bundle
from optimizer.model import Parameters, Plan
from scheduler.encoding import canonical_json
from scheduler.frame import excluded_tsv
from scheduler.lottery.draw import draw_seats, lottery_json
from scheduler.lottery.observable import coins_of, draw_observed
from scheduler.lottery.plan import LotteryPlan, plan_lottery
from scheduler.lottery.replacement import LateBar, Move, event_digest, moves_for, standing_of
from scheduler.lottery.schedule import routes_json, visits_json
from scheduler.lottery.seats import seats_of
from scheduler.manifest import Manifest
from scheduler.seed import (
    RoundKeys,
    decoded,
    derive_keys,
    plan_commitment,
    seal,
    seats_key,
    seats_seal,
)
from scheduler.selection import draw, full_result_file, public_result_file, result_json
from tests.unit.scheduler.round_frozen import (
    ENTROPY,
    ENTROPY_SEATS,
    SALT,
    SECRETS,
    make_frames,
    make_manifest,
    make_roster,
)
from tests.unit.scheduler.round_packed import make_checks, pack_simply
from tests.unit.scheduler.round_published import VERIFIER, make_log, make_openings, make_reveal, signed_log

DAYS = tuple(f"2027-01-{day:02}" for day in range(11, 30))
MOVE = ("seat_id", "class_id", "out", "into", "reason")


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
