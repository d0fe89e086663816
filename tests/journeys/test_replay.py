"""The replay in a browser: equal to the Python verifier on bundles good and bad, and usable by a reader."""

from __future__ import annotations

import base64
import json
import os
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
from tests.random_bundles import cheats, random_bundles
from tests.unit.scheduler.round_factory import Draft, make_round
from tests.unit.scheduler.round_published import LOG_KEY

TRIALS, EVERY_CHEAT = (1000, 1) if os.environ.get("TRIALS") == "full" else (36, 12)
COPIES: tuple[Copy, ...] = ("public", "auditor")
STRANGER = SignerKey(LOG_KEY.name, bytes(32))

RUN = """async ([raw, vkey, opening]) => {
  const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
  return replay.verify(bytes(raw), {vkey, opening: opening && bytes(opening)});
}"""


@pytest.fixture(scope="module")
def script(browser: Browser) -> Page:
    """A page with the verifier and nothing else."""
    page = browser.new_page()
    page.set_content("<!doctype html><html lang=en></html>")
    page.add_script_tag(content=contents("replay.js").decode())
    return page


def replayed(script: Page, raw: bytes, vkey: str = "", opening: bytes = b"") -> dict[str, Any]:
    given = [base64.b64encode(part).decode() for part in (raw, opening)]
    outcome: dict[str, Any] = script.evaluate(RUN, [given[0], vkey, given[1] or None])
    return outcome


def failed(outcome: dict[str, Any]) -> list[str]:
    return [line["step"] for line in outcome["lines"] if line["status"] == "FAIL"]


def first_of_python(path: Path, raw: bytes) -> list[str]:
    """The first step that fails by the Python verifier, or none."""
    path.write_bytes(raw)
    outcome = verify(path)
    return [line.step for line in outcome.lines if line.status == "FAIL"][:1]


def test_known_answers(script: Page) -> None:
    answers = script.evaluate(
        """() => [replay.sha256("abc"), replay.sm3("abc"),
        replay.hmac(replay.sha256, new TextEncoder().encode("Jefe"), "what do ya want for nothing?"),
        replay.shake256(new Uint8Array(200).fill(0xa3), 512).slice(-32)].map(replay.hexOf)"""
    )
    assert answers == [
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",  # FIPS 180-4
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",  # GB/T 32905
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",  # RFC 4231, case 2
        "6a1a9d7846436e4dca5728b6f760eef0ca92bf0be5615e96959d767197a0beeb",  # FIPS 202, example of 1600 bits
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
    """The same steps hold and the same are left to others as by the Python verifier; a stranger's key is refused."""
    draft = make_round(privacy, suite, rows=75)
    for copy in COPIES:
        path = draft.write(tmp_path, copy)
        python = verify(path)
        assert python.status == 0
        signed = replayed(script, path.read_bytes(), LOG_KEY.verifier().text)
        assert [(line["step"], line["status"]) for line in signed["lines"]] == [
            (line.step, line.status) for line in python.lines
        ]
        assert failed(replayed(script, path.read_bytes(), STRANGER.verifier().text)) == ["checkpoint"]


def test_a_firms_opening(script: Page, tmp_path: Path) -> None:
    draft: Draft = make_round("sealed", rows=75)
    raw = draft.write(tmp_path, "public").read_bytes()
    true = next(iter(draft.openings.values()))
    for drawn, failing in ((true["drawn"], []), (not true["drawn"], ["firm"])):
        given = json.dumps({**true, "drawn": drawn}, indent=1).encode()
        assert failed(replayed(script, raw, "", given)) == failing


def test_agrees_on_random_bundles(script: Page, tmp_path: Path) -> None:
    """Same verdict and same first step that differs, on bundles good and bad."""
    found: dict[str, int] = {"good": 0, "bad": 0}
    for made in random_bundles(TRIALS, 2027, tmp_path):
        expected = first_of_python(tmp_path / "given.zip", made.raw)
        assert failed(replayed(script, made.raw))[:1] == expected, made.label
        found["bad" if expected else "good"] += 1
    assert min(found.values()) * 10 >= TRIALS, found


def test_agrees_on_known_cheats(script: Page, tmp_path: Path) -> None:
    """Every cheat that the Python verifier is tested with, or every twelfth: seen, at the same step."""
    for label, make in cheats()[::EVERY_CHEAT]:
        raw = make(tmp_path)
        expected = first_of_python(tmp_path / "given.zip", raw)
        assert expected, label
        assert failed(replayed(script, raw))[:1] == expected, label


def served(browser: Browser, client: TestClient, base: str, bundle: bytes, others: list[str]) -> Page:
    """A page at `base`, plain http or https, answered by the service; any other address is noted and refused.

    The bundle is an honest one: that of the published known answers has a manifest hash made by hand.
    """

    def answer(route: Route, request: Request) -> None:
        if not request.url.startswith(f"{base}/"):
            others.append(request.url)
            route.abort()
            return
        if request.url.endswith("/bundle"):
            route.fulfill(body=bundle)
            return
        given = client.get(request.url.removeprefix(base))
        route.fulfill(status=given.status_code, headers=dict(given.headers), body=given.content)

    page = browser.new_page()
    page.route("**/*", answer)
    return page


def tampered(page: Page, button: str, file: str) -> str:
    """Change one place of a file by a button: the name of the one step that then differs."""
    page.locator("[name=file]").select_option(file)
    page.locator(f"[name={button}]").click()
    expect(page.locator("#replay-result")).to_have_attribute("data-ok", "false", timeout=60_000)
    assert page.locator("li[data-status=FAIL]").count() == 1
    return page.locator("li[data-status=FAIL] strong").inner_text()


@pytest.mark.parametrize(("language", "scheme"), [("", "http"), ("/en", "https")])
def test_journey(
    browser: Browser, sqlite_database: Database, tmp_path: Path, language: str, scheme: str
) -> None:
    """Derive again: all agrees; change a letter or a byte: it differs; the saved page does the same from disk.

    With the browser's own cryptography at hand (https) as without it (http).
    """
    base = f"{scheme}://testserver"
    known = publish(sqlite_database)
    client = TestClient(create_app(sqlite_database, Settings(data_dir=tmp_path), with_clock=False))
    others: list[str] = []
    errors: list[str] = []
    bundle = make_round("open", rows=75).write(tmp_path, "public")
    page = served(browser, client, base, bundle.read_bytes(), others)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(f"{base}{language}/rounds/{known.round_id}/replay")
    assert page.evaluate("typeof crypto.subtle") == ("object" if scheme == "https" else "undefined")
    page.locator("[name=run]").click()
    expect(page.locator("#replay-result")).to_have_attribute("data-ok", "true", timeout=60_000)
    assert page.locator("li[data-status=FAIL]").count() == 0
    differs = ": differs" if language else "：不一致"
    assert tampered(page, "flip", "frames/D1-credit.tsv") == ("Container" if language else "容器") + differs
    assert tampered(page, "forge", "frames/D1-credit.tsv") == ("Frames" if language else "名单摘要") + differs
    assert "→" in page.locator("#replay-edit").inner_text()
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
