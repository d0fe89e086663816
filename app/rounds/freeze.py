"""Freezing a round: populations become frames, exclusions are applied, the roster is fixed, the manifest is written.

Everything here reads the registers once and gives bytes; nothing is read from them again for this round, except
the places of those who were drawn.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from operator import itemgetter

from sqlmodel import Session

from app.people import sanctions
from app.plans import draws
from app.plans import repository as plans
from app.plans.review_caps import Bound, bounds, concerns
from app.plans.schemas import PlanDocument, Task
from app.registers import repository as registers
from app.registers.schemas import Condition
from app.rounds import repository
from app.rounds.packing import ItemVersion
from optimizer.progress import Progress
from scheduler.frame import Frame, excluded_tsv
from scheduler.lottery.roster import Inspector, Leave, Recusal, Roster

UNRATED = "未评"
"""The stratum of targets that have no credit class: drawn under the default rule, never left out."""

NO_CAP = 10_000
_CELLS = ("target_id", "credit", "district", "trade", "kind", "recent")


@dataclass(frozen=True, slots=True)
class FrozenTask:
    """One task's frame, what was excluded and why (rule ids), and its check items."""

    task: Task
    columns: tuple[str, ...]
    frame: Frame
    excluded: bytes
    excluded_rows: int
    items: tuple[ItemVersion, ...]

    def strata(self) -> tuple[tuple[str, ...], ...]:
        """The stratum keys that have rows, ascending."""
        columns = [self.frame.column(name) for name in self.task.strata_by]
        return tuple(sorted(set(zip(*columns, strict=True)))) if columns else ()


@dataclass(frozen=True, slots=True)
class Exclusions:
    """The caps that bind a round, each with the checks that every target has had in its window.

    `exempt`: targets for which an exemption was approved, with its reason's code.
    """

    caps: tuple[tuple[Bound, Mapping[str, int]], ...] = ()
    exempt: Mapping[str, str] = field(default_factory=dict)

    def rule(self, task: Task, target_id: str) -> str | None:
        """The id of the first cap that `target_id` has reached for this task and is not exempt from, or None."""
        reason = self.exempt.get(target_id)
        return next(
            (f"cap:{b.code}" for b in self._reached(task, target_id) if reason not in b.exemptions), None
        )

    def spared(self, task: Task, target_id: str) -> bool:
        """Whether `target_id` is in this task's frame by its exemption alone."""
        return self.rule(task, target_id) is None and any(self._reached(task, target_id))

    def concerning(self, task: Task) -> Exclusions:
        """Those of the caps that look at this task and that anybody can have reached."""
        caps = ((bound, counts) for bound, counts in self.caps if concerns(bound, task))
        return Exclusions(tuple(cap for cap in caps if cap[1] or cap[0].most <= 0), self.exempt)

    def _reached(self, task: Task, target_id: str) -> Iterator[Bound]:
        for bound, counts in self.caps:
            if counts.get(target_id, 0) >= bound.most and concerns(bound, task):
                yield bound


def exclusions(session: Session, document: PlanDocument, on: date) -> Exclusions:
    """Count the planned checks that each cap of the plan, and each item's own, looks at."""
    found = bounds(document, plans.catalogue(session))
    windows = {window: _past(session, window, on) for window in {bound.window_days for bound in found}}
    return Exclusions(
        tuple((bound, windows[bound.window_days][bound.scope, bound.subject]) for bound in found),
        sanctions.approved(session, sanctions.EXEMPTION),
    )


def _past(session: Session, window: int | None, on: date) -> dict[tuple[str, str], Counter[str]]:
    """Checks per target by (scope, subject) since a window's start or the year's; `target` counts entries."""
    since = date(on.year, 1, 1) if window is None else on - timedelta(days=window)
    until = date(on.year + 1, 1, 1) if window is None else date.max
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    entries = set()
    for row in repository.past_checks(session, since, until):
        counts["department", row.department][row.target_id] += 1
        entries.add((row.target_id, row.day))
        for version in row.items:
            counts["item", version.partition("@")[0]][row.target_id] += 1
    counts["target", ""].update(target_id for target_id, _ in entries)
    return counts


def freeze_task(
    session: Session, task: Task, items: Sequence[ItemVersion], excluded: Exclusions, on: date
) -> FrozenTask:
    """Read one task's population and freeze it."""
    columns = draws.columns(task)
    recent = repository.visited_since(session, on - timedelta(days=task.look_back_days), on)
    left_out: list[tuple[str, str]] = []
    rows = _rows(session, task, columns, excluded, recent, left_out, on)
    frame = Frame(columns, rows)
    return FrozenTask(task, columns, frame, excluded_tsv(left_out, frame), len(left_out), tuple(items))


def _rows(
    session: Session,
    task: Task,
    columns: tuple[str, ...],
    excluded: Exclusions,
    recent: set[str],
    left_out: list[tuple[str, str]],
    on: date,
) -> Iterator[tuple[str, ...]]:
    condition = Condition.model_validate(task.condition or {})
    attributes = itemgetter(*(_CELLS.index(name) for name in ("target_id", *columns)))
    excluded = excluded.concerning(task)
    for target_id, credit, *others in registers.population(session, task.rules, condition, on):
        rule = excluded.rule(task, target_id) if excluded.caps else None
        if rule is not None:
            left_out.append((target_id, rule))
            continue
        yield attributes((target_id, credit or UNRATED, *others, "1" if target_id in recent else "0"))[1:]


def freeze_all(
    session: Session, document: PlanDocument, on: date, progress: Progress
) -> tuple[tuple[FrozenTask, ...], frozenset[str]]:
    """Freeze every task of the plan; and the targets that an exemption from a cap brought into a frame."""
    excluded = exclusions(session, document, on)
    codes = sorted({code for task in document.tasks for code in task.items})
    versions = {item.code: item for item in item_versions(session, codes, on)}
    frozen = []
    for number, task in enumerate(document.tasks):
        progress.step("freeze", number, len(document.tasks), task.title_zh)
        chosen = [versions[code] for code in task.items]
        frozen.append(freeze_task(session, task, chosen, excluded, on))
    progress.step("freeze", len(document.tasks), len(document.tasks))
    spared = (
        target_id
        for target_id in excluded.exempt
        for made in frozen
        if target_id in made.frame.ids and excluded.spared(made.task, target_id)
    )
    return tuple(frozen), frozenset(spared)


def item_versions(session: Session, codes: Sequence[str], on: date) -> list[ItemVersion]:
    """The published versions in force; an unpublished item is refused by the registers."""
    return [
        ItemVersion(
            item.code, item.version, item.department, item.minutes, item.officers, tuple(item.specialties)
        )
        for item in registers.published_items(session, codes, on)
    ]


def roster(session: Session, departments: Sequence[str], days: Sequence[str]) -> Roster:
    """Inspectors who may be seated, their leave in the window and their recusals, as they stand now."""
    people = [
        Inspector(
            code=row.code,
            department=row.department,
            district=row.district,
            certificate_expires=row.certificate_expires.isoformat()
            if row.certificate_expires
            else "0001-01-01",
            specialties=tuple(sorted(row.specialties)),
            lead=row.lead,
            cap=row.cap or NO_CAP,
        )
        for row in registers.inspectors(session, departments)
    ]
    known = {person.code for person in people}
    leave = [
        Leave(row.inspector, row.start.isoformat(), row.end.isoformat())
        for row in registers.leave(session, date.fromisoformat(days[0]), date.fromisoformat(days[-1]))
        if row.inspector in known
    ]
    recusals = [
        Recusal(row.inspector, row.target_id) for row in registers.recusals(session) if row.inspector in known
    ]
    return Roster(tuple(people), tuple(leave), tuple(recusals))
