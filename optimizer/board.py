"""A plan under construction: crews of every department and day with fixed starts, and the cheapest place for a job.

A job is a visit before it has a day. Its crews begin together (or at fixed offsets where people are capped), so a
start that suits every department is found by intersecting bit masks of minutes: bit m of a mask stands for
"the visit may begin at minute m of the working day".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from optimizer.model import Parameters

OFFICER = 1000
SAME_DAY = 400
NEW_SKILL = 30
UNPLACED = 100_000
NO_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Task:
    """One department's part of a job: `offset` minutes after the visit's start; crew of at most `limit`."""

    department: int
    minutes: int
    officers: int
    skills: int = 0
    offset: int = 0
    limit: int = NO_LIMIT
    checks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A visit to be placed: `place` indexes the travel table, `target` names the firm, `days` are allowed."""

    place: int
    target: int
    tasks: tuple[Task, ...]
    days: tuple[int, ...]

    @property
    def length(self) -> int:
        """Minutes from the first crew's start to the last crew's end."""
        return max(task.offset + task.minutes for task in self.tasks)


class Crew:
    """A department's crew on one day: its stops in order, with the minute each begins and ends."""

    __slots__ = ("ends", "jobs", "limit", "officers", "skills", "starts")

    def __init__(self) -> None:
        self.officers = 0
        self.limit = NO_LIMIT
        self.skills = 0
        self.jobs: list[int] = []
        self.starts: list[int] = []
        self.ends: list[int] = []

    def copy(self) -> Crew:
        """An independent crew with the same stops."""
        twin = Crew()
        twin.officers, twin.limit, twin.skills = self.officers, self.limit, self.skills
        twin.jobs, twin.starts, twin.ends = self.jobs[:], self.starts[:], self.ends[:]
        return twin


# (first start, last start, officers added, cost at minute 0, cost per minute of start, crew, position)
Option = tuple[int, int, int, int, int, Crew | None, int]


@dataclass(frozen=True, slots=True)
class Offer:
    """Where a job would go and what it would cost there."""

    cost: int
    day: int
    start: int
    picks: tuple[tuple[Crew | None, int], ...]


@dataclass(slots=True)
class Placed:
    """Where a job went: per task the crew that does it."""

    day: int
    start: int
    crews: list[Crew]


@dataclass(slots=True)
class Snapshot:
    """Enough of some days to undo what is done to them."""

    days: dict[int, list[list[Crew]]]
    heads: dict[int, list[int]]
    skills: dict[int, dict[int, int]]
    placed: dict[int, Placed | None]


@dataclass(slots=True)
class Board:
    """Days x departments of crews. `heads[day][department]` and `skills[day][skill bit]` are what is left."""

    jobs: list[Job]
    travel: list[list[int]]
    parameters: Parameters
    heads: list[list[int]]
    skills: list[dict[int, int]]
    crews: list[list[list[Crew]]] = field(default_factory=list)
    placed: list[Placed | None] = field(default_factory=list)
    by_target: dict[int, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.crews = [[[] for _ in row] for row in self.heads]
        self.placed = [None] * len(self.jobs)
        for index, job in enumerate(self.jobs):
            self.by_target.setdefault(job.target, []).append(index)

    # ---- looking for a place

    def offer(self, index: int, day: int) -> Offer | None:
        """The cheapest start of job `index` on `day`, or None where no start suits all its departments."""
        job = self.jobs[index]
        window = self._window(index, day)
        if not window:
            return None
        levels = {0: window}
        options: list[list[Option]] = []
        for task in job.tasks:
            own = self._options(task, job.place, day)
            levels = _combine(levels, own)
            if not levels:
                return None
            options.append(own)
        mask = levels[min(levels)]
        cost, start, picks = _cheapest(mask, options)
        return Offer(cost + self._same_day(index, day), day, start, picks)

    def _window(self, index: int, day: int) -> int:
        """Minutes at which the visit may begin: inside the day and not during another visit of the target."""
        job = self.jobs[index]
        length = job.length
        mask = (1 << max(0, self.parameters.day_minutes - length + 1)) - 1
        siblings = self.by_target[job.target]
        if len(siblings) == 1:
            return mask
        for other in siblings:
            placed = self.placed[other]
            if placed is not None and placed.day == day:
                low = max(0, placed.start - length + 1)
                high = placed.start + self.jobs[other].length - 1
                mask &= ~(((1 << (high - low + 1)) - 1) << low)
        return mask

    def _same_day(self, index: int, day: int) -> int:
        siblings = self.by_target[self.jobs[index].target]
        if len(siblings) == 1:
            return 0
        held = (self.placed[other] for other in siblings)
        return SAME_DAY if any(placed is not None and placed.day == day for placed in held) else 0

    def _options(self, task: Task, place: int, day: int) -> list[Option]:
        """Every gap of every crew of the department that could take the task, and a new crew if heads are left."""
        travel = self.travel[place]
        jobs = self.jobs
        end_of_day = self.parameters.day_minutes
        most = self.parameters.max_entries
        minutes, offset, officers = task.minutes, task.offset, task.officers
        heads = self.heads[day][task.department]
        found: list[Option] = []
        for crew in self.crews[day][task.department]:
            stops = crew.jobs
            count = len(stops)
            if count >= most:
                continue
            added = officers - crew.officers if officers > crew.officers else 0
            if added > heads or crew.officers + added > min(task.limit, crew.limit):
                continue
            extra = added * OFFICER
            if task.skills & ~crew.skills:
                if not self._skills_left(task.skills & ~crew.skills, day):
                    continue
                extra += NEW_SKILL
            starts, ends = crew.starts, crew.ends
            legs = [travel[jobs[stop].place] for stop in stops]
            high = starts[0] - legs[0] - minutes - offset
            if high >= 0:
                found.append((0, high, added, extra + starts[0] - offset, -1, crew, 0))
            for k in range(1, count):
                low = max(0, ends[k - 1] + legs[k - 1] - offset)
                high = starts[k] - legs[k] - minutes - offset
                if low <= high:
                    found.append((low, high, added, extra, 0, crew, k))
            low = max(0, ends[-1] + legs[-1] - offset)
            high = end_of_day - minutes - offset
            if low <= high:
                found.append((low, high, added, extra + offset + minutes - ends[-1], 1, crew, count))
        if heads >= officers and self._skills_left(task.skills, day):
            fresh = officers * OFFICER + minutes + (NEW_SKILL if task.skills else 0)
            found.append((0, end_of_day - minutes - offset, officers, fresh, 0, None, 0))
        return found

    def _skills_left(self, wanted: int, day: int) -> bool:
        left = self.skills[day]
        while wanted:
            bit = wanted & -wanted
            if left.get(bit, 0) <= 0:
                return False
            wanted ^= bit
        return True

    # ---- placing and taking away

    def place(self, index: int, offer: Offer) -> None:
        """Carry out an offer made for job `index`; no other change may lie between."""
        job = self.jobs[index]
        day = offer.day
        held = []
        for task, (crew, position) in zip(job.tasks, offer.picks, strict=True):
            if crew is None:
                crew = Crew()
                self.crews[day][task.department].append(crew)
            begin = offer.start + task.offset
            crew.jobs.insert(position, index)
            crew.starts.insert(position, begin)
            crew.ends.insert(position, begin + task.minutes)
            if task.officers > crew.officers:
                self.heads[day][task.department] -= task.officers - crew.officers
                crew.officers = task.officers
            crew.limit = min(crew.limit, task.limit)
            if task.skills & ~crew.skills:
                self._take_skills(task.skills & ~crew.skills, day, -1)
                crew.skills |= task.skills
            held.append(crew)
        self.placed[index] = Placed(day, offer.start, held)

    def remove(self, index: int) -> None:
        """Take job `index` off the board; crews left without a stop go home."""
        placed = self.placed[index]
        assert placed is not None
        for task, crew in zip(self.jobs[index].tasks, placed.crews, strict=True):
            position = crew.jobs.index(index)
            del crew.jobs[position], crew.starts[position], crew.ends[position]
            self._shrink(crew, task, placed.day)
        self.placed[index] = None

    def _shrink(self, crew: Crew, task: Task, day: int) -> None:
        """After a stop has gone: officers, limit and skills that nobody on the route needs any more."""
        if not crew.jobs:
            self.crews[day][task.department].remove(crew)
            officers, limit, skills = 0, NO_LIMIT, 0
        elif crew.officers == task.officers or crew.limit == task.limit or task.skills:
            officers, limit, skills = self._needs(crew, task.department)
        else:
            return
        self.heads[day][task.department] += crew.officers - officers
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

    # ---- undoing

    def snapshot(self, days: list[int]) -> Snapshot:
        """What `restore` needs to bring these days back; jobs on them are remembered with their crews."""
        twin: dict[int, Crew] = {}
        kept: dict[int, list[list[Crew]]] = {}
        for day in days:
            kept[day] = [[twin.setdefault(id(crew), crew.copy()) for crew in row] for row in self.crews[day]]
        placed: dict[int, Placed | None] = {}
        for day in days:
            for row in self.crews[day]:
                for crew in row:
                    for index in crew.jobs:
                        if index not in placed:
                            held = self.placed[index]
                            assert held is not None
                            placed[index] = Placed(day, held.start, [twin[id(one)] for one in held.crews])
        heads = {day: self.heads[day][:] for day in days}
        skills = {day: dict(self.skills[day]) for day in days}
        return Snapshot(kept, heads, skills, placed)

    def restore(self, before: Snapshot, also: list[int]) -> None:
        """Bring days back as they were; jobs in `also` that were nowhere are nowhere again."""
        for index in also:
            self.placed[index] = None
        for day, rows in before.days.items():
            self.crews[day] = rows
            self.heads[day] = before.heads[day]
            self.skills[day] = before.skills[day]
        for index, placed in before.placed.items():
            self.placed[index] = placed

    def cost_of(self, days: list[int]) -> int:
        """Officers x OFFICER plus the minutes crews are out, over some days."""
        return sum(
            crew.officers * OFFICER + crew.ends[-1] - crew.starts[0]
            for day in days
            for row in self.crews[day]
            for crew in row
        )


def _combine(levels: dict[int, int], options: list[Option]) -> dict[int, int]:
    """Starts by officers added so far, after one more department: level -> mask of minutes."""
    masks: dict[int, int] = {}
    for low, high, added, *_ in options:
        masks[added] = masks.get(added, 0) | (((1 << (high - low + 1)) - 1) << low)
    out: dict[int, int] = {}
    for level, mask in levels.items():
        for added, own in masks.items():
            both = mask & own
            if both:
                out[level + added] = out.get(level + added, 0) | both
    return out


def _cheapest(
    mask: int, options: list[list[Option]]
) -> tuple[int, int, tuple[tuple[Crew | None, int], ...]]:
    """The best start among the ends of the options' intervals inside `mask`; the earliest of equals."""
    best_cost, best_start = 1 << 60, -1
    for start in _candidates(mask, options):
        total = 0
        for own in options:
            cheapest = 1 << 60
            for low, high, _, cost, slope, _, _ in own:
                if low <= start <= high:
                    here = cost + slope * start
                    if here < cheapest:
                        cheapest = here
            total += cheapest
        if total < best_cost:
            best_cost, best_start = total, start
    return best_cost, best_start, tuple(_pick(own, best_start) for own in options)


def _candidates(mask: int, options: list[list[Option]]) -> list[int]:
    ends = {(mask & -mask).bit_length() - 1, mask.bit_length() - 1}
    for own in options:
        for low, high, *_ in own:
            ends.add(low)
            ends.add(high)
    return sorted(start for start in ends if mask >> start & 1)


def _pick(own: list[Option], start: int) -> tuple[Crew | None, int]:
    best = None
    least = 1 << 60
    for option in own:
        if option[0] <= start <= option[1] and option[3] + option[4] * start < least:
            least = option[3] + option[4] * start
            best = option
    assert best is not None
    return best[5], best[6]
