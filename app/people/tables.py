"""Accounts and what they may, sign-ins, firms' contacts, messages to be sent, requests that need a second person.

三员分立 is a constraint of the database: an account is of one `kind` for ever, and a role belongs to one kind, so no
account can hold two administrators' roles, or an administrator's and any other, or an auditor's and any other.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from app.db.types import BigKey, Json, UTCDateTime, not_journaled

KINDS = ("business", "auditor", "system_admin", "security_admin", "audit_admin")
ACTIONS = ("round.freeze", "round.void", "cap.exemption", "result.correction")


class Account(SQLModel, table=True):
    """Somebody who signs in. `department` empty: all departments; `districts` empty: all districts.

    `inspector`: their code in the roster, where they inspect; one account a person.

    `password`: Argon2id, empty where only OIDC or tokens are used. `oidc_subject`: `issuer subject`.
    """

    __table_args__ = (
        UniqueConstraint("id", "kind"),
        CheckConstraint(f"kind IN ({', '.join(repr(kind) for kind in KINDS)})", name="kind_known"),
        CheckConstraint("level IN ('city', 'district')", name="level_known"),
        CheckConstraint("level = 'city' OR district_count > 0", name="district_named"),
        CheckConstraint("inspector IS NULL OR kind = 'business'", name="inspector_of_business"),
        CheckConstraint("department <> '' OR kind <> 'business' OR level = 'city'", name="department_named"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    login: str = Field(max_length=64, unique=True)
    name: str = Field(default="", max_length=100)
    kind: str
    department: str = Field(default="", max_length=32)
    level: str = "city"
    districts: list[str] = Field(default_factory=list, sa_column=Column(Json, nullable=False))
    district_count: int = 0
    password: str = ""
    must_change: bool = True
    oidc_subject: str | None = Field(default=None, unique=True)
    inspector: str | None = Field(default=None, unique=True, foreign_key="inspector.code", max_length=64)
    locked: bool = False
    created_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class AccountRole(SQLModel, table=True):
    """A role of an account, bound to the account's kind by a foreign key over both."""

    __tablename__ = "account_role"
    __table_args__ = (
        ForeignKeyConstraint(["account", "kind"], ["account.id", "account.kind"]),
        CheckConstraint(
            "(kind = 'business' AND role IN ('coordinator', 'planner', 'inspector', 'legal_reviewer'))"
            " OR (kind <> 'business' AND role = kind)",
            name="role_of_kind",
        ),
    )

    account: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))
    role: str = Field(primary_key=True)
    kind: str


class SignIn(SQLModel, table=True):
    """A session of an account or a firm. Of its secret only the SHA-256 is kept. `ended_at`: signed out."""

    __tablename__ = "sign_in"
    __table_args__ = (
        CheckConstraint("(account IS NULL) <> (target_id IS NULL)", name="of_one"),
        {"info": not_journaled("who is signed in just now; ends by itself within a day")},
    )

    digest: str = Field(primary_key=True, max_length=64)
    account: int | None = Field(
        default=None, sa_column=Column(BigKey, ForeignKey("account.id"), nullable=True, index=True)
    )
    target_id: str | None = Field(default=None, max_length=64)
    created_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    seen_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))


class ApiToken(SQLModel, table=True):
    """A program's key to what its account may do, within `scopes`; shown once, kept as its SHA-256."""

    __tablename__ = "api_token"

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    account: int = Field(sa_column=Column(BigKey, ForeignKey("account.id"), nullable=False, index=True))
    name: str = Field(max_length=100)
    digest: str = Field(max_length=64, unique=True)
    scopes: list[str] = Field(sa_column=Column(Json, nullable=False))
    created_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    expires_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    revoked_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))


class SignInAttempt(SQLModel, table=True):
    """One attempt, counted against what was tried and where from; both as digests. `good` once it has succeeded."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (
        Index(None, "who", "at"),
        Index(None, "place", "at"),
        {"info": not_journaled("counts attempts, gone after a day")},
    )

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    who: str = Field(max_length=64)
    place: str = Field(max_length=64)
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    good: bool = False


class OidcTrip(SQLModel, table=True):
    """Somebody on the way to an OpenID provider and back, to the door of staff or of firms; used once.

    `state` as its SHA-256.
    """

    __tablename__ = "oidc_trip"
    __table_args__ = (
        CheckConstraint("door IN ('staff', 'firm')", name="door_known"),
        {"info": not_journaled("on the way for minutes")},
    )

    state: str = Field(primary_key=True, max_length=64)
    door: str
    nonce: str
    verifier: str
    back_to: str = "/"
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class FirmContact(SQLModel, table=True):
    """Where a firm's one-time codes go: registered by its department, shown to nobody but masked to the firm itself."""

    __tablename__ = "firm_contact"
    __table_args__ = (CheckConstraint("channel IN ('sms', 'email')", name="channel_known"),)

    target_id: str = Field(primary_key=True, max_length=64)
    channel: str = Field(description="sms|email")
    address: str
    oidc_subject: str | None = Field(default=None, unique=True)
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class FirmCode(SQLModel, table=True):
    """A one-time code that was asked for, as its Argon2 hash; `target_id` null: nobody's, for an unknown firm.

    `asked_for`: SHA-256 of what was typed in. Of several for one firm the newest counts.
    """

    __tablename__ = "firm_code"
    __table_args__ = {"info": not_journaled("valid for minutes")}

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    asked_for: str = Field(max_length=64, index=True)
    target_id: str | None = Field(default=None, max_length=64)
    code: str
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    used_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))


class Message(SQLModel, table=True):
    """The outbox of messages to persons. Address and text go once it was sent, or can't be sent before `until`.

    `nobody`: for a firm that is unknown or has no contact, so that asking leaves the same traces for all.
    """

    __table_args__ = (
        CheckConstraint("status IN ('waiting', 'sent', 'dead', 'nobody')", name="status_known"),
        {"info": not_journaled("the outbox of messages, emptied as they are sent")},
    )

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    kind: str
    channel: str = ""
    address: str = ""
    text: str = ""
    status: str = "waiting"
    attempts: int = 0
    due_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False, index=True))
    until: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))


class Sanction(SQLModel, table=True):
    """Something that takes three persons: who asks, who approves, who carries it out (申请、审批、执行分离).

    One that is open per (action, subject). A null is the service itself or a step that is still to come.
    """

    __table_args__ = (
        CheckConstraint(f"action IN ({', '.join(repr(action) for action in ACTIONS)})", name="action_known"),
        CheckConstraint("approved_by <> requested_by", name="approver_not_requester"),
        CheckConstraint("executed_by <> requested_by", name="executor_not_requester"),
        CheckConstraint("executed_by <> approved_by", name="executor_not_approver"),
        CheckConstraint("executed_at IS NULL OR approved_at IS NOT NULL", name="approved_first"),
        Index(
            "uq_sanction_open",
            "action",
            "subject",
            unique=True,
            sqlite_where=text("executed_at IS NULL AND withdrawn_at IS NULL"),
            postgresql_where=text("executed_at IS NULL AND withdrawn_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    action: str
    subject: str = Field(max_length=200, index=True)
    reason: str = Field(default="", max_length=500)
    requested_by: int | None = Field(default=None, sa_column=Column(BigKey, ForeignKey("account.id")))
    requested_at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False))
    approved_by: int | None = Field(default=None, sa_column=Column(BigKey, ForeignKey("account.id")))
    approved_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    executed_by: int | None = Field(default=None, sa_column=Column(BigKey, ForeignKey("account.id")))
    executed_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))
    withdrawn_at: datetime | None = Field(default=None, sa_column=Column(UTCDateTime))


class AccessRecord(SQLModel, table=True):
    """Who was given or did what: appended to, never changed. No names: an account's number, a route, an object's id."""

    __tablename__ = "access_record"
    __table_args__ = (Index(None, "account", "id"),)

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    account: int | None = Field(default=None, sa_column=Column(BigKey, nullable=True))
    firm: str = ""
    route: str
    subject: str = ""
    status: int
    at: datetime = Field(sa_column=Column(UTCDateTime, nullable=False, index=True))
