"""The plan in force, changed as little as a new situation demands.

The caller states the situation as a problem (a target closed on a day, heads that fell ill, a check that vanished or
is urgent, with its days); what the plan in force still allows stays as it was told, minute for minute. First as few
visits as possible change, then as few people are told, then as few inspector-days are added.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from optimizer import reasons
from optimizer.assemble import assemble, measures
from optimizer.board import Board
from optimizer.bounds import energy
from optimizer.entries import crews, partition, stagger
from optimizer.inforce import InForce, hand_over, hire_for, lay_out, leave, stay_longer
from optimizer.instance import Instance, instance, items_of, least_entries, most_officers, rules_of
from optimizer.jobs import Crew, Job
from optimizer.model import PackingProblem, Parameters, Plan, Report, Unscheduled
from optimizer.search import put
from optimizer.solve import gap_ppm
from optimizer.validate import validate


@dataclass(frozen=True, slots=True)
class Replanned:
    """The new plan, and what is different: ids of visits changed, cancelled and added; who has to be told.

    `changed`: day, start, checks or crews differ. `told`: targets and departments whose day looks different.
    """

    plan: Plan
    changed: tuple[str, ...]
    cancelled: tuple[str, ...]
    added: tuple[str, ...]
    told: tuple[str, ...]
    inspector_days_added: int


def replan(
    problem: PackingProblem,
    parameters: Parameters,
    plan: Plan,
    first_day: int = 0,
    *,
    crews_fixed: bool = False,
) -> Replanned:
    """`plan` fitted to `problem`; days before `first_day` are past and stay untouched.

    `crews_fixed`: the seats of the plan's routes are bound to a lottery, so no crew is made, grows or learns; one may
    stay at home. Raises `Refused` for input that breaks a rule. The baselines in the report are those of the plan in
    force.
    """
    validate(problem, parameters)
    inst, unscheduled = instance(as_drawn(problem, plan) if crews_fixed else problem, parameters)
    found = lay_out(inst, plan, first_day, crews_fixed)
    _fit_heads(found, first_day)
    for site in sorted({inst.site_of[number] for number in found.loose}):
        unscheduled += _place(found, site, first_day)
    found.send_idle_home()
    outcome = assemble(inst, found.boards, found.known())
    rows = tuple(sorted(unscheduled, key=lambda row: row.check_id))
    made = Plan(outcome.visits, outcome.routes, rows, plan.report)
    report = _report(inst, made, replace(plan.report, plan=measures(outcome), parameters=parameters))
    return _differences(plan, replace(made, report=report))


def as_drawn(problem: PackingProblem, plan: Plan) -> PackingProblem:
    """The problem with no more heads and specialists on any day than the plan's crews have."""
    rows = []
    for row in problem.departments:
        own = [route for route in plan.routes if route.department == row.department]
        heads = [sum(route.officers for route in own if route.day == day) for day in range(len(problem.days))]
        names = sorted({name for route in own for name in route.specialties})
        held = tuple(
            (
                name,
                tuple(
                    sum(name in route.specialties for route in own if route.day == day)
                    for day in range(len(problem.days))
                ),
            )
            for name in names
        )
        most = tuple(min(pair) for pair in zip(heads, row.heads, strict=True))
        rows.append(replace(row, heads=most, specialists=held))
    return replace(problem, departments=tuple(rows))


# ---- too few heads: crews go home, their stops are handed over or moved


def _fit_heads(found: InForce, first_day: int) -> None:
    heads = found.boards[0].heads if found.boards else []
    for day in range(first_day, len(heads)):
        for department in range(len(found.inst.departments)):
            while heads[day][department] < 0 or _short_of_skill(found, day, department):
                _send_home(found, day, department)


def _short_of_skill(found: InForce, day: int, department: int) -> bool:
    left = found.boards[0].skills[day]
    return any(left[bit] < 0 for (d, _), bit in found.inst.skill_bits.items() if d == department)


def _send_home(found: InForce, day: int, department: int) -> None:
    """The crew with the fewest stops goes (one with a missing skill first); its stops find another crew or day."""
    crews = [(own, crew) for own in found.boards for crew in own.crews[day][department]]
    left = found.boards[0].skills[day]
    short = sum(bit for (d, _), bit in found.inst.skill_bits.items() if d == department and left[bit] < 0)
    key = [
        (not crew.skills & short if short else False, len(crew.jobs), n) for n, (_, crew) in enumerate(crews)
    ]
    own, crew = crews[min(key)[2]]
    undone = leave(own, crew, department, day)
    found.shut()
    for index in undone:
        if not hand_over(own, index, department):
            _free(found, own, index, department)
    own.retime(day)


def _free(found: InForce, own: Board, index: int, department: int) -> None:
    """Take a visit, one of whose crews has gone, off the board; its checks need a new place."""
    part = next(k for k, task in enumerate(own.jobs[index].tasks) if task.department == department)
    placed = own.placed[index]
    assert placed is not None
    stand_in = Crew()
    stand_in.jobs.append(index)
    own.crews[placed.day][department].append(stand_in)
    placed.crews[part] = stand_in
    own.remove(index)
    found.shut()
    number_of = {check.check_id: number for number, check in enumerate(found.inst.checks)}
    found.loose += [number_of[check] for task in own.jobs[index].tasks for check in task.checks]
    found.loose.sort()


# ---- checks that need a place


def _place(found: InForce, site: int, first_day: int) -> list[Unscheduled]:
    """Join a later visit of the same target, else a visit of their own that moves nobody, else one that does."""
    inst = found.inst
    numbers = [number for number in found.loose if inst.site_of[number] == site]
    left = [number for number in numbers if not _join_one(found, site, number, first_day)]
    lost: list[Unscheduled] = []
    items = items_of(inst, left)
    most = inst.sites[site].entries_left
    rules = replace(
        rules_of(inst, site), entries_left=None if most is None else max(0, most - len(found.live(site)))
    )
    parted = partition(items, rules)
    lost += [reasons.entries_used_up(inst.checks[left[i]], inst.sites[site]) for i in parted.left_out]
    for group in parted.groups:
        lost += _visit(found, site, [left[i] for i in group], first_day)
    return lost


def _visit(found: InForce, site: int, numbers: list[int], first_day: int) -> list[Unscheduled]:
    """A visit of these checks, else two of half of them each where entries are left, else the reason of each."""
    if _place_whole(found, site, numbers, first_day):
        return []
    inst, half = found.inst, (len(numbers) + 1) // 2
    most = inst.sites[site].entries_left
    if len(numbers) > 1 and (most is None or len(found.live(site)) + 1 < most):
        parts = numbers[:half], numbers[half:]
        return [row for part in parts for row in _visit(found, site, part, first_day)]
    names = [(number, inst.departments[inst.department_of[number]].department) for number in numbers]
    return [reasons.no_room(inst.checks[number], name, False) for number, name in names]


def _place_whole(found: InForce, site: int, numbers: list[int], first_day: int) -> bool:
    inst = found.inst
    own = found.board_of(site)[1]
    made = found.job(site, numbers, most_officers(inst))
    busy = {placed.day for i in found.live(site) if (placed := own.placed[i]) is not None}
    days = tuple(day for day in made.days if day >= first_day and day not in busy)
    index = own.add(replace(made, days=days, apart=False))
    for pushing in (False, True):
        offers = [offer for day in days if (offer := own.offer(index, day, pushing)) is not None]
        for offer in sorted(offers, key=lambda row: (row.cost, row.day)):
            if own.place(index, offer):
                return True
    return put(own, index, days) is not None


def _join_one(found: InForce, site: int, number: int, first_day: int) -> bool:
    """Add a check to a visit of its target that is still to come, at the visit's own start."""
    own = found.board_of(site)[1]
    for index in sorted(found.live(site), key=lambda i: (own.placed[i].day, i)):  # type: ignore[union-attr]  # live
        placed = own.placed[index]
        assert placed is not None
        if placed.day < first_day or not found.inst.allowed[number] >> placed.day & 1:
            continue
        if _add(found, own, index, number):
            return True
    return False


def _add(found: InForce, own: Board, index: int, number: int) -> bool:
    """One more check at a visit, where rules and people allow: its department's crew that comes anyway stays longer;
    where the department is new there, a crew already out comes, else a new one.
    """
    inst, before, placed = found.inst, own.jobs[index], own.placed[index]
    assert placed is not None
    department = inst.department_of[number]
    number_of = {check.check_id: n for n, check in enumerate(inst.checks)}
    numbers = sorted([number, *(number_of[check] for task in before.tasks for check in task.checks)])
    if not _compatible(found, before, numbers):
        return False
    made = found.job(before.target, numbers, most_officers(inst))
    added = next(task for task in made.tasks if task.department == department)
    if any(task.department == department for task in before.tasks):
        return stay_longer(own, index, added)
    tasks = (*before.tasks, replace(added, offset=0))
    if own.earliest[index] + added.minutes > inst.parameters.day_minutes:
        return False
    crews = placed.crews
    own.become(index, replace(before, tasks=tasks))
    placed.crews = [*crews, Crew()]
    if hand_over(own, index, department) or hire_for(own, index, department):
        own.retime(placed.day)
        return True
    own.become(index, before)
    placed.crews = crews
    return False


def _compatible(found: InForce, before: Job, numbers: list[int]) -> bool:
    """No forbidden pair, and everybody at once within the cap (a visit in force is not staggered anew)."""
    inst = found.inst
    items = items_of(inst, numbers)
    if any(item.conflicts for item in items):
        return False
    most = most_officers(inst)
    cap = inst.sites[before.target].people_cap
    departments = {inst.department_of[number] for number in numbers}
    if cap is not None and sum(most[d] for d in departments) > cap:
        return False
    return stagger(crews(items), rules_of(inst, before.target)) is not None


# ---- what is different


def _report(inst: Instance, made: Plan, report: Report) -> Report:
    """Counts and bounds for what is scheduled now; inspector-days of the baselines stay those of the plan in force."""
    scheduled = frozenset(check for visit in made.visits for check in visit.checks)
    chosen = [number for number, check in enumerate(inst.checks) if check.check_id in scheduled]
    bound = energy(inst, chosen)
    return replace(
        report,
        alone=replace(
            report.alone, entries=len(chosen), host_min=sum(inst.checks[n].minutes for n in chosen)
        ),
        entries_bound=least_entries(inst, scheduled),
        inspector_days_bound=bound,
        gap_ppm=gap_ppm(report.plan.inspector_days, bound.value),
        estimated_places=sum(1 for site in {inst.site_of[n] for n in chosen} if inst.sites[site].estimated),
    )


def _differences(before: Plan, after: Plan) -> Replanned:
    old, new = _faces(before), _faces(after)
    changed = tuple(sorted(name for name in old.keys() & new.keys() if old[name] != new[name]))
    cancelled, added = tuple(sorted(old.keys() - new.keys())), tuple(sorted(new.keys() - old.keys()))
    told: set[str] = set()
    for name in (*changed, *cancelled, *added):
        for face in (old.get(name), new.get(name)):
            if face is not None:
                told.add(face[0])
                told.update(department for department, _ in face[4])
    days = after.report.plan.inspector_days - before.report.plan.inspector_days
    return Replanned(after, changed, cancelled, added, tuple(sorted(told)), days)


Face = tuple[str, int, int, tuple[str, ...], tuple[tuple[str, str], ...]]


def _faces(plan: Plan) -> dict[str, Face]:
    """Per visit what people see of it: target, day, start, checks, and department with route."""
    at: dict[str, list[tuple[str, str]]] = {}
    for route in plan.routes:
        for stop in route.stops:
            at.setdefault(stop.visit_id, []).append((route.department, route.route_id))
    return {
        row.visit_id: (row.target_id, row.day, row.start, row.checks, tuple(sorted(at.get(row.visit_id, []))))
        for row in plan.visits
    }
