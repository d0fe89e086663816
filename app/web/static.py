"""The few static files, served from memory under addresses that change with their contents."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.errors import NotFound, Problem
from app.web.responses import conditional

STATIC: Final = Path(__file__).parent / "static"
MEDIA: Final = {
    "style.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "live.js": "text/javascript; charset=utf-8",
    "ratios.js": "text/javascript; charset=utf-8",
    "replay.js": "text/javascript; charset=utf-8",
    "phone.js": "text/javascript; charset=utf-8",
    "worker.js": "text/javascript; charset=utf-8",
}
_YEAR: Final = 365 * 24 * 3600

router = APIRouter()


@cache
def contents(name: str) -> bytes:
    """A static file's bytes. `name` is one of `MEDIA`; a script is its folder's parts, joined in order of name."""
    if name.endswith(".js"):
        return b"\n".join(part.read_bytes() for part in sorted((STATIC / name.removesuffix(".js")).iterdir()))
    return (STATIC / name).read_bytes()


@cache
def address(name: str) -> str:
    """The file's address, with the beginning of its digest."""
    return f"/static/{name}?v={hashlib.sha256(contents(name)).hexdigest()[:12]}"


@router.get("/static/{name}", include_in_schema=False)
def static_file(request: Request, name: str) -> Response:
    """A file that is listed in `MEDIA`, kept by browsers for a year."""
    if name not in MEDIA:
        raise NotFound(
            Problem("static.absent", f"没有文件 {name}。", f"There is no file {name}.", params={"name": name})
        )
    answer = conditional(request, contents(name), MEDIA[name], f"public, max-age={_YEAR}, immutable")
    if name == "worker.js":
        answer.headers["Service-Worker-Allowed"] = "/"
    return answer
