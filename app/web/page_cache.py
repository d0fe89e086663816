"""Public pages kept in memory as they were sent, for as long as the database has not changed, and for a second or two.

Only what says of itself that anybody may keep it (`Cache-Control: public`), asked for without credentials or cookies.
The second is for what depends on the time of day alone: reveals and deadlines of display. While somebody then waits
for the page to be made anew, others still get the one before, for another second at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.responses import PUBLIC, names

SECONDS: Final = 1.0
ENTRIES: Final = 256
LARGEST: Final = 256 << 10
DISTINCT: Final = (b"host", b"accept", b"accept-language", b"accept-encoding")
"""Headers that a page may depend on."""
PERSONAL: Final = (b"cookie", b"authorization", b"range")

Headers = list[tuple[bytes, bytes]]
Key = tuple[object, ...]


@dataclass(slots=True)
class Kept:
    """A page as it was sent, and when and over which state of the database it was made."""

    headers: Headers
    body: bytes
    route: Any
    version: object
    until: float


@dataclass(slots=True)
class _Recorded:
    """An answer on its way out."""

    status: int = 0
    headers: Headers = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    whole: bool = False

    def note(self, message: Message) -> None:
        """Keep a copy of a message, of bodies no more than is kept."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        elif message["type"] == "http.response.body" and len(self.body) <= LARGEST:
            self.body += message.get("body", b"")
            self.whole = not message.get("more_body", False)

    @property
    def keepable(self) -> bool:
        """Whether it may be given to others."""
        named = dict(self.headers)
        fits = self.status == 200 and self.whole and len(self.body) <= LARGEST
        return fits and named.get(b"cache-control") == PUBLIC.encode() and b"set-cookie" not in named


class PageCacheMiddleware:
    """Answers from what is kept, else lets the page be made; once for all who ask for it at the same time.

    `version` gives something that changes with every commit to the database, or None where that can't be told.
    """

    def __init__(self, app: ASGIApp, version: Callable[[], object]) -> None:
        self._app, self._version = app, version
        self._kept: dict[Key, Kept] = {}
        self._making: dict[Key, asyncio.Lock] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        key = _key(scope)
        if key is None:
            await self._app(scope, receive, send)
        elif key not in self._kept:
            await self._make(key, scope, receive, send)
        elif not await self._answer(key, scope, send, self._grace(key)):
            async with self._making.setdefault(key, asyncio.Lock()):
                if not await self._answer(key, scope, send):
                    await self._make(key, scope, receive, send)

    def _grace(self, key: Key) -> float:
        """How many seconds after its time a page may still be given: some while it is made anew."""
        lock = self._making.get(key)
        return SECONDS if lock is not None and lock.locked() else 0.0

    async def _answer(self, key: Key, scope: Scope, send: Send, grace: float = 0.0) -> bool:
        kept = self._kept.get(key)
        if kept is None or monotonic() > kept.until + grace:
            return False
        if await run_in_threadpool(self._version) != kept.version:
            return False
        scope["route"] = kept.route
        same = _matches(scope, kept.headers)
        headers = [
            row for row in kept.headers if not same or row[0] not in (b"content-length", b"content-type")
        ]
        await send({"type": "http.response.start", "status": 304 if same else 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if same else kept.body})
        return True

    async def _make(self, key: Key, scope: Scope, receive: Receive, send: Send) -> None:
        until, recorded = monotonic() + SECONDS, _Recorded()
        version = await run_in_threadpool(self._version)

        async def noting(message: Message) -> None:
            recorded.note(message)
            await send(message)

        await self._app(scope, receive, noting)
        self._drop(key)
        if version is not None and recorded.keepable:
            self._kept[key] = Kept(recorded.headers, bytes(recorded.body), scope.get("route"), version, until)
            if len(self._kept) > ENTRIES:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        self._kept.pop(key, None)
        self._making.pop(key, None)


def _key(scope: MutableMapping[str, Any]) -> Key | None:
    """What a page depends on; None where nothing may be kept."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    if any(name in PERSONAL for name, _ in scope["headers"]):
        return None
    said = tuple(row for row in scope["headers"] if row[0] in DISTINCT)
    return scope["scheme"], scope["path"], scope["query_string"], said


def _matches(scope: Scope, headers: Headers) -> bool:
    """Whether who asks has the page already."""
    given = b",".join(value for name, value in scope["headers"] if name == b"if-none-match")
    return names(given.decode("latin-1"), dict(headers).get(b"etag", b"").decode("latin-1"))
