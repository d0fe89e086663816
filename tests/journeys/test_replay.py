"""The replay in a browser: equal to the Python verifier on bundles good and bad, and usable by a reader."""

from __future__ import annotations

import base64
import os
import random
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Page, Request, Route, expect

from app.db.database import Database
from app.disclosure.container import Copy
from app.main import create_app
from app.settings import Settings
from app.web.static import contents
from scheduler.notes import SignerKey
from scheduler.verifier import verify
from tests.disclosure_round import publish
from tests.unit.scheduler.round_factory import LOG_KEY, Draft, make_round
from tests.unit.scheduler.test_verifier_tampered import CASES

TRIALS = 1000 if os.environ.get("TRIALS") == "full" else 30
COPIES: tuple[Copy, ...] = ("public", "auditor")
ELSEWHERE = {
    "second_entropy_changed_and_logged", "seats_exchanged", "reserves_reordered", "transcript_changed",
    "backup_out_of_turn", "replaced_for_no_listed_reason", "replaced_twice", "parameters_changed",
    "more_entries_a_day_allowed", "savings_exaggerated", "more_people_than_the_target_admits", "gap_understated",
    "crowd_hidden", "alone_made_to_look_worse", "bound_above_the_plan", "favourite_serves_less",
    "steered_within_the_loads", "certificate_changed", "eligibility_widened",
}  # fmt: skip
"""Cheats at what the page says that it does not check: the schedule, replacements, the seats' lottery."""

STRANGER = SignerKey(LOG_KEY.name, bytes(32))

RUN = """async ([raw, vkey]) =>
  replay.verify(Uint8Array.from(atob(raw), c => c.charCodeAt(0)), {vkey})"""


@pytest.fixture(scope="module")
def script(browser: Browser) -> Page:
    """A page with the verifier and nothing else."""
    page = browser.new_page()
    page.set_content("<!doctype html><html lang=en></html>")
    page.add_script_tag(content=contents("replay.js").decode())
    return page


def replayed(script: Page, raw: bytes, vkey: str = "") -> dict[str, Any]:
    outcome: dict[str, Any] = script.evaluate(RUN, [base64.b64encode(raw).decode(), vkey])
    return outcome


def failed(outcome: dict[str, Any]) -> list[str]:
    return [line["step"] for line in outcome["lines"] if line["status"] == "FAIL"]


def test_known_answers(script: Page) -> None:
    answers = script.evaluate(
        """() => [replay.sha256("abc"), replay.sm3("abc"),
        replay.hmac(replay.sha256, new TextEncoder().encode("Jefe"), "what do ya want for nothing?")]
        .map(replay.hexOf)"""
    )
    assert answers == [
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",  # FIPS 180-4
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",  # GB/T 32905
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",  # RFC 4231, case 2
    ]


@pytest.mark.parametrize("flip", [None, 0, 40, 63])
def test_ed25519(script: Page, flip: int | None) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    signature = bytearray(key.sign(b"message"))
    if flip is not None:
        signature[flip] ^= 1
    given = [key.public_key().public_bytes_raw().hex(), bytes(signature).hex()]
    held = script.evaluate('([k, s]) => replay.ed25519(replay.unhex(k), "message", replay.unhex(s))', given)
    assert held is (flip is None)


@pytest.mark.parametrize("suite", ["DR1-HMAC-SHA256", "DR1-HMAC-SM3"])
@pytest.mark.parametrize("privacy", ["open", "sealed"])
def test_honest(script: Page, tmp_path: Path, suite: str, privacy: str) -> None:
    draft = make_round(privacy, suite, rows=75)
    for copy in COPIES:
        path = draft.write(tmp_path, copy)
        assert verify(path).status == 0
        signed = replayed(script, path.read_bytes(), LOG_KEY.verifier().text)
        assert failed(signed) == []
        assert failed(replayed(script, path.read_bytes(), STRANGER.verifier().text)) == ["checkpoint"]


def test_agrees_on_tampered_bundles(script: Page, tmp_path: Path) -> None:
    """Cheats that recompute every digest, and single bytes: both see them, or the page says it doesn't look."""
    chance = random.Random(6)
    rounds = {privacy: make_round(privacy, rows=75) for privacy in ("open", "sealed")}
    whole = {privacy: make_round(privacy) for privacy in rounds}
    cases = chance.sample(CASES, min(TRIALS // 2, len(CASES)))
    for case in cases:
        cheat, _step, privacy, copy = case.values
        draft: Draft = whole[privacy].copied()
        cheat(draft)
        path = draft.write(tmp_path, copy)
        assert verify(path).status == 1, case.id
        assert (failed(replayed(script, path.read_bytes())) == []) == (cheat.__name__ in ELSEWHERE), case.id
    for _ in range(TRIALS - len(cases)):
        path = rounds[chance.choice(("open", "sealed"))].write(tmp_path, chance.choice(COPIES))
        raw = bytearray(path.read_bytes())
        raw[chance.randrange(len(raw))] ^= chance.randrange(1, 256)
        path.write_bytes(raw)
        assert verify(path).status != 0
        assert failed(replayed(script, bytes(raw)))[0] in ("container", "digests")


def served(browser: Browser, client: TestClient, bundle: bytes, others: list[str]) -> Page:
    """A page on plain http, answered by the service; any other address is noted and refused.

    The bundle is an honest one: that of the published known answers has a manifest hash made by hand.
    """

    def answer(route: Route, request: Request) -> None:
        if not request.url.startswith("http://testserver/"):
            others.append(request.url)
            route.abort()
            return
        if request.url.endswith("/bundle"):
            route.fulfill(body=bundle)
            return
        given = client.get(request.url.removeprefix("http://testserver"))
        route.fulfill(status=given.status_code, headers=dict(given.headers), body=given.content)

    page = browser.new_page()
    page.route("**/*", answer)
    return page


@pytest.mark.parametrize("language", ["", "/en"])
def test_journey(browser: Browser, sqlite_database: Database, tmp_path: Path, language: str) -> None:
    """Derive again: all agrees; flip a byte: it fails; the saved page does the same from disk."""
    known = publish(sqlite_database)
    client = TestClient(create_app(sqlite_database, Settings(data_dir=tmp_path), with_clock=False))
    others: list[str] = []
    errors: list[str] = []
    bundle = make_round("open", rows=75).write(tmp_path, "public")
    page = served(browser, client, bundle.read_bytes(), others)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(f"http://testserver{language}/rounds/{known.round_id}/replay")
    assert page.evaluate("typeof crypto.subtle") == "undefined"
    page.locator("[name=run]").click()
    expect(page.locator("#replay-result")).to_have_attribute("data-ok", "true", timeout=60_000)
    assert page.locator("li[data-status=FAIL]").count() == 0
    page.locator("[name=file]").select_option("manifest.json")
    page.locator("[name=flip]").click()
    expect(page.locator("#replay-result")).to_have_attribute("data-ok", "false", timeout=60_000)
    assert page.locator("li[data-status=FAIL]").count() == 1
    assert (others, errors) == ([], [])

    saved = tmp_path / "replay.html"
    saved.write_bytes(client.get(f"{language}/replay.html").content)
    offline = browser.new_page()
    offline.on("request", lambda request: others.append(request.url))
    offline.goto(saved.as_uri())
    offline.locator("[name=bundle]").set_input_files(bundle)
    offline.locator("[name=run]").click()
    expect(offline.locator("#replay-result")).to_have_attribute("data-ok", "true", timeout=60_000)
    assert [url for url in others if not url.startswith(("file:", "data:"))] == []


def test_without_script(browser: Browser, sqlite_database: Database, tmp_path: Path) -> None:
    known = publish(sqlite_database)
    client = TestClient(create_app(sqlite_database, Settings(data_dir=tmp_path), with_clock=False))
    html = client.get(f"/rounds/{known.round_id}/replay").text
    page = browser.new_context(java_script_enabled=False).new_page()
    page.set_content(html)
    assert "python -I verify.py" in page.locator("main").inner_text()
    assert not page.locator("#replay").is_visible()


def test_not_before_the_reveal(sqlite_database: Database, tmp_path: Path) -> None:
    known = publish(sqlite_database, stage="drawn")
    client = TestClient(create_app(sqlite_database, Settings(data_dir=tmp_path), with_clock=False))
    early, absent = (client.get(f"/rounds/{name}/replay") for name in (known.round_id, "NONE"))
    assert early.status_code == absent.status_code == 404
