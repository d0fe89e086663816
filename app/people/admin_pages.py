"""Pages of the three administrators and of auditors: accounts, roles, locks, sessions, the access record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Path, Query
from fastapi.responses import Response
from pydantic import ValidationError

from app.errors import Refused, refuse
from app.http.access import BUSINESS
from app.http.pagination import Paging
from app.people import names, oidc, repository, service, sessions
from app.people.entrance import Caller, CallerDep, FormDep, Line
from app.people.schemas import AccountIn, Kind
from app.people.tables import Account
from app.web.addresses import in_both_languages
from app.web.templates import OFFICIAL

router = APIRouter(include_in_schema=False)
Number = Annotated[int, Path(ge=1, lt=1 << 63)]
Words = Annotated[list[str] | None, Form(max_length=50)]
Day = Annotated[date | Literal[""], Query()]
PAGE = 100


def _accounts(
    caller: Caller, refused: Refused | None = None, shown: tuple[str, str] | None = None
) -> Response:
    with caller.db.read() as session:
        rows = [(row, repository.roles(session, row.id or 0)) for row in repository.accounts(session)]
    context = {"rows": rows, "kinds": names.KINDS, "roles": names.ROLES, "shown": shown}
    return caller.page("accounts.html", context, refused)


def _account(caller: Caller, number: int, refused: Refused | None = None, password: str = "") -> Response:
    with caller.db.read() as session:
        account = service.found(session, number)
        held = repository.roles(session, number)
        signed_in = repository.sessions_of(session, number, caller.now - sessions.LASTS)
    context = {
        "account": account, "held": held, "possible": _possible(account), "sessions": signed_in,
        "kinds": names.KINDS, "roles": names.ROLES, "password": password,
        "oidc": "staff" in caller.request.app.state.oidc,
    }  # fmt: skip
    return caller.page("account_admin.html", context, refused)


def _possible(account: Account) -> list[str]:
    return sorted(BUSINESS) if account.kind == "business" else [account.kind]


@in_both_languages(router, "/admin/accounts")
def accounts_page(caller: CallerDep) -> Response:
    """All accounts with their roles."""
    return _accounts(caller)


@in_both_languages(router, "/admin/accounts", post=True)
def create_account_form(
    caller: FormDep, login: Line, kind: Line, name: Line = "", department: Line = "", districts: Line = ""
) -> Response:
    """A new account without roles; its initial password is shown on this page and never again."""
    try:
        found = _wanted(login.strip(), kind, name.strip(), department.strip(), districts.split())
        account, password = service.create(caller.db, found, caller.actor, caller.now)
    except Refused as refused:
        return _accounts(caller, refused)
    return _accounts(caller, shown=(account.login, password))


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
def account_admin_page(caller: CallerDep, number: Number) -> Response:
    """An account: what it is, its roles, whether it is locked, where it is signed in."""
    return _account(caller, number)


def _done(caller: Caller, number: int, do: Callable[[], object]) -> Response:
    """Carry out one change of an account and show it; a refusal is said on the page."""
    try:
        do()
    except Refused as refused:
        return _account(caller, number, refused)
    return caller.onward(f"/admin/accounts/{number}")


@in_both_languages(router, "/admin/accounts/{number}/roles", post=True)
def roles_form(caller: FormDep, number: Number, role: Words = None) -> Response:
    """Give exactly these roles."""
    give = partial(service.give_roles, caller.db, number, role or [], caller.actor, caller.now)
    return _done(caller, number, give)


@in_both_languages(router, "/admin/accounts/{number}/lock", post=True)
def lock_form(caller: FormDep, number: Number, locked: Annotated[bool, Form()]) -> Response:
    """Lock an account or let it in again."""
    return _done(caller, number, partial(service.lock, caller.db, number, locked, caller.actor, caller.now))


@in_both_languages(router, "/admin/accounts/{number}/sessions", post=True)
def end_sessions_form(caller: FormDep, number: Number) -> Response:
    """Sign an account out everywhere."""
    return _done(caller, number, partial(service.sign_out, caller.db, number, caller.actor, caller.now))


@in_both_languages(router, "/admin/accounts/{number}/identity", post=True)
def identity_form(
    caller: FormDep, number: Number, subject: Annotated[str, Form(min_length=1, max_length=255)]
) -> Response:
    """Link an account to an identity at the OpenID provider."""

    def link() -> object:
        found = oidc.provider_of(caller.request.app.state.oidc, "staff").subject(subject)
        return service.link(caller.db, number, found, caller.actor, caller.now)

    return _done(caller, number, link)


@in_both_languages(router, "/admin/accounts/{number}/inspector", post=True)
def inspector_form(caller: FormDep, number: Number, inspector: Line = "") -> Response:
    """Say which inspector of the roster the account's person is."""
    code = inspector.strip()
    name = partial(service.name_inspector, caller.db, number, code, caller.actor, caller.now)
    return _done(caller, number, name)


@in_both_languages(router, "/admin/accounts/{number}/password", post=True)
def reset_password_form(caller: FormDep, number: Number) -> Response:
    """A new initial password, shown on this page and never again."""
    try:
        password = service.reset_password(caller.db, number, caller.actor, caller.now)
    except Refused as refused:
        return _account(caller, number, refused)
    return _account(caller, number, password=password)


@in_both_languages(router, "/admin/record")
def record_page(
    caller: CallerDep,
    login: Annotated[str, Query(max_length=64)] = "",
    route: Annotated[str, Query(max_length=100)] = "",
    subject: Annotated[str, Query(max_length=200)] = "",
    since: Day = "",
    until: Day = "",
    cursor: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """Who saw and did what, the newest first."""
    paging = Paging(cursor, PAGE)
    with caller.db.read() as session:
        account = repository.by_login(session, login) if login else None
        number = account.id if account else -1 if login else None
        asked = repository.Asked(
            number, route.strip(), subject.strip(), _midnight(since), _midnight(until, days=1)
        )
        rows = repository.page_of_records(session, paging, asked, service.kinds_seen(caller.actor))
        logins = {row.id: row.login for row in repository.accounts(session)}
    page = paging.page(rows, lambda row: (row.id,), lambda row: row)
    filters: dict[str, Any] = {
        "login": login, "route": route, "subject": subject, "since": since, "until": until,
    }  # fmt: skip
    onward = urlencode({**filters, "cursor": page.next}) if page.next else ""
    context = {"rows": page.items, "logins": logins, "asked": filters, "onward": onward}
    return caller.page("record.html", context)


def _midnight(day: date | Literal[""], days: int = 0) -> datetime | None:
    return datetime.combine(day + timedelta(days), time(), OFFICIAL) if day else None
