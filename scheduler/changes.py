"""The plan after it was bound: changes of visits and stops, as events.json publishes them. docs/bundle.md.

The committed files never change; what holds on a day is what they and the changes so far make together. Routes, with
their officers, dates and seats, stay as drawn: a change only moves stops between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

CHANGE = "plan_change"


def after_changes(
    visits: Mapping[str, Any], schedule: Mapping[str, Any], events: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """visits.json and schedule.json as they stand when these events have happened; idle routes have no stops."""
    rows = {row["visit_id"]: row for row in visits["visits"]}
    checks = {row["check_id"]: row for row in visits["checks"]}
    left = {row["check_id"]: row for row in visits["unscheduled"]}
    routes = {row["route_id"]: row for row in schedule["routes"]}
    for event in events:
        if event["type"] != CHANGE:
            continue
        for visit_id in event["cancelled"]:
            del rows[visit_id]
        rows |= {row["visit_id"]: row for row in event["visits"]}
        checks |= {row["check_id"]: row for row in event["checks"]}
        left |= {row["check_id"]: row for row in event["unscheduled"]}
        routes |= {row["route_id"]: {**routes[row["route_id"]], **row} for row in event["routes"]}
    placed = {check_id for row in rows.values() for check_id in row["checks"]}
    now = {
        **visits,
        "visits": _ascending(rows),
        "checks": _ascending(checks),
        "unscheduled": [row for row in _ascending(left) if row["check_id"] not in placed],
    }
    return now, {**schedule, "routes": _ascending(routes)}


def _ascending(rows: Mapping[str, Any]) -> list[Any]:
    return [rows[key] for key in sorted(rows, key=str.encode)]


def difference(
    before: tuple[Mapping[str, Any], Mapping[str, Any]], after: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> dict[str, Any]:
    """The keys `visits`, `cancelled`, `routes`, `checks`, `unscheduled` of the event that leads from one to the other.

    Routes that `after` does not have any more have no stops left.
    """
    old = {row["visit_id"]: row for row in before[0]["visits"]}
    new = {row["visit_id"]: row for row in after[0]["visits"]}
    known = {row["check_id"] for row in before[0]["checks"]}
    left = {row["check_id"] for row in before[0]["unscheduled"]}
    stops: dict[str, Sequence[Any]] = {row["route_id"]: row["stops"] for row in after[1]["routes"]}
    return {
        "cancelled": sorted(old.keys() - new.keys(), key=str.encode),
        "visits": [row for name, row in new.items() if old.get(name) != row],
        "routes": [
            {"route_id": row["route_id"], "stops": stops.get(row["route_id"], [])}
            for row in before[1]["routes"]
            if row["stops"] != stops.get(row["route_id"], [])
        ],
        "checks": [row for row in after[0]["checks"] if row["check_id"] not in known],
        "unscheduled": [row for row in after[0]["unscheduled"] if row["check_id"] not in left],
    }
