"""What a plan's ratios would come to now: targets by class and department, workload, cap use, width of intervals.

Sizes are those of the draw itself (`scheduler.sizes`, `scheduler.probability`): exact where the rule rounds up, the
expectation where it rounds systematically. Nothing is drawn, and no number of any target is known here.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

from sqlmodel import Session, col, select

from app.errors import refuse
from app.ledger.tree import entry_count
from app.plans import draws
from app.plans.fields import PPM
from app.plans.review_caps import Bound, concerns, rounds_in_window
from app.plans.schemas import PlanDocument, Task
from app.registers import repository as registers
from app.registers.schemas import Condition
from app.registers.tables import CheckItem
from app.rounds.freeze import UNRATED, Exclusions, exclusions
from app.web.kept import Kept
from scheduler.estimates.intervals import wilson_limits
from scheduler.probability import design_probability

DEFAULT: Final = "default"
"""The field of the ratio of all classes that the task does not name."""
ASSUMED_RATE: Final = 0.10
CONFIDENCE: Final = 0.95

Strata = Mapping[tuple[str, ...], int]


@dataclass(frozen=True, slots=True)
class Population:
    """A task's rows by stratum, and how many a cap leaves out, by the cap's id."""

    strata: Strata
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Cell:
    """A class of a task: `field` names its ratio in the form; `n`: how many are drawn, expected."""

    field: str
    name: str
    ppm: int
    rows: int
    n: Fraction


@dataclass(frozen=True, slots=True)
class TaskEffect:
    """A task under its ratios. `width`: of the 95 % interval of a rate of 10 %, None where nothing is drawn."""

    task: Task
    cells: tuple[Cell, ...]
    width: float | None

    @property
    def n(self) -> Fraction:
        """Targets drawn."""
        return sum((cell.n for cell in self.cells), Fraction())

    @property
    def rows(self) -> int:
        """Targets in the frame."""
        return sum(cell.rows for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Load:
    """A department's part: checks, and officers' hours on site, without travel."""

    department: str
    checks: Fraction
    hours: Fraction


@dataclass(frozen=True, slots=True)
class CapUse:
    """A cap: how much of it the highest ratio asks of a target in the window, and who has reached it already."""

    bound: Bound
    asked: Fraction
    left_out: int

    @property
    def over(self) -> bool:
        """Whether the ratios alone exceed it."""
        return self.asked > self.bound.most


@dataclass(frozen=True, slots=True)
class Effect:
    """Everything that the page shows of a plan's ratios."""

    tasks: tuple[TaskEffect, ...]
    loads: tuple[Load, ...]
    caps: tuple[CapUse, ...]


_POPULATIONS: Final[Kept[dict[str, Population]]] = Kept(8)


def changed(document: PlanDocument, given: Mapping[str, str]) -> PlanDocument:
    """The plan with the ratios of a form, in per cent by field. Raises Refused `ratios.percent`."""
    tasks = []
    for task in document.tasks:
        found = {name: _ppm(given[field]) for name, field in fields(task).items() if field in given}
        own = {name: found.get(name, ppm) for name, ppm in task.ratios.items()}
        default = found.get(DEFAULT, task.default_ratio)
        tasks.append(task.model_copy(update={"ratios": own, "default_ratio": default}))
    return document.model_copy(update={"tasks": tuple(tasks)})


def fields(task: Task) -> dict[str, str]:
    """The form's field of each class that has a ratio, and of the default."""
    return {name: f"{task.task_id}.{name}" for name in (*task.ratios, DEFAULT)}


def _ppm(text: str) -> int:
    try:
        parts = Decimal(unicodedata.normalize("NFKC", text).strip().rstrip("%")) * (PPM // 100)
        if parts == parts.to_integral_value() and 0 <= parts <= PPM:
            return int(parts)
    except InvalidOperation:
        pass
    raise refuse(
        "ratios.percent",
        f"“{text[:20]}”不是 0 到 100 之间、至多四位小数的百分比。",
        f"{text[:20]!r} is no percentage from 0 to 100 with at most four decimals.",
        "例如 3 或 0.5。",
        "For example 3 or 0.5.",
    )


def effect(session: Session, document: PlanDocument, on: date, tasks: Sequence[Task]) -> Effect:
    """The effect of the plan's ratios on `tasks` of it, counted over the registers as they stand."""
    excluded = exclusions(session, document, on)
    populations = _counted(session, document, excluded, on)
    found = tuple(_of_task(task, populations[task.task_id]) for task in tasks)
    return Effect(found, _loads(session, found), tuple(_caps(document, excluded, populations, tasks)))


def _counted(
    session: Session, document: PlanDocument, excluded: Exclusions, on: date
) -> dict[str, Population]:
    """Populations do not depend on ratios: kept until the log grows, so that an edit costs no second reading."""
    scope = session.info.get("scope")
    bare = document.model_copy(
        update={
            "tasks": tuple(t.model_copy(update={"ratios": {}, "default_ratio": 0}) for t in document.tasks)
        }
    )
    key = (str(session.get_bind().engine.url), scope, entry_count(session), on, bare.model_dump_json())
    return _POPULATIONS.get(
        key, lambda: {task.task_id: population(session, task, excluded, on) for task in document.tasks}
    )


def population(session: Session, task: Task, excluded: Exclusions, on: date) -> Population:
    """A task's rows by stratum as a freeze on that day would have them."""
    strata, left_out = Counter[tuple[str, ...]](), Counter[str]()
    condition = Condition.model_validate(task.condition or {})
    for row in registers.population(session, task.rules, condition, on):
        rule = excluded.rule(task, row.target_id)
        if rule is not None:
            left_out[rule] += 1
            continue
        cells = row._replace(credit=row.credit or UNRATED)
        strata[tuple(str(getattr(cells, name)) for name in task.strata_by)] += 1
    return Population(strata, left_out)


def _of_task(task: Task, found: Population) -> TaskEffect:
    place = task.strata_by.index(draws.CREDIT) if draws.CREDIT in task.strata_by else None
    rows, sizes = Counter[str](), dict[str, Fraction]()
    spread = Fraction()
    for key, count in found.strata.items():
        credit = "" if place is None else key[place]
        n = design_probability(draws.rule(task, credit), count) * count
        name = credit if credit in task.ratios else DEFAULT
        rows[name] += count
        sizes[name] = sizes.get(name, Fraction()) + n
        spread += Fraction(count * count) / n if n else 0
    cells = tuple(
        Cell(field, name, task.ratios.get(name, task.default_ratio), rows[name], sizes.get(name, Fraction()))
        for name, field in fields(task).items()
    )
    total = sum(rows.values())
    return TaskEffect(task, cells, interval_width(float(total * total / spread)) if spread else None)


def interval_width(effective: float) -> float:
    """Width of the 95 % interval of a rate of 10 % found in a sample of so many (Kish's effective size)."""
    low, high = wilson_limits(ASSUMED_RATE, effective, CONFIDENCE)
    return high - low


def _loads(session: Session, found: Sequence[TaskEffect]) -> tuple[Load, ...]:
    codes = sorted({code for one in found for code in one.task.items})
    rows = session.exec(
        select(CheckItem).where(col(CheckItem.code).in_(codes), CheckItem.status == "published")
    )
    items = {row.code: row for row in rows}
    checks, minutes = dict[str, Fraction](), dict[str, Fraction]()
    for one in found:
        for department in one.task.departments:
            checks[department] = checks.get(department, Fraction()) + one.n
        for item in (items[code] for code in one.task.items if code in items):
            spent = one.n * item.minutes * item.officers
            minutes[item.department] = minutes.get(item.department, Fraction()) + spent
    return tuple(Load(code, checks[code], minutes.get(code, Fraction()) / 60) for code in sorted(checks))


def _caps(
    document: PlanDocument,
    excluded: Exclusions,
    populations: Mapping[str, Population],
    tasks: Sequence[Task],
) -> list[CapUse]:
    uses = []
    for bound, _ in excluded.caps:
        bound_tasks = [task for task in tasks if concerns(bound, task)]
        highest = max((max(task.default_ratio, *task.ratios.values()) for task in bound_tasks), default=0)
        asked = Fraction(highest, PPM) * rounds_in_window(document, bound.window_days)
        left_out = sum(populations[task.task_id].left_out.get(f"cap:{bound.code}", 0) for task in bound_tasks)
        if bound_tasks:
            uses.append(CapUse(bound, asked, left_out))
    return uses
