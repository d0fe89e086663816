"""One's own tokens as a page: made once, shown once, ended."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import RedirectResponse, Response

from app.errors import Refused, refuse, status_of
from app.http.access import Actor, ActorDep
from app.http.dependencies import NowDep, WholeDatabaseDep
from app.needs import scopes_of
from app.people import repository, service
from app.people.entrance import Line, own_form, private_page, said
from app.web.addresses import LanguageDep, in_both_languages
from app.web.language import Language, localized
from app.web.responses import PRIVATE

router = APIRouter(include_in_schema=False)


def _page(
    request: Request,
    db: WholeDatabaseDep,
    language: Language,
    actor: Actor,
    refused: Refused | None = None,
    text: str = "",
) -> Response:
    with db.read() as session:
        rows = repository.tokens(session, actor.account or 0)
    context: dict[str, object] = {
        "who": actor, "rows": rows, "scopes": scopes_of(actor.roles), "said": said(refused, language),
        "text": text,
    }  # fmt: skip
    return private_page(request, language, "tokens.html", context, status_of(refused) if refused else 200)


@in_both_languages(router, "/account/tokens")
def tokens_page(request: Request, db: WholeDatabaseDep, language: LanguageDep, actor: ActorDep) -> Response:
    """One's own tokens, the newest first."""
    return _page(request, db, language, actor)


@in_both_languages(router, "/account/tokens", post=True)
def create_token_form(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    actor: ActorDep,
    now: NowDep,
    name: Line,
    days: Annotated[int, Form(ge=1, le=366)],
    scope: Annotated[list[str] | None, Form(max_length=20)] = None,
    csrf: Line = "",
) -> Response:
    """A new token within one's own roles; its text is shown on this page and never again."""
    own_form(actor, csrf)
    wanted = [known for known in scopes_of(actor.roles) if known in (scope or ())]
    if not wanted or not name.strip():
        return _page(request, db, language, actor, _nothing())
    _, text = service.make_token(db, actor, name.strip()[:100], wanted, days, now)
    return _page(request, db, language, actor, text=text)


@in_both_languages(router, "/account/tokens/{number}/end", post=True)
def revoke_token_form(
    db: WholeDatabaseDep,
    language: LanguageDep,
    actor: ActorDep,
    now: NowDep,
    number: Annotated[int, Path(ge=1, lt=1 << 63)],
    csrf: Line = "",
) -> Response:
    """End a token of one's own."""
    own_form(actor, csrf)
    service.revoke_token(db, actor, number, now)
    return RedirectResponse(localized("/account/tokens", language), 303, {"Cache-Control": PRIVATE})


def _nothing() -> Refused:
    return refuse(
        "token.empty",
        "令牌须有用途，并至少有一项权限范围。",
        "A token has a name and at least one scope.",
        "请填写用途并勾选范围。",
        "Name it and choose what it may do.",
    )
