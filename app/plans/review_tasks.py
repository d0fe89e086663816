"""The rules that each task of a plan obeys, against the catalogue and the authority's limits."""

from __future__ import annotations

from collections.abc import Iterator

from app.errors import Problem
from app.plans.catalogue import Catalogue, ItemFacts
from app.plans.draws import CREDIT, INTERNAL_COLUMNS, STRATA_COLUMNS
from app.plans.fields import PPM
from app.plans.limits import Limits
from app.plans.sayings import broken, of_task, percent
from app.plans.schemas import PlanDocument, Task
from app.registers.schemas import Condition


def problems(document: PlanDocument, catalogue: Catalogue, limits: Limits) -> Iterator[Problem]:
    """What is wrong with the tasks, in their order."""
    if not document.tasks:
        yield broken("no_tasks", "计划", "plan", "tasks", {})
    seen: set[str] = set()
    for task in document.tasks:
        if task.task_id in seen:
            yield of_task("duplicate_task", task.task_id, "task_id")
        seen.add(task.task_id)
        yield from _departments(task, catalogue)
        yield from _rules(task, catalogue)
        yield from _items(task, catalogue, document.people_per_visit)
        yield from _population(task)
        yield from _strata(task, document.privacy)
        yield from _classes(task, catalogue)
        yield from _numbers(task)
        yield from _general(task, catalogue, limits)


def _departments(task: Task, catalogue: Catalogue) -> Iterator[Problem]:
    for place, code in enumerate(task.departments):
        if code not in catalogue.departments:
            field = "partners" if place else "department"
            yield of_task("unknown_department", task.task_id, field, value=code)
    if task.department in task.partners:
        yield of_task("partner_twice", task.task_id, "partners", value=task.department)


def _rules(task: Task, catalogue: Catalogue) -> Iterator[Problem]:
    for code in task.rules:
        owner = catalogue.rules.get(code)
        if owner is None:
            yield of_task("unknown_rule", task.task_id, "rules", value=code)
        elif owner not in task.departments:
            yield of_task("rule_of_other_department", task.task_id, "rules", {"owner": owner}, code)


def _items(task: Task, catalogue: Catalogue, people: int | None) -> Iterator[Problem]:
    if not task.items:
        yield of_task("no_items", task.task_id, "items")
        return
    known = [catalogue.items[code] for code in task.items if code in catalogue.items]
    for code in task.items:
        if code not in catalogue.items:
            yield of_task("unknown_item", task.task_id, "items", value=code)
    for item in known:
        yield from _item(task, item, people)
    for code in task.departments:
        idle = len(known) == len(task.items) and not any(code in item.departments for item in known)
        if idle and code in catalogue.departments:
            yield of_task("department_without_item", task.task_id, "items", value=code)


def _item(task: Task, item: ItemFacts, people: int | None) -> Iterator[Problem]:
    if item.version is None:
        yield of_task("unpublished_item", task.task_id, "items", {"status": item.status}, item.code)
    if not item.departments & set(task.departments):
        owner = {"owner": ", ".join(sorted(item.departments))}
        yield of_task("item_of_other_department", task.task_id, "items", owner, item.code)
    if people is not None and item.officers > people:
        heads = {"officers": item.officers, "people": people}
        yield of_task("people_cap", task.task_id, "people_per_visit", heads, item.code)


def _population(task: Task) -> Iterator[Problem]:
    conditioned = task.condition is not None and task.condition != Condition()
    if task.directed and not conditioned:
        yield of_task("directed_without_condition", task.task_id, "condition")
    if conditioned and not task.directed:
        yield of_task("condition_undirected", task.task_id, "directed")


def _strata(task: Task, privacy: str) -> Iterator[Problem]:
    for column in task.strata_by:
        if column not in STRATA_COLUMNS:
            allowed = {"allowed": ", ".join(STRATA_COLUMNS)}
            yield of_task("unknown_column", task.task_id, "strata_by", allowed, column)
        if privacy == "open" and column in INTERNAL_COLUMNS:
            yield of_task("open_internal", task.task_id, "strata_by", value=column)


def _classes(task: Task, catalogue: Catalogue) -> Iterator[Problem]:
    if task.ratios and CREDIT not in task.strata_by:
        yield of_task("ratios_without_credit", task.task_id, "ratios")
    for name in task.ratios:
        if name not in catalogue.classes:
            allowed = {"allowed": ", ".join(catalogue.classes)}
            yield of_task("unknown_class", task.task_id, f"ratios.{name}", allowed, name)


def _ratios(task: Task) -> dict[str, int]:
    """Every ratio of the task by its field's name."""
    return {"default_ratio": task.default_ratio} | {
        f"ratios.{name}": ppm for name, ppm in task.ratios.items()
    }


def _numbers(task: Task) -> Iterator[Problem]:
    cooldown = {} if task.cooldown is None else {"cooldown": task.cooldown}
    for field, ppm in (_ratios(task) | cooldown).items():
        if not 0 <= ppm <= PPM:
            yield of_task("ratio_range", task.task_id, field, {"percent": percent(ppm)}, str(ppm))
        if ppm == 0 and task.min <= 0 and field != "cooldown":
            yield of_task("never_checked", task.task_id, field, value="0")
    if task.min < 0 or (task.max is not None and task.max < task.min):
        bounds = {"least": task.min, "most": "-" if task.max is None else task.max}
        yield of_task("min_max", task.task_id, "min", bounds)


def _general(task: Task, catalogue: Catalogue, limits: Limits) -> Iterator[Problem]:
    """一般事项 are limited; 重点事项 have no upper ratio."""
    facts = [catalogue.items[code] for code in task.items if code in catalogue.items]
    general = ", ".join(item.code for item in facts if item.kind == "general")
    most = percent(limits.general_ratio_ppm)
    for field, ppm in _ratios(task).items():
        if general and limits.general_ratio_ppm < ppm <= PPM:
            said = {"items": general, "percent": percent(ppm), "most": most}
            yield of_task("general_ratio", task.task_id, field, said, str(ppm))
