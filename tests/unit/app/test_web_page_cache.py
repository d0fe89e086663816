"""Which answers are kept, for whom, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.web import page_cache
from app.web.page_cache import PageCacheMiddleware
from app.web.responses import PUBLIC

Answer = TypeVar("Answer")
PAGE = [
    (b"cache-control", PUBLIC.encode()),
    (b"etag", b'"t"'),
    (b"content-length", b"1"),
    (b"content-type", b"text/html"),
]


def finished(work: Coroutine[Any, Any, Answer]) -> Answer:
    """What it comes to, in a thread of its own: a browser test before this one may have left a loop in the main one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


class Site:
    """An application whose every answer is another one, behind the cache; `version` is the database's."""

    def __init__(self, headers: list[tuple[bytes, bytes]], status: int = 200, size: int = 1) -> None:
        self.headers, self.status, self.size = headers, status, size
        self.made, self.version = 0, "1"
        self.cache = PageCacheMiddleware(self.page, lambda: self.version)

    async def page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Make a page, which takes a moment."""
        self.made += 1
        body = str(self.made).encode() * self.size
        await asyncio.sleep(0.01)
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": body[:1], "more_body": True})
        await send({"type": "http.response.body", "body": body[1:]})

    async def ask(self, *headers: tuple[bytes, bytes], **changes: Any) -> tuple[int, bytes]:
        """Status and body of an answer."""
        scope = {
            "type": "http", "method": "GET", "scheme": "http", "path": "/", "query_string": b"",
            "headers": [(b"host", b"h"), *headers], **changes,
        }  # fmt: skip
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request"}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.cache(scope, receive, send)
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])

    def asked(self, *asks: Callable[[], Any]) -> list[tuple[int, bytes]]:
        """Answers, one after the other."""

        async def all_of() -> list[tuple[int, bytes]]:
            return [await ask() for ask in asks]

        return finished(all_of())


def test_a_public_page_is_made_once_until_the_database_changes() -> None:
    site = Site(PAGE)
    assert site.asked(site.ask, site.ask) == [(200, b"1"), (200, b"1")]
    site.version = "2"
    assert site.asked(site.ask, site.ask) == [(200, b"2"), (200, b"2")]


def test_it_lasts_a_second_for_pages_depend_on_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    site, now = Site(PAGE), [0.0]
    monkeypatch.setattr(page_cache, "monotonic", lambda: now[0])
    site.asked(site.ask)
    now[0] = 1.1
    assert site.asked(site.ask) == [(200, b"2")]


@pytest.mark.parametrize(
    ("seconds", "version", "given"),
    [(1.5, "1", [b"1"] * 7 + [b"2"]), (1.5, "2", [b"2"] * 8), (2.5, "1", [b"2"] * 8)],
    ids=["one second too old", "another state", "two seconds too old"],
)
def test_while_a_page_is_made_anew_others_get_the_one_before(
    seconds: float, version: str, given: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    site, now = Site(PAGE), [0.0]
    monkeypatch.setattr(page_cache, "monotonic", lambda: now[0])
    site.asked(site.ask)
    now[0], site.version = seconds, version

    async def together() -> list[tuple[int, bytes]]:
        return list(await asyncio.gather(*(site.ask() for _ in range(8))))

    assert sorted(body for _, body in finished(together())) == given


def test_those_who_ask_together_get_what_one_of_them_had_made() -> None:
    site = Site(PAGE)
    site.asked(site.ask)
    site.version = "2"

    async def together() -> list[tuple[int, bytes]]:
        return list(await asyncio.gather(*(site.ask() for _ in range(8))))

    assert finished(together()) == [(200, b"2")] * 8
    assert site.made == 2


@pytest.mark.parametrize(
    "change",
    [{"path": "/en/"}, {"query_string": b"q=1"}, {"scheme": "https"}, {"method": "POST"}, {"method": "HEAD"}],
    ids=lambda change: "-".join(change),
)
def test_another_address_is_another_page(change: dict[str, Any]) -> None:
    site = Site(PAGE)
    assert site.asked(site.ask, lambda: site.ask(**change)) == [(200, b"1"), (200, b"2")]


@pytest.mark.parametrize("name", [b"cookie", b"authorization", b"range", b"accept-language", b"accept"])
def test_what_is_personal_or_asked_otherwise_is_made_anew(name: bytes) -> None:
    site = Site(PAGE)
    assert site.asked(site.ask, lambda: site.ask((name, b"x"))) == [(200, b"1"), (200, b"2")]


@pytest.mark.parametrize(
    ("headers", "status", "size"),
    [
        ([(b"cache-control", b"no-store")], 200, 1),
        ([], 200, 1),
        ([*PAGE, (b"set-cookie", b"a=b")], 200, 1),
        (PAGE, 404, 1),
        (PAGE, 200, page_cache.LARGEST + 1),
    ],
    ids=["private", "unsaid", "cookie", "absent", "large"],
)
def test_what_is_not_for_everybody_is_never_kept(
    headers: list[tuple[bytes, bytes]], status: int, size: int
) -> None:
    site = Site(headers, status, size)
    site.asked(site.ask, site.ask)
    assert site.made == 2


def test_nothing_is_kept_of_a_database_that_does_not_answer() -> None:
    site = Site(PAGE)
    site.version = None  # type: ignore[assignment]  # as Database.version says it
    site.asked(site.ask, site.ask)
    assert site.made == 2


def test_who_has_the_page_already_is_told_so() -> None:
    site = Site(PAGE)
    told = site.asked(
        site.ask,
        lambda: site.ask((b"if-none-match", b'"x", W/"t"')),
        lambda: site.ask((b"if-none-match", b'"x"')),
    )
    assert told == [(200, b"1"), (304, b""), (200, b"1")]


def test_an_answer_without_a_tag_is_sent_whole_to_who_has_nothing() -> None:
    site = Site([row for row in PAGE if row[0] != b"etag"])
    assert site.asked(site.ask, site.ask, lambda: site.ask((b"if-none-match", b"*"))) == [(200, b"1")] * 3


def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_cache, "ENTRIES", 2)
    site = Site(PAGE)
    site.asked(*(lambda path=path: site.ask(path=path) for path in ("/a", "/b", "/c")))
    assert site.asked(lambda: site.ask(path="/c"), lambda: site.ask(path="/a")) == [(200, b"3"), (200, b"4")]
