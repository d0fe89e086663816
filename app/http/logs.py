"""Logs for machines, without personal data: one JSON line per event, errors by type and place, routes by template.

A path may name a target and a query a person, so neither is logged; nor are the words of an exception, which may
repeat a statement's parameters.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Final, TextIO

import structlog

from app.errors import Problem, Refused

log: Final = logging.getLogger(__name__)
LEVELS: Final = ("debug", "info", "warning", "error")
Event = MutableMapping[str, Any]


def frames_only(_logger: Any, _method: str, event: Event) -> Event:
    """An exception as its types and the places that it came through, innermost last; never its words."""
    given = event.pop("exc_info", None)
    info = sys.exc_info() if given is True else given
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["error"] = _types(error)
        event["where"] = [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
    event.pop("exception", None)
    event.pop("color_message", None)  # uvicorn's, the same words for a terminal
    return event


def _types(error: BaseException) -> str:
    names: list[str] = []
    at: BaseException | None = error
    while at is not None and len(names) < 5:
        names.append(type(at).__qualname__)
        at = at.__cause__ or at.__context__
    return " < ".join(names)


def _short(path: str) -> str:
    return "/".join(path.split("/")[-3:])


@contextmanager
def keep_going(what: str, refusals: dict[str, Problem] | None = None) -> Iterator[None]:
    """Log what goes wrong in the block, by its code where it is a refusal, and go on with the next thing.

    Who tries the same thing again and again hands in the `refusals` that still stand: one is logged once, and
    again when it has become another or was over meanwhile. A failure is logged each time.
    """
    standing = refusals if refusals is not None else {}
    try:
        yield
    except Refused as refused:
        if standing.get(what) != refused.problem:
            log.error("%s: refused: %s", what, refused.problem.code)
        standing[what] = refused.problem
    except Exception:
        log.exception("%s: failed", what)
    else:
        standing.pop(what, None)


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Send every logger of the process, uvicorn's too, through one JSON renderer to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        frames_only,
    ]
    renderer = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(renderer)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    _quieten()


def _quieten() -> None:
    """uvicorn's access log and the HTTP client's hold addresses and paths; APScheduler tells every tick.

    It warns of each tick left out while one still works, which is what the clock asks of it.
    """
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], name != "uvicorn.access"
    for name in ("alembic", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
