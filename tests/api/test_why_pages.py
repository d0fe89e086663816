"""Why me, why not me: what a page says of a firm is what the draw's own results say; sealed rounds tell no number."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.db.database import Database
from app.disclosure import repository, why
from app.errors import NotFound
from app.main import create_app
from app.settings import Settings
from app.web.templates import Place, render
from tests.disclosure_round import publish


@pytest.fixture
def client(database: Database, tmp_path: Path) -> TestClient:
    """A stranger."""
    app = create_app(database, Settings(data_dir=tmp_path), with_clock=False)
    return TestClient(app, headers={"accept": "text/html"})


def test_every_firms_standing_is_that_of_the_known_answers(sqlite_database: Database) -> None:
    known = publish(sqlite_database, "open", titled=False)
    results = {result["draw_id"]: result["strata"] for result in known.vector["results"]}
    told, absent = 0, 0
    with sqlite_database.read() as session:
        row = repository.round_of(session, known.round_id)
        for cells in known.vector["rows"]:
            for one in why.stood(session, row, cells[0], "zh"):
                drawn = {target for stratum in results[one.draw_id] for target in stratum["selected"]}
                assert (one.standing == "drawn") == (cells[0] in drawn), one
                absent += one.standing == "absent"
                if one.u is None or one.cutoff is None:
                    continue
                assert (one.u <= one.cutoff) == (cells[0] in drawn) == (one.rank <= one.n)
                assert 1 <= one.rank <= one.rows
                told += 1
        (excluded,) = {one.standing for one in why.stood(session, row, "91650100MA00000001", "zh")}
    assert told > 100
    assert absent > 0  # the second draw's frame has not all of them
    assert excluded == "excluded"


def test_an_open_rounds_page_shows_the_line_with_its_table(database: Database, client: TestClient) -> None:
    known = publish(database, "open")
    target = known.targets[3]
    shown = client.get(f"/rounds/{known.round_id}/why?code={target.lower()}").text
    assert shown.count("<svg") == shown.count("<details>") > 0
    assert "本企业的号码" in shown
    english = client.get(f"/en/rounds/{known.round_id}/why?code={target}").text
    assert "Why me, why not me" in english
    nobody = client.get(f"/rounds/{known.round_id}/why?code=NOBODY").text
    assert "不在本次抽取的名录中" in nobody
    assert "<svg" not in nobody


def test_a_sealed_rounds_page_tells_the_list_and_never_a_number(
    database: Database, client: TestClient
) -> None:
    known = publish(database, "sealed")
    spared = next(row[0] for row in known.vector["rows"] if row[0] not in known.targets)
    base = f"/rounds/{known.round_id}/why?code="
    drawn, other, absent = (client.get(base + code).text for code in (known.targets[0], spared, "NOBODY"))
    assert "在抽中名单上" in drawn
    assert other.replace(spared, "NOBODY") == absent  # being in the frame is not told either
    for page in (drawn, other):
        assert "<svg" not in page
        assert "号码都" not in page
        assert "77700" not in page


def test_before_the_reveal_nothing_is_told_to_anybody(database: Database, client: TestClient) -> None:
    known = publish(database, "open", "seated")
    for code in ("", known.targets[0]):
        hidden, absent = (client.get(f"/rounds/{name}/why?code={code}") for name in (known.round_id, "none"))
        assert hidden.status_code == 404
        assert hidden.text.replace(known.round_id, "*") == absent.text.replace("/none/", "/*/").replace(
            " none", " *"
        )
    with database.read() as session, pytest.raises(NotFound):
        why.firm_view(session, known.round_id, known.targets[0], "zh")


def test_a_firm_of_a_sealed_round_sees_its_proof_and_not_its_class(database: Database) -> None:
    known = publish(database, "sealed")
    classes = {row[0]: row[1] for row in known.vector["rows"]}
    target = known.targets[0]
    with database.read() as session:
        context = why.firm_view(session, known.round_id, target, "zh")
    proven = context["proven"]
    assert isinstance(proven, list)
    assert [one.draw_id for one in proven if one.drawn]
    assert all(one.opening["public_cells"][0] == target for one in proven if one.opening)
    kept = {"index", "blind", "public_cells", "inner_hash", "path", "drawn", "round_id", "draw_id"}
    assert all(set(one.opening) == kept for one in proven if one.opening)
    cells = [cell for one in proven if one.opening for cell in one.opening["public_cells"]]
    assert classes[target] not in cells
    html = render("firm_round.html", Place.served("/", "zh"), context)
    assert html.count("OPENING.json</a>") == len([one for one in proven if one.opening])
    assert "77700" not in html
