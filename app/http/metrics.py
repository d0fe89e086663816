"""Figures for Prometheus: requests as they are answered, and what the rooms can tell at the moment they are asked."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Figure:
    """A gauge's value at this moment; `labels` tell the series of one name apart."""

    name: str
    help: str
    value: float
    labels: tuple[tuple[str, str], ...] = field(default=())


Ask = Callable[[], Iterable[Figure]]


class _Figures(Collector):
    """Asks the rooms at each scrape, so that every server tells the same of the shared database."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: asking needs the database."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """One family per name."""
        families: dict[str, GaugeMetricFamily] = {}
        for figure in self._ask():
            names = [name for name, _ in figure.labels]
            family = families.setdefault(
                figure.name, GaugeMetricFamily(figure.name, figure.help, labels=names)
            )
            family.add_metric([value for _, value in figure.labels], figure.value)
        yield from families.values()


class Metrics:
    """One registry per application, so that several can live in a process."""

    def __init__(self, ask: Ask) -> None:
        self.registry = CollectorRegistry()
        names = ("method", "route", "status")
        self.requests = Counter("http_requests", "Requests answered.", names, registry=self.registry)
        self.seconds = Histogram(
            "http_request_seconds",
            "Seconds to the answer's start.",
            names[:2],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.registry.register(_Figures(ask))

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)


class ObservedMiddleware:
    """Counts, times and logs each request by its route's template; gives it an id that its answer shows."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        identity = uuid.uuid4().hex[:16]
        status = [500]

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
                message = {**message, "headers": [*message["headers"], (b"x-request-id", identity.encode())]}
                self._tell(scope, status[0], time.perf_counter() - began, identity)
            await send(message)

        await self._app(scope, receive, watched)

    def _tell(self, scope: Scope, status: int, seconds: float, identity: str) -> None:
        route = _template(scope)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(method, route).observe(seconds)
        told = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
        level = logging.ERROR if status >= 500 else logging.INFO
        log.log(level, "request", extra={**told, "request_id": identity})


def _template(scope: Scope) -> str:
    """The route's template with the prefix that it was included under."""
    route = getattr(scope.get("route"), "path", None)
    if route is None:
        return "unmatched"
    return f"{API}{route}" if scope["path"].startswith(f"{API}/") else str(route)


API = "/api/v1"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
router = APIRouter(include_in_schema=False)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Prometheus' text format."""
    found: Metrics = request.app.state.metrics
    return Response(found.text(), media_type=CONTENT_TYPE_LATEST)
