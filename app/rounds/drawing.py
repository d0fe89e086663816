"""The first half of a round: freeze · commit · take the entropy · draw and seal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from importlib.metadata import version
from typing import Any

from sqlmodel import Session

from app.people import sanctions
from app.plans import draws
from app.plans import service as plans
from app.plans.timetable import Timetable, timetable
from app.processes import many_rows
from app.registers import repository as registers
from app.registers.schemas import SiteRow
from app.rounds import entropy as sources
from app.rounds.freeze import FrozenTask, freeze_all, item_versions, roster
from app.rounds.log import OFFICIAL, stamp
from app.rounds.packing import DrawnTask, ItemVersion, checks_of
from app.rounds.seat_history import weights_extra
from app.rounds.service import SERVICE_PARTY
from app.rounds.stages import (
    SALT,
    Logged,
    Outcome,
    Waiting,
    Work,
    json_file,
    keys_of,
    salt_of,
    values_list,
)
from app.rounds.tables import Deposit
from app.rounds.vault import new_secret
from app.settings import settings
from scheduler.approval import strata_to_approve
from scheduler.disclosure_risk import check_disclosure
from scheduler.encoding import Json, canonical_json
from scheduler.entropy.drand import require_ahead
from scheduler.frame import Frame, excluded_hash, sealed_excluded_hash
from scheduler.manifest import Commitment, Deadlines, DrawSpec, Manifest
from scheduler.population import population_of
from scheduler.seed import assurance, commitment, salt_commitment, seal
from scheduler.selection import draw, full_result_file, result_json
from scheduler.suite import Suite
from scheduler.suite import suite as suite_named

DISTRICT_RULE = "any"
"""Which districts an inspector may be sent to (`any`, `home`, `away`): bound by the manifest."""


@many_rows()
def freeze(work: Work) -> Outcome:
    """Freeze every frame, exclusion list and the roster, and write the manifest that binds them.

    Refused where the pattern of visits would betray a credit class (section 4 of the draw).
    """
    on = work.now.astimezone(OFFICIAL).date()
    with work.db.read() as session:
        times = timetable(work.document, work.now, plans.work_calendar(session), provisional=True)
        frozen, spared = freeze_all(session, work.document, on, work.progress)
        people = roster(session, departments_of(frozen), [day.isoformat() for day in times.days])
        seats = {"seat_draw": work.document.schedule.seat_draw, **weights_extra(session, work.row, people)}
        outside = [row for row in work.deposits() if row.party not in (SALT, SERVICE_PARTY)]
    secret, salt = new_secret(), new_secret() if work.row.privacy == "sealed" else None
    own = commitment(suite_named(work.document.suite), work.row.round_id, SERVICE_PARTY, secret)
    parties = [Commitment(row.party, row.commitment) for row in outside] + [
        Commitment(SERVICE_PARTY, own.hex())
    ]
    work.progress.step("freeze", 0, 0, "名录哈希")
    specs = tuple(
        draw_spec(work, task, salt) for task in sorted(frozen, key=lambda task: task.task.task_id.encode())
    )
    roster_hash = people.roster_hash(suite_named(work.document.suite)).hex()
    manifest = manifest_of(work, specs, parties, salt, roster_hash, times, seats)
    held = frames(frozen)
    limit = min(work.document.risk_limit_ppm, settings().risk_limit_ppm)
    risk = check_disclosure(specs, population_of(specs, held), limit_ppm=limit)
    artefacts = {
        "manifest.json": manifest.serialised() + b"\n",
        "roster.json": json_file(people.to_json()),
        "internal/risk.json": json_file(risk.to_json()),
        "internal/approval.json": json_file([row.to_json() for row in strata_to_approve(specs, held)]),
        **{f"frames/{task.task.task_id}.tsv": task.frame.tsv() for task in frozen},
        **{f"excluded/{task.task.task_id}.tsv": task.excluded for task in frozen},
    }

    def rows(session: Session, now: datetime) -> None:
        _keep_secrets(session, work, secret, salt, own.hex())
        sanctions.consume(session, sanctions.EXEMPTION, spared, now)

    return Outcome("frozen", artefacts, rows=rows)


def frames(frozen: Sequence[FrozenTask]) -> dict[str, Frame]:
    """Frames by draw."""
    return {task.task.task_id: task.frame for task in frozen}


def departments_of(frozen: Sequence[FrozenTask]) -> list[str]:
    """Every department that checks something in this round."""
    return sorted({name for task in frozen for name in task.task.departments})


def _keep_secrets(session: Session, work: Work, secret: bytes, salt: bytes | None, own: str) -> None:
    session.add(
        Deposit(
            round_id=work.row.round_id,
            party=SERVICE_PARTY,
            commitment=own,
            own=True,
            sealed_secret=work.vault.seal(secret),
        )
    )
    if salt is not None:
        sealed = work.vault.seal(salt)
        session.add(
            Deposit(round_id=work.row.round_id, party=SALT, commitment="", own=True, sealed_secret=sealed)
        )


def draw_spec(work: Work, frozen: FrozenTask, salt: bytes | None) -> DrawSpec:
    """A task's entry in the manifest."""
    suite, draw_id = suite_named(work.document.suite), frozen.task.task_id
    root = (
        None
        if salt is None
        else frozen.frame.sealed_root(suite, draw_id, draws.internal(frozen.task), salt).hex()
    )
    facts = draws.FrozenFrame(
        frame_hash=frozen.frame.frame_hash(suite).hex() if root is None else None,
        frame_root=root,
        rows=len(frozen.frame),
        excluded_hash=_excluded(suite, draw_id, salt, frozen.excluded).hex(),
        excluded_rows=frozen.excluded_rows,
        strata=frozen.strata(),
    )
    return draws.draw_spec(frozen.task, facts, tuple(item.name for item in frozen.items))


def _excluded(suite: Suite, draw_id: str, salt: bytes | None, data: bytes) -> bytes:
    return excluded_hash(suite, data) if salt is None else sealed_excluded_hash(suite, draw_id, salt, data)


def manifest_of(
    work: Work,
    specs: tuple[DrawSpec, ...],
    parties: Sequence[Commitment],
    salt: bytes | None,
    roster_hash: str,
    times: Timetable,
    seats: Mapping[str, Json],
) -> Manifest:
    """The manifest of the round, `seats` its keys about the seats' draw; building it checks every constraint."""
    row, document = work.row, work.document
    suite = suite_named(document.suite)
    deadlines = Deadlines(stamp(times.entropy), stamp(times.sealed_result), stamp(times.reveal))
    return Manifest(
        suite=document.suite,
        round_id=row.round_id,
        plan=row.plan,
        period=row.period,
        sequence=row.sequence,
        privacy=document.privacy,
        draws=specs,
        commitments=tuple(sorted(parties, key=lambda entry: entry.party.encode())),
        entropy=tuple(sources.described(source, work.now, times.entropy) for source in document.entropy),
        entropy_seats=tuple(
            sources.described(source, work.now, times.sealed_result) for source in document.entropy_seats
        ),
        roster_hash=roster_hash,
        packing={
            "solver": "ortools",
            "version": version("ortools"),
            "parameters": asdict(document.schedule.packing.parameters()),
        },
        deadlines=deadlines,
        salt_commitment=None if salt is None else salt_commitment(suite, row.round_id, salt).hex(),
        extra={
            "title": document.title_zh,
            "title_en": document.title_en,
            "demo": int(row.demo),
            "days": [day.isoformat() for day in times.days],
            "provisional": int(times.provisional),
            "district_rule": DISTRICT_RULE,
            **seats,
        },
    )


def commit(work: Work) -> Outcome | Waiting:
    """Log the manifest (T0): from here on nothing about this round may change.

    Waits for an approver's name where a stratum is small or over-drawn. Refused where a drand round is out by now:
    its value would be known before the manifest binds.
    """
    if work.json("internal/approval.json") and work.row.approved_by is None:
        return Waiting("approval")
    manifest = work.manifest()
    require_ahead((*manifest.entropy, *manifest.entropy_seats), work.now)
    return Outcome("committed", log=(Logged("round.manifest", "service", manifest.manifest_hash().hex()),))


def take_entropy(work: Work) -> Outcome | Waiting:
    """Log the deposits' receipts and the raw public values (T1), before anything is drawn from them.

    Past the deadline a round that lacks a value waits for the clock to void it. One whose values were all supplied
    in time goes on, however late its worker is: its result is determined, and no delay may hide it.
    """
    manifest = work.manifest()
    deposits = [row for row in work.deposits() if row.party != SALT]
    if any(row.sealed_secret is None for row in deposits):
        return Waiting("deposits")
    values = sources.supplied(work, "entropy", manifest.entropy)
    known = work.entropy("entropy")
    in_time = work.now <= datetime.fromisoformat(manifest.deadlines.entropy)
    if values is None or not (in_time or all(source.id in known for source in manifest.entropy)):
        return Waiting("entropy")
    suite = manifest.algorithms
    receipts: list[Json] = [{"party": row.party, "commitment": row.commitment} for row in deposits]
    listed = values_list((source.id for source in manifest.entropy), values)
    return Outcome(
        "entropy",
        log=(
            Logged("round.deposits", "service", suite.hash(canonical_json(receipts)).hex()),
            Logged("round.entropy", "witness", suite.hash(canonical_json(listed)).hex(), {"values": listed}),
        ),
        rows=lambda session, now: sources.record(session, work.row, "entropy", values, now),
    )


@many_rows()
def draw_targets(work: Work) -> Outcome:
    """Draw every department's targets, seal the result, and read the places of those who were drawn."""
    manifest = work.manifest()
    keys, salt = keys_of(work, manifest), salt_of(work)
    results = []
    for number, spec in enumerate(manifest.draws):
        work.progress.step("draw", number, len(manifest.draws), spec.draw_id)
        frame = Frame.from_tsv(work.artefact(f"frames/{spec.draw_id}.tsv"))
        results.append(draw(manifest.algorithms, spec, frame, keys, salt))
    work.progress.step("draw", len(manifest.draws), len(manifest.draws))
    files = {f"results/{result.draw_id}.json": json_file(full_result_file(result)) for result in results}
    sealed = seal(keys, result_json(results), salt)
    with work.db.read() as session:
        inputs = packing_inputs(
            session, work, manifest, {result.draw_id: result.selected() for result in results}
        )
    parties = [row.party for row in work.deposits() if row.own and row.party != SALT]
    return Outcome(
        "drawn",
        {**files, "internal/packing.json": json_file(inputs)},
        (Logged("round.seal", "service", sealed.hex()),),
        assurance=assurance(manifest, parties),
    )


def packing_inputs(
    session: Session, work: Work, manifest: Manifest, selected: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """What packing starts from: the drawn targets' checks and places, fixed together with the result."""
    on = work.now.astimezone(OFFICIAL).date()
    versions = _versions(session, work, on)
    tasks = [
        DrawnTask(
            spec.draw_id,
            tuple(versions[name] for name in _items(spec)),
            tuple(selected[spec.draw_id]),
        )
        for spec in manifest.draws
    ]
    return packing_document(session, tasks, _days(manifest), work.document.people_per_visit)


def packing_document(
    session: Session, tasks: Sequence[DrawnTask], days: Sequence[str], people: int | None
) -> dict[str, Any]:
    """The checks of what was drawn and the places of its targets; `people`: the plan's cap on heads at one visit."""
    checks = checks_of(tasks)
    ids = sorted({row["target_id"] for row in checks})
    places = registers.sites(session, ids)
    return {
        "days": list(days),
        "checks": checks,
        "sites": [_site_row(target_id, places[target_id], people) for target_id in ids],
    }


def _site_row(target_id: str, site: SiteRow, people: int | None) -> dict[str, Any]:
    caps = [cap for cap in (site.people_cap, people) if cap is not None]
    return {
        "target_id": target_id,
        "name": site.name,
        "district": site.district,
        "address": site.address,
        "east_m": site.east_m,
        "north_m": site.north_m,
        "estimated": site.estimated,
        "closed_weekdays": list(site.closed_weekdays),
        "people_cap": min(caps) if caps else None,
    }


def _versions(session: Session, work: Work, on: date) -> dict[str, ItemVersion]:
    codes = sorted({code for task in work.document.tasks for code in task.items})
    return {item.name: item for item in item_versions(session, codes, on)}


def _items(spec: DrawSpec) -> list[str]:
    items = spec.extra["items"]
    assert isinstance(items, list)
    return [str(name) for name in items]


def _days(manifest: Manifest) -> list[str]:
    days = manifest.extra["days"]
    assert isinstance(days, list)
    return [str(day) for day in days]
