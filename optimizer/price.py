"""What an avoided entry costs: visits kept apart where joining them takes more inspector-days than they are worth.

Starting from a plan with the fewest entries, weak crews are sent home one after the other: their checks become
entries of their own, placed where crews already out have room. Each step trades entries for inspector-days.
"""

from __future__ import annotations

from dataclasses import replace

from optimizer.assemble import assemble, measures
from optimizer.board import Board
from optimizer.errors import refuse
from optimizer.inforce import InForce, lay_out, leave
from optimizer.instance import instance, most_officers
from optimizer.jobs import OFFICER, Crew, Offer, Placed
from optimizer.keep import restore, snapshot
from optimizer.model import PackingProblem, Parameters, Plan, Point
from optimizer.solve import gap_ppm
from optimizer.validate import validate

POINTS = 12


def separate(problem: PackingProblem, parameters: Parameters, plan: Plan, price_milli: int) -> Plan:
    """The plan with visits kept apart wherever one entry less costs more than `price_milli` / 1000 inspector-days.

    Raises `Refused` for a negative price. Bounds and baselines are those of the plan: they hold for the same checks.
    """
    if price_milli < 0:
        raise refuse(
            "packing.bad_price",
            f"每避免一次进入的代价为 {price_milli}，不得为负。",
            f"The price of an avoided entry is {price_milli}; it must not be negative.",
            "设为 0 或更大。",
            "Set it to 0 or more.",
            value=price_milli,
        )
    trade = _trade(problem, parameters, plan)
    trade.run(price_milli)
    outcome = assemble(trade.found.inst, trade.found.boards)
    report = replace(
        plan.report,
        plan=measures(outcome),
        gap_ppm=gap_ppm(
            sum(route.officers for route in outcome.routes), plan.report.inspector_days_bound.value
        ),
    )
    return Plan(outcome.visits, outcome.routes, plan.unscheduled, report)


def curve(problem: PackingProblem, parameters: Parameters, plan: Plan) -> tuple[Point, ...]:
    """Entries against inspector-days from the plan on, ascending by entries, none dominated by another."""
    trade = _trade(problem, parameters, plan)
    first = (plan.report.plan.entries, plan.report.plan.inspector_days)
    trade.run(0)
    steps = [first]
    for entries, days in trade.steps:
        steps.append((steps[-1][0] + entries, steps[-1][1] - days))
    return _points(_undominated(steps))


def _trade(problem: PackingProblem, parameters: Parameters, plan: Plan) -> _Trade:
    validate(problem, parameters)
    inst, _ = instance(problem, parameters)
    found = lay_out(inst, plan, 0)
    for own in found.boards:
        own.floors = [0] * len(own.jobs)
    return _Trade(found)


class _Trade:
    """Crews sent home one by one; `steps` are (entries added, inspector-days saved)."""

    def __init__(self, found: InForce) -> None:
        self.found = found
        self.most = most_officers(found.inst)
        self.number_of = {check.check_id: number for number, check in enumerate(found.inst.checks)}
        self.steps: list[tuple[int, int]] = []
        self.alone: dict[tuple[int, tuple[str, ...]], int] = {}

    def run(self, price_milli: int) -> None:
        """Weakest crews first; a crew goes when the entries this adds are worth less than its officers."""
        for stops in range(1, self.found.inst.parameters.max_entries + 1):
            for own in self.found.boards:
                for day in range(self.found.inst.days):
                    for department in range(len(self.found.inst.departments)):
                        self._row(own, day, department, stops, price_milli)

    def _row(self, own: Board, day: int, department: int, stops: int, price_milli: int) -> None:
        tried: set[tuple[int, ...]] = set()
        while True:
            crews = [
                c for c in own.crews[day][department] if len(c.jobs) == stops and tuple(c.jobs) not in tried
            ]
            if not crews:
                return
            tried.add(tuple(crews[0].jobs))
            added = sum(1 for index in crews[0].jobs if len(own.jobs[index].tasks) > 1)
            if added * price_milli <= crews[0].officers * 1000:
                self._dissolve(own, crews[0], department, day, added)

    def _dissolve(self, own: Board, crew: Crew, department: int, day: int, added: int) -> None:
        if any(task.offset for index in crew.jobs for task in own.jobs[index].tasks):
            return
        indices, officers = crew.jobs[:], crew.officers
        alone = [self._alone(own, index, department) for index in indices]
        if not all(self._offers(own, index) for index in alone):
            return
        kept = snapshot(own, list(range(len(own.crews))))
        jobs = {index: own.jobs[index] for index in indices}
        leave(own, crew, department, day)
        for index in indices:
            self._take(own, index, department)
        own.retime(day)
        if all(self._place(own, index) for index in alone):
            self.steps.append((added, officers))
            return
        restore(own, kept)
        for index, before in jobs.items():
            own.become(index, before)

    def _alone(self, own: Board, index: int, department: int) -> int:
        """The job that would do only the department's part; the visit itself where it does nothing else."""
        before = own.jobs[index]
        if len(before.tasks) == 1:
            return index
        task = next(task for task in before.tasks if task.department == department)
        key = (before.target, task.checks)
        if key not in self.alone:
            numbers = sorted(self.number_of[check] for check in task.checks)
            made = self.found.job(before.target, numbers, self.most)
            self.alone[key] = own.add(replace(made, apart=False))
        return self.alone[key]

    def _take(self, own: Board, index: int, department: int) -> None:
        """The department's part out of a visit; a visit without others is off the board."""
        before, placed = own.jobs[index], own.placed[index]
        assert placed is not None
        if len(before.tasks) == 1:
            own.placed[index] = None
            return
        part = next(k for k, task in enumerate(before.tasks) if task.department == department)
        own.placed[index] = Placed(placed.day, placed.crews[:part] + placed.crews[part + 1 :])
        own.become(index, replace(before, tasks=before.tasks[:part] + before.tasks[part + 1 :]))

    def _offers(self, own: Board, index: int) -> list[Offer]:
        """Places in crews already out, cheapest first, on days without a visit of the target; none without entries."""
        wanted = own.jobs[index]
        others = [i for i in self.found.live(wanted.target) if i != index]
        most = self.found.inst.sites[wanted.target].entries_left
        if most is not None and len(others) >= most:
            return []
        busy = {placed.day for i in others if (placed := own.placed[i]) is not None}
        offers = [
            offer for day in wanted.days if day not in busy and (offer := own.offer(index, day)) is not None
        ]
        return sorted(
            (offer for offer in offers if offer.cost < OFFICER), key=lambda row: (row.cost, row.day)
        )

    def _place(self, own: Board, index: int) -> bool:
        return any(own.place(index, offer) for offer in self._offers(own, index))


def _undominated(steps: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ascending by entries, inspector-days strictly falling."""
    kept: list[tuple[int, int]] = []
    for entries, days in sorted(steps):
        if not kept or days < kept[-1][1]:
            kept.append((entries, days))
    return kept


def _points(steps: list[tuple[int, int]]) -> tuple[Point, ...]:
    """At most POINTS of them, first and last among them, evenly by number, with the price at which each is chosen."""
    last = len(steps) - 1
    count = min(POINTS, len(steps))
    places = sorted({last * n // (count - 1) for n in range(count)}) if count > 1 else [0]
    chosen = [steps[place] for place in places]
    points = []
    for number, (entries, days) in enumerate(chosen):
        price = 0
        if number + 1 < len(chosen):
            more, fewer = chosen[number + 1]
            price = 1000 * (days - fewer) // (more - entries)
        points.append(Point(entries, days, price))
    return tuple(points)
