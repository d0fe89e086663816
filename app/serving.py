"""Serving a database on loopback, with the worker and its clock inside."""

from __future__ import annotations

from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI

from app import console
from app.db.database import Database
from app.errors import Problem, Refused
from app.http import logs, protocol
from app.main import create_app
from app.settings import settings

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve_database(url: str, host: str, port: int, data_dir: Path | None = None) -> None:
    """Serve a database; refuses any address but loopback, for nobody has to sign in yet."""
    if host not in LOOPBACK:
        raise Refused(
            Problem(
                "serve.not_loopback",
                f"尚未启用账户，只能在本机地址上提供服务，不能用 {host}。",
                f"There are no accounts yet, so the service listens on loopback only, not on {host}.",
                "请用 127.0.0.1；对外提供须待账户功能启用。",
                "Use 127.0.0.1. Other addresses wait until accounts exist.",
                {"host": host},
            )
        )
    console.say(f"[bold]http://{host}:{port}/[/]  首页 home · /api/docs 接口 API · Ctrl+C 停止 stop")
    console.say(
        f"http://{host}:{port}/staff/rounds/批次编号  办理页：排班表与日历 for those who do the work (loopback only)"
    )
    configured = settings() if data_dir is None else settings().model_copy(update={"data_dir": data_dir})
    logs.configure(configured.log_level)
    app = create_app(Database(url), configured)
    GracefulServer(
        uvicorn.Config(app, host=host, port=port, log_config=None, **protocol.options()), app
    ).run()


class GracefulServer(uvicorn.Server):
    """Says that it stops before it stops: readiness turns 503 and streams end, then what is running is finished."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """On SIGTERM or SIGINT."""
        self._app.state.stopping = True
        super().handle_exit(sig, frame)
