"""The web application: routers of every room, errors, and the worker with its clock inside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import Depends, FastAPI

from app.clock import Clock
from app.db.database import Database
from app.disclosure import api as disclosure_api
from app.disclosure import pages as disclosure_pages
from app.disclosure import views
from app.estimates import api as estimates_api
from app.estimates import pages as estimates_pages
from app.firms import pages as firms_pages
from app.http import access, health, metrics, openapi, operations, problem
from app.http.limits import LimitMiddleware, Limits
from app.http.repeating import Repeating
from app.ledger import api as ledger_api
from app.ledger import outbox, webhooks_api
from app.needs import NEEDS
from app.office import pages as office_pages
from app.office.trials import Trials
from app.people import admin_pages, firm_pages, messages, oidc, oidc_pages, token_pages
from app.people import api as people_api
from app.people import pages as people_pages
from app.people.sessions import People
from app.plans import api as plans_api
from app.registers import api as registers_api
from app.registers.background import BackgroundImports
from app.rounds import api as rounds_api
from app.rounds import figures, packing_api
from app.rounds.vault import Vault
from app.settings import Settings
from app.visits import api as visits_api
from app.visits import pages as visits_pages
from app.web import api_page, problems, static
from app.web.footer import ShownCheckpoint
from app.web.page_cache import PageCacheMiddleware

API = "/api/v1"

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(database: Database, settings: Settings, *, with_clock: bool = True) -> FastAPI:
    """The application over `database`; `with_clock` runs the worker and its clock for as long as it serves."""
    app = FastAPI(
        title="Double Random 双随机、一公开",
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        generate_unique_id_function=openapi.operation_id,
        lifespan=_lifespan(database, settings, with_clock),
        dependencies=[Depends(access.Guard(NEEDS))],
    )
    app.state.database = database
    app.state.settings = settings
    app.state.oidc = oidc.providers(settings)
    app.state.seal = lambda: Vault(settings.data_dir)
    app.state.stopping = False
    app.state.trials = Trials(database.url, settings.risk_limit_ppm)
    app.state.checkpoint = lambda: _newest_checkpoint(database)
    app.state.metrics = metrics.Metrics(lambda: figures.asking(database))
    app.add_middleware(access.IdentityMiddleware, identify=People(database))
    app.add_middleware(PageCacheMiddleware, version=database.version)
    app.add_middleware(LimitMiddleware, limits=_limits(settings))
    app.add_middleware(metrics.ObservedMiddleware, metrics=app.state.metrics)
    problem.install(app, html=problems.html_problem, wants_html=problems.wants_html)
    openapi.install(app, NEEDS)
    rooms = (
        registers_api,
        plans_api,
        rounds_api,
        packing_api,
        visits_api,
        disclosure_api,
        estimates_api,
        ledger_api,
        webhooks_api,
        operations,
        people_api,
    )
    for room in rooms:
        app.include_router(room.router, prefix=API)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(disclosure_pages.router)
    app.include_router(estimates_pages.router)
    app.include_router(visits_pages.router)
    app.include_router(people_pages.router)
    for pages in (admin_pages, token_pages, firm_pages, oidc_pages):
        app.include_router(pages.router)
    app.include_router(firms_pages.router)
    app.include_router(office_pages.router)
    app.include_router(api_page.router)
    app.include_router(static.router)
    return app


def _newest_checkpoint(database: Database) -> ShownCheckpoint | None:
    with database.read() as session:
        return views.newest_checkpoint(session)


def _limits(settings: Settings) -> Limits:
    return Limits(
        json_bytes=settings.body_limit_kb << 10,
        upload_bytes=(settings.upload_limit_mb << 20) + (64 << 10),
        body_seconds=settings.body_seconds,
        idle_seconds=settings.idle_seconds,
    )


def _lifespan(database: Database, settings: Settings, with_clock: bool) -> Lifespan:
    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncIterator[None]:
        beside: list[Clock | BackgroundImports | Repeating] = []
        if with_clock:
            often = min(settings.tick_seconds, 2)
            beside = [
                Clock(database, settings),
                BackgroundImports(database, settings),
                Repeating("webhooks", outbox.turn(database, settings, Vault(settings.data_dir)), often),
                Repeating("messages", messages.turn(database, settings), often),
            ]
        for work in beside:
            work.start()
        yield
        app.state.stopping = True
        for work in beside:
            work.stop()

    return run
