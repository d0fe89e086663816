"""Who asks, and whether they may: every route's need is declared in one table, and what isn't declared is refused.

Until the first account exists the service stands open on loopback, to the operator of that machine, who may do
everything. From the first account on, whatever is not public asks for a session or a token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Protocol
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from app.db.scope import EVERYTHING, NOTHING, Scope
from app.errors import Forbidden, Problem, Refused, Unauthorized
from app.http.problem import refusal_response

SAFE: Final = ("GET", "HEAD", "OPTIONS")
BUSINESS: Final = frozenset({"coordinator", "planner", "inspector", "legal_reviewer"})
ADMINISTRATORS: Final = frozenset({"system_admin", "security_admin", "audit_admin"})
ROLES: Final = BUSINESS | ADMINISTRATORS | {"auditor"}
FIRM: Final = "firm"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `account`: None for the operator, for firms and for nobody. `tokens`: scopes of a token, None: session.

    `csrf`: what the forms of a session have to bring along. `must_change`: nothing but a new password is open.
    `inspector`: the account's code in the roster.
    """

    kind: str
    account: int | None = None
    name: str = ""
    roles: frozenset[str] = frozenset()
    scope: Scope = NOTHING
    tokens: frozenset[str] | None = None
    session: str = ""
    csrf: str = ""
    must_change: bool = False
    inspector: str = ""

    @property
    def is_operator(self) -> bool:
        """Whether it is whoever sits at the machine, before there are accounts."""
        return self.kind == "operator"

    @property
    def signature(self) -> str:
        """How the account or firm signs what it does: a number or a code, for records hold no names."""
        return f"firm:{self.scope.target_id}" if self.kind == FIRM else f"account:{self.account}"


OPERATOR: Final = Actor("operator", roles=ROLES, scope=EVERYTHING)
ANYBODY: Final = Actor("anybody")


@dataclass(frozen=True, slots=True)
class Need:
    """What a route asks for: one of `roles`, and with a token `scope`. No roles and not `public`: any who signed in."""

    roles: frozenset[str] = frozenset()
    scope: str = ""
    public: bool = False
    firms: bool = False
    """Open to firms too; what names the role `firm` is open to them alone."""
    own: bool = field(default=False)
    """Concerns the asker's own sign-in: open while the password has still to be changed, never to tokens."""


PUBLIC: Final = Need(public=True)
SIGNED_IN: Final = Need(own=True)


class Identify(Protocol):
    """What the room of people gives: who stands behind credentials, and whether accounts exist."""

    def accounts_exist(self) -> bool:
        """Whether there is an account; once there is, for ever."""

    def by_token(self, token: str, now: datetime) -> Actor | None:
        """Whose token it is, None where it isn't valid."""

    def by_session(self, secret: str, now: datetime) -> Actor | None:
        """Whose session it is, None where it has ended."""

    async def record(self, actor: Actor, route: str, subject: str, status: int, now: datetime) -> None:
        """Keep who saw or did what before the answer goes out."""


def cookie_name(secure: bool) -> str:
    """With https the name that browsers bind to this very host (RFC 6265bis, `__Host-`)."""
    return "__Host-session" if secure else "session"


class IdentityMiddleware:
    """Finds out who asks before anything of the request is read, and records what they were given."""

    def __init__(self, app: ASGIApp, identify: Identify) -> None:
        self._app, self._identify = app, identify

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"].startswith(("/static/", "/health/")):
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["identify"] = self._identify
        request = Request(scope)
        try:
            actor = await run_in_threadpool(self._actor, request)
            if actor is not None:
                state["actor"] = actor
        except Refused as refused:
            await refusal_response(request, refused)(scope, receive, send)
            return
        await self._app(scope, receive, self._recording(scope, send))

    def _actor(self, request: Request) -> Actor | None:
        now = datetime.now(UTC)
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            found = self._identify.by_token(token.strip(), now)
            if found is None and request.method not in SAFE and not _open_to_all(request):
                raise sign_in_needed("access.token")
            return found or ANYBODY
        if request.method not in SAFE and request.url.path not in OPEN_WRITES:
            check_origin(request)
        secret = request.cookies.get(cookie_name(request.url.scheme == "https"))
        found = self._identify.by_session(secret, now) if secret else None
        return found or self._nobody(request)

    def _nobody(self, request: Request) -> Actor | None:
        """A change by nobody is refused here, before its body is read; what may be read is decided by the route."""
        if request.method in SAFE or _open_to_all(request):
            return None
        if self._identify.accounts_exist():
            raise sign_in_needed()
        return OPERATOR

    def _recording(self, scope: Connection, send: Send) -> Send:
        async def recorded(message: Message) -> None:
            actor: Actor | None = scope["state"].get("actor")
            route = scope.get("route")
            if (
                message["type"] == "http.response.start"
                and actor
                and actor.kind in ("account", FIRM)
                and route
            ):
                status = message["status"]
                named = scope.get("path_params", {}) if status < 400 else {}
                subject = " ".join(f"{name}={value}" for name, value in sorted(named.items()))
                await self._identify.record(actor, route.name, subject[:200], status, datetime.now(UTC))
            await send(message)

        return recorded


OPEN_WRITES: Final = ("/api/v1/log/cosignatures",)
OPEN_PAGES: Final = re.compile(r"^(/en)?/(sign-in|firm/sign-in)(/|$)")
"""What somebody who has not signed in may send."""


def _open_to_all(request: Request) -> bool:
    return request.url.path in OPEN_WRITES or OPEN_PAGES.match(request.url.path) is not None


def check_origin(request: Request) -> None:
    """Refuse a change that another site's page made a browser send (Fetch Metadata; Origin, RFC 6454)."""
    site = request.headers.get("sec-fetch-site", "")
    origin = request.headers.get("origin", "")
    ours = not origin or urlsplit(origin).netloc == request.headers.get("host", "")
    if site in ("cross-site", "same-site") or not ours:
        raise Forbidden(
            Problem(
                "access.other_site",
                "该请求来自其他网站的页面，没有执行。",
                "The request came from another site's page and was not carried out.",
                "请在本服务的页面上操作。",
                "Use the pages of this service.",
            )
        )


def sign_in_needed(code: str = "access.sign_in") -> Unauthorized:
    """Nobody known asks."""
    return Unauthorized(
        Problem(
            code,
            "请先登录；若使用令牌，该令牌无效、过期或已撤销。",
            "Sign in first; where a token was given, it is not valid, has expired or was revoked.",
            "请打开 /sign-in 登录，或在 Authorization: Bearer 中给出有效令牌。",
            "Sign in at /sign-in, or give a valid token as Authorization: Bearer.",
        )
    )


def forbidden(code: str, zh: str, en: str) -> Forbidden:
    """Somebody known asks, and may not."""
    remedy = (
        "请由有权的人员办理，或向安全管理员申请。",
        "Let somebody who may do it, or ask the security administrator.",
    )
    return Forbidden(Problem(code, zh, en, *remedy))


def require_all_departments(actor: Actor) -> None:
    """Raise Forbidden `access.all_departments` unless `actor` works for all of them."""
    if not actor.scope.unlimited:
        raise all_departments_needed()


def all_departments_needed() -> Forbidden:
    """The refusal of what binds every department."""
    return Forbidden(
        Problem(
            "access.all_departments",
            "此操作涉及所有部门，须由不限部门的人员办理。",
            "This binds every department, so it takes an account without a department.",
            "请由统筹全局的协调员办理。",
            "Let a coordinator of all departments do it.",
        )
    )


def admit(need: Need | None, actor: Actor) -> None:
    """Raise Unauthorized or Forbidden unless `actor` meets `need`; what is not declared (None) nobody meets."""
    if actor.is_operator or (need is not None and need.public):
        return
    if actor.kind == ANYBODY.kind:
        raise sign_in_needed()
    closed = actor.kind == FIRM and need is not None and not need.firms
    if need is None or closed or (need.roles and not need.roles & actor.roles):
        raise forbidden("access.role", "您的角色无权进行此操作。", "Your roles don't allow this.")
    if actor.tokens is not None and (need.own or need.scope not in actor.tokens):
        raise forbidden(
            "access.scope", "该令牌的权限范围不包括此操作。", "The token's scopes don't include this."
        )
    if actor.must_change and not need.own:
        raise forbidden("access.password", "请先修改初始密码。", "Change the initial password first.")


def of_all_departments(request: Request) -> None:
    """The dependency of routes that change what binds every department."""
    require_all_departments(actor_of(request))


class Guard:
    """The dependency of every route: decides by the route's name."""

    def __init__(self, needs: Mapping[str, Need]) -> None:
        self.needs = needs

    def __call__(self, request: Request) -> None:
        """Raise unless whoever asks may; leaves the actor where `ActorDep` finds it."""
        need = self.needs.get(request.scope["route"].name)
        if need is not None and need.public:
            return
        actor = getattr(request.state, "actor", None)
        if actor is None:
            actor = ANYBODY if request.state.identify.accounts_exist() else OPERATOR
            request.state.actor = actor
        admit(need, actor)


def actor_of(request: Request) -> Actor:
    """Who asks; on public routes nobody in particular."""
    actor: Actor = getattr(request.state, "actor", ANYBODY)
    return actor


ActorDep = Annotated[Actor, Depends(actor_of)]


def describe(
    document: dict[str, Any], needs: Mapping[str, Need], problem: Mapping[int | str, dict[str, Any]]
) -> None:
    """Write into an OpenAPI document how one signs in, and which operations ask for it."""
    schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["token"] = {"type": "http", "scheme": "bearer"}
    schemes["session"] = {"type": "apiKey", "in": "cookie", "name": cookie_name(secure=True)}
    for methods in document["paths"].values():
        for operation in methods.values():
            need = needs.get(operation["operationId"], Need())
            if need.public:
                continue
            scopes = [need.scope] if need.scope else []
            operation["security"] = [{"token": scopes}, {"session": []}]
            operation["x-roles"] = sorted(need.roles)
            found = operation["responses"] | {str(status): said for status, said in problem.items()}
            operation["responses"] = dict(sorted(found.items()))
