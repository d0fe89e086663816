"""Accounts, tokens, sanctions and records as the API takes and shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from app.http.access import Actor
from app.people.tables import Account

Kind = Literal["business", "auditor", "system_admin", "security_admin", "audit_admin"]
Role = Literal[
    "coordinator", "planner", "inspector", "legal_reviewer",
    "auditor", "system_admin", "security_admin", "audit_admin",
]  # fmt: skip
Action = Literal["round.freeze", "round.void", "cap.exemption", "result.correction"]
Room = Literal["registers", "plans", "rounds", "people", "webhooks", "record", "metrics", "work"]
TokenScope = Annotated[str, Field(pattern=r"^[a-z]{1,20}:(read|write)$", examples=["rounds:read"])]


class AccountIn(BaseModel):
    """A new account. Without a department it stands for all of them, without districts for the whole city."""

    model_config = ConfigDict(extra="forbid")

    login: str = Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{1,62}$", examples=["li.ping"])
    name: str = Field(default="", max_length=100, examples=["李平"])
    kind: Kind = "business"
    department: str = Field(default="", max_length=32, examples=["market"])
    level: Literal["city", "district"] = "city"
    districts: list[Annotated[str, Field(pattern=r"^[0-9]{6}$")]] = Field(default_factory=list, max_length=50)


class AccountOut(BaseModel):
    """An account as administrators see it; never its password."""

    id: int
    login: str
    name: str
    kind: Kind
    department: str
    level: Literal["city", "district"]
    districts: list[str]
    roles: list[str]
    inspector: str | None = Field(description="the person's code in the roster, where they inspect")
    linked: bool = Field(description="signs in through the OpenID provider, by no password")
    locked: bool
    created_at: datetime

    @classmethod
    def of(cls, row: Account, roles: list[str]) -> Self:
        """From the stored row."""
        shown = row.model_dump(include=set(cls.model_fields) - {"roles", "linked"})
        return cls(**shown, roles=roles, linked=row.oidc_subject is not None)


class AccountMade(AccountOut):
    """A new account with its initial password, which is shown once and has to be changed at the first sign-in."""

    password: str


class PasswordOut(BaseModel):
    """A new initial password, shown once."""

    password: str


class RolesIn(BaseModel):
    """Exactly these roles."""

    roles: list[Role] = Field(max_length=4, examples=[["planner"]])


class IdentityIn(BaseModel):
    """Who the account is at the OpenID provider of staff: its `sub` there."""

    subject: str = Field(min_length=1, max_length=255, examples=["248289761001"])


class InspectorIn(BaseModel):
    """Which inspector of the roster the account's person is."""

    inspector: str = Field(max_length=64, examples=["XF-001"], description="empty: none")


class LockIn(BaseModel):
    """Whether the account is locked."""

    locked: bool


class MeOut(BaseModel):
    """Who asks, as the service sees it."""

    kind: Literal["operator", "account", "firm"]
    account: int | None
    name: str
    roles: list[str]
    inspector: str = Field(description="the person's code in the roster, empty where they don't inspect")
    department: str | None = Field(description="null: all departments")
    districts: list[str] | None = Field(description="null: all districts")
    scopes: list[str] | None = Field(description="a token's scopes; null: a session")

    @classmethod
    def of(cls, actor: Actor) -> Self:
        """From whom the edge found."""
        where = actor.scope.districts
        return cls(
            kind=actor.kind,
            account=actor.account,
            name=actor.name,
            roles=sorted(actor.roles),
            inspector=actor.inspector,
            department=actor.scope.department,
            districts=None if where is None else sorted(where),
            scopes=None if actor.tokens is None else sorted(actor.tokens),
        )


class TokenIn(BaseModel):
    """A new token. It can do what its account can, within its scopes."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, examples=["report"])
    scopes: list[TokenScope] = Field(min_length=1, max_length=20)
    days: int = Field(default=90, ge=1, le=366, description="how long it is valid")


class TokenOut(BaseModel):
    """A token, never its text."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class TokenMade(TokenOut):
    """A new token with its text, which is shown once."""

    token: str


class SanctionIn(BaseModel):
    """Ask for something that another person has to approve and a third one carries out."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["round.void", "cap.exemption", "result.correction"]
    subject: str = Field(min_length=1, max_length=200, examples=["annual-2026-2026-Q2-1"])
    reason: str = Field(min_length=1, max_length=500, examples=["frame_wrong"])


class SanctionOut(BaseModel):
    """A request and who stands for each step, by account number."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    action: Action
    subject: str
    reason: str
    requested_by: int | None
    requested_at: datetime
    approved_by: int | None
    approved_at: datetime | None
    executed_by: int | None
    executed_at: datetime | None
    withdrawn_at: datetime | None


class RecordOut(BaseModel):
    """Who was given or did what: an account's number or a firm's code, the route, its object, the answer's status."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    account: int | None
    firm: str
    route: str
    subject: str
    status: int
    at: datetime
