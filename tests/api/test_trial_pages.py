"""The page of a plan's trial draw: marked throughout, counts alone, nothing stored, one at a time, stopped."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.db.database import Database
from app.errors import Conflict, Refused
from app.main import create_app
from app.office.trials import Trials
from app.rounds.trial import Trial
from app.settings import Settings
from tests import small_city
from tests.accounts import made, signed_in
from tests.api.test_office_pages import operator, published, saved
from tests.integration.test_trial_draw import stored

PAGE = "/en/staff/plans/spring/trial"
MARK = "Trial · counts for nothing"
ENOUGH = 120.0
"""Seconds after which a trial of a small city hangs, however slow the machine is."""


@pytest.fixture
def city(sqlite_database: Database) -> Database:
    small_city.fill(sqlite_database)
    return sqlite_database


def ended(client: TestClient) -> str:
    """The page when its trial is over: the form waits for a while, then the page says how far it is."""
    client.post(PAGE)
    running = client.app.state.trials.running("spring")  # type: ignore[attr-defined]  # the application's own
    assert running is None or running.over.wait(ENOUGH)
    return client.get(PAGE).text


def test_the_page_bears_the_watermark_and_names_nobody(city: Database, tmp_path: Path) -> None:
    published(city)
    client = operator(city, tmp_path)
    assert 'aria-label="Trial draw: 春季抽查"' in client.get("/en/staff").text
    before = stored(city)
    page = ended(client)
    assert "Draw once, for trial" not in page
    assert 'data-mark="Trial · counts for nothing"' in page
    assert re.search(r"<h1>Trial · counts for nothing</h1>", page)
    assert page.count('role="note"') == 2, "above and below"
    for kind in ("caption", "figcaption"):
        heads = re.findall(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        assert len(heads) > 1
        assert all(head.startswith(MARK) for head in heads), heads
    assert page.count("rotate(-10") == page.count("<svg"), "each picture bears it, saved alone too"
    assert "<strong>77</strong>" in page, "checks"
    assert "T00" not in page
    assert "企业" not in page
    assert stored(city) == before


def test_what_is_refused_is_said(city: Database, tmp_path: Path) -> None:
    saved(city)
    client = operator(city, tmp_path)
    client.headers["accept"] = "text/html"
    answer = client.post(PAGE)
    assert (answer.status_code, "not published" in answer.text) == (409, True)
    assert client.get("/staff/plans/none/trial").status_code == 404


def test_of_one_department_nobody_tries_what_binds_all(city: Database, tmp_path: Path) -> None:
    published(city)
    app = create_app(city, Settings(data_dir=tmp_path), with_clock=False)
    client = signed_in(app, city, made(city, "fire", "coordinator", "fire"))
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE).status_code == 403
    assert "/trial" not in client.get("/en/staff").text


def test_one_at_a_time_and_stopped_leaves_nothing(city: Database) -> None:
    published(city)
    trials = Trials(city.url, 600_000)
    first = trials.begin("spring", small_city.NOW)
    assert trials.begin("spring", small_city.NOW) is first
    with pytest.raises(Conflict, match=r"trial\.busy"):
        trials.begin("other", small_city.NOW)
    trials.stop("spring")
    assert first.over.wait(ENOUGH)
    assert (trials.running("spring"), trials.ended("spring")) == (None, None)
    second = trials.begin("spring", small_city.NOW)
    assert second.process.pid
    os.kill(second.process.pid, signal.SIGKILL)
    assert second.over.wait(ENOUGH)
    found = trials.ended("spring")
    assert isinstance(found, Refused)
    assert found.problem.code == "trial.cut_off"
    third = trials.begin("spring", small_city.NOW)
    assert third.over.wait(ENOUGH)
    assert isinstance(trials.ended("spring"), Trial)
