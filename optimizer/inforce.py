"""A plan in force laid out on boards again: the same crews, orders, starts and ids, without what no longer holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from optimizer.assemble import Known
from optimizer.board import Board
from optimizer.cells import capacity
from optimizer.instance import Instance, job, most_officers
from optimizer.jobs import NO_LIMIT, Crew, Job, Placed, Task
from optimizer.keep import restore, snapshot
from optimizer.model import Plan, Visit
from optimizer.travel import matrix


@dataclass(slots=True)
class InForce:
    """Boards by district, the ids people were told, and the numbers of checks that need a new place.

    `places`: a site's row in the travel table of its district's board. `crews_fixed`: no crew may be made, grow or
    learn, for its seats are drawn.
    """

    inst: Instance
    districts: list[str]
    boards: list[Board]
    places: dict[int, int] = field(default_factory=dict)
    visits: dict[tuple[int, int], str] = field(default_factory=dict)
    routes: dict[int, str] = field(default_factory=dict)
    crews: list[Crew] = field(default_factory=list)
    loose: list[int] = field(default_factory=list)
    crews_fixed: bool = False

    def known(self) -> Known:
        """For `assemble`."""
        return Known(self.visits, self.routes)

    def shut(self) -> None:
        """Where crews are fixed, nothing that a crew gives back makes another one."""
        if self.crews_fixed and self.boards:
            for row in self.boards[0].heads:
                row[:] = [min(0, left) for left in row]
            for held in self.boards[0].skills:
                held.update({bit: min(0, left) for bit, left in held.items()})

    def send_idle_home(self) -> None:
        """Crews without a stop do not go out."""
        for own in self.boards:
            for rows in own.crews:
                for row in rows:
                    row[:] = [crew for crew in row if crew.jobs]

    def board_of(self, site: int) -> tuple[int, Board]:
        """The board of a site's district and its number."""
        number = self.districts.index(self.inst.sites[site].district)
        return number, self.boards[number]

    def job(self, site: int, numbers: Sequence[int], most: Sequence[int]) -> Job:
        """A visit of a site, at its place on the district's board."""
        return replace(job(self.inst, site, numbers, most), place=self.places[site])

    def live(self, site: int) -> list[int]:
        """Numbers of the site's placed jobs on its board."""
        own = self.board_of(site)[1]
        return [i for i, row in enumerate(own.jobs) if row.target == site and own.placed[i] is not None]


def lay_out(inst: Instance, plan: Plan, first_day: int, crews_fixed: bool = False) -> InForce:
    """Visits before `first_day` stay as they are; later ones lose the checks that their day no longer allows.

    With `crews_fixed` every route stays, one without stops too.
    """
    heads, skills = capacity(inst, 0)
    districts = sorted({site.district for site in inst.sites})
    of_district: dict[str, list[int]] = {name: [] for name in districts}
    for number, site in enumerate(inst.sites):
        of_district[site.district].append(number)
    boards = [
        Board([], _travel(inst, of_district[name]), inst.parameters, heads, skills) for name in districts
    ]
    places = {site: row for own in of_district.values() for row, site in enumerate(own)}
    found = InForce(inst, districts, boards, places, crews_fixed=crews_fixed)
    number_of = {check.check_id: number for number, check in enumerate(inst.checks)}
    site_of = {site.target_id: number for number, site in enumerate(inst.sites)}
    most = most_officers(inst)
    begins = {(stop.visit_id, route.department): stop.start for route in plan.routes for stop in route.stops}
    placed: set[int] = set()
    for visit in plan.visits:
        numbers = [number_of[name] for name in visit.checks if name in number_of]
        kept = [n for n in numbers if visit.day < first_day or inst.allowed[n] >> visit.day & 1]
        if kept and visit.target_id in site_of:
            number = site_of[visit.target_id]
            _seat(found, visit, *_as_told(inst, found.job(number, sorted(kept), most), visit, begins))
            placed.update(kept)
    found.loose = [number for number in range(len(inst.checks)) if number not in placed]
    _crews(found, plan)
    return found


def _travel(inst: Instance, sites: Sequence[int]) -> list[list[int]]:
    rows: list[list[int]] = matrix([inst.sites[site] for site in sites], inst.parameters).tolist()
    return rows


def _as_told(inst: Instance, made: Job, visit: Visit, begins: dict[tuple[str, str], int]) -> tuple[Job, int]:
    """The job with each crew's offset as it was told, and the minute of the day at which its first crew begins."""
    departments = [inst.departments[task.department].department for task in made.tasks]
    told = [begins.get((visit.visit_id, name), visit.start) for name in departments]
    first = min(told)
    tasks = (replace(task, offset=start - first) for task, start in zip(made.tasks, told, strict=True))
    return replace(made, tasks=tuple(tasks), apart=False), first - inst.parameters.day_start


def _seat(found: InForce, visit: Visit, made: Job, start: int) -> None:
    number, own = found.board_of(made.target)
    index = own.add(made)
    own.floors[index] = own.earliest[index] = start
    own.placed[index] = Placed(visit.day, [Crew()] * len(made.tasks))
    found.visits[number, index] = visit.visit_id


def _crews(found: InForce, plan: Plan) -> None:
    """The routes as they were told, without the stops that have gone."""
    index_of = {name: key for key, name in found.visits.items()}
    department_of = {row.department: number for number, row in enumerate(found.inst.departments)}
    for route in plan.routes:
        department = department_of.get(route.department)
        keys = [index_of[stop.visit_id] for stop in route.stops if stop.visit_id in index_of]
        keys = [(b, i) for b, i in keys if department in found.boards[b].parts[i]]
        if department is None or (not keys and not found.crews_fixed):
            continue
        own = found.boards[found.districts.index(route.district)]
        crew = own.hire(department, route.day)
        if found.crews_fixed:
            skills = [found.inst.skill_bits[department, name] for name in route.specialties]
            own.resize(crew, department, route.day, route.officers, NO_LIMIT, sum(skills))
        found.routes[id(crew)] = route.route_id
        found.crews.append(crew)
        for _, index in keys:
            join_as(own, crew, index, department, len(crew.jobs))
    for own in found.boards:
        for day in range(found.inst.days):
            own.retime(day)
    found.shut()


def join_as(own: Board, crew: Crew, index: int, department: int, position: int) -> None:
    """Make a crew the one that does a placed job's part for a department."""
    part = next(k for k, task in enumerate(own.jobs[index].tasks) if task.department == department)
    placed = own.placed[index]
    assert placed is not None
    placed.crews[part] = crew
    own.join(crew, position, index, own.jobs[index].tasks[part], placed.day)


def hand_over(own: Board, index: int, department: int) -> bool:
    """Give one part of a placed job to a crew already out, at the same start, moving nobody; False: nobody can.

    The part must have been taken from its crew before.
    """
    placed = own.placed[index]
    assert placed is not None
    task = next(task for task in own.jobs[index].tasks if task.department == department)
    start = own.earliest[index]
    best: tuple[int, Crew, int] | None = None
    options = own.options(task, own.jobs[index].place, placed.day, (start, start))
    for low, high, _, cost, _, free, crew, position in options:
        if crew is not None and low <= start <= min(high, free) and (best is None or cost < best[0]):
            best = (cost, crew, position)
    if best is None:
        return False
    join_as(own, best[1], index, department, best[2])
    return True


def hire_for(own: Board, index: int, department: int) -> bool:
    """Give one part of a placed job to a new crew, if the day has heads and skills for it."""
    placed = own.placed[index]
    assert placed is not None
    task = next(task for task in own.jobs[index].tasks if task.department == department)
    start = own.earliest[index]
    options = own.options(task, own.jobs[index].place, placed.day, (start, start))
    if not any(option[6] is None for option in options):
        return False
    join_as(own, own.hire(department, placed.day), index, department, 0)
    return True


def stay_longer(own: Board, index: int, longer: Task) -> bool:
    """Give a placed job's part more to do, by the crew that comes for it, later visits pushed; False, and nothing
    changed: the crew lacks people or skills, or somebody's day would not end in time.
    """
    before, placed = own.jobs[index], own.placed[index]
    assert placed is not None
    part = next(k for k, task in enumerate(before.tasks) if task.department == longer.department)
    task, crew = replace(longer, offset=before.tasks[part].offset), placed.crews[part]
    if not own.able(crew, task, placed.day):
        return False
    position, kept = crew.jobs.index(index), snapshot(own, [placed.day])
    own.become(index, replace(before, tasks=(*before.tasks[:part], task, *before.tasks[part + 1 :])))
    crew.jobs.remove(index)
    own.join(crew, position, index, task, placed.day)
    own.latest[index] = own.parameters.day_minutes - own.lengths[index]
    if own.settle(index):
        own.retime(placed.day)
        return True
    own.become(index, before)
    restore(own, kept)
    return False


def leave(own: Board, crew: Crew, department: int, day: int) -> Sequence[int]:
    """Send a crew home; the jobs whose part it leaves undone."""
    jobs = crew.jobs[:]
    own.crews[day][department].remove(crew)
    own.resize(crew, department, day, 0, NO_LIMIT, 0)
    crew.jobs.clear()
    return jobs
