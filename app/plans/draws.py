"""From a task to the draw of the manifest: columns, rules per stratum, cool-down, sources of entropy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.plans.schemas import Source, Task
from app.registers.schemas import PopulationRow
from scheduler.encoding import Json
from scheduler.manifest import Cooldown, DrawSpec, EntropySource, Rule, StratumRule

CREDIT = "credit"
RECENT = "recent"
INTERNAL_COLUMNS = frozenset({CREDIT})
"""Columns that law keeps internal: a round that has one is sealed."""
STRATA_COLUMNS = tuple(name for name in PopulationRow._fields if name != "target_id")


@dataclass(frozen=True, slots=True)
class FrozenFrame:
    """What the freeze of one draw gave, digests in lower-case hex; `strata`: the stratum keys that have rows."""

    frame_hash: str | None
    frame_root: str | None
    rows: int
    excluded_hash: str
    excluded_rows: int
    strata: tuple[tuple[str, ...], ...] = ()


def columns(task: Task) -> tuple[str, ...]:
    """The frame's columns: the target's id, what strata and cool-down need, and nothing more."""
    recent = () if task.cooldown is None else (RECENT,)
    return ("target_id", *task.strata_by, *recent)


def internal(task: Task) -> tuple[str, ...]:
    """Those of the frame's columns that are internal, in column order."""
    return tuple(column for column in columns(task) if column in INTERNAL_COLUMNS)


def rule(task: Task, credit: str = "") -> Rule:
    """The rule of a credit class; of classes that the task doesn't name, its default."""
    ratio = task.ratios.get(credit, task.default_ratio)
    return Rule(ratio, task.min, task.max, task.rounding)


def strata_rules(task: Task, strata: Iterable[tuple[str, ...]] = ()) -> tuple[StratumRule, ...]:
    """A rule for every stratum whose class has a ratio of its own, ascending by key.

    With credit alone the classes named are the strata; with more columns `strata` lists the keys that have rows.
    """
    if CREDIT not in task.strata_by:
        return ()
    place = task.strata_by.index(CREDIT)
    keys = {(name,) for name in task.ratios} if task.strata_by == (CREDIT,) else set(strata)
    own = sorted(key for key in keys if key[place] in task.ratios)
    return tuple(StratumRule(key, rule(task, key[place])) for key in own)


def draw_spec(task: Task, frame: FrozenFrame, items: tuple[str, ...]) -> DrawSpec:
    """The task's draw as the manifest holds it. `items` are `code@version` as frozen."""
    extra: dict[str, Json] = {
        "title": task.title_zh,
        "title_en": task.title_en,
        "items": items,
        "departments": task.departments,
        "directed": 1 if task.directed else 0,
        "excluded_rows": frame.excluded_rows,
    }
    return DrawSpec(
        draw_id=task.task_id,
        department=task.department,
        columns=columns(task),
        internal=internal(task),
        frame_hash=frame.frame_hash,
        frame_root=frame.frame_root,
        frame_rows=frame.rows,
        excluded_hash=frame.excluded_hash,
        strata_by=task.strata_by,
        default=rule(task),
        strata=strata_rules(task, frame.strata),
        cooldown=None if task.cooldown is None else Cooldown(task.cooldown),
        stream=task.stream,
        backups=task.backups,
        extra=extra,
    )


def entropy_source(source: Source) -> EntropySource:
    """A 大乐透 or demonstration source for the manifest; the other kinds are described in `scheduler.entropy`."""
    if source.kind == "demo":
        text = "made by this service for a demonstration: any text; it proves nothing; e.g. demo-2027-0001"
        return EntropySource(source.id, source.encoding, text, source.bits)
    named = (
        f"issue {source.issue} of 大乐透"
        if source.issue
        else "first issue of 大乐透 drawn after the manifest was logged"
    )
    rule = (
        f"{named}: five front numbers ascending, then two back ones ascending, two digits each, joined by single "
        "spaces; e.g. 02 11 18 27 34 05 12"
    )
    return EntropySource(source.id, source.encoding, rule, source.bits)
