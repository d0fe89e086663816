"""Validators of what can change: ETag on reading, If-Match on writing, decided in one place (RFC 9110 section 13).

A change is checked against the state that its caller has seen *inside* the transaction that changes it, so two who
have seen the same state can't both change it: one gets 412.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from app.errors import PreconditionFailed, PreconditionRequired, Problem

Shown = TypeVar("Shown", bound=BaseModel)
Guard = Callable[[BaseModel | None], None]
"""Called by a service with what is about to change, as it is shown (None: it is not there yet); raises to refuse."""


def unguarded(_current: BaseModel | None) -> None:
    """The guard of callers that hold no earlier state: commands and the clock."""


def tag_of(shown: BaseModel) -> str:
    """A strong validator: equal representations, equal tag."""
    return f'"{hashlib.sha256(shown.model_dump_json().encode()).hexdigest()[:32]}"'


class NotModified(Exception):  # noqa: N818  not an error: the reader has it already
    """Answered as 304 with the tag."""

    def __init__(self, tag: str) -> None:
        super().__init__(tag)
        self.tag = tag


def _named(header: str) -> set[str]:
    return {part.strip() for part in header.split(",") if part.strip()}


def tagged(request: Request, response: Response, shown: Shown, version: BaseModel | None = None) -> Shown:
    """`shown` with its ETag; raises NotModified where If-None-Match of a GET names it.

    `version`: what the tag is made from, where not all that is shown is part of the state.
    """
    tag = tag_of(version or shown)
    if request.method in ("GET", "HEAD"):
        given = {part.removeprefix("W/") for part in _named(request.headers.get("if-none-match", ""))}
        if "*" in given or tag in given:
            raise NotModified(tag)
    response.headers["ETag"] = tag
    return shown


class IfMatch:
    """The caller's If-Match as a guard: 428 without one, 412 where it names another state."""

    def __init__(self, given: str | None) -> None:
        self._given = given

    def __call__(self, current: BaseModel | None) -> None:
        """Raise unless the caller has seen `current`; what is not there yet needs no condition."""
        if current is None:
            if self._given is not None:
                raise _failed("")
            return
        if self._given is None:
            raise _required()
        named = _named(self._given)
        if "*" not in named and tag_of(current) not in named:
            raise _failed(tag_of(current))


def _required() -> PreconditionRequired:
    return PreconditionRequired(
        Problem(
            "precondition.required",
            "修改须注明所依据的状态（If-Match）。",
            "A change has to say which state it was made for (If-Match).",
            "请先读取该对象，把回答中的 ETag 放入 If-Match 再提交。",
            "Read it first and send the ETag of that answer as If-Match.",
        )
    )


def _failed(tag: str) -> PreconditionFailed:
    return PreconditionFailed(
        Problem(
            "precondition.failed",
            "该对象在您读取之后已被修改，没有覆盖。",
            "It was changed after you read it; nothing was overwritten.",
            "请重新读取，核对后再提交。",
            "Read it again, check, and submit again.",
            {"etag": tag},
        )
    )


def _if_match(
    if_match: Annotated[
        str | None, Header(max_length=1000, description="ETag of the state that was read")
    ] = None,
) -> IfMatch:
    return IfMatch(if_match)


IfMatchDep = Annotated[IfMatch, Depends(_if_match)]
