"""The API's description: every route names its problems, under their own media type, with stable operation ids."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.http.access import Need, describe
from app.http.schemas import ProblemOut

PROBLEM = "application/problem+json"
DESCRIPTIONS = {
    400: "The request can't be read: bad JSON, bad Unicode, NUL, nested too deep.",
    401: "Nobody has signed in, or the token is not valid.",
    403: "The one who asks is known and may not do this.",
    404: "Not there, or not for the one who asks.",
    408: "The request's body did not arrive in time.",
    409: "It contradicts what has already happened.",
    412: "It was changed after it was read.",
    413: "The body is larger than is read.",
    415: "The body has another type than is taken here.",
    422: "A rule is broken; `code` names it and `remedy` says what to do.",
    428: "A change needs If-Match.",
    429: "Too many attempts; try again later.",
    503: "The service can't answer now: the database is locked, full or away. Nothing was done; see Retry-After.",
}
_REFERENCE = {"$ref": "#/components/schemas/ProblemOut"}
EXAMPLE = {
    "type": "urn:double-random:problem:round.absent",
    "title": "Not Found",
    "status": 404,
    "detail": "There is no round spring-2026-Q1-1.",
    "code": "round.absent",
    "remedy": "See `round list`.",
    "params": {"round_id": "spring-2026-Q1-1"},
}

Responses = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Responses:
    """What a route declares of its problems; to every one 400 and 503 are added, to one with a body 408, 413, 415."""
    return {status: _problem(status) for status in statuses}


def _problem(status: int) -> dict[str, Any]:
    title = HTTPStatus(status).phrase
    example = EXAMPLE if status == 404 else {**EXAMPLE, **_GENERAL, "title": title, "status": status}
    content = {PROBLEM: {"schema": _REFERENCE, "example": example}}
    return {"description": DESCRIPTIONS.get(status, title), "content": content}


_GENERAL = {
    "type": "urn:double-random:problem:request.invalid",
    "detail": "body.plan in the request is not valid: …",
    "code": "request.invalid",
    "remedy": "Correct that field as the API documentation (/api/docs) says and try again.",
    "params": {"field": "body.plan"},
}


def operation_id(route: APIRoute) -> str:
    """The function's name: stable as long as the code calls it so, and unique (a test sees to it)."""
    return route.name


def described(app: FastAPI, needs: Mapping[str, Need]) -> dict[str, Any]:
    """The OpenAPI document, with the problems that the edge answers any route with, and who may use it."""
    document = _plain(app)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["ProblemOut"] = ProblemOut.model_json_schema(ref_template="#/components/schemas/{model}")
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for methods in document["paths"].values():
        for operation in methods.values():
            _complete(operation)
    describe(document, needs, problems(401, 403))
    return document


def install(app: FastAPI, needs: Mapping[str, Need]) -> None:
    """Describe the API in this way; computed once."""
    app.openapi = lambda: _kept(app, needs)  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _kept(app: FastAPI, needs: Mapping[str, Need]) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = described(app, needs)
    return app.openapi_schema


def _plain(app: FastAPI) -> dict[str, Any]:
    return FastAPI.openapi(app)


def _complete(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    asked = "parameters" in operation or "requestBody" in operation
    added = [400, 503, *([408, 413, 415] if "requestBody" in operation else []), *([422] if asked else [])]
    refused = {int(status) for status in responses if status.isdecimal() and int(status) >= 400}
    for status in refused.union(added):
        known = responses.get(str(status), {})
        if PROBLEM not in known.get("content", {}):
            own = known.get("description", "")
            general = own in ("", HTTPStatus(status).phrase, "Validation Error")
            responses[str(status)] = _problem(status) | ({} if general else {"description": own})
    operation["responses"] = dict(sorted(responses.items()))
