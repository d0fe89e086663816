"""Signing in through an OpenID provider: authorization code with PKCE, state bound to the browser, a signed ID token.

OpenID Connect Core 1.0, sections 3.1.2 and 3.1.3.7; RFC 7636 (PKCE, S256); RFC 9207 (`iss` in the answer). The provider
says who somebody is and nothing else: an account or firm has to be linked to that identity here beforehand, and what
it may do stands in our tables alone, whatever the token claims.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode, urlsplit

import httpx2
import jwt
from sqlalchemy import delete
from sqlmodel import Session, col

from app.db.database import Database
from app.errors import NotFound, Problem, Refused, Unauthorized, Unavailable
from app.http.outbound import exchange
from app.ledger.outbox import private_hosts
from app.people import contacts, passwords, repository, sessions
from app.people.tables import OidcTrip
from app.settings import Settings

Door = Literal["staff", "firm"]
ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA")
"""Signatures with a key that the provider alone holds; never `none`, never HMAC with what everybody can read."""
KEY_TYPES: Final = ("RSA", "EC", "OKP")
CLAIMS: Final = ("iss", "sub", "aud", "exp", "iat", "nonce")
LIFE: Final = timedelta(minutes=10)
FRESH: Final = timedelta(minutes=10)
LEEWAY: Final = 60
LARGEST: Final = 256 << 10
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(slots=True)
class Provider:
    """One provider as the operator set it up; `known`: its description, fetched anew after a while."""

    door: Door
    issuer: str
    client_id: str
    client_secret: str
    hosts: frozenset[str]
    known: tuple[datetime, Mapping[str, Any]] | None = None

    def subject(self, name: str) -> str:
        """How an identity is kept: a subject means nothing without its issuer."""
        return f"{self.issuer} {name}"

    def described(self, now: datetime) -> Mapping[str, Any]:
        """Its endpoints (OpenID Connect Discovery 1.0). Raises Unavailable `oidc.provider`."""
        if self.known is None or now - self.known[0] >= FRESH:
            found = self.fetched(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.issuer:
                raise unavailable()
            self.known = now, found
        return self.known[1]

    def fetched(self, url: str, form: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """A JSON object of the provider, got or posted for. Raises Unavailable `oidc.provider`."""
        headers = {"Accept": "application/json"}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if form is not None and self.client_secret:
            pair = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        method, body = ("GET", "") if form is None else ("POST", urlencode(form))
        try:
            status, data = exchange(method, url, self.hosts, headers, body, LARGEST)
            found = json.loads(data)
        except (Refused, httpx2.HTTPError, ValueError):
            raise unavailable() from None
        if status != 200 or not isinstance(found, dict):
            raise refused() if form is not None and 400 <= status < 500 else unavailable()
        return found


def providers(settings: Settings) -> dict[Door, Provider]:
    """Those that the settings name: one for staff, one for firms."""
    made: dict[Door, Provider] = {}
    given: tuple[tuple[Door, str, str, str], ...] = (
        ("staff", settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret),
        ("firm", settings.firm_oidc_issuer, settings.firm_oidc_client_id, settings.firm_oidc_client_secret),
    )
    for door, issuer, client_id, secret in given:
        parts = urlsplit(issuer)
        if not issuer:
            continue
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ValueError(f"{issuer}: an OpenID provider has an https address")
        hosts = private_hosts(settings) | {parts.hostname or ""}
        made[door] = Provider(door, issuer, client_id, secret, hosts)
    return made


def provider_of(known: Mapping[Door, Provider], door: Door) -> Provider:
    """The provider of a door. Raises NotFound `oidc.off`."""
    if door not in known:
        raise NotFound(
            Problem(
                "oidc.off",
                "没有启用统一身份认证登录。",
                "Sign-in through an identity provider is not set up.",
                "请用密码或验证码登录；运行单位可设置 OIDC_ISSUER。",
                "Sign in with a password or code; the operator can set OIDC_ISSUER.",
            )
        )
    return known[door]


def start(db: Database, provider: Provider, back: str, wanted: str, now: datetime) -> tuple[str, str]:
    """Where to send the browser, and the state that its cookie has to bring back. `back`: the address to return to."""
    endpoint = str(provider.described(now)["authorization_endpoint"])
    state, nonce, verifier = (passwords.new_token() for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    with db.write() as session:
        session.execute(delete(OidcTrip).where(col(OidcTrip.at) < now - LIFE))
        session.add(
            OidcTrip(
                state=passwords.digest(state), door=provider.door, nonce=nonce, verifier=verifier,
                back_to=wanted, at=now,
            )
        )  # fmt: skip
    asked = {
        "response_type": "code", "client_id": provider.client_id, "redirect_uri": back, "scope": "openid",
        "state": state, "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}", state


@dataclass(frozen=True, slots=True)
class Returned:
    """What a browser brings back: the address' parameters, and the state of its cookie."""

    code: str
    state: str
    kept: str
    issuer: str = ""


def finish(
    db: Database, provider: Provider, back: str, returned: Returned, now: datetime, before: str = ""
) -> tuple[str, str]:
    """A new session's secret, and where one wanted to go. Raises Unauthorized `oidc.refused`, `oidc.not_linked`."""
    ours = hmac.compare_digest(returned.state.encode(), returned.kept.encode())
    if not (ours and returned.state and returned.code) or returned.issuer not in ("", provider.issuer):
        raise refused()
    trip = _used(db, provider, returned.state, now)
    form = {
        "grant_type": "authorization_code", "code": returned.code, "redirect_uri": back,
        "client_id": provider.client_id, "code_verifier": trip.verifier,
    }  # fmt: skip
    described = provider.described(now)
    answer = provider.fetched(str(described["token_endpoint"]), form)
    keys = provider.fetched(str(described["jwks_uri"]))
    claims = checked(provider, str(answer.get("id_token", "")), keys, trip.nonce)
    with db.write() as session:
        return _entered(session, provider, provider.subject(str(claims["sub"])), now, before), trip.back_to


def _used(db: Database, provider: Provider, state: str, now: datetime) -> OidcTrip:
    """The trip of this state, taken away: a second return finds none."""
    mine = (col(OidcTrip.state) == passwords.digest(state)) & (col(OidcTrip.door) == provider.door)
    with db.write() as session:
        trip: OidcTrip | None = session.scalars(
            delete(OidcTrip).where(mine).returning(OidcTrip)
        ).one_or_none()
    if trip is None or trip.at + LIFE <= now:
        raise refused()
    return trip


def checked(provider: Provider, token: str, keys: Mapping[str, Any], nonce: str) -> dict[str, Any]:
    """The claims of an ID token that is this provider's, for us, in time, and of this very trip."""
    try:
        header = jwt.get_unverified_header(token)
        found = [key for key in jwt.PyJWKSet.from_dict(dict(keys)).keys if key.key_type in KEY_TYPES]
        named = [key for key in found if header.get("kid") in (key.key_id, None)]
        if len(named) != 1:
            raise refused()
        claims: dict[str, Any] = jwt.decode(
            token, named[0], algorithms=list(ALGORITHMS), audience=provider.client_id,
            issuer=provider.issuer, leeway=LEEWAY, options={"require": list(CLAIMS)},
        )  # fmt: skip
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise refused() from None
    mine = claims.get("azp", provider.client_id) == provider.client_id
    alone = isinstance(claims["aud"], str) or len(claims["aud"]) == 1 or "azp" in claims
    if not (mine and alone and claims["sub"]) or not hmac.compare_digest(str(claims["nonce"]), nonce):
        raise refused()
    return claims


def _entered(session: Session, provider: Provider, subject: str, now: datetime, before: str) -> str:
    if provider.door == "firm":
        firm = contacts.by_subject(session, subject)
        if firm is None:
            raise not_linked()
        return sessions.begin(session, now, target_id=firm.target_id, before=before)
    account = repository.by_subject(session, subject)
    if account is None or account.locked:
        raise not_linked()
    return sessions.begin(session, now, account=account.id, before=before)


def refused() -> Unauthorized:
    """The one answer to a return that does not hold."""
    return Unauthorized(
        Problem(
            "oidc.refused",
            "统一身份认证没有通过，或登录已超时。",
            "The identity provider's answer does not hold, or it took too long.",
            "请重新登录。",
            "Sign in again.",
        )
    )


def not_linked() -> Unauthorized:
    """Known to the provider, not here; a locked account gets the same answer."""
    return Unauthorized(
        Problem(
            "oidc.not_linked",
            "该身份没有关联可用的账户或企业。",
            "No account or firm that may sign in is linked to this identity.",
            "请由系统管理员关联账户；企业请向监管部门登记。",
            "Have the system administrator link the account; firms register with their department.",
        )
    )


def unavailable() -> Unavailable:
    """The provider does not answer, or not as it should."""
    return Unavailable(
        Problem(
            "oidc.provider",
            "统一身份认证平台没有正常应答。",
            "The identity provider does not answer as it should.",
            "请稍后再试，或用密码、验证码登录。",
            "Try again later, or sign in with a password or code.",
        )
    )
