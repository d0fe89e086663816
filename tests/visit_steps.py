"""Steps of a visit that tests of visits take one after the other."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.errors import Refused
from app.visits import service
from app.visits.demo_story import demo_picture
from app.visits.desk import Actor
from app.visits.records import Record
from app.visits.service import Upload
from app.visits.tables import Visit, VisitCheck
from tests.visited_round import CLERK, Visited

REVIEWER, LEGAL, PUBLISHER = Actor("R1", "reviewer"), Actor("L1", "legal"), Actor("D1", "publisher")
FINE = Record("no_problem", "none", "", None)


def arrived(visited: Visited, visit: Visit) -> datetime:
    """Serve the notice and arrive; gives a moment after."""
    at = visited.at(visit)
    service.notify(visited.desk, visit.key, CLERK, at)
    service.arrive(visited.desk, visit.key, visited.crews(visit.key), CLERK, at + timedelta(minutes=1))
    return at + timedelta(minutes=2)


def answered(visited: Visited, visit: Visit, at: datetime, bad: str = "") -> None:
    given = {q["code"]: ("no" if q["code"] == bad else "yes", "") for q in visit.checklist}
    service.answer(visited.desk, visit.key, given, CLERK, at)


def proven(
    visited: Visited, visit: Visit, department: str, at: datetime, kind: str = "photo", n: int = 0
) -> str:
    upload = Upload(
        demo_picture(f"{visit.key}{department}{kind}{n}"), department, kind, at - timedelta(hours=n)
    )
    return service.add_evidence(visited.desk, visit.key, upload, CLERK, at).sha256


def inspector(visited: Visited, visit: Visit, check: VisitCheck) -> Actor:
    return Actor(visited.crews(visit.key)[check.department][0], "inspector", check.department)


def problem(refused: pytest.ExceptionInfo[Refused]) -> str:
    assert refused.value.problem.zh
    assert refused.value.problem.remedy_zh
    return refused.value.problem.code


def disclosed(visited: Visited) -> tuple[Visit, VisitCheck, datetime]:
    """A visit's one check from notice to publication, nothing found."""
    visit, (check,) = visited.visit()
    at = arrived(visited, visit)
    answered(visited, visit, at)
    service.record(visited.desk, check.key, FINE, inspector(visited, visit, check), at)
    service.review(visited.desk, check.key, REVIEWER, at)
    return visit, service.disclose(visited.desk, check.key, PUBLISHER, at), at
