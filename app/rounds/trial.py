"""A trial draw (试抽): what a plan would ask for if its round were frozen now, drawn once with numbers of no round.

It reads and writes nothing: no round, no entry, no row, and it takes no vault, so no secret can be opened. It gives
counts alone, never whom it drew: such a list would be a first look at who might be inspected, and the habit of
drawing again until one likes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import Session

from app.db.database import Database
from app.errors import Conflict, Problem
from app.plans import crews, draws
from app.plans import repository as plans
from app.plans import service as plan_service
from app.plans.schemas import PlanDocument
from app.plans.timetable import timetable
from app.processes import many_rows
from app.registers import repository as registers
from app.registers.schemas import Condition
from app.rounds import repository
from app.rounds.drawing import departments_of, frames, packing_document
from app.rounds.freeze import FrozenTask, freeze_all, roster
from app.rounds.log import OFFICIAL
from app.rounds.packing import DrawnTask, problem
from app.rounds.tables import STAGES
from optimizer.bounds import energy
from optimizer.greedy import greedy_work, solve_greedy
from optimizer.instance import Entries, Instance, entries, instance
from optimizer.model import Department, PackingProblem, Unscheduled
from optimizer.progress import Progress
from scheduler.approval import strata_to_approve
from scheduler.disclosure_risk import disclosure_risk, refusal_of
from scheduler.manifest import DrawSpec
from scheduler.patterns import PatternRisk
from scheduler.population import parts_per_million, population_of
from scheduler.selection import DrawResult, draw
from scheduler.suite import suite as suite_named
from scheduler.trial import trial_keys


@dataclass(frozen=True, slots=True)
class TrialDraw:
    """One task. `left_out`: by the rule that leaves them out; `idle`: in strata from which nobody is drawn.

    `named`: strata that need approval by name before the round is committed to.
    """

    task_id: str
    title_zh: str
    title_en: str
    departments: tuple[str, ...]
    rows: int
    left_out: tuple[tuple[str, int], ...]
    drawn: int
    idle: int
    named: int


@dataclass(frozen=True, slots=True)
class TrialNeed:
    """One department. `outside`: supervised by it and in none of its draws; `unplaced`: checks, by the static reason.

    `least`: officer-days that every plan of its checks takes; `free`: officers times days on which they can be seated.
    """

    department: str
    supervised: int
    outside: int
    checks: int
    least: int
    free: int
    unplaced: tuple[tuple[str, int], ...]

    @property
    def short(self) -> bool:
        """Whether its officers cannot do it, however it is organised."""
        return self.least > self.free


@dataclass(frozen=True, slots=True)
class TrialRisk:
    """What the check of disclosure says, in millionths; None where no column is internal. `problem`: it refuses."""

    worst_ppm: int | None
    single_ppm: int | None
    limit_ppm: int
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class TrialWork:
    """What the drawn targets come to. `sets`: departments that meet at a target, and at how many.

    `by_size`: visits at which so many departments come; `entries_per_target`: targets that have so many visits.
    `least` and `greedy`: inspector-days proven necessary, and those that simple joining takes.
    """

    targets: int
    checks: int
    entries: int
    sets: tuple[tuple[tuple[str, ...], int], ...]
    by_size: tuple[tuple[int, int], ...]
    entries_per_target: tuple[tuple[int, int], ...]
    least: int
    greedy: int
    estimated: int


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial draw as it may be shown. `days`: those of the visits if the round were frozen at `at`."""

    plan: str
    version: int
    title_zh: str
    title_en: str
    at: datetime
    days: tuple[date, ...]
    provisional: bool
    draws: tuple[TrialDraw, ...]
    needs: tuple[TrialNeed, ...]
    work: TrialWork
    risk: TrialRisk
    warnings: tuple[Problem, ...]


@many_rows()
def trial(db: Database, code: str, now: datetime, noise: bytes, limit_ppm: int, progress: Progress) -> Trial:
    """Draw once by `noise` from the registers as they stand. `limit_ppm`: the authority's of the disclosure risk.

    Raises NotFound; Conflict `plan.not_in_force`, `trial.frozen`; Refused as a freeze would be.
    """
    with db.read() as session:
        rules = plan_service.freeze_rules(session, code)
        _refuse_frozen(session, rules.document)
        on = now.astimezone(OFFICIAL).date()
        times = timetable(rules.document, now, plan_service.work_calendar(session), provisional=True)
        frozen, _ = freeze_all(session, rules.document, on, progress)
        specs = tuple(_spec(task) for task in frozen)
        results = _drawn(rules.document, specs, frozen, noise, progress)
        days = [day.isoformat() for day in times.days]
        asked = _asked(session, rules.document, frozen, results, days)
        progress.step("trial", 0, 1)
        work, needs = _weighed(session, rules.document, frozen, asked, on)
        doubts = crews.warnings(rules.document, plans.catalogue(session), plans.officers(session, on))
        warnings = tuple(doubts)
    limit = min(rules.document.risk_limit_ppm, limit_ppm)
    risk = _risk(specs, frozen, limit)
    shown = tuple(map(_shown, specs, frozen, results))
    progress.step("trial", 1, 1)
    document = rules.document
    return Trial(
        code, rules.version, document.title_zh, document.title_en, now, times.days, times.provisional,
        shown, needs, work, risk, warnings,
    )  # fmt: skip


def _refuse_frozen(session: Session, document: PlanDocument) -> None:
    """Nothing is tried once the real thing has begun: from the freeze to the draw, and for good of a named period."""
    drawn = STAGES.index("drawn")
    for row in repository.frozen(session, document.code):
        if row.period == document.period or STAGES.index(row.stage) < drawn:
            raise Conflict(
                Problem(
                    "trial.frozen",
                    f"批次 {row.round_id} 的名录已冻结，不能再试抽。",
                    f"The registers of round {row.round_id} are frozen; nothing can be tried any more.",
                    "请等待正式抽取；下一期次冻结前可再试。",
                    "Wait for the draw itself; before the next period's freeze you can try again.",
                    {"round_id": row.round_id},
                )
            )


def _spec(frozen: FrozenTask) -> DrawSpec:
    """The task's draw, committed to nothing."""
    facts = draws.FrozenFrame(None, None, len(frozen.frame), "", frozen.excluded_rows, frozen.strata())
    return draws.draw_spec(frozen.task, facts, tuple(item.name for item in frozen.items))


def _drawn(
    document: PlanDocument,
    specs: Sequence[DrawSpec],
    frozen: Sequence[FrozenTask],
    noise: bytes,
    progress: Progress,
) -> list[DrawResult]:
    suite = suite_named(document.suite)
    keys = trial_keys(suite, noise)
    results = []
    for number, (spec, task) in enumerate(zip(specs, frozen, strict=True)):
        progress.step("draw", number, len(specs), spec.draw_id)
        results.append(draw(suite, spec, task.frame, keys))
    progress.step("draw", len(specs), len(specs))
    return results


def _asked(
    session: Session,
    document: PlanDocument,
    frozen: Sequence[FrozenTask],
    results: Sequence[DrawResult],
    days: Sequence[str],
) -> PackingProblem:
    """The packing's problem; a department without anybody on the roster has nobody on any day."""
    drawn = [
        DrawnTask(task.task.task_id, task.items, result.selected())
        for task, result in zip(frozen, results, strict=True)
    ]
    stored = packing_document(session, drawn, days, document.people_per_visit)
    given = problem(stored, roster(session, departments_of(frozen), days))
    known = {row.department for row in given.departments}
    nobody = sorted({check.department for check in given.checks} - known)
    heads = (0,) * len(days)
    return replace(given, departments=(*given.departments, *(Department(name, heads) for name in nobody)))


def _weighed(
    session: Session,
    document: PlanDocument,
    frozen: Sequence[FrozenTask],
    asked: PackingProblem,
    on: date,
) -> tuple[TrialWork, tuple[TrialNeed, ...]]:
    inst, unplaced = instance(asked, document.schedule.packing.parameters())
    found = entries(inst)
    least = {
        row.department: energy(inst, [n for n, d in enumerate(inst.department_of) if d == place]).value
        for place, row in enumerate(inst.departments)
    }
    work = _work(asked, inst, found, sum(least.values()))
    lost = [*unplaced, *found.left_out]
    owners = plans.catalogue(session).rules
    needs = []
    for name in departments_of(frozen):
        own = sorted(rule for rule, department in owners.items() if department == name)
        supervised, outside = _reached(session, own, _framed(frozen, name), on)
        free = sum(sum(row.heads) for row in asked.departments if row.department == name)
        checks = sum(check.department == name for check in asked.checks)
        reasons = _reasons(asked, lost, name)
        needs.append(TrialNeed(name, supervised, outside, checks, least.get(name, 0), free, reasons))
    return work, tuple(needs)


def _work(asked: PackingProblem, inst: Instance, found: Entries, least: int) -> TrialWork:
    """The visits are the exact fewest; what they take in officers lies between a proven bound and simple joining."""
    real = len(inst.departments)
    meeting: dict[str, set[str]] = {}
    for check in asked.checks:
        meeting.setdefault(check.target_id, set()).add(check.department)
    sizes = Counter(sum(task.department < real for task in job.tasks) for job in found.jobs)
    visits = Counter(Counter(job.target for job in found.jobs).values())
    sets = Counter(tuple(sorted(departments)) for departments in meeting.values())
    return TrialWork(
        targets=len(meeting),
        checks=len(asked.checks),
        entries=len(found.jobs),
        sets=tuple(sorted(sets.items(), key=lambda pair: (-pair[1], pair[0]))),
        by_size=tuple(sorted(sizes.items())),
        entries_per_target=tuple(sorted(visits.items())),
        least=least,
        greedy=sum(solve_greedy(piece)[0] for piece in greedy_work(inst, found.jobs)),
        estimated=sum(site.estimated for site in asked.sites),
    )


def _framed(frozen: Sequence[FrozenTask], department: str) -> set[str]:
    """Whom its draws know of: in a frame, or left out of one by a rule that is counted elsewhere."""
    known: set[str] = set()
    for task in frozen:
        if department in task.task.departments:
            known.update(task.frame.ids)
            known.update(line.partition("\t")[0] for line in task.excluded.decode().splitlines())
    return known


def _reached(session: Session, rules: Sequence[str], framed: set[str], on: date) -> tuple[int, int]:
    """Targets under a department's rules, and those of them that none of its draws knows."""
    if not rules:
        return 0, 0
    supervised = outside = 0
    for row in registers.population(session, rules, Condition(), on):
        supervised += 1
        outside += row.target_id not in framed
    return supervised, outside


def _reasons(
    asked: PackingProblem, lost: Sequence[Unscheduled], department: str
) -> tuple[tuple[str, int], ...]:
    own = {check.check_id for check in asked.checks if check.department == department}
    return tuple(sorted(Counter(row.code for row in lost if row.check_id in own).items()))


def _risk(specs: Sequence[DrawSpec], frozen: Sequence[FrozenTask], limit: int) -> TrialRisk:
    report = disclosure_risk(specs, population_of(specs, frames(frozen)), limit)
    refused = refusal_of(report)
    return TrialRisk(_ppm(report.worst), _ppm(report.single), limit, refused.problem if refused else None)


def _ppm(risk: PatternRisk | None) -> int | None:
    return None if risk is None else parts_per_million(risk.posterior)


def _shown(spec: DrawSpec, frozen: FrozenTask, result: DrawResult) -> TrialDraw:
    rules = Counter(line.rpartition("\t")[2] for line in frozen.excluded.decode().splitlines())
    task = frozen.task
    return TrialDraw(
        task_id=task.task_id,
        title_zh=task.title_zh,
        title_en=task.title_en,
        departments=task.departments,
        rows=len(frozen.frame),
        left_out=tuple(sorted(rules.items())),
        drawn=sum(stratum.n for stratum in result.strata),
        idle=sum(stratum.rows for stratum in result.strata if not stratum.pi_design),
        named=len(strata_to_approve([spec], {task.task_id: frozen.frame})),
    )
