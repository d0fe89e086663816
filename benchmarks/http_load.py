"""Load for HTTP/1.1 servers: connections that are kept alive, each asking again as soon as it is answered."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

END_OF_HEADERS = b"\r\n\r\n"


@dataclass(slots=True)
class Answers:
    """What came back: how often which status, in how many seconds of wall clock."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """Requests answered a second."""
        return self.statuses.total() / self.seconds


class _Connection(asyncio.Protocol):
    """Sends a request, waits for the whole answer (which has to give its length), sends the next."""

    def __init__(self, request: Callable[[], bytes], answers: Answers, until: float) -> None:
        self._request, self._answers, self._until = request, answers, until
        self._got = bytearray()
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request())

    def data_received(self, data: bytes) -> None:
        """Count a whole answer and ask again."""
        self._got += data
        end = self._got.find(END_OF_HEADERS)
        if end < 0 or len(self._got) < end + len(END_OF_HEADERS) + _length(self._got[:end]):
            return
        self._answers.statuses[int(self._got[9:12])] += 1
        self._got.clear()
        assert self._transport is not None
        if time.perf_counter() < self._until:
            self._transport.write(self._request())
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """The end, or a failure."""
        if not self.done.done():
            self.done.set_exception(error) if error else self.done.set_result(None)


def _length(head: bytearray) -> int:
    place = head.lower().find(b"content-length:")
    return int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0


async def _ask(
    host: str, port: int, request: Callable[[], bytes], seconds: float, connections: int
) -> Answers:
    answers, loop, began = Answers(), asyncio.get_running_loop(), time.perf_counter()
    until = began + seconds
    made = [
        await loop.create_connection(lambda: _Connection(request, answers, until), host, port)
        for _ in range(connections)
    ]
    for _, connection in made:
        await connection.done
    answers.seconds = time.perf_counter() - began
    return answers


def load(host: str, port: int, request: Callable[[], bytes], seconds: float, connections: int = 8) -> Answers:
    """Ask for `seconds`; `request` gives each request's bytes."""
    return asyncio.run(_ask(host, port, request, seconds, connections))


def request_bytes(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """An HTTP/1.1 request."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + END_OF_HEADERS + body
