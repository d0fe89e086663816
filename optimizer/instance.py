"""The problem in numbers: sorted rows, day masks, and the jobs that the fewest entries come to.

Everything is sorted by id first, so the order in which a caller gives rows never matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from optimizer import reasons
from optimizer.entries import Item, Rules, common_days, crews, partition, stagger
from optimizer.jobs import NO_LIMIT, Job, Task
from optimizer.model import Check, Department, PackingProblem, Parameters, Site, Unscheduled


@dataclass(frozen=True, slots=True)
class Instance:
    """`checks` ascending by id (only those that can be scheduled at all); `allowed[i]` masks check i's days."""

    days: int
    parameters: Parameters
    sites: tuple[Site, ...]
    departments: tuple[Department, ...]
    checks: tuple[Check, ...]
    site_of: tuple[int, ...]
    department_of: tuple[int, ...]
    allowed: tuple[int, ...]
    conflicts: dict[str, frozenset[str]]
    skill_bits: dict[tuple[int, str], int]


@dataclass(frozen=True, slots=True)
class Entries:
    """Jobs of all targets, the proven least number of entries, and checks left out by a cap on entries.

    `doors`: as many pseudo-departments follow the real ones; each keeps two visits of one target apart in time
    where they cannot have different days.
    """

    jobs: tuple[Job, ...]
    least: int
    left_out: tuple[Unscheduled, ...]
    doors: int


def instance(problem: PackingProblem, parameters: Parameters) -> tuple[Instance, list[Unscheduled]]:
    """Sort and number everything; checks that can never be scheduled come back with their static reason."""
    sites = tuple(sorted(problem.sites, key=lambda row: row.target_id))
    departments = tuple(sorted(problem.departments, key=lambda row: row.department))
    site_number = {row.target_id: number for number, row in enumerate(sites)}
    number_of = {row.department: number for number, row in enumerate(departments)}
    kept: list[Check] = []
    allowed: list[int] = []
    refused: list[Unscheduled] = []
    for check in sorted(problem.checks, key=lambda row: row.check_id):
        site, department = sites[site_number[check.target_id]], departments[number_of[check.department]]
        mask, why = reasons.days_of(check, site, department, len(problem.days), parameters)
        if why is not None:
            refused.append(why)
            continue
        kept.append(check)
        allowed.append(mask)
    return Instance(
        len(problem.days),
        parameters,
        sites,
        departments,
        tuple(kept),
        tuple(site_number[check.target_id] for check in kept),
        tuple(number_of[check.department] for check in kept),
        tuple(allowed),
        _conflicts(problem),
        _skill_bits(departments),
    ), refused


def _conflicts(problem: PackingProblem) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in problem.forbidden:
        found.setdefault(pair.check_a, set()).add(pair.check_b)
        found.setdefault(pair.check_b, set()).add(pair.check_a)
    return {check: frozenset(others) for check, others in found.items()}


def _skill_bits(departments: Sequence[Department]) -> dict[tuple[int, str], int]:
    names = [
        (d, name) for d, row in enumerate(departments) for name in sorted({n for n, _ in row.specialists})
    ]
    return {key: 1 << place for place, key in enumerate(names)}


def by_site(inst: Instance) -> dict[int, list[int]]:
    """Numbers of the checks of each site, ascending."""
    found: dict[int, list[int]] = {}
    for number, site in enumerate(inst.site_of):
        found.setdefault(site, []).append(number)
    return dict(sorted(found.items()))


def entries(inst: Instance) -> Entries:
    """Every target's checks in the fewest groups, as jobs; targets ascending by id."""
    most = _most_officers(inst)
    jobs: list[Job] = []
    left_out: list[Unscheduled] = []
    least = doors = 0
    for site, numbers in by_site(inst).items():
        items = items_of(inst, numbers)
        found = partition(items, rules_of(inst, site))
        least += found.least
        left_out += [
            reasons.entries_used_up(inst.checks[numbers[i]], inst.sites[site]) for i in found.left_out
        ]
        own = [job(inst, site, [numbers[i] for i in group], most) for group in found.groups]
        if not found.distinct_days:
            own = [_door(one, len(inst.departments) + doors) for one in own]
            doors += 1
        jobs += own
    return Entries(tuple(jobs), least, tuple(left_out), doors)


def least_entries(inst: Instance, scheduled: frozenset[str]) -> int:
    """The proven least number of entries for only these checks."""
    total = 0
    for site, numbers in by_site(inst).items():
        kept = [number for number in numbers if inst.checks[number].check_id in scheduled]
        total += partition(items_of(inst, kept), rules_of(inst, site)).least
    return total


def rules_of(inst: Instance, site: int) -> Rules:
    """What a visit of this site must keep to."""
    row = inst.sites[site]
    return Rules(inst.parameters.day_minutes, row.people_cap, row.entries_left)


def items_of(inst: Instance, numbers: Sequence[int]) -> list[Item]:
    """A target's checks as the entries search sees them."""
    place = {inst.checks[number].check_id: i for i, number in enumerate(numbers)}
    items = []
    for number in numbers:
        check = inst.checks[number]
        conflicts = sum(
            1 << place[other] for other in inst.conflicts.get(check.check_id, ()) if other in place
        )
        items.append(
            Item(inst.department_of[number], check.minutes, check.officers, inst.allowed[number], conflicts)
        )
    return items


def _most_officers(inst: Instance) -> list[int]:
    """The largest crew each department may bring."""
    most = [0] * len(inst.departments)
    for number, check in enumerate(inst.checks):
        most[inst.department_of[number]] = max(most[inst.department_of[number]], check.officers)
    return most


def most_officers(inst: Instance) -> list[int]:
    """The largest crew each department may bring, by department number."""
    return _most_officers(inst)


def job(inst: Instance, site: int, numbers: Sequence[int], most: Sequence[int]) -> Job:
    """The visit of a site that does these checks; crews come one after the other where people are capped."""
    items = items_of(inst, numbers)
    rules = rules_of(inst, site)
    parts = crews(items)
    begins = stagger(parts, rules)
    assert begins is not None
    capped = rules.people_cap is not None and sum(most[d] for d, _, _ in parts) > rules.people_cap
    tasks = []
    for (department, minutes, officers), offset in zip(parts, begins, strict=True):
        own = [number for number in numbers if inst.department_of[number] == department]
        skills = 0
        for number in own:
            for name in inst.checks[number].specialties:
                skills |= inst.skill_bits[department, name]
        checks = tuple(inst.checks[number].check_id for number in own)
        limit = officers if capped else NO_LIMIT
        tasks.append(Task(department, minutes, officers, skills, offset, limit, checks))
    mask = common_days(items)
    days = tuple(day for day in range(inst.days) if mask >> day & 1)
    return Job(site, site, tuple(tasks), days)


def _door(one: Job, department: int) -> Job:
    """The job with a pseudo-crew at the target's door: two such jobs cannot overlap."""
    door = Task(department, one.length, 1)
    return replace(one, tasks=(*one.tasks, door), apart=False)
