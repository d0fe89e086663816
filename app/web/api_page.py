"""The API as a page: every operation of the OpenAPI document, without script and without anybody else's server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.web import footer
from app.web.language import language_of
from app.web.responses import page
from app.web.templates import Place, render

router = APIRouter(include_in_schema=False)


@router.get("/api/docs")
@router.get("/en/api/docs")
def api_page(request: Request) -> Response:
    """The operations, by path and method."""
    document: dict[str, Any] = request.app.openapi()
    language = language_of(request)
    place = Place.served(request.url.path, language)
    context = {
        "checkpoint": footer.checkpoint(request),
        "openapi": document["openapi"],
        "operations": list(operations(document)),
    }
    return page(request, render("api.html", place, context), language)


def operations(document: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Rows of the table: method, path, description, the statuses that it answers with."""
    for path, methods in sorted(document["paths"].items()):
        for method, operation in methods.items():
            yield {
                "method": method.upper(),
                "path": path,
                "description": operation.get("description", operation["summary"]),
                "statuses": " ".join(operation["responses"]),
            }
