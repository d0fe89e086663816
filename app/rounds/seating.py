"""The second half of a round: pack · take the second entropy · seat · reveal."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

from sqlmodel import Session

from app.rounds import entropy as sources
from app.rounds import lottery_store, repository
from app.rounds.packing import problem, schedule_file, visits_file
from app.rounds.seat_repair import too_many
from app.rounds.solving import SolveWatch
from app.rounds.stages import (
    Logged,
    Outcome,
    Waiting,
    Work,
    json_file,
    keys_of,
    roster_of,
    salt_of,
    secrets_of,
    values_list,
)
from optimizer.checker import check
from optimizer.errors import refuse
from optimizer.model import PackingProblem, Parameters, Plan
from optimizer.organise import organise
from optimizer.progress import Progress
from scheduler.encoding import Json, canonical_json
from scheduler.entropy.drand import require_ahead
from scheduler.lottery.draw import draw_seats, lottery_json
from scheduler.lottery.observable import check_observable, coins_of, draw_observed
from scheduler.lottery.plan import LotteryPlan, plan_lottery, unfillable
from scheduler.lottery.roster import Roster
from scheduler.lottery.seats import DistrictRule
from scheduler.manifest import Manifest
from scheduler.seed import decoded, plan_commitment, seats_key, seats_seal
from scheduler.verifier import __file__ as VERIFIER  # noqa: N812  the path of the file that travels

REPACKS = 4
PARALLEL_FROM = 1_000
"""Checks from which worker processes are worth their start; the plan is the same either way."""


def pack_visits(work: Work) -> Outcome:
    """Pack every department's checks into shared visits, make the seats' probabilities, commit to both.

    The independent checker must find nothing, every seat must be fillable, and no drand round of the second entropy
    may be out yet, or the plan is refused.
    """
    manifest = work.manifest()
    require_ahead(manifest.entropy_seats, work.now)
    stored, roster = work.json("internal/packing.json"), roster_of(work)
    asked, plan, lottery = _seatable_plan(work, manifest, stored, roster)
    parameters = work.document.schedule.packing.parameters()
    if _observable(manifest):
        check_observable(lottery)
    committed = plan_commitment(keys_of(work, manifest), lottery.plan_hash(manifest.algorithms))
    return Outcome(
        "packed",
        {
            "visits.json": json_file(visits_file(plan, asked, stored["checks"])),
            "schedule.json": json_file(schedule_file(plan, asked.days, parameters)),
            "internal/lottery-plan.json": json_file(lottery_store.stored(lottery)),
            "internal/sites.json": json_file({row["target_id"]: row for row in stored["sites"]}),
        },
        (Logged("round.plan", "service", committed.hex()),),
        rows=lambda session, _: _plan_checks(session, work, plan, stored),
    )


def _seatable_plan(
    work: Work, manifest: Manifest, stored: dict[str, Any], roster: Roster
) -> tuple[PackingProblem, Plan, LotteryPlan]:
    """Pack, and ask the lottery whether every seat can be filled before committing to it.

    Where some can't, every department and date that a conflict names gets fewer heads and the plan is made anew, all
    of them at once, from the third time on with no more on any other day; a conflict that outlasts `REPACKS` such
    steps is refused with its remedies.
    """
    fewer: Counter[tuple[str, str]] = Counter()
    for attempt in range(REPACKS + 1):
        asked, parameters = problem(stored, roster, fewer), work.document.schedule.packing.parameters()
        executor = work.executor if len(asked.checks) >= PARALLEL_FROM else None
        watch = SolveWatch(work.db, work.row)
        plan = organise(asked, parameters, executor, work.progress, watch)
        watch.write()
        _refuse_broken(asked, parameters, plan)
        work.progress.step("probabilities", attempt, 0)
        rule = _district_rule(manifest)
        conflicts = unfillable(roster, plan, asked.days, district_rule=rule)
        if not conflicts or attempt == REPACKS:
            return asked, plan, seat_lottery(manifest, roster, plan, asked.days, work.progress)
        fewer.update(too_many(conflicts, asked, plan, roster, rule, every_day=attempt >= REPACKS // 2))
    raise AssertionError("the last attempt returns or raises")


def seat_lottery(
    manifest: Manifest, roster: Roster, plan: Plan, days: tuple[str, ...], progress: Progress
) -> LotteryPlan:
    """The seats' probabilities under the manifest's weights, district rule and way of drawing."""
    weights = manifest.extra.get("seat_weights", {})
    assert isinstance(weights, dict)
    return plan_lottery(
        roster,
        plan,
        days,
        progress,
        district_rule=_district_rule(manifest),
        weights={code: int(str(weight)) for code, weight in weights.items()},
        observable=_observable(manifest),
    )


def _district_rule(manifest: Manifest) -> DistrictRule:
    return cast("DistrictRule", manifest.extra["district_rule"])


def _observable(manifest: Manifest) -> bool:
    return manifest.extra["seat_draw"] == "observable"


def _refuse_broken(asked: PackingProblem, parameters: Parameters, plan: Plan) -> None:
    broken = check(asked, parameters, plan)
    if not broken:
        return
    first = broken[0]
    raise refuse(
        "packing.broken_rule",
        f"排班违反规则 {first.code}（{first.subject}）：{first.zh}",
        f"The plan breaks rule {first.code} at {first.subject}: {first.en}",
        "请报告此缺陷；该计划不会被采用。",
        "Report this defect; the plan is not used.",
        rule=first.code,
        subject=first.subject,
    )


def _plan_checks(session: Session, work: Work, plan: Plan, stored: dict[str, Any]) -> None:
    checks = {row["check_id"]: row for row in stored["checks"]}
    days = [date.fromisoformat(day) for day in stored["days"]]
    rows = (
        (
            work.row.round_id,
            check_id,
            visit.target_id,
            checks[check_id]["department"],
            checks[check_id]["items"],
            days[visit.day],
        )
        for visit in plan.visits
        for check_id in visit.checks
    )
    repository.plan_checks(session, rows)


def take_entropy_seats(work: Work) -> Outcome | Waiting:
    """Log the second public values (T2), which did not exist when the plan was committed to."""
    manifest = work.manifest()
    values = sources.supplied(work, "entropy_seats", manifest.entropy_seats)
    if values is None:
        return Waiting("entropy_seats")
    listed = values_list((source.id for source in manifest.entropy_seats), values)
    digest = manifest.algorithms.hash(canonical_json(listed)).hex()
    return Outcome(
        "entropy_seats",
        log=(Logged("round.entropy_seats", "witness", digest, {"values": listed}),),
        rows=lambda session, now: sources.record(session, work.row, "entropy_seats", values, now),
    )


def seat(work: Work) -> Outcome:
    """Draw who inspects, from probabilities that were bound before, and seal the assignment."""
    manifest = work.manifest()
    keys = keys_of(work, manifest)
    kept, files = (
        work.json("internal/lottery-plan.json"),
        (work.json("visits.json"), work.json("schedule.json")),
    )
    lottery = lottery_store.rebuilt(kept, roster_of(work), *files)
    second = decoded(manifest.entropy_seats, work.entropy("entropy_seats"))
    plan_hash = lottery.plan_hash(manifest.algorithms)
    k_seats = seats_key(keys, plan_hash, second)
    if _observable(manifest):
        drawn = draw_observed(lottery, plan_hash, coins_of(second[0][1]), k_seats)
    else:
        drawn = draw_seats(lottery, k_seats, work.progress)
    sealed = seats_seal(keys, drawn.assignment)
    file = lottery_json(lottery, drawn, manifest.algorithms)
    return Outcome(
        "seated", {"lottery.json": json_file(file)}, (Logged("round.seats", "service", sealed.hex()),)
    )


def reveal(work: Work) -> Outcome | Waiting:
    """Reveal secrets and entropy (T3) once the last visit is over, and put the verifier of that day beside them."""
    if work.now < datetime.fromisoformat(work.manifest().deadlines.reveal):
        return Waiting("reveal")
    files, digest = reveal_files(work)
    return Outcome("revealed", files, (Logged("round.reveal", "service", digest),))


def reveal_files(
    work: Work, *, also: Sequence[Mapping[str, Json]] = (), void: str | None = None
) -> tuple[dict[str, bytes], str]:
    """What a reveal publishes, and its digest for the log. `also`: events after the seats'; `void`: a void's reason."""
    with work.db.read() as session:
        events = [row.event for row in repository.seat_events(session, work.row.round_id)]
    verifier = Path(VERIFIER).read_bytes()
    public = {**_reveal_file(work), "verifier": hashlib.sha256(verifier).hexdigest()}
    if void is not None:
        public["void"] = void
    salt = salt_of(work)
    private = public if salt is None else {**public, "k_salt": salt.hex()}
    digest = work.manifest().algorithms.hash(canonical_json(public)).hex()
    files = {
        "reveal.json": json_file(private),
        "events.json": json_file([*events, *also]),
        "verify.py": verifier,
    }
    return files, digest


def _reveal_file(work: Work) -> dict[str, Any]:
    """reveal.json but for its verifier; null or empty is what a void came before."""
    manifest, secrets = work.manifest(), secrets_of(work)
    logged = {entry["entry"]["type"]: entry["entry"]["digest"] for entry in work.log()}
    second = manifest.entropy_seats if "round.entropy_seats" in logged else ()
    return {
        "round_id": work.row.round_id,
        "manifest_hash": manifest.manifest_hash().hex(),
        "secrets": [
            {"party": party, "secret": secrets[party].hex()} for party in sorted(secrets, key=str.encode)
        ],
        "entropy": values_list((source.id for source in manifest.entropy), work.entropy("entropy")),
        "entropy_seats": values_list((source.id for source in second), work.entropy("entropy_seats")),
        "assurance": work.row.assurance,
        "seal": logged["round.seal"],
        "plan_commitment": logged.get("round.plan"),
        "seats_seal": logged.get("round.seats"),
    }
