"""The whole public portal as a folder: every page and file that a stranger reaches, with relative links.

It is crawled from the application itself, so that what is not public can't get in. Any plain file server serves it, and
it opens from a disk. What needs the service (searching, signing in, a visit code) is left out and says so.
"""

from __future__ import annotations

import hashlib
import html
import posixpath
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from starlette.types import ASGIApp

from app.http.in_process import InProcess
from app.web.language import language_of_path, marked, neutral, translate

STARTS: Final = ("/", "/en/", "/data/MANIFEST.txt")
LEFT_OUT: Final = re.compile(r"/(staff|sign-in|account|firm|visit-code|api/docs)(/|$)|/rounds/[^/]+/live$")
ONLINE: Final = marked("静态副本：查询和登录请使用在线服务。")
SUFFIXES: Final = {
    "text/html": ".html", "application/json": ".json", "application/zip": ".zip", "text/csv": ".csv",
    "text/plain": ".txt", "application/problem+json": ".json",
}  # fmt: skip
_LINK: Final = re.compile(r'(?P<head> (?:href|src|data-bundle)=")(?P<to>[^"#]*)(?P<mark>#[^"]*)?"')
_FORM: Final = re.compile(r'<form class="search".*?</form>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Site:
    """What was written: pages and other files, and the addresses that answered otherwise than 200."""

    pages: int
    files: int
    missing: tuple[str, ...]


@dataclass(slots=True)
class _Fetched:
    body: bytes
    kind: str
    name: str


def write_site(app: ASGIApp, out: Path, said: Callable[[int], None] = lambda _: None) -> Site:
    """Crawl `app` and write the folder; `said` is told how many addresses were fetched so far."""
    found, missing = _crawl(app, said)
    for address, one in found.items():
        body = _rewritten(address, one, found).encode() if one.kind == "text/html" else one.body
        path = out / one.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    pages = sum(one.kind == "text/html" for one in found.values())
    return Site(pages, len(found) - pages, tuple(sorted(missing)))


def _crawl(app: ASGIApp, said: Callable[[int], None]) -> tuple[dict[str, _Fetched], set[str]]:
    found: dict[str, _Fetched] = {}
    missing: set[str] = set()
    waiting = deque(STARTS)
    seen = set(STARTS)
    with InProcess(app) as browser:
        while waiting:
            address = waiting.popleft()
            answer = browser.get(address)
            if answer.status_code != 200:
                missing.add(address)
                continue
            kind = answer.headers["content-type"].partition(";")[0]
            found[address] = _Fetched(answer.content, kind, _name(address, kind))
            said(len(found))
            if kind == "text/html":
                new = [to for to in _links(address, _bare(answer.text)) if to not in seen]
                seen.update(new)
                waiting.extend(new)
    return found, missing


def _bare(page: str) -> str:
    """A page without its forms, which a folder can't answer."""
    return _FORM.sub("", page)


def _links(address: str, page: str) -> list[str]:
    """Addresses of this service that a page leads to, each once."""
    given = (_absolute(address, match["to"]) for match in _LINK.finditer(page))
    return list(dict.fromkeys(to for to in given if to is not None))


def _absolute(address: str, to: str) -> str | None:
    """Where a link leads within the folder; None for what is left out or lies elsewhere, and within the page."""
    target = html.unescape(to)
    if not target or ":" in target.partition("/")[0]:
        return None
    whole = urljoin(address, target)
    path = urlsplit(whole).path
    return None if LEFT_OUT.match(neutral(path)) else whole


def _name(address: str, kind: str) -> str:
    """The file that an address becomes: a folder's index, its own name, or with a query a name made from it."""
    parts = urlsplit(address)
    path = unquote(parts.path).lstrip("/")
    suffix = SUFFIXES.get(kind, "")
    if path.startswith("static/"):
        return path
    if kind == "text/html" and not path.endswith(".html"):
        mark = f"q-{_mark(parts.query)}" if parts.query else "index"
        return posixpath.join(path, f"{mark}.html")
    stem, own = posixpath.splitext(path)
    known = len(own) > 1 and own.lower() in (*SUFFIXES.values(), ".xlsx", ".jsonld", ".svg", ".ics")
    stem, end = (stem, own) if known else (path, suffix)
    return f"{stem}-{_mark(parts.query)}{end}" if parts.query else f"{stem}{end}"


def _mark(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()[:12]


def _rewritten(address: str, one: _Fetched, found: dict[str, _Fetched]) -> str:
    """The page with links relative to its own place; links to what is not in the folder lead nowhere."""
    page = one.body.decode()
    here = posixpath.dirname(one.name)

    def to_file(match: re.Match[str]) -> str:
        if not match["to"]:
            return match[0]
        whole = _absolute(address, match["to"])
        if whole is None or whole not in found:
            return ""
        relative = quote(posixpath.relpath(found[whole].name, here or "."))
        return f'{match["head"]}{html.escape(relative)}{match["mark"] or ""}"'

    note = f'<p class="note">{translate(language_of_path(address), ONLINE)}</p>'
    return _LINK.sub(to_file, _FORM.sub(note, page))
