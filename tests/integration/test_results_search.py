"""Search by a part of a name: the index finds what going through all lines finds, on both databases."""

from __future__ import annotations

import random

import pytest
from sqlmodel import select

from app.db.database import Database
from app.http.pagination import Paging
from app.visits import published, search
from app.visits.published import Wanted, Window
from app.visits.tables import PublishedResult, ResultGram
from benchmarks.portal_rows import TODAY, fill

LINES = 600
WINDOW = Window(TODAY)


@pytest.fixture
def filled(database: Database) -> Database:
    """Lines of half as many firms, and three names that are hard to search for."""
    fill(database, LINES)
    with database.write() as session:
        for key, name in enumerate(("100%_折扣/ABC店", "abc", "天")):
            line = session.get_one(PublishedResult, f"{key:020x}")
            line.name = name
            session.add(line)
            search.index(session, [(line.result_id, name)])
    return database


@pytest.mark.parametrize("steps", [search.STEPS, (5, 20), (0,)], ids=["as shipped", "low", "all are common"])
def test_what_is_found_is_what_the_names_hold(
    filled: Database, steps: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "STEPS", steps)
    with filled.read() as session:
        lines = [
            (line.checked_on, line.result_id, line.name) for line in session.exec(select(PublishedResult))
        ]
        for fragment in _fragments([name for *_, name in lines]):
            found = published.published_results(session, WINDOW, Wanted(name=fragment), Paging("", LINES))
            wanted = [key for _, key, name in sorted(lines, reverse=True) if fragment.lower() in name.lower()]
            assert [row.result_id for row in found] == wanted, fragment
            assert published.summary(session, WINDOW, Wanted(name=fragment)).lines == len(wanted), fragment


def _fragments(names: list[str]) -> list[str]:
    """Hard ones, and parts of names of every length."""
    chosen = random.Random(5)
    found = [
        "有限公司",
        "天",
        "天山",
        "%",
        "_",
        "/",
        "100%",
        "%_折",
        "Abc",
        "bC",
        "ＡＢ",
        "没有这样的",
        "山天有",
    ]
    for name in chosen.sample(sorted(names), 40):
        start = chosen.randrange(len(name))
        found.append(name[start : start + chosen.randrange(1, 6)])
    return [*found, *chosen.sample(sorted(names), 10)]


def test_counting_a_broad_search_ends_and_says_so(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "COUNTED", 100)
    with filled.read() as session:
        broad = published.summary(session, WINDOW, Wanted(name="有限公司"))
        whole = published.summary(session, WINDOW)
    assert (broad.lines, broad.more) == (100, True)
    assert (whole.lines, whole.more) == (LINES, False)
    assert whole.timeliness.on_time == LINES


def test_a_changed_name_is_found_by_its_new_pairs_only(filled: Database) -> None:
    with filled.write() as session:
        search.index(session, [("0" * 20, "改名")])
    with filled.read() as session:
        kept = session.exec(select(ResultGram.gram).where(ResultGram.result_id == "0" * 20)).all()
    assert kept == ["改名"]
