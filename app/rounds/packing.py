"""From drawn targets to the packing's problem, and from its plan to the bundle's `visits.json` and `schedule.json`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from optimizer.model import Check, Department, PackingProblem, Parameters, Plan, Site
from scheduler.lottery.roster import Inspector, Roster
from scheduler.lottery.schedule import routes_json, visits_json


@dataclass(frozen=True, slots=True)
class ItemVersion:
    """What packing needs of a published check item."""

    code: str
    version: int
    department: str
    minutes: int
    officers: int
    specialties: tuple[str, ...]

    @property
    def name(self) -> str:
        """`code@version`, as bundles and plans write it."""
        return f"{self.code}@{self.version}"


@dataclass(frozen=True, slots=True)
class DrawnTask:
    """What one draw selected, and the items that each of its departments then checks."""

    draw_id: str
    items: tuple[ItemVersion, ...]
    selected: tuple[str, ...]

    def departments(self) -> tuple[str, ...]:
        """Departments that have an item in this task, ascending."""
        return tuple(sorted({item.department for item in self.items}))


def checks_of(tasks: Sequence[DrawnTask]) -> list[dict[str, Any]]:
    """One check per (target, department): the items of all draws that selected the target, each once.

    Rows are those of `visits.json`, ascending by `check_id` = `<target_id>/<department>`.
    """
    merged: dict[tuple[str, str], tuple[set[str], dict[str, ItemVersion]]] = {}
    for task in tasks:
        by_department = {
            name: {item.name: item for item in task.items if item.department == name}
            for name in task.departments()
        }
        for target_id in task.selected:
            for department, items in by_department.items():
                draws, known = merged.setdefault((target_id, department), (set(), {}))
                draws.add(task.draw_id)
                known.update(items)
    return [_check_row(*key, *merged[key]) for key in sorted(merged, key=lambda key: f"{key[0]}/{key[1]}")]


def _check_row(
    target_id: str, department: str, draws: set[str], items: Mapping[str, ItemVersion]
) -> dict[str, Any]:
    chosen = [items[name] for name in sorted(items)]
    return {
        "check_id": f"{target_id}/{department}",
        "target_id": target_id,
        "department": department,
        "draws": sorted(draws),
        "items": [item.name for item in chosen],
        "minutes": sum(item.minutes for item in chosen),
        "officers": max(item.officers for item in chosen),
        "specialties": sorted({specialty for item in chosen for specialty in item.specialties}),
    }


def heads(
    roster: Roster,
    days: Sequence[str],
    needed: Mapping[str, Collection[str]],
    fewer: Mapping[tuple[str, str], int] | None = None,
) -> list[Department]:
    """Officers who can be seated per department and day: certified, not on leave.

    `needed`: specialties that a department's checks ask for. `fewer`: heads to leave out of (department, date),
    where the lottery found that more crews could not be seated.
    """
    absent = {(leave.code, day) for leave in roster.leave for day in days if leave.start <= day <= leave.end}
    found = []
    for name in sorted({inspector.department for inspector in roster.inspectors}):
        own = [inspector for inspector in roster.inspectors if inspector.department == name]
        present = [
            [
                person
                for person in own
                if person.certificate_expires >= day and (person.code, day) not in absent
            ]
            for day in days
        ]
        specialties = sorted({specialty for person in own for specialty in person.specialties})
        held = tuple((s, tuple(sum(s in p.specialties for p in day) for day in present)) for s in specialties)
        asked = sorted(needed.get(name, ()))
        left_out = [(fewer or {}).get((name, day), 0) for day in days]
        counts = tuple(
            max(0, _seatable(day, asked) - out) for day, out in zip(present, left_out, strict=True)
        )
        found.append(Department(name, counts, held))
    return found


def _seatable(present: Sequence[Inspector], asked: Sequence[str]) -> int:
    """Heads that crews can be made of on one day.

    Each crew's first seat takes a lead officer, the next one a holder of the specialty it asks for: so crews have
    at most two heads for each lead, and no more heads than there are leads and holders together.
    """
    leads = sum(person.lead for person in present)
    useful = [sum(p.lead or specialty in p.specialties for p in present) for specialty in asked]
    return min([len(present), 2 * leads, *useful])


def problem(
    document: Mapping[str, Any], roster: Roster, fewer: Mapping[tuple[str, str], int] | None = None
) -> PackingProblem:
    """The packing problem of a round: `document` is the stored `internal/packing.json`; `fewer` as in `heads`."""
    days = tuple(document["days"])
    needed: dict[str, set[str]] = defaultdict(set)
    for row in document["checks"]:
        needed[row["department"]].update(row["specialties"])
    weekdays = [date.fromisoformat(day).isoweekday() for day in days]
    return PackingProblem(
        days=days,
        checks=tuple(
            Check(
                row["check_id"],
                row["target_id"],
                row["department"],
                row["minutes"],
                row["officers"],
                tuple(row["specialties"]),
            )
            for row in document["checks"]
        ),
        sites=tuple(_site(row, weekdays) for row in document["sites"]),
        departments=tuple(heads(roster, days, needed, fewer)),
    )


def _site(row: Mapping[str, Any], weekdays: Sequence[int]) -> Site:
    closed = tuple(index for index, weekday in enumerate(weekdays) if weekday in row["closed_weekdays"])
    return Site(
        target_id=row["target_id"],
        district=row["district"],
        east_m=row["east_m"],
        north_m=row["north_m"],
        closed_days=closed,
        people_cap=row["people_cap"],
        estimated=row["estimated"],
    )


def visits_file(plan: Plan, asked: PackingProblem, checks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """`visits.json`."""
    return {
        "visits": visits_json(plan, asked.days),
        "people_caps": {
            site.target_id: site.people_cap for site in asked.sites if site.people_cap is not None
        },
        "checks": [dict(row) for row in checks],
        "unscheduled": [
            {"check_id": row.check_id, "code": row.code, "reason": row.reason_zh, "remedy": row.remedy_zh}
            for row in plan.unscheduled
        ],
    }


def schedule_file(plan: Plan, days: Sequence[str], parameters: Parameters) -> dict[str, Any]:
    """`schedule.json`."""
    return {
        "days": list(days),
        "parameters": asdict(parameters),
        "routes": routes_json(plan, tuple(days)),
        "report": asdict(plan.report),
    }
