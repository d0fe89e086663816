"""Responses that people read: security headers on all, ETag and a short life on what is public."""

from __future__ import annotations

import hashlib
from typing import Final
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response

from app.web.language import TAGS, Language

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PUBLIC: Final = "public, max-age=60"
PRIVATE: Final = "no-store"
HTML: Final = "text/html; charset=utf-8"


def etag_of(body: bytes) -> str:
    """A strong validator: equal bytes, equal tag."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def names(if_none_match: str, etag: str) -> bool:
    """Whether If-None-Match names this tag (weak comparison, RFC 9110 section 13.1.2); without a tag nothing does."""
    given = [part.strip().removeprefix("W/") for part in if_none_match.split(",")]
    return bool(etag) and ("*" in given or etag in given)


def matches(request: Request, etag: str) -> bool:
    """Whether the request says that it has this version already."""
    return names(request.headers.get("if-none-match", ""), etag)


def conditional(request: Request, body: bytes, media_type: str, cache_control: str) -> Response:
    """The body with its ETag, or 304 without it."""
    etag = etag_of(body)
    headers = {**HEADERS, "ETag": etag, "Cache-Control": cache_control}
    if matches(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def page(request: Request, html: str, language: Language, cache_control: str = PUBLIC) -> Response:
    """An HTML page in one language."""
    response = conditional(request, html.encode(), HTML, cache_control)
    response.headers["Content-Language"] = TAGS[language]
    return response


def download(
    request: Request, body: bytes, media_type: str, filename: str, cache_control: str = PUBLIC
) -> Response:
    """A file to be saved under `filename` (RFC 6266, any Unicode)."""
    response = conditional(request, body, media_type, cache_control)
    response.headers["Content-Disposition"] = disposition(filename)
    return response


def disposition(filename: str) -> str:
    """Content-Disposition for a download; old readers get the name's ASCII part."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
