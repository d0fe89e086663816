"""Why checks have no visit, and why visits of one target are not one: rules by name, and the cheapest remedy.

First what the target's own rules say, whatever others need (exact: the search of `entries`); where those leave room,
what other visits take (by re-planning the district with rules left out).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

from optimizer.entries import partition
from optimizer.instance import instance, items_of, rules_of
from optimizer.model import Check, PackingProblem, Parameters, Plan, Unscheduled, Visit
from optimizer.relax import Answer, Question, irreducible, names_of, remedies
from optimizer.replan import replan
from optimizer.say import Said, remedy_said, rule_said

PRICE = "price"
CREWS = "crews"


@dataclass(frozen=True, slots=True)
class Explanation:
    """`unscheduled`: a check without a visit. `apart`: two visits of a target that are not one.

    `rules` cannot all be kept, and each of them lifted lets the checks in, unless another rule bars them too; then
    `remedies` names more than one, to be taken together.
    """

    kind: Literal["unscheduled", "apart"]
    code: str
    target_id: str
    checks: tuple[str, ...]
    visits: tuple[str, ...]
    rules: tuple[Said, ...]
    remedies: tuple[Said, ...]


def explain(problem: PackingProblem, parameters: Parameters, plan: Plan) -> tuple[Explanation, ...]:
    """Every unscheduled check, ascending by id, then every pair of visits of one target, ascending by target."""
    look = _Look(problem, parameters, plan)
    return (*look.unscheduled(), *look.apart())


class _Look:
    def __init__(self, problem: PackingProblem, parameters: Parameters, plan: Plan) -> None:
        self.problem, self.parameters, self.plan = problem, parameters, plan
        self.checks = {check.check_id: check for check in problem.checks}
        self.sites = {site.target_id: site for site in problem.sites}
        self.visits: dict[str, list[Visit]] = {}
        for visit in plan.visits:
            self.visits.setdefault(visit.target_id, []).append(visit)

    def unscheduled(self) -> Iterator[Explanation]:
        """Alone first, then with the target's other checks within its entries, then beside all other visits."""
        for row in self.plan.unscheduled:
            check = self.checks[row.check_id]
            together = [
                self.checks[name] for visit in self.visits.get(check.target_id, ()) for name in visit.checks
            ]
            alone = self._question([check])
            question = self._question([check, *together])
            if not in_one_visit(alone):
                yield self._explained("unscheduled", row.code, alone, (row.check_id,), (), in_one_visit)
            elif not within_entries(question):
                yield self._explained("unscheduled", row.code, question, (row.check_id,), (), within_entries)
            else:
                yield self._crowded(row, check)

    def apart(self) -> Iterator[Explanation]:
        """Visits of one target, two by two."""
        for target_id, visits in sorted(self.visits.items()):
            for one, other in combinations(visits, 2):
                checks = tuple(sorted((*one.checks, *other.checks)))
                question = self._question([self.checks[name] for name in checks])
                pair = (one.visit_id, other.visit_id)
                if not in_one_visit(question):
                    yield self._explained("apart", "packing.apart", question, checks, pair, in_one_visit)
                else:
                    name = CREWS if self.parameters.price_milli is None else PRICE
                    yield Explanation(
                        "apart",
                        f"packing.apart_{name}",
                        target_id,
                        checks,
                        pair,
                        (rule_said(question, name),),
                        (remedy_said(question, name, 0),),
                    )

    def _question(self, checks: Sequence[Check]) -> Question:
        site = self.sites[checks[0].target_id]
        wanted = {check.department for check in checks}
        own = replace(
            self.problem,
            checks=tuple(checks),
            sites=(site,),
            departments=tuple(row for row in self.problem.departments if row.department in wanted),
        )
        return Question(own, self.parameters, site, tuple(checks))

    def _crowded(self, row: Unscheduled, check: Check) -> Explanation:
        district = _district(self.problem, self.plan, self.sites[check.target_id].district)
        question = Question(district[0], self.parameters, self.sites[check.target_id], (check,))

        def finds_room(asked: Question) -> bool:
            most = 1440 - asked.parameters.day_start
            within = replace(asked.parameters, day_minutes=min(asked.parameters.day_minutes, most))
            found = replan(asked.problem, within, district[1])
            return all(lost.check_id != check.check_id for lost in found.plan.unscheduled)

        return self._explained("unscheduled", row.code, question, (row.check_id,), (), finds_room, True)

    def _explained(
        self,
        kind: Literal["unscheduled", "apart"],
        code: str,
        question: Question,
        checks: tuple[str, ...],
        visits: tuple[str, ...],
        answer: Answer,
        crowded: bool = False,
    ) -> Explanation:
        names = names_of(question, crowded)
        found = irreducible(question, names, answer)
        ways = remedies(question, names, found, answer)
        return Explanation(
            kind,
            code,
            question.site.target_id,
            checks,
            visits,
            tuple(rule_said(question, name) for name in found or (CREWS,)),
            tuple(remedy_said(question, name, amount) for name, amount in ways or ((CREWS, 0),)),
        )


def in_one_visit(question: Question) -> bool:
    """Whether the target's rules let these checks be one visit; its entries must leave one."""
    return _visits(question, 1)


def within_entries(question: Question) -> bool:
    """Whether the target's rules let these checks be visits within its entries left."""
    left = question.site.entries_left
    return _visits(question, len(question.checks) if left is None else left)


def _visits(question: Question, most: int) -> bool:
    inst, refused = instance(question.problem, question.parameters)
    if refused:
        return False
    rules = replace(rules_of(inst, 0), entries_left=most)
    found = partition(items_of(inst, range(len(inst.checks))), rules)
    return not found.left_out and 0 < len(found.groups) <= most


def _district(problem: PackingProblem, plan: Plan, district: str) -> tuple[PackingProblem, Plan]:
    """One district's part of problem and plan; its departments have the heads that others leave."""
    sites = tuple(site for site in problem.sites if site.district == district)
    ids = {site.target_id for site in sites}
    checks = tuple(check for check in problem.checks if check.target_id in ids)
    known = {check.check_id for check in checks}
    elsewhere = [route for route in plan.routes if route.district != district]
    departments = []
    for row in problem.departments:
        away = [route for route in elsewhere if route.department == row.department]
        heads = list(row.heads)
        held = {name: list(counts) for name, counts in row.specialists}
        for route in away:
            heads[route.day] = max(0, heads[route.day] - route.officers)
            for name in route.specialties:
                held[name][route.day] = max(0, held[name][route.day] - 1)
        departments.append(
            replace(
                row,
                heads=tuple(heads),
                specialists=tuple((name, tuple(counts)) for name, counts in sorted(held.items())),
            )
        )
    own = PackingProblem(
        problem.days,
        checks,
        sites,
        tuple(departments),
        tuple(pair for pair in problem.forbidden if pair.check_a in known),
    )
    return own, replace(
        plan,
        visits=tuple(visit for visit in plan.visits if visit.target_id in ids),
        routes=tuple(route for route in plan.routes if route.district == district),
        unscheduled=tuple(row for row in plan.unscheduled if row.check_id in known),
    )
