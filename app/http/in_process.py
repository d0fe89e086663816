"""Ask the application itself, as a stranger would over the network, without one: for static copies and measurements."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final, Self

import httpx2
from starlette.types import ASGIApp

BASE: Final = "https://static.invalid"
STRANGER: Final = ("192.0.2.1", 4000)
"""Not this machine (RFC 5737): work pages answer as to anybody."""


class InProcess:
    """GET requests, one after the other. Ends its event loop when it is left."""

    def __init__(self, app: ASGIApp) -> None:
        self._runner = asyncio.Runner()
        transport = httpx2.ASGITransport(app=app, client=STRANGER)
        self._client = httpx2.AsyncClient(transport=transport, base_url=BASE)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()

    def get(self, path: str, accept: str = "text/html") -> httpx2.Response:
        """The whole answer; redirects are not followed."""
        return self._runner.run(self._client.get(path, headers={"accept": accept}))
