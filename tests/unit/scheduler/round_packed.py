"""The checks of a synthetic round, packed simply: poor but lawful, with a report that agrees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optimizer.model import Bound, Measures, Parameters, Plan, Report, Route, Stop, Visit
from scheduler.manifest import Manifest
from tests.unit.scheduler.round_frozen import SPECIALTIES


def make_checks(manifest: Manifest, selected: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """One check for each drawn target and department of its draws."""
    wanted: dict[tuple[str, str], list[str]] = {}
    for spec in manifest.draws:
        departments = spec.extra["departments"]
        assert isinstance(departments, list)
        for target_id in selected[spec.draw_id]:
            for department in departments:
                wanted.setdefault((target_id, str(department)), []).append(spec.draw_id)
    return [
        {
            "check_id": f"{target_id}/{department}",
            "target_id": target_id,
            "department": department,
            "draws": draws,
            "items": sorted({f"{draw_id}@1" for draw_id in draws} | {"COMMON@3"}),
            "minutes": 30,
            "officers": 2,
            "specialties": list(SPECIALTIES.get(department, ())),
        }
        for (target_id, department), draws in sorted(wanted.items())
    ]


def pack_simply(checks: list[dict[str, Any]]) -> Plan:
    """One visit a target, six visits a day, one route a department and day: poor but lawful."""
    by_target: dict[str, list[dict[str, Any]]] = {}
    for check in checks:
        by_target.setdefault(check["target_id"], []).append(check)
    visits: list[Visit] = []
    stops: dict[tuple[int, str], list[Stop]] = {}
    for place, (target_id, own) in enumerate(by_target.items()):
        day, start = place // 6, 600 + 60 * (place % 6)
        visits.append(Visit(f"V{place:04}", target_id, day, start, tuple(check["check_id"] for check in own)))
        for check in own:
            stop = Stop(f"V{place:04}", start - 10 if place % 6 else start, start, start + 30)
            stops.setdefault((day, check["department"]), []).append(stop)
    routes = tuple(
        Route(
            f"R{day:02}-{department[:2]}",
            department,
            "天山区",
            day,
            2,
            SPECIALTIES.get(department, ()),
            tuple(own),
        )
        for (day, department), own in sorted(stops.items())
    )
    return Plan(tuple(visits), routes, (), make_report(checks, tuple(visits), routes))


def make_report(checks: list[dict[str, Any]], visits: tuple[Visit, ...], routes: tuple[Route, ...]) -> Report:
    """A report whose figures agree with the plan: each visit is 30 minutes of two officers per check."""
    people, alone = 2 * len(routes), Measures(len(checks), 2 * len(checks), 0, 30 * len(checks), 2)
    crowd = max(2 * len(visit.checks) for visit in visits)
    plan = Measures(len(visits), people, 0, 30 * len(visits), crowd)
    return Report(
        plan,
        alone,
        plan,
        len(visits),
        Bound(people // 2, "energy"),
        500_000,
        0,
        "simple",
        "1",
        True,
        Parameters(),
    )
