"""Errors as pages: what happened and what to do, in the language of the address."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from app.errors import Problem
from app.web import footer
from app.web.language import TAGS, language_of, localized, marked, neutral
from app.web.responses import HEADERS, HTML, PRIVATE
from app.web.templates import Place, render

TITLES: Final = {
    404: marked("没有找到"),
    405: marked("该地址不支持这一方法"),
    409: marked("现在不能这样做"),
    422: marked("请求不符合要求"),
    500: marked("服务出错"),
    503: marked("服务暂时不能应答"),
}
REMEDIES: Final = {
    404: marked("请核对地址，或从首页重新进入。"),
    500: marked("请稍后再试；若仍然出错，请告知运行单位出错的时间。"),
}


def wants_html(request: Request) -> bool:
    """Whether the reader is a browser asking for a page, not a program asking the API."""
    accepted = request.headers.get("accept", "")
    return "text/html" in accepted and not request.url.path.startswith("/api/")


def html_problem(request: Request, problem: Problem, status: int) -> Response:
    """An error page for `problem` with that status; a code of `http.*` or none says no more than the title.

    Who has not signed in is sent there, and back afterwards.
    """
    language = language_of(request)
    if status == 401 and request.method in ("GET", "HEAD"):
        query = f"?{request.url.query}" if request.url.query else ""
        to = urlencode({"next": request.url.path + query})
        firm = neutral(request.url.path).startswith("/firm")
        door = localized("/firm/sign-in" if firm else "/sign-in", language)
        return RedirectResponse(door if firm else f"{door}?{to}", 303, {"Cache-Control": PRIVATE})
    english = language == "en"
    general = problem.code.startswith("http.")
    context = {
        "checkpoint": footer.checkpoint(request),
        "status": status,
        "title": TITLES.get(status, marked("请求没有完成")),
        "detail": "" if general else problem.en if english else problem.zh,
        "remedy": problem.remedy_en if english else problem.remedy_zh,
        "general_remedy": REMEDIES.get(status, ""),
        "code": problem.code,
    }
    html = render("problem.html", Place.served(request.url.path, language), context)
    headers = {**HEADERS, "Cache-Control": PRIVATE, "Content-Language": TAGS[language]}
    return Response(html.encode(), status, headers, HTML)
