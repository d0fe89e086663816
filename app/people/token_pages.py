"""One's own tokens as a page: made once, shown once, ended."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path
from fastapi.responses import Response

from app.errors import Refused, refuse
from app.needs import scopes_of
from app.people import repository, service
from app.people.entrance import Caller, CallerDep, FormDep, Line
from app.web.addresses import in_both_languages

router = APIRouter(include_in_schema=False)


def _page(caller: Caller, refused: Refused | None = None, text: str = "") -> Response:
    with caller.db.read() as session:
        rows = repository.tokens(session, caller.actor.account or 0)
    context = {"rows": rows, "scopes": scopes_of(caller.actor.roles), "text": text}
    return caller.page("tokens.html", context, refused)


@in_both_languages(router, "/account/tokens")
def tokens_page(caller: CallerDep) -> Response:
    """One's own tokens, the newest first."""
    return _page(caller)


@in_both_languages(router, "/account/tokens", post=True)
def create_token_form(
    caller: FormDep,
    name: Line,
    days: Annotated[int, Form(ge=1, le=366)],
    scope: Annotated[list[str] | None, Form(max_length=20)] = None,
) -> Response:
    """A new token within one's own roles; its text is shown on this page and never again."""
    wanted = [known for known in scopes_of(caller.actor.roles) if known in (scope or ())]
    if not wanted or not name.strip():
        return _page(caller, _nothing())
    _, text = service.make_token(caller.db, caller.actor, name.strip()[:100], wanted, days, caller.now)
    return _page(caller, text=text)


@in_both_languages(router, "/account/tokens/{number}/end", post=True)
def revoke_token_form(caller: FormDep, number: Annotated[int, Path(ge=1, lt=1 << 63)]) -> Response:
    """End a token of one's own."""
    service.revoke_token(caller.db, caller.actor, number, caller.now)
    return caller.onward("/account/tokens")


def _nothing() -> Refused:
    return refuse(
        "token.empty",
        "令牌须有用途，并至少有一项权限范围。",
        "A token has a name and at least one scope.",
        "请填写用途并勾选范围。",
        "Name it and choose what it may do.",
    )
