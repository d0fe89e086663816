"""uvicorn's HTTP/1.1 protocol, which also gives up on clients that never finish their headers."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 10.0


class PatientOnlySoLong(H11Protocol):
    """Closes a connection on which no request's headers have come whole within ten seconds."""

    _headers_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to count."""
        super().connection_made(transport)
        self._count()

    def on_response_complete(self) -> None:
        """Count anew for the next request on the same connection."""
        super().on_response_complete()
        self._count()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting."""
        if self._headers_due is not None:
            self._headers_due.cancel()
        super().connection_lost(exc)

    def _count(self) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
        self._headers_due = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _give_up(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        if not answering and not self.transport.is_closing():
            self.transport.close()


def options() -> dict[str, Any]:
    """uvicorn's settings that keep a hostile client small."""
    return {
        "http": PatientOnlySoLong,
        "h11_max_incomplete_event_size": 32 << 10,
        "timeout_keep_alive": 5,
        "limit_concurrency": 1000,
        "timeout_graceful_shutdown": 20,
        "server_header": False,
    }
