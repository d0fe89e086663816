"""A plan under construction: crews of every department and day, and the cheapest place for one more job.

A job is a visit before it has a day. Its crews begin together (or at fixed offsets where people are capped). Starts
are not fixed: each placed job has an earliest and a latest start that follow from the crews' orders, so a job put
between others pushes them instead of being refused. A start that suits every department is found by intersecting
bit masks: bit m stands for "the visit may begin at minute m of the working day".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from optimizer.jobs import NO_LIMIT, OFFICER, Crew, Job, Offer, Placed, Task
from optimizer.model import Parameters
from optimizer.offers import FAR, Option, cheapest, combine, pick, reach, unpushed

NEW_SKILL = 30


@dataclass(slots=True)
class Board:
    """Days x departments of crews. `heads[day][department]` and `skills[day][skill bit]` are what is left.

    `floors`: minutes before which a job must not begin; set where a plan in force has told people its start.
    """

    jobs: list[Job]
    travel: list[list[int]]
    parameters: Parameters
    heads: list[list[int]]
    skills: list[dict[int, int]]
    crews: list[list[list[Crew]]] = field(default_factory=list)
    placed: list[Placed | None] = field(default_factory=list)
    earliest: list[int] = field(default_factory=list)
    latest: list[int] = field(default_factory=list)
    floors: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    families: dict[int, list[int]] = field(default_factory=dict)
    parts: list[dict[int, tuple[int, int]]] = field(default_factory=list)
    staggered: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.crews = [[[] for _ in row] for row in self.heads]
        self.placed = [None] * len(self.jobs)
        self.earliest = [0] * len(self.jobs)
        self.latest = [0] * len(self.jobs)
        self.floors = [0] * len(self.jobs)
        for index in range(len(self.jobs)):
            self._know(index)

    def _know(self, index: int) -> None:
        """Length, parts and siblings of a job."""
        job = self.jobs[index]
        self.lengths.append(job.length)
        self.parts.append({t.department: (t.offset, t.offset + t.minutes) for t in job.tasks})
        if any(task.offset for task in job.tasks):
            self.staggered.add(index)
        if job.apart:
            family = self.families.setdefault(job.target, [])
            family.append(index)

    # ---- looking for a place

    def offer(self, index: int, day: int, pushing: bool = True) -> Offer | None:
        """The cheapest start of job `index` on `day`, or None where no start suits all its departments.

        `pushing`: visits after it may be moved later. Without, crews' orders can never contradict each other.
        """
        job = self.jobs[index]
        latest = self.parameters.day_minutes - self.lengths[index]
        if latest < 0 or (job.apart and self._sibling_on(index, day)):
            return None
        levels = {0: (1 << latest + 1) - 1}
        options: list[list[Option]] = []
        within = (0, latest)
        for task in job.tasks:
            own = self.options(task, job.place, day, within)
            if not pushing:
                own = unpushed(own)
            levels = combine(levels, own)
            if not levels:
                return None
            within = reach(levels)
            options.append(own)
        cost, start = cheapest(levels[min(levels)], options)
        return Offer(cost, day, start, tuple(pick(own, start) for own in options))

    def _sibling_on(self, index: int, day: int) -> bool:
        family = self.families[self.jobs[index].target]
        if len(family) == 1:
            return False
        held = (self.placed[other] for other in family if other != index)
        return any(placed is not None and placed.day == day for placed in held)

    def options(self, task: Task, place: int, day: int, within: tuple[int, int]) -> list[Option]:
        """Every gap of every crew of the department that could take the task, and a new crew if heads are left.

        Gaps without a start `within` first and last are left out.
        """
        department, officers = task.department, task.officers
        heads = self.heads[day][department]
        found: list[Option] = []
        for crew in self.crews[day][department]:
            extra = fee = 0
            new_skill = task.skills & ~crew.skills
            if officers > crew.officers or task.limit < crew.officers or crew.limit < officers or new_skill:
                if not self.able(crew, task, day):
                    continue
                extra = max(0, officers - crew.officers)
                fee = extra * OFFICER + (NEW_SKILL if new_skill else 0)
            if len(crew.jobs) < self.parameters.max_entries:
                self._gaps(found, crew, task, place, extra, fee, within)
        if heads >= officers and (not task.skills or self._skills_left(task.skills, day)):
            last = self.parameters.day_minutes - task.minutes - task.offset
            found.append((0, last, officers, officers * OFFICER, False, FAR, None, 0))
        return found

    def _gaps(
        self,
        found: list[Option],
        crew: Crew,
        task: Task,
        place: int,
        extra: int,
        fee: int,
        within: tuple[int, int],
    ) -> None:
        """Before, between and after the crew's stops: the starts each gap allows and the minutes it costs."""
        legs = self.travel[place]
        earliest, latest, parts = self.earliest, self.latest, self.parts
        department, offset = task.department, task.offset
        whole = offset + task.minutes
        low, leg_before, place_before, waits = 0, 0, -1, False
        first, last = within
        for position, stop in enumerate(crew.jobs):
            place_after = self.jobs[stop].place
            leg = legs[place_after]
            begins, ends = parts[stop][department]
            back = begins - leg - whole
            high = latest[stop] + back
            if low <= high and low <= last and high >= first:
                detour = leg_before + leg - (self.travel[place_before][place_after] if waits else 0)
                found.append((low, high, extra, fee + detour, waits, earliest[stop] + back, crew, position))
            low = earliest[stop] + ends + leg - offset
            if low < 0:
                low = 0
            leg_before, place_before, waits = leg, place_after, True
        high = self.parameters.day_minutes - whole
        if low <= high and low <= last and high >= first:
            found.append((low, high, extra, fee + leg_before, True, FAR, crew, len(crew.jobs)))

    def able(self, crew: Crew, task: Task, day: int) -> bool:
        """Whether a crew of the task's department has, or may still get, the people and skills that it asks for."""
        added = max(0, task.officers - crew.officers)
        if added > self.heads[day][task.department] or crew.officers + added > min(task.limit, crew.limit):
            return False
        return not task.skills & ~crew.skills or self._may_learn(crew, task, added, day)

    def _may_learn(self, crew: Crew, task: Task, extra: int, day: int) -> bool:
        """A crew takes on another specialty while specialists are left and each officer brings at most one."""
        together = crew.skills | task.skills
        if together.bit_count() > crew.officers + extra and together != task.skills:
            return False
        return self._skills_left(task.skills & ~crew.skills, day)

    def _skills_left(self, wanted: int, day: int) -> bool:
        left = self.skills[day]
        while wanted:
            bit = wanted & -wanted
            if left.get(bit, 0) <= 0:
                return False
            wanted ^= bit
        return True

    # ---- placing and taking away

    def place(self, index: int, offer: Offer) -> bool:
        """Carry out an offer; False (and nothing changed) where the crews' orders contradict each other."""
        job = self.jobs[index]
        day = offer.day
        held = []
        for task, (chosen, position) in zip(job.tasks, offer.picks, strict=True):
            crew = chosen or self.hire(task.department, day)
            self.join(crew, position, index, task, day)
            held.append(crew)
        self.placed[index] = Placed(day, held)
        self.earliest[index] = offer.start
        self.latest[index] = self.parameters.day_minutes - self.lengths[index]
        if self.settle(index):
            return True
        self.remove(index)
        return False

    def hire(self, department: int, day: int) -> Crew:
        """A crew without stops yet."""
        crew = Crew()
        self.crews[day][department].append(crew)
        return crew

    def join(self, crew: Crew, position: int, index: int, task: Task, day: int) -> None:
        """Put a job into a crew's order; the crew grows in officers and skills as the task needs."""
        crew.jobs.insert(position, index)
        if task.officers > crew.officers:
            self.heads[day][task.department] -= task.officers - crew.officers
            crew.officers = task.officers
        if task.limit < crew.limit:
            crew.limit = task.limit
        if task.skills & ~crew.skills:
            self._take_skills(task.skills & ~crew.skills, day, -1)
            crew.skills |= task.skills

    def remove(self, index: int) -> None:
        """Take a job off; empty crews go home. Call `retime` of its day when all that should go has gone."""
        placed = self.placed[index]
        assert placed is not None
        for task, crew in zip(self.jobs[index].tasks, placed.crews, strict=True):
            crew.jobs.remove(index)
            if not crew.jobs:
                self.crews[placed.day][task.department].remove(crew)
                self.resize(crew, task.department, placed.day, 0, NO_LIMIT, 0)
            elif crew.officers == task.officers != 2 or crew.limit != NO_LIMIT or task.skills:
                self.resize(crew, task.department, placed.day, *self._needs(crew, task.department))
        self.placed[index] = None

    def resize(self, crew: Crew, department: int, day: int, officers: int, limit: int, skills: int) -> None:
        """Set what a crew is, giving back to the day what it no longer takes."""
        self.heads[day][department] += crew.officers - officers
        if crew.skills != skills:
            self._take_skills(crew.skills & ~skills, day, 1)
        crew.officers, crew.limit, crew.skills = officers, limit, skills

    def _needs(self, crew: Crew, department: int) -> tuple[int, int, int]:
        officers, limit, skills = 0, NO_LIMIT, 0
        for index in crew.jobs:
            task = next(task for task in self.jobs[index].tasks if task.department == department)
            officers = max(officers, task.officers)
            limit = min(limit, task.limit)
            skills |= task.skills
        return officers, limit, skills

    def _take_skills(self, wanted: int, day: int, sign: int) -> None:
        left = self.skills[day]
        while wanted:
            bit = wanted & -wanted
            left[bit] = left.get(bit, 0) + sign
            wanted ^= bit

    # ---- times

    def settle(self, index: int) -> bool:
        """Spread a changed job's times to all before and after it; False: the day's orders contradict.

        Then every other job has its times as before: the trail of what was moved is taken back.
        """
        trail: list[tuple[list[int], int, int]] = []
        if self._pull(index, trail) and self._push(index, trail):
            return True
        for times, moved, old in reversed(trail):
            times[moved] = old
        return False

    def _pull(self, index: int, trail: list[tuple[list[int], int, int]]) -> bool:
        """Latest start of the job from its followers, then of all before it."""
        earliest, latest, parts, jobs, travel = self.earliest, self.latest, self.parts, self.jobs, self.travel
        placed = self.placed
        held = placed[index]
        assert held is not None
        own = latest[index]
        for task, crew in zip(jobs[index].tasks, held.crews, strict=True):
            at = crew.jobs.index(index) + 1
            if at < len(crew.jobs):
                after = crew.jobs[at]
                leg = travel[jobs[index].place][jobs[after].place]
                limit = latest[after] + parts[after][task.department][0] - leg - task.offset - task.minutes
                own = min(own, limit)
        latest[index] = own
        if own < earliest[index]:
            return False
        stack = [index]
        while stack:
            here = stack.pop()
            legs, due, mine = travel[jobs[here].place], latest[here], placed[here]
            assert mine is not None
            for (department, (begins, _)), crew in zip(parts[here].items(), mine.crews, strict=True):
                at = crew.jobs.index(here)
                if at:
                    before = crew.jobs[at - 1]
                    limit = due + begins - legs[jobs[before].place] - parts[before][department][1]
                    if limit < latest[before]:
                        if limit < earliest[before]:
                            return False
                        trail.append((latest, before, latest[before]))
                        latest[before] = limit
                        stack.append(before)
        return True

    def _push(self, index: int, trail: list[tuple[list[int], int, int]]) -> bool:
        """Earliest starts of all that follow a job."""
        earliest, latest, parts, jobs, travel = self.earliest, self.latest, self.parts, self.jobs, self.travel
        stack = [index]
        while stack:
            here = stack.pop()
            legs, begun, mine = travel[jobs[here].place], earliest[here], self.placed[here]
            assert mine is not None
            for (department, (_, ends)), crew in zip(parts[here].items(), mine.crews, strict=True):
                at = crew.jobs.index(here) + 1
                if at < len(crew.jobs):
                    after = crew.jobs[at]
                    need = begun + ends + legs[jobs[after].place] - parts[after][department][0]
                    if need > earliest[after]:
                        if need > latest[after]:
                            return False
                        trail.append((earliest, after, earliest[after]))
                        earliest[after] = need
                        stack.append(after)
        return True

    def on_day(self, day: int) -> list[int]:
        """Jobs placed on a day, by earliest start."""
        found = {index for row in self.crews[day] for crew in row for index in crew.jobs}
        return sorted(found, key=lambda index: (self.earliest[index], index))

    def retime(self, day: int) -> None:
        """All starts of a day afresh: the earliest passed on to followers, the latest handed back to those before.

        Jobs by their old starts are in an order that no crew contradicts, so one pass is enough; only where crews
        come one after the other can a visit that began earlier depend on a later one, and passes repeat.
        """
        order = self.on_day(day)
        for index in order:
            self.earliest[index] = self.floors[index]
            self.latest[index] = self.parameters.day_minutes - self.lengths[index]
        repeat = not self.staggered.isdisjoint(order)
        while sum(self._hand_on(index) for index in order) and repeat:
            pass
        order.reverse()
        while sum(self._hand_back(index) for index in order) and repeat:
            pass

    def _hand_on(self, index: int) -> bool:
        """Earliest starts of the jobs right after one; whether any moved."""
        earliest, parts, jobs, mine = self.earliest, self.parts, self.jobs, self.placed[index]
        legs, begun = self.travel[jobs[index].place], earliest[index]
        moved = False
        assert mine is not None
        for (department, (_, ends)), crew in zip(parts[index].items(), mine.crews, strict=True):
            at = crew.jobs.index(index) + 1
            if at < len(crew.jobs):
                after = crew.jobs[at]
                need = begun + ends + legs[jobs[after].place] - parts[after][department][0]
                if need > earliest[after]:
                    earliest[after] = need
                    moved = True
        return moved

    def _hand_back(self, index: int) -> bool:
        """Latest starts of the jobs right before one; whether any moved."""
        latest, parts, jobs, mine = self.latest, self.parts, self.jobs, self.placed[index]
        legs, due = self.travel[jobs[index].place], latest[index]
        moved = False
        assert mine is not None
        for (department, (begins, _)), crew in zip(parts[index].items(), mine.crews, strict=True):
            at = crew.jobs.index(index)
            if at:
                before = crew.jobs[at - 1]
                limit = due + begins - legs[jobs[before].place] - parts[before][department][1]
                if limit < latest[before]:
                    latest[before] = limit
                    moved = True
        return moved

    # ---- as a whole

    def add(self, job: Job) -> int:
        """One more job, not yet placed; its number comes back."""
        index = len(self.jobs)
        self.jobs.append(job)
        self.placed.append(None)
        self.earliest.append(0)
        self.latest.append(0)
        self.floors.append(0)
        self._know(index)
        return index

    def become(self, index: int, made: Job) -> None:
        """Another job under the same number, with the same place and day."""
        self.jobs[index] = made
        self.lengths[index] = made.length
        self.parts[index] = {
            task.department: (task.offset, task.offset + task.minutes) for task in made.tasks
        }
