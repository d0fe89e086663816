"""Errors as RFC 9457 problem details, with a stable code and a remedy, in the language that was asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from app.db.faults import FAILURES, unavailable
from app.errors import Problem, Refused, status_of
from app.http.etag import NotModified
from app.http.faults import said

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


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


def refusal_response(request: Request, error: Refused) -> Response:
    """A refusal outside of any endpoint."""
    status = status_of(error)
    body = problem_body(error.problem, status, wants_english(request))
    return JSONResponse(body, status, media_type=MEDIA_TYPE)


HtmlProblem = Callable[[Request, Problem, int], Response]
"""Renders a problem as a page; given by the rooms above, for `http` knows no templates."""


class _Renderer:
    def __init__(self, html: HtmlProblem | None, wants_html: Callable[[Request], bool] | None) -> None:
        self._html, self._wants_html = html, wants_html

    def respond(self, request: Request, problem: Problem, status: int) -> Response:
        response = self._rendered(request, problem, status)
        if "retry_after_s" in problem.params:
            response.headers["Retry-After"] = str(problem.params["retry_after_s"])
        return response

    def _rendered(self, request: Request, problem: Problem, status: int) -> Response:
        if self._html is not None and self._wants_html is not None and self._wants_html(request):
            return self._html(request, problem, status)
        return JSONResponse(
            problem_body(problem, status, wants_english(request)), status, media_type=MEDIA_TYPE
        )

    def refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return self.respond(request, error.problem, status_of(error))

    def http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if isinstance(error.__cause__, Exception) and unavailable(error.__cause__):
            return self.failed(
                request, error.__cause__
            )  # FastAPI takes any failure to keep a body for a bad one
        texts = _GENERAL.get(error.status_code, _OTHER)
        response = self.respond(request, Problem(f"http.{error.status_code}", *texts), error.status_code)
        response.headers.update(error.headers or {})
        return response

    def invalid(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        kind = request.headers.get("content-type", "")
        wanted = _wanted_instead(error, kind)
        if wanted is not None:
            return self.respond(request, _media_type(kind, wanted), 415)
        return self.respond(request, _invalid(error), 422)

    def not_modified(self, _request: Request, error: Exception) -> Response:
        assert isinstance(error, NotModified)
        return Response(status_code=304, headers={"ETag": error.tag})

    def failed(self, request: Request, error: Exception) -> Response:
        """A database or disk that can't take it now; any other failure of theirs is one of ours."""
        refused = unavailable(error)
        if refused is None:
            raise error
        log.error("refused: %s", refused.problem.code)
        return self.refused(request, refused)

    def unexpected(self, request: Request, error: Exception) -> Response:
        """Whatever nothing else knew; a database that fails before a route is found comes here too."""
        refused = unavailable(error)
        return self.refused(request, refused) if refused else self.respond(request, _UNEXPECTED, 500)


_GENERAL = {
    400: (
        "请求无法识别。",
        "The request can't be read.",
        "请按接口文档（/api/docs）改正。",
        "Correct it as /api/docs says.",
    ),
    404: (
        "没有这个地址。",
        "There is nothing at this address.",
        "请核对地址，接口见 /api/docs。",
        "Check it; see /api/docs.",
    ),
    401: (
        "此处需要登录。",
        "This needs a sign-in.",
        "请登录后重试。",
        "Sign in and try again.",
    ),
    403: (
        "没有权限。",
        "This is not permitted.",
        "请向管理员申请相应的权限。",
        "Ask an administrator for the right to it.",
    ),
    405: (
        "该地址不支持这一方法。",
        "This address doesn't take that method.",
        "请使用 Allow 所列的方法。",
        "Use one of those in Allow.",
    ),
}
_OTHER = (
    "请求没有完成。",
    "The request was not carried out.",
    "请按接口文档（/api/docs）改正后重试。",
    "Correct it as /api/docs says and try again.",
)
_UNEXPECTED = Problem(
    "http.500",
    "服务出错，请求没有完成；已记录。",
    "The service failed and the request was not carried out; it has been recorded.",
    "请稍后再试；若仍然出错，请告知运行单位出错的时间。",
    "Try again later; if it fails again, tell the operator when it happened.",
)


def _wanted_instead(error: RequestValidationError, kind: str) -> str | None:
    """The media type that the body should have had; None where that is not what is wrong."""
    if error.errors()[0]["loc"][0] != "body":
        return None
    if isinstance(error.body, bytes) and error.body:  # JSON of its own type would have been parsed
        return "application/json"
    if isinstance(error.body, FormData) and not kind.lower().startswith(_FORMS):
        return _FORMS[0]
    return None


def _media_type(kind: str, wanted: str) -> Problem:
    return Problem(
        "request.media_type",
        f"请求正文的类型（{kind or '未写明'}）不是此处接受的 {wanted}。",
        f"The body's type ({kind or 'not given'}) is not the one that is taken here, {wanted}.",
        f"请用 Content-Type: {wanted} 发送相应的正文。",
        f"Send such a body, with Content-Type: {wanted}.",
        {"given": kind, "wanted": wanted},
    )


def _invalid(error: RequestValidationError) -> Problem:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    zh, en = said(first)
    return Problem(
        "request.invalid",
        f"请求中 {where} 不符合要求：{zh}",
        f"{where} in the request is not valid: {en}",
        "请按接口文档（/api/docs）改正该字段后重试。",
        "Correct that field as the API documentation (/api/docs) says and try again.",
        {"field": where},
    )


def install(
    app: FastAPI, html: HtmlProblem | None = None, wants_html: Callable[[Request], bool] | None = None
) -> None:
    """Render every error that an endpoint lets through, as a page for readers who ask for one."""
    renderer = _Renderer(html, wants_html)
    app.add_exception_handler(Refused, renderer.refused)
    app.add_exception_handler(RequestValidationError, renderer.invalid)
    app.add_exception_handler(NotModified, renderer.not_modified)
    app.add_exception_handler(HTTPException, renderer.http)
    for failure in FAILURES:
        app.add_exception_handler(failure, renderer.failed)
    app.add_exception_handler(Exception, renderer.unexpected)
