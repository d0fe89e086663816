"""Pages in both languages: an endpoint at its address, and in English under `/en`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.web.language import Language, language_of
from app.web.templates import Place

LanguageDep = Annotated[Language, Depends(language_of)]
Endpoint = Callable[..., Response]


def in_both_languages(router: APIRouter, path: str, post: bool = False) -> Callable[[Endpoint], Endpoint]:
    """Serve an endpoint of `router` at `path` and under `/en`: for GET and HEAD, or for POST."""

    def register(endpoint: Endpoint) -> Endpoint:
        for address in (path, f"/en{path}"):
            router.add_api_route(address, endpoint, methods=["POST"] if post else ["GET", "HEAD"])
        return endpoint

    return register


def place_of(request: Request, language: Language) -> Place:
    """Where the page stands, its query kept in the other language's address."""
    return Place.served(request.url.path, language, request.url.query)
