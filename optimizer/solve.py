"""Packing: every department's checks into the fewest visits, and visits into as few inspector-days as can be found.

Stages: refuse bad input; split each target's checks into the fewest visits (exact); give every visit a day, crews
and a start, district by district; improve the cells side by side; repair what found no place; hold the plan against
departments alone, greedy joining, teams that stay together, and proven bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from importlib.metadata import version

from optimizer import reasons
from optimizer.alone import AloneWork, alone_measures, alone_work, solve_alone
from optimizer.assemble import Outcome, assemble, measures
from optimizer.board import Board
from optimizer.bounds import energy
from optimizer.cells import Cell, board, capacity, cells, construct
from optimizer.greedy import greedy_measures, greedy_work, solve_greedy
from optimizer.improve import CellPlan
from optimizer.instance import Entries, Instance, entries, instance, least_entries
from optimizer.keep import load
from optimizer.model import PackingProblem, Parameters, Plan, Report, Unscheduled
from optimizer.progress import Progress, Silent, Unwatched, Watch
from optimizer.repair import repair
from optimizer.slices import improved
from optimizer.team_phase import team_phase
from optimizer.teams import TeamWork
from optimizer.validate import validate
from optimizer.work import each

SOLVER = "double-random packing"
VERSION = "1"


def pack(
    problem: PackingProblem,
    parameters: Parameters,
    executor: Executor | None = None,
    progress: Progress | None = None,
    watch: Watch | None = None,
    *,
    teams: bool = False,
) -> Plan:
    """The plan of a problem: the same for every order of rows, number of workers and machine.

    `teams`: the report also holds teams that stay together all day against their certified bound; it takes longer
    than the plan itself.

    `watch` sees the plan improve and may stop it: then the best so far is taken, and marked as not reproducible.
    Raises `Refused` for input that breaks a rule, and whatever `progress` raises to break off.
    """
    told = progress or Silent()
    validate(problem, parameters)
    inst, unscheduled = instance(problem, parameters)
    told.step("entries", 0, 1)
    found = entries(inst)
    unscheduled += found.left_out
    told.step("entries", 1, 1)
    made = cells(inst, found)
    boards, finished = _joint(inst, made, found, executor, told, watch or Unwatched())
    unscheduled += _given_up(inst, boards)
    outcome = assemble(inst, boards)
    report = replace(_report(inst, found, outcome, executor, told, teams), reproducible=finished)
    return Plan(
        outcome.visits, outcome.routes, tuple(sorted(unscheduled, key=lambda row: row.check_id)), report
    )


def _joint(
    inst: Instance,
    made: Sequence[Cell],
    found: Entries,
    executor: Executor | None,
    told: Progress,
    watch: Watch,
) -> tuple[list[Board], bool]:
    """Boards of all cells, filled, improved and repaired, and whether they were improved to the end.

    Together they keep to the heads of every day.
    """
    heads, skills = capacity(inst, found.doors)
    first = [board(inst, cell, heads, skills) for cell in made]
    told.step("first plan", 0, 1)
    missing = construct(first)
    told.step("first plan", 1, 1)
    plans, finished = improved(inst, made, first, missing, executor, told, watch)
    heads, skills = capacity(inst, found.doors)
    final = [board(inst, cell, heads, skills) for cell in made]
    for own, plan in zip(final, plans, strict=True):
        load(own, plan.orders)
    _repair(inst, final, plans)
    return final, finished


def _repair(inst: Instance, final: Sequence[Board], plans: Sequence[CellPlan]) -> None:
    for number, (own, plan) in enumerate(zip(final, plans, strict=True)):
        if plan.missing:
            repair(inst, own, list(plan.missing), inst.parameters.seed + number)


def _given_up(inst: Instance, boards: Sequence[Board]) -> list[Unscheduled]:
    """A reason for each check that no board holds although it could be scheduled on its own."""
    held = {
        check
        for own in boards
        for index, placed in enumerate(own.placed)
        if placed is not None
        for task in own.jobs[index].tasks
        for check in task.checks
    }
    wanted = {check for own in boards for job in own.jobs for task in job.tasks for check in task.checks}
    without = wanted - held
    free = boards[0].heads if boards else []
    lost = []
    for number, check in enumerate(inst.checks):
        if check.check_id in without:
            d = inst.department_of[number]
            days = [day for day in range(inst.days) if inst.allowed[number] >> day & 1]
            taken = all(free[day][d] < check.officers for day in days)
            lost.append(reasons.no_room(check, inst.departments[d].department, taken))
    return lost


def _report(
    inst: Instance,
    found: Entries,
    outcome: Outcome,
    executor: Executor | None,
    watch: Progress,
    teams: bool,
) -> Report:
    """The plan beside its bounds and the other ways of organising exactly the checks that it schedules."""
    scheduled = frozenset(check for visit in outcome.visits for check in visit.checks)
    chosen = [number for number, check in enumerate(inst.checks) if check.check_id in scheduled]
    alone = each(solve_alone, alone_work(inst, chosen), _checks, executor, watch, "departments alone")
    jobs = [job for job in found.jobs if any(c in scheduled for task in job.tasks for c in task.checks)]
    greedy = each(solve_greedy, greedy_work(inst, jobs), _visits, executor, watch, "greedy joining")
    plan = measures(outcome)
    bound = energy(inst, chosen)
    complete = len(chosen) == len(inst.checks)
    return Report(
        plan=plan,
        alone=alone_measures(inst, chosen, alone),
        greedy=greedy_measures(jobs, greedy, plan.people_per_visit_max),
        entries_bound=found.least if complete else least_entries(inst, scheduled),
        inspector_days_bound=bound,
        gap_ppm=gap_ppm(plan.inspector_days, bound.value),
        estimated_places=sum(1 for site in {inst.site_of[n] for n in chosen} if inst.sites[site].estimated),
        solver=f"{SOLVER}; ortools {version('ortools')}",
        version=VERSION,
        reproducible=True,
        parameters=inst.parameters,
        team=team_phase(inst, jobs, executor, watch) if teams else None,
    )


def _checks(work: AloneWork) -> int:
    return len(work.minutes)


def _visits(work: TeamWork) -> int:
    return len(work.jobs)


def gap_ppm(value: int, bound: int) -> int:
    """(value - bound) / value in parts per million, rounded up; 0 for an empty plan."""
    return -(-(value - bound) * 1_000_000 // value) if value else 0
