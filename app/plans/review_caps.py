"""The caps on how often a target may be checked, against what the plan would do. Pure.

What counts is what the ratios ask for: ratio x rounds in the window, a lower bound on a target's expected checks.
Above the cap the plan cannot be kept, and is refused. Below it chance may still bring a target to its cap; it is
then excluded before the freeze, with the cap's code as the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from app.errors import Problem
from app.plans.catalogue import Catalogue
from app.plans.fields import PPM
from app.plans.sayings import broken, percent
from app.plans.schemas import Cap, PlanDocument, Task
from scheduler.calendar import WorkCalendar
from scheduler.periods import parse, periods_from

_SCOPES_ZH = {"department": "部门", "item": "事项", "target": "对象"}


@dataclass(frozen=True, slots=True)
class Bound:
    """A cap on one subject: at most `most` checks in the window, by a plan's cap or by an item's own."""

    code: str
    scope: str
    subject: str
    most: int
    window_days: int | None
    exemptions: tuple[str, ...] = ()
    """Reason codes for which a target may be checked beyond it."""

    @property
    def said(self) -> str:
        """How a person reads it."""
        return f"{self.code} ({self.subject})" if self.subject else self.code


def problems(document: PlanDocument, catalogue: Catalogue) -> Iterator[Problem]:
    """What is wrong with the caps, and every cap that the plan's ratios would break."""
    counted = Counter(cap.code for cap in document.caps)
    for cap in document.caps:
        if counted[cap.code] > 1:
            yield broken(
                "duplicate_cap", f"限频规则 {cap.code}", f"cap {cap.code}", "caps", {"value": cap.code}
            )
            counted[cap.code] = 0
        yield from _subjects(cap, document)
    for bound in bounds(document, catalogue):
        yield from _exceeded(bound, document)


def bounds(document: PlanDocument, catalogue: Catalogue) -> tuple[Bound, ...]:
    """Every cap that binds this plan's checks, subject by subject; a draw's checks are daily ones (日常)."""
    found = [
        Bound(cap.code, cap.scope, subject, cap.max, cap.window_days, tuple(cap.exemptions))
        for cap in document.caps
        if "daily" in cap.kinds
        for subject in (cap.subjects or _all_subjects(cap.scope, document))
    ]
    for code in _all_subjects("item", document):
        item = catalogue.items.get(code)
        if item is not None and item.cap is not None:
            found.append(Bound(f"item:{code}", "item", code, item.cap, None))
    return tuple(found)


def _all_subjects(scope: str, document: PlanDocument) -> tuple[str, ...]:
    """Departments or items of the plan in order; of scope `target` the one subject without a name."""
    if scope == "target":
        return ("",)
    found = [
        code
        for task in document.tasks
        for code in (task.departments if scope == "department" else task.items)
    ]
    return tuple(dict.fromkeys(found))


def _subjects(cap: Cap, document: PlanDocument) -> Iterator[Problem]:
    known = _all_subjects(cap.scope, document)
    for code in cap.subjects:
        if code not in known:
            said = {"value": code, "scope": cap.scope, "scope_zh": _SCOPES_ZH[cap.scope]}
            yield broken("cap_subject", f"限频规则 {cap.code}", f"cap {cap.code}", "subjects", said)


def concerns(bound: Bound, task: Task) -> bool:
    """Whether a check by this task counts for the cap."""
    named = {"department": task.departments, "item": task.items, "target": ("",)}
    return bound.subject in named[bound.scope]


def _exceeded(bound: Bound, document: PlanDocument) -> Iterator[Problem]:
    """The task and class that the plan checks most, where that is above the cap."""
    rounds = rounds_in_window(document, bound.window_days)
    asked = [
        (ppm, task.task_id, klass)
        for task in document.tasks
        if concerns(bound, task)
        for klass, ppm in ({"": task.default_ratio} | task.ratios).items()
    ]
    ppm, task_id, klass = max(asked, default=(0, "", ""))
    if ppm > PPM or ppm * rounds <= bound.most * PPM:
        return
    window = "a calendar year" if bound.window_days is None else f"{bound.window_days} days"
    window_zh = "一个自然年" if bound.window_days is None else f" {bound.window_days} 天"
    said: dict[str, str | int] = {
        "task": task_id,
        "klass": f"class {klass}" if klass else "any class without a ratio of its own",
        "klass_zh": f"{klass} 类" if klass else "未单列比例的",
        "rounds": rounds,
        "percent": percent(ppm),
        "expected": percent(ppm * rounds // 100).removesuffix(" %"),
        "most": bound.most,
        "subject": bound.said,
        "window": window,
        "window_zh": window_zh,
    }
    yield broken(
        "cap_exceeded",
        f"任务 {task_id}，限频规则 {bound.said}",
        f"task {task_id}, cap {bound.said}",
        f"caps.{bound.code}",
        said,
    )


def rounds_in_window(document: PlanDocument, window_days: int | None) -> int:
    """The most rounds of the plan that begin in one window: a calendar year, or so many days on end."""
    starts = _starts(document, 400 if window_days is None else window_days + 800)
    if window_days is None:
        return max(Counter(day.year for day in starts).values(), default=1)
    span = timedelta(days=window_days)
    return max((sum(first <= day < first + span for day in starts) for first in starts), default=1)


def _starts(document: PlanDocument, days: int) -> list[date]:
    """First days of the plan's periods over its first `days` days, and to the end of the year after."""
    if document.recurrence is None:
        return [document.starts_on]
    recurrence = parse(document.recurrence, document.starts_on, document.ends_on)
    if recurrence.kind != "once":
        recurrence = replace(recurrence, counting="day", n=1)
    last = date((document.starts_on + timedelta(days=days)).year + 1, 12, 31)
    coming = periods_from(recurrence, document.starts_on, WorkCalendar({}), last=last)
    return [period.start for period in coming]
