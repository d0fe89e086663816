"""A routing engine with skills in place of teams that stay together: VROOM, in a process and environment of its own.

Reads one JSON object from standard input: `legs` (minutes, n x n), `lengths`, `skills` (departments of each visit),
`fleet` (departments and officers of each team that could go out), `day`, `most`. Prints `{"seconds", "teams",
"unassigned"}`: the visits of each team that went out. Windows and closed days are not asked of it.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from typing import Any

OFFICER = 100 * 3600
EXPLORATION = 5


def main() -> None:
    """Solve the one problem and print what came out."""
    asked = json.load(sys.stdin)
    vroom = import_module("vroom")
    numpy = import_module("numpy")
    count = len(asked["lengths"])
    legs = numpy.zeros(
        (count + 1, count + 1), numpy.uint32
    )  # the last place is the office: no way is counted
    legs[:count, :count] = asked["legs"]
    problem = _problem(vroom, asked, legs)
    start = time.process_time()
    found = problem.solve(exploration_level=EXPLORATION, nb_threads=1)
    seconds = time.process_time() - start
    routes = found.routes
    jobs = routes[routes["type"] == "job"]
    teams = [[int(i) for i in rows["id"]] for _, rows in jobs.groupby("vehicle_id")]
    print(json.dumps({"seconds": seconds, "teams": teams, "unassigned": len(found.unassigned)}))


def _problem(vroom: Any, asked: dict[str, Any], legs: Any) -> Any:
    """Teams as vehicles: what they cost is their officers first, then minutes on the way."""
    problem = vroom.Input()
    problem.set_durations_matrix("car", legs)
    office = len(asked["lengths"])
    for number, (skills, officers) in enumerate(asked["fleet"]):
        problem.add_vehicle(
            vroom.Vehicle(
                number,
                start=office,
                end=office,
                skills=set(skills),
                time_window=vroom.TimeWindow(0, asked["day"]),
                costs=vroom.VehicleCosts(fixed=officers * OFFICER),
                max_tasks=asked["most"],
            )
        )
    for number, (minutes, skills) in enumerate(zip(asked["lengths"], asked["skills"], strict=True)):
        problem.add_job(vroom.Job(number, location=number, default_service=minutes, skills=set(skills)))
    return problem


if __name__ == "__main__":
    main()
