"""A packed plan's visits and routes as visits.json and schedule.json publish them. docs/bundle.md."""

from __future__ import annotations

from typing import Any

from optimizer.model import Plan


def visits_json(plan: Plan, days: tuple[str, ...]) -> list[dict[str, Any]]:
    """The list `visits` of visits.json, ascending by id."""
    return [
        {
            "visit_id": visit.visit_id,
            "target_id": visit.target_id,
            "date": days[visit.day],
            "start": visit.start,
            "checks": list(visit.checks),
        }
        for visit in sorted(plan.visits, key=lambda item: item.visit_id.encode())
    ]


def routes_json(plan: Plan, days: tuple[str, ...]) -> list[dict[str, Any]]:
    """The list `routes` of schedule.json, ascending by id."""
    return [
        {
            "route_id": route.route_id,
            "department": route.department,
            "district": route.district,
            "date": days[route.day],
            "officers": route.officers,
            "specialties": list(route.specialties),
            "stops": [
                {"visit_id": stop.visit_id, "arrive": stop.arrive, "start": stop.start, "end": stop.end}
                for stop in route.stops
            ],
        }
        for route in sorted(plan.routes, key=lambda item: item.route_id.encode())
    ]
