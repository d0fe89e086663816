"""Pages of the three administrators and of auditors: accounts, roles, locks, sessions, the access record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from app.errors import Refused, refuse, status_of
from app.http.access import BUSINESS, Actor, ActorDep
from app.http.dependencies import NowDep, WholeDatabaseDep
from app.http.pagination import Paging
from app.people import names, oidc, repository, service, sessions
from app.people.entrance import Line, own_form, private_page, said
from app.people.schemas import AccountIn, Kind
from app.people.tables import Account
from app.web.addresses import LanguageDep, in_both_languages
from app.web.language import Language, localized
from app.web.responses import PRIVATE
from app.web.templates import OFFICIAL

router = APIRouter(include_in_schema=False)
Number = Annotated[int, Path(ge=1, lt=1 << 63)]
Words = Annotated[list[str] | None, Form(max_length=50)]
Day = Annotated[date | Literal[""], Query()]
PAGE = 100


def _accounts(
    request: Request,
    db: WholeDatabaseDep,
    language: Language,
    actor: Actor,
    refused: Refused | None = None,
    shown: tuple[str, str] | None = None,
) -> Response:
    with db.read() as session:
        rows = [(row, repository.roles(session, row.id or 0)) for row in repository.accounts(session)]
    context: dict[str, object] = {
        "rows": rows, "who": actor, "kinds": names.KINDS, "roles": names.ROLES, "shown": shown,
        "said": said(refused, language),
    }  # fmt: skip
    return private_page(request, language, "accounts.html", context, status_of(refused) if refused else 200)


def _account(
    request: Request,
    db: WholeDatabaseDep,
    language: Language,
    actor: Actor,
    number: int,
    now: datetime,
    refused: Refused | None = None,
    password: str = "",
) -> Response:
    with db.read() as session:
        account = service.found(session, number)
        held = repository.roles(session, number)
        signed_in = repository.sessions_of(session, number, now - sessions.LASTS)
    context: dict[str, object] = {
        "account": account, "held": held, "possible": _possible(account), "sessions": signed_in, "who": actor,
        "kinds": names.KINDS, "roles": names.ROLES, "said": said(refused, language), "password": password,
        "oidc": "staff" in request.app.state.oidc,
    }  # fmt: skip
    return private_page(
        request, language, "account_admin.html", context, status_of(refused) if refused else 200
    )


def _possible(account: Account) -> list[str]:
    return sorted(BUSINESS) if account.kind == "business" else [account.kind]


@in_both_languages(router, "/admin/accounts")
def accounts_page(request: Request, db: WholeDatabaseDep, language: LanguageDep, actor: ActorDep) -> Response:
    """All accounts with their roles."""
    return _accounts(request, db, language, actor)


@in_both_languages(router, "/admin/accounts", post=True)
def create_account_form(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    actor: ActorDep,
    now: NowDep,
    login: Line,
    kind: Line,
    name: Line = "",
    department: Line = "",
    districts: Line = "",
    csrf: Line = "",
) -> Response:
    """A new account without roles; its initial password is shown on this page and never again."""
    own_form(actor, csrf)
    try:
        found = _wanted(login.strip(), kind, name.strip(), department.strip(), districts.split())
        account, password = service.create(db, found, actor, now)
    except Refused as refused:
        return _accounts(request, db, language, actor, refused)
    return _accounts(request, db, language, actor, shown=(account.login, password))


def _wanted(login: str, kind: str, name: str, department: str, districts: list[str]) -> AccountIn:
    try:
        return AccountIn(
            login=login, name=name, kind=cast("Kind", kind), department=department,
            level="district" if districts else "city", districts=districts,
        )  # fmt: skip
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        raise refuse(
            "people.field",
            f"填写的 {field} 不符合要求。",
            f"{field} is not valid.",
            "登录名为 2 至 63 个字母、数字或 . _ -；区县为六位代码，以空格分隔。",
            "A login has 2 to 63 letters, digits or . _ -; districts are six-digit codes parted by blanks.",
            field=field,
        ) from None


@in_both_languages(router, "/admin/accounts/{number}")
def account_admin_page(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    actor: ActorDep,
    now: NowDep,
    number: Number,
) -> Response:
    """An account: what it is, its roles, whether it is locked, where it is signed in."""
    return _account(request, db, language, actor, number, now)


def _done(
    request: Request,
    db: WholeDatabaseDep,
    language: Language,
    actor: Actor,
    number: int,
    now: datetime,
    csrf: str,
    do: Callable[[], object],
) -> Response:
    """Carry out one change of an account and show it; a refusal is said on the page."""
    own_form(actor, csrf)
    try:
        do()
    except Refused as refused:
        return _account(request, db, language, actor, number, now, refused)
    to = localized(f"/admin/accounts/{number}", language)
    return RedirectResponse(to, 303, {"Cache-Control": PRIVATE})


@in_both_languages(router, "/admin/accounts/{number}/roles", post=True)
def roles_form(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    actor: ActorDep,
    now: NowDep,
    number: Number,
    role: Words = None,
    csrf: Line = "",
) -> Response:
    """Give exactly these roles."""
    return _done(
        request, db, language, actor, number, now, csrf,
        lambda: service.give_roles(db, number, role or [], actor, now),
    )  # fmt: skip


@in_both_languages(router, "/admin/accounts/{number}/lock", post=True)
def lock_form(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    actor: ActorDep,
    now: NowDep,
    number: Number,
    locked: Annotated[bool, Form()],
    csrf: Line = "",
) -> Response:
    """Lock an account or let it in again."""
    return _done(
        request, db, language, actor, number, now, csrf,
        lambda: service.lock(db, number, locked, actor, now),
    )  # fmt: skip


@in_both_languages(router, "/admin/accounts/{number}/sessions", post=True)
def end_sessions_form(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    actor: ActorDep,
    now: NowDep,
    number: Number,
    csrf: Line = "",
) -> Response:
    """Sign an account out everywhere."""
    return _done(
        request, db, language, actor, number, now, csrf, lambda: service.sign_out(db, number, actor, now)
    )  # fmt: skip


@in_both_languages(router, "/admin/accounts/{number}/identity", post=True)
def identity_form(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    actor: ActorDep,
    now: NowDep,
    number: Number,
    subject: Annotated[str, Form(min_length=1, max_length=255)],
    csrf: Line = "",
) -> Response:
    """Link an account to an identity at the OpenID provider."""
    return _done(
        request, db, language, actor, number, now, csrf,
        lambda: service.link(
            db, number, oidc.provider_of(request.app.state.oidc, "staff").subject(subject), actor, now
        ),
    )  # fmt: skip


@in_both_languages(router, "/admin/accounts/{number}/password", post=True)
def reset_password_form(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    actor: ActorDep,
    now: NowDep,
    number: Number,
    csrf: Line = "",
) -> Response:
    """A new initial password, shown on this page and never again."""
    own_form(actor, csrf)
    try:
        password = service.reset_password(db, number, actor, now)
    except Refused as refused:
        return _account(request, db, language, actor, number, now, refused)
    return _account(request, db, language, actor, number, now, password=password)


@in_both_languages(router, "/admin/record")
def record_page(
    request: Request,
    db: WholeDatabaseDep,
    language: LanguageDep,
    actor: ActorDep,
    login: Annotated[str, Query(max_length=64)] = "",
    route: Annotated[str, Query(max_length=100)] = "",
    subject: Annotated[str, Query(max_length=200)] = "",
    since: Day = "",
    until: Day = "",
    cursor: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """Who saw and did what, the newest first."""
    paging = Paging(cursor, PAGE)
    with db.read() as session:
        account = repository.by_login(session, login) if login else None
        number = account.id if account else -1 if login else None
        asked = repository.Asked(
            number, route.strip(), subject.strip(), _midnight(since), _midnight(until, days=1)
        )
        rows = repository.page_of_records(session, paging, asked, service.kinds_seen(actor))
        logins = {row.id: row.login for row in repository.accounts(session)}
    page = paging.page(rows, lambda row: (row.id,), lambda row: row)
    filters: dict[str, Any] = {
        "login": login, "route": route, "subject": subject, "since": since, "until": until,
    }  # fmt: skip
    onward = urlencode({**filters, "cursor": page.next}) if page.next else ""
    context = {"rows": page.items, "logins": logins, "asked": filters, "onward": onward}
    return private_page(request, language, "record.html", context)


def _midnight(day: date | Literal[""], days: int = 0) -> datetime | None:
    return datetime.combine(day + timedelta(days), time(), OFFICIAL) if day else None
