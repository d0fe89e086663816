"""Rules that stand between checks and their visit, each by a name, each to be left out or loosened by an amount.

Names: `day_minutes`, `max_entries`, `closed_days`, `people_cap`, `entries_left`, `days:<check>`, `heads:<department>`,
`specialists:<department>:<specialty>`, `forbidden:<check>|<check>`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from optimizer.model import Check, Department, PackingProblem, Parameters, Site

PLENTY = 1000
ORDER = (
    "days",
    "heads",
    "specialists",
    "max_entries",
    "day_minutes",
    "closed_days",
    "people_cap",
    "entries_left",
    "forbidden",
)
"""Remedies from cheap to dear: what a department decides alone, then the plan's hours, then what protects the firm."""


@dataclass(frozen=True, slots=True)
class Question:
    """Checks of one target and everything that bears on them."""

    problem: PackingProblem
    parameters: Parameters
    site: Site
    checks: tuple[Check, ...]


def rank(name: str) -> tuple[int, str]:
    """Cheap remedies first."""
    return ORDER.index(name.partition(":")[0]), name


def names_of(question: Question, crowded: bool) -> tuple[str, ...]:
    """The rules in force for these checks, dear ones first; `crowded`: others want the same crews."""
    site, ids = question.site, {check.check_id for check in question.checks}
    found = {"day_minutes", *(f"heads:{check.department}" for check in question.checks)}
    found |= {f"days:{check.check_id}" for check in question.checks if check.days}
    found |= {
        f"specialists:{check.department}:{name}" for check in question.checks for name in check.specialties
    }
    found |= {
        f"forbidden:{pair.check_a}|{pair.check_b}"
        for pair in question.problem.forbidden
        if {pair.check_a, pair.check_b} <= ids
    }
    if site.closed_days:
        found.add("closed_days")
    if site.people_cap is not None:
        found.add("people_cap")
    if site.entries_left is not None:
        found.add("entries_left")
    if crowded:
        found.add("max_entries")
    return tuple(sorted(found, key=rank, reverse=True))


def relaxed(question: Question, name: str, amount: int = PLENTY) -> Question:
    """The question without a rule, or with it loosened by so much (heads, specialists, minutes, people, entries)."""
    kind, _, rest = name.partition(":")
    if kind in ("closed_days", "people_cap", "entries_left"):
        return _with_site(question, _site(question.site, kind, amount))
    if kind == "day_minutes":
        minutes = question.parameters.day_minutes + amount
        return replace(question, parameters=replace(question.parameters, day_minutes=minutes))
    if kind == "max_entries":
        most = min(question.parameters.max_entries + amount, PLENTY)
        return replace(question, parameters=replace(question.parameters, max_entries=most))
    if kind == "days":
        return _with_checks(question, rest)
    return replace(question, problem=_problem(question.problem, kind, rest, amount))


def _site(site: Site, kind: str, amount: int) -> Site:
    if kind == "closed_days":
        return replace(site, closed_days=())
    if kind == "people_cap":
        return replace(site, people_cap=None if amount == PLENTY else (site.people_cap or 0) + amount)
    return replace(site, entries_left=None if amount == PLENTY else (site.entries_left or 0) + amount)


def _with_site(question: Question, site: Site) -> Question:
    rows = tuple(site if row.target_id == site.target_id else row for row in question.problem.sites)
    return replace(question, site=site, problem=replace(question.problem, sites=rows))


def _with_checks(question: Question, check_id: str) -> Question:
    def free(rows: Sequence[Check]) -> tuple[Check, ...]:
        return tuple(replace(row, days=()) if row.check_id == check_id else row for row in rows)

    return replace(
        question,
        checks=free(question.checks),
        problem=replace(question.problem, checks=free(question.problem.checks)),
    )


def _problem(problem: PackingProblem, kind: str, rest: str, amount: int) -> PackingProblem:
    if kind == "forbidden":
        kept = tuple(pair for pair in problem.forbidden if f"{pair.check_a}|{pair.check_b}" != rest)
        return replace(problem, forbidden=kept)
    name, _, specialty = rest.partition(":")
    rows = tuple(
        _more(row, specialty, amount) if row.department == name else row for row in problem.departments
    )
    return replace(problem, departments=rows)


def _more(row: Department, specialty: str, amount: int) -> Department:
    """More officers on every day; only more holders of a specialty where one is named."""
    if not specialty:
        return replace(row, heads=tuple(heads + amount for heads in row.heads))
    held = dict(row.specialists)
    held[specialty] = tuple(n + amount for n in held.get(specialty, (0,) * len(row.heads)))
    return replace(row, specialists=tuple(sorted(held.items())))


Answer = Callable[[Question], bool]
"""Whether the checks find their visit."""


def without(question: Question, names: Sequence[str]) -> Question:
    """The question without these rules."""
    for name in names:
        question = relaxed(question, name)
    return question


def irreducible(question: Question, names: Sequence[str], answer: Answer) -> tuple[str, ...]:
    """A set of the named rules that cannot all be kept, while each one left out lets the checks in.

    Deletion filter: each rule in turn is left out for good where the others still stand in the way. Empty where
    the rules are not what stands in the way.
    """
    if answer(question) or not answer(without(question, names)):
        return ()
    needed = list(names)
    gone: list[str] = []
    for name in names:
        if not answer(without(question, [*gone, name])):
            needed.remove(name)
            gone.append(name)
    return tuple(sorted(needed, key=rank))


def remedies(
    question: Question, names: Sequence[str], found: Sequence[str], answer: Answer
) -> tuple[tuple[str, int], ...]:
    """What lets the checks in, cheapest first: rules with the least amount that suffices, to be taken together.

    Amount 0: the rule has none, it is lifted.
    """
    left, chosen = list(names), []
    stuck = tuple(found)
    while stuck:
        name = min(stuck, key=rank)
        left.remove(name)
        chosen.append(name)
        stuck = irreducible(without(question, chosen), left, answer)
    return tuple((name, _least(question, chosen, name, answer)) for name in chosen)


def _least(question: Question, chosen: Sequence[str], name: str, answer: Answer) -> int:
    if name.partition(":")[0] in ("days", "closed_days", "forbidden"):
        return 0
    others = without(question, [other for other in chosen if other != name])
    low, high = 0, 1
    while high < PLENTY and not answer(relaxed(others, name, high)):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if answer(relaxed(others, name, middle)) else (middle, high)
    return high
