"""Serving a database on loopback, with the worker and its clock inside."""

from __future__ import annotations

import errno
import signal
import socket
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

from app import console
from app.db.database import Database
from app.errors import Refused, refuse
from app.http import logs, protocol
from app.main import create_app
from app.people.sessions import People
from app.processes import end_children
from app.settings import settings

LOOPBACK = ("127.0.0.1", "::1", "localhost")

commands = typer.Typer()


@commands.command()
def serve(
    host: Annotated[
        str, typer.Option(help="地址，有账户之前仅限本机 · address; loopback only, until accounts exist")
    ] = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="端口 · port")] = 0,
) -> None:
    """启动服务，含计算进程与时钟 · serve, with worker and clock inside."""
    serve_database(settings().url(), host or settings().host, port or settings().port)


def serve_database(url: str, host: str, port: int, data_dir: Path | None = None) -> None:
    """Serve a database until told to stop. Refused where `listen` is."""
    database = Database(url)
    with listen(host, port, accounts=People(database).accounts_exist()) as listener:
        port = listener.getsockname()[1]
        at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        console.say(f"http://{at}/  首页 home · /api/docs 接口 API · Ctrl+C 停止 stop")
        console.say(f"http://{at}/staff  工作台：批次、待办、排班 the desk of those who do the work")
        configured = settings() if data_dir is None else settings().model_copy(update={"data_dir": data_dir})
        logs.configure(configured.log_level)
        app = create_app(database, configured)
        config = uvicorn.Config(app, host=host, port=port, log_config=None, **protocol.options())
        signal.signal(signal.SIGTERM, _end)
        try:
            GracefulServer(config, app).run(sockets=[listener])
        finally:
            end_children()


def _end(_signal: int, _frame: FrameType | None) -> None:
    """What uvicorn raises again when it has stopped: an end like any other, so that everything is given back."""
    raise SystemExit(0)


def listen(host: str, port: int, *, accounts: bool = False) -> socket.socket:
    """A socket that listens there; port 0: on any free one.

    Raises Refused for any address but loopback while there are no accounts to sign in with, and for a port that
    can't be had.
    """
    if host not in LOOPBACK and not accounts:
        raise refuse(
            "serve.not_loopback",
            f"还没有账户，只能在本机地址上提供服务，不能用 {host}。",
            f"There are no accounts yet, so the service listens on loopback only, not on {host}.",
            "请用 127.0.0.1；对外提供服务前先用 people init 建立账户。",
            "Use 127.0.0.1, or make accounts first with `people init`.",
            host=host,
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise _no_port(host, port, error) from error


def _no_port(host: str, port: int, error: OSError) -> Refused:
    zh, en = (
        ("已被占用", "is in use already")
        if error.errno == errno.EADDRINUSE
        else (f"不能使用（{error.strerror}）", f"can't be used ({error.strerror})")
    )
    return refuse(
        "serve.port",
        f"{host} 的端口 {port} {zh}，服务没有启动。",
        f"Port {port} of {host} {en}; the service was not started.",
        "请停止占用它的程序，或用 --port（或环境变量 PORT）另选端口，例如 --port 8010。",
        "Stop what uses it, or choose another with --port (or PORT in the environment), for example --port 8010.",
        host=host,
        port=port,
    )


class GracefulServer(uvicorn.Server):
    """Says that it stops before it stops: readiness turns 503 and streams end, then what is running is finished."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """On SIGTERM or SIGINT."""
        self._app.state.stopping = True
        super().handle_exit(sig, frame)
