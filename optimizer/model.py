"""What packing takes and gives: frozen dataclasses, integers and text only, so that a plan has one hash.

Days are indexes into `PackingProblem.days`; minutes of a day count from midnight; places are metres east and
north of the city's origin. Words as in the field: a *visit* is one entry of one target on one day, a *route* is
one department's crew through the visits of one district on one day, a *seat* is one officer's place on a route.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """One department's work at one target: all its items together. `days` empty means every day."""

    check_id: str
    target_id: str
    department: str
    minutes: int
    officers: int = 2
    specialties: tuple[str, ...] = ()
    days: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """A target as packing sees it. `closed_days` are days when nobody may come, with the reason elsewhere."""

    target_id: str
    district: str
    east_m: int
    north_m: int
    closed_days: tuple[int, ...] = ()
    people_cap: int | None = None
    entries_left: int | None = None
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Department:
    """Heads available per day (index = day), and per specialty the heads that hold it per day."""

    department: str
    heads: tuple[int, ...]
    specialists: tuple[tuple[str, tuple[int, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class ForbiddenPair:
    """Two checks of one target that must not share a visit, and why."""

    check_a: str
    check_b: str
    reason: str


@dataclass(frozen=True, slots=True)
class Parameters:
    """Everything that shapes a plan; it stands in the manifest, so a plan can be made again.

    Travel between two places takes ceil(straight metres x detour_permille / 1000 / speed) + `parking_min`
    minutes, 0 within one place; the way from and to the office is not counted. `price_milli`: thousandths of an
    inspector-day that an avoided entry may cost; None: whatever it costs.
    """

    profile: Literal["fast", "standard"] = "fast"
    seed: int = 1
    day_start: int = 600
    day_minutes: int = 420
    max_entries: int = 6
    speed_m_per_min: int = 500
    detour_permille: int = 1300
    parking_min: int = 5
    price_milli: int | None = None


@dataclass(frozen=True, slots=True)
class PackingProblem:
    """`days` are ISO dates in order. Checks, sites and departments in any order: the solver sorts them."""

    days: tuple[str, ...]
    checks: tuple[Check, ...]
    sites: tuple[Site, ...]
    departments: tuple[Department, ...]
    forbidden: tuple[ForbiddenPair, ...] = ()


@dataclass(frozen=True, slots=True)
class Visit:
    """One entry: `checks` done together at `target_id` on `day`, starting at minute `start`."""

    visit_id: str
    target_id: str
    day: int
    start: int
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """A crew at a visit: it arrives, may wait, begins with the others at `start`, has done its own work at `end`."""

    visit_id: str
    arrive: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Route:
    """One department's crew of `officers` on one day in one district. `specialties`: a seat must hold each."""

    route_id: str
    department: str
    district: str
    day: int
    officers: int
    specialties: tuple[str, ...]
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class Unscheduled:
    """A check that found no place, the rule that stood in its way, and the cheapest remedy known."""

    check_id: str
    code: str
    reason_zh: str
    reason_en: str
    remedy_zh: str = ""
    remedy_en: str = ""


@dataclass(frozen=True, slots=True)
class Measures:
    """The four measures that are always shown side by side, for one way of organising the same checks."""

    entries: int
    inspector_days: int
    travel_min: int
    host_min: int
    people_per_visit_max: int


@dataclass(frozen=True, slots=True)
class Bound:
    """A proven lower bound on inspector-days: its value and how it was obtained (`energy`, `columns`, …)."""

    value: int
    kind: str


@dataclass(frozen=True, slots=True)
class TeamPhase:
    """The plan before crews leave early: teams that stay together all day, each within a cell of visits.

    `bound` and `gap_ppm` (of `certified_inspector_days`, rounded up) speak of the certified cells only; in a small
    city these are all cells. Heads per day are held against neither.
    """

    inspector_days: int
    travel_min: int
    cells: int
    certified_cells: tuple[str, ...]
    certified_inspector_days: int
    bound: Bound
    gap_ppm: int


@dataclass(frozen=True, slots=True)
class Point:
    """One way of organising the same checks, and the price (thousandths of an inspector-day per avoided entry) of it.

    `price_milli`: what each entry that the next point has more saves there; 0 for the fewest inspector-days.
    """

    entries: int
    inspector_days: int
    price_milli: int


@dataclass(frozen=True, slots=True)
class Report:
    """A plan against its bounds and against departments alone and greedy joining; gap in parts per million.

    `curve`: entries against inspector-days from the fewest entries on, no point dominated; empty where not asked for.
    `team`: before crews leave early, with the certified bound on that; `inspector_days_bound` is of any organisation.
    """

    plan: Measures
    alone: Measures
    greedy: Measures
    entries_bound: int
    inspector_days_bound: Bound
    gap_ppm: int
    estimated_places: int
    solver: str
    version: str
    reproducible: bool
    parameters: Parameters
    curve: tuple[Point, ...] = ()
    team: TeamPhase | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Visits and routes ascending by id, what found no place, and the report."""

    visits: tuple[Visit, ...]
    routes: tuple[Route, ...]
    unscheduled: tuple[Unscheduled, ...]
    report: Report
