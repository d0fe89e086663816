"""Serving a database on loopback, with the worker and its clock inside."""

from __future__ import annotations

from pathlib import Path

import uvicorn

from app import console
from app.db.database import Database
from app.errors import Problem, Refused
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
    uvicorn.run(create_app(Database(url), configured), host=host, port=port, log_level="warning")
