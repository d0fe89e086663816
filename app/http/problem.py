"""Errors as RFC 9457 problem details, with a stable code and a remedy, in the language that was asked for."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.errors import Problem, Refused, status_of

MEDIA_TYPE = "application/problem+json"


def wants_english(request: Request) -> bool:
    """Chinese first; English where `Accept-Language` prefers it or the path lies under `/en`."""
    return request.url.path.startswith("/en") or request.headers.get(
        "accept-language", ""
    ).lower().startswith("en")


def problem_body(problem: Problem, status: int, english: bool) -> dict[str, Any]:
    """The members of RFC 9457 plus `code`, `remedy` and `params`."""
    return {
        "type": f"urn:double-random:problem:{problem.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": problem.en if english else problem.zh,
        "code": problem.code,
        "remedy": problem.remedy_en if english else problem.remedy_zh,
        "params": dict(problem.params),
    }


def _respond(request: Request, problem: Problem, status: int) -> JSONResponse:
    return JSONResponse(problem_body(problem, status, wants_english(request)), status, media_type=MEDIA_TYPE)


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    return _respond(request, error.problem, status_of(error))


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    return _respond(request, Problem(f"http.{error.status_code}", phrase, phrase), error.status_code)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    problem = Problem(
        "request.invalid",
        f"请求中 {where} 不符合要求：{first['msg']}",
        f"{where} in the request is not valid: {first['msg']}",
        "请按接口文档（/api/docs）改正该字段后重试。",
        "Correct that field as the API documentation (/api/docs) says and try again.",
        {"field": where},
    )
    return _respond(request, problem, 422)


def install(app: FastAPI) -> None:
    """Render every error that an endpoint lets through."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
