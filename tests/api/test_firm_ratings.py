"""A firm rates a visit once, after the inspectors came; the public reads counts of many, never words."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlmodel import text

from app.db.scope import EVERYTHING, Scope
from app.errors import Refused
from app.http import dependencies
from app.main import create_app
from app.settings import Settings
from app.visits import rating
from app.visits.desk import Actor
from app.visits.tables import PublishedResult, VisitRating
from scheduler.estimates import SMALLEST_CELL
from tests.accounts import HTTPS, firm_signed_in
from tests.served_site import arrived
from tests.visit_steps import disclosed, problem
from tests.visited_round import Visited

FIRM = Actor("firm:T", "firm")
WORDS = "态度很好，时间太长"


def test_a_firm_rates_its_own_visit_once(visited: Visited, tmp_path: Path) -> None:
    db, (visit, _) = visited.desk.db, visited.visit()
    other = visited.visit(skip=1)[0]
    at = visited.at(visit, 30)
    app = create_app(db, Settings(data_dir=tmp_path), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: at
    firm = firm_signed_in(app, db, visit.target_id)
    address = f"/en/firm/visits/{visit.key}/rating"
    assert address not in firm.get("/en/firm").text, "before the inspectors came there is nothing to rate"
    arrived(visited, visit, visited.at(visit))
    page = firm.get("/en/firm").text
    assert address in page
    csrf = re.search(r'name="csrf" value="(\w+)"', page)
    assert csrf
    form = {"score": "4", "text": WORDS, "csrf": csrf[1]}
    firm.headers["accept"] = "application/json"
    assert firm.post(address, data={"score": "4"}, follow_redirects=False).status_code == 403
    assert firm.post(address.replace(visit.key, other.key), data=form).status_code == 404
    assert firm.post(address, data=form, follow_redirects=False).status_code == 303
    assert firm.post(address, data=form, follow_redirects=False).status_code == 409
    assert WORDS in firm.get("/en/firm").text
    with db.read() as session:
        kept = rating.of_visit(session, visit.key)
    assert kept is not None
    assert (kept.score, kept.text, kept.rated_by) == (4, WORDS, f"firm:{visit.target_id}")
    assert WORDS not in firm_signed_in(app, db, other.target_id).get("/firm").text


@pytest.mark.parametrize("scope", [EVERYTHING, Scope("market"), Scope("fire")], ids=["all", "market", "fire"])
def test_the_departments_that_were_rated_do_not_read_it(visited: Visited, scope: Scope) -> None:
    """By the filter and, on PostgreSQL, by the policy, which a statement that gets past the filter meets too."""
    visit, _ = visited.visit()
    arrived(visited, visit, visited.at(visit))
    rating.rate(visited.desk, visit.key, 1, WORDS, FIRM, visited.at(visit, 10))
    expected = 1 if scope.unlimited else 0
    with visited.desk.db.within(scope).read() as session:
        assert len(rating.latest(session, 9)) == expected
        if session.get_bind().dialect.name == "postgresql":
            past = session.connection().execute(text("SELECT count(*) FROM visit_rating")).scalar_one()
            assert past == expected


def test_what_cannot_be_rated_is_refused(visited: Visited) -> None:
    visit, at = visited.visit()[0], visited.at(visited.visit()[0])
    with pytest.raises(Refused) as early:
        rating.rate(visited.desk, visit.key, 5, "", FIRM, at)
    arrived(visited, visit, at)
    with pytest.raises(Refused) as six:
        rating.rate(visited.desk, visit.key, 6, "", FIRM, at + timedelta(minutes=5))
    rating.rate(visited.desk, visit.key, 5, "", FIRM, at + timedelta(minutes=6))
    with pytest.raises(Refused) as again:
        rating.rate(visited.desk, visit.key, 1, "", FIRM, at + timedelta(minutes=7))
    assert [problem(found) for found in (early, six, again)] == [
        "rating.too_early",
        "rating.score",
        "rating.once",
    ]


def test_the_public_reads_counts_of_many_and_no_words(visited_of_its_own: Visited, tmp_path: Path) -> None:
    """Below the smallest cell nothing; what is not published yet is not counted."""
    visited = visited_of_its_own
    db, (visit, check, at) = visited.desk.db, disclosed(visited)
    app = create_app(db, Settings(data_dir=tmp_path), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: at + timedelta(minutes=1)
    public = TestClient(app, base_url=HTTPS)
    others = [row for row in {row.key: row for row, _ in visited.checks()}.values() if row.key != visit.key]
    with db.write() as session:
        for place, row in enumerate([visit, *others[:SMALLEST_CELL]]):
            session.add(VisitRating(visit=row.key, score=5 - place % 2, text=WORDS, rated_by="firm", at=at))
    assert "企业对" not in public.get("/results").text, "one of them is published"
    with db.write() as session:
        line = session.get_one(PublishedResult, check.key)
        of = {row.visit: row for _, row in visited.checks()}
        for row in others[: SMALLEST_CELL - 1]:
            session.add(PublishedResult(**{**line.model_dump(), "result_id": of[row.key].key}))
    page = public.get("/results").text
    assert "企业对 10 次检查作了评价：非常满意 5 · 满意 5 · 基本满意 0" in page
    assert WORDS not in page
    assert "企业对" not in public.get("/results?name=企业").text, "a search is of few"
