"""The portal as a folder: served by a plain file server, every link of every page resolves, in both languages."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urldefrag, urljoin
from urllib.request import urlopen

import pytest

from app.disclosure.site import Site, write_site
from app.http import dependencies
from app.main import create_app
from app.settings import Settings
from tests.api.test_result_pages import disclosed
from tests.visited_round import Visited, reveal

LINKS = {"a": "href", "link": "href", "script": "src", "form": "data-bundle"}


class Found(HTMLParser):
    """Addresses that a page names, and the ids that it has."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids.add(given.get("id") or "")
        to = given.get(LINKS.get(tag, ""))
        if to:
            self.links.append(to)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def crawled(base: str) -> dict[str, bytes]:
    """Everything that links lead to from the front page; a link that leads nowhere fails the test."""
    found: dict[str, bytes] = {}
    marks: list[tuple[str, str, str]] = []
    waiting = [(base, base)]
    while waiting:
        address, source = waiting.pop()
        if address in found:
            continue
        try:
            with urlopen(address) as answer:
                found[address] = answer.read()
                html = answer.headers.get_content_type() == "text/html"
        except HTTPError as error:
            raise AssertionError(f"{source} links to {address}: {error.code}") from None
        if not html:
            continue
        page = Found(found[address].decode())
        for link in page.links:
            to, mark = urldefrag(urljoin(address, link))
            assert to.startswith(base), (address, link)
            waiting.append((to, address))
            marks.append((address, to, mark))
    ids = {a: Found(body.decode()).ids for a, body in found.items() if body.startswith(b"<!doctype html")}
    assert [m for m in marks if m[2] and m[2] not in ids[m[1]]] == []
    return found


@pytest.fixture
def site(visited_of_its_own: Visited, tmp_path: Path) -> tuple[Site, Path]:
    """The small city's revealed round with a published result, written out."""
    visited = visited_of_its_own
    visit, _ = disclosed(visited)
    row = reveal(visited, visited.at(visit, 60))
    settings = Settings(data_dir=visited.desk.vault.directory)
    app = create_app(visited.desk.db, settings, with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: row.updated_at
    out = tmp_path / "site"
    return write_site(app, out), out


def test_every_link_of_the_copy_resolves_in_both_languages(site: tuple[Site, Path]) -> None:
    made, out = site
    assert made.missing == ()
    with served(out) as base:
        found = crawled(base)
    names = {address.removeprefix(base) for address in found}
    for wanted in (r"$", r"en/index.html$", r"rounds/[^/]+/index.html$", r"en/rounds/[^/]+/list/",
                   r"results/[0-9a-f]{20}/",
                   r"plans/[^/]+/files/1/plan.xlsx$", r"data/results.csv$", r"api/v1/rounds/[^/]+/bundle.zip$",
                   r"log/0/index.html$", r"rounds/[^/]+/inspectors/q-"):  # fmt: skip
        assert any(re.match(wanted, name) for name in names), wanted
    pages = [body.decode() for body in found.values() if body.startswith(b"<!doctype html")]
    assert len(pages) > 40
    assert {page.count('lang="en"') > 0 for page in pages} == {True}
    assert not [page for page in pages if '<form class="search"' in page]
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert len(written) == made.pages + made.files
    assert not [name for name in written if name.startswith(("staff", "sign-in", "account"))]
