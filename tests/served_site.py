"""The service on loopback, over a small city's visited round, for browsers: real sockets, a clock of the test's own."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Request, Route

from app.db.database import Database, sqlite_backup
from app.http import dependencies
from app.main import create_app
from app.settings import Settings
from app.visits import service
from app.visits.demo_story import demo_picture
from app.visits.desk import Actor
from app.visits.records import Record
from app.visits.service import Upload
from app.visits.tables import Visit, VisitCheck
from app.visits.visit_code import CodeKey
from tests.visited_round import CLERK, Visited


class Server(uvicorn.Server):
    """Leaves no socket behind: a TLS connection waits up to 30 s for its peer's farewell, longer than the loop lives.

    Sockets left open would be found by the garbage collector in some later test, which then fails for them.
    """

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        await super().serve(sockets)
        loop: Any = asyncio.get_running_loop()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for transport in list(loop._transports.values()):  # also those whose handshake is not over
            transport.abort()
        await asyncio.sleep(0)


@dataclass
class Site:
    """A served database; `now` is what its clock says. It can be stopped and started again on the same port."""

    visited: Visited
    folder: Path
    now: datetime
    port: int = 0
    tls: dict[str, Any] = field(default_factory=dict)
    _server: uvicorn.Server | None = None
    _thread: threading.Thread | None = None

    @property
    def base(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    def app(self) -> FastAPI:
        made = create_app(self.visited.desk.db, Settings(data_dir=self.folder), with_clock=False)
        made.dependency_overrides[dependencies._now] = lambda: self.now.astimezone(UTC)
        return made

    def start(self) -> None:
        options = {"log_level": "error", "lifespan": "off", "timeout_graceful_shutdown": 2, **self.tls}
        config = uvicorn.Config(self.app(), port=self.port, **options)
        self._server = Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        assert self._server
        assert self._thread
        self._server.should_exit = True
        self._thread.join()


@contextmanager
def served(made: Visited, folder: Path, **tls: Any) -> Iterator[Site]:
    """A copy of a round's database, served on loopback at noon of its first visit's day."""
    sqlite_backup(made.desk.db.url, str(folder / "site.db"))
    db = Database(f"sqlite:///{folder / 'site.db'}")
    visited = made.on(db, folder)
    site = Site(visited, folder, visited.at(visited.visit()[0], 60), tls=tls)
    site.start()
    yield site
    site.stop()
    db.close()


def arrived(visited: Visited, visit: Visit, at: datetime) -> dict[str, list[str]]:
    """Notice and arrival; gives the crews."""
    crews = visited.crews(visit.key)
    service.notify(visited.desk, visit.key, CLERK, at)
    service.arrive(visited.desk, visit.key, crews, CLERK, at + timedelta(minutes=1))
    return crews


def disclosed(visited: Visited, visit: Visit, check: VisitCheck, at: datetime) -> VisitCheck:
    """A check carried from notice to publication, with a photo; gives it as it then stands."""
    desk, crew = visited.desk, arrived(visited, visit, at)[check.department]
    at += timedelta(minutes=2)
    service.answer(desk, visit.key, {row["code"]: ("yes", "") for row in visit.checklist}, CLERK, at)
    photo = Upload(demo_picture(visit.key), check.department, "photo", at)
    service.add_evidence(desk, visit.key, photo, CLERK, at)
    inspector = Actor(crew[0], "inspector", check.department)
    service.record(desk, check.key, Record("no_problem", "none", "", None), inspector, at)
    service.review(desk, check.key, Actor("reviewer", "reviewer"), at)
    return service.disclose(desk, check.key, Actor("publisher", "publisher"), at)


def code_of(site: Site, visit: Visit) -> str:
    """The visit's signed code."""
    return CodeKey(site.folder).sign(visit)


@dataclass
class Watched:
    """A browser's context that reaches one site only, and what went wrong in it."""

    context: BrowserContext
    elsewhere: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def nothing_wrong(self) -> None:
        said = f"elsewhere: {self.elsewhere}; errors: {self.errors}"
        clean = not self.elsewhere and not self.errors
        self.forget()
        assert clean, said

    def forget(self) -> None:
        self.elsewhere.clear()
        self.errors.clear()


def watched(browser: Browser, base: str, **options: Any) -> Watched:
    """A context in which every other address is blocked and noted, and every console error is kept."""
    found = Watched(browser.new_context(base_url=base, **options))

    def pass_on(route: Route, request: Request) -> None:
        if request.url.startswith((base + "/", "data:")):
            route.continue_()
        else:
            found.elsewhere.append(request.url)
            route.abort()

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            found.errors.append(f"{message.text} {message.location}")

    found.context.route("**/*", pass_on)
    found.context.on("console", heard)
    found.context.on("weberror", lambda error: found.errors.append(str(error.error)))
    return found
