"""Accounts, one's own tokens, requests that need a second person, and the access record, over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response, status
from pydantic import AwareDatetime

from app.db.database import Database
from app.http.access import Actor, ActorDep
from app.http.dependencies import DatabaseDep, NowDep, WholeDatabaseDep
from app.http.etag import IfMatch, IfMatchDep, Shown, tagged
from app.http.idempotency import IdempotentRoute
from app.http.openapi import problems
from app.http.pagination import Page, PagingDep
from app.people import oidc, repository, sanctions, service
from app.people.schemas import (
    AccountIn,
    AccountMade,
    AccountOut,
    Action,
    IdentityIn,
    InspectorIn,
    LockIn,
    MeOut,
    PasswordOut,
    RecordOut,
    RolesIn,
    SanctionIn,
    SanctionOut,
    TokenIn,
    TokenMade,
    TokenOut,
)
from app.people.tables import Account

router = APIRouter(tags=["people"], route_class=IdempotentRoute)
Number = Annotated[int, Path(ge=1, lt=1 << 63, examples=[1])]


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody's change of what they have seen: `if_match` refuses where it is another by now."""

    actor: Actor
    now: datetime
    if_match: IfMatch
    request: Request
    response: Response

    def answer(self, shown: Shown) -> Shown:
        """What it is after the change, with its tag."""
        return tagged(self.request, self.response, shown)


def _change(
    actor: ActorDep, now: NowDep, if_match: IfMatchDep, request: Request, response: Response
) -> Change:
    return Change(actor, now, if_match, request, response)


ChangeDep = Annotated[Change, Depends(_change)]


def _shown(db: Database, account: Account) -> AccountOut:
    with db.read() as session:
        return AccountOut.of(account, repository.roles(session, account.id or 0))


def _seen(db: Database, number: int) -> AccountOut:
    with db.read() as session:
        return AccountOut.of(service.found(session, number), repository.roles(session, number))


@router.get("/me")
def get_me(actor: ActorDep) -> MeOut:
    """Who asks, with what roles, for which department and districts."""
    return MeOut.of(actor)


@router.get("/accounts", responses=problems(422))
def list_accounts(db: WholeDatabaseDep, paging: PagingDep) -> Page[AccountOut]:
    """Accounts in the order they were made."""
    with db.read() as session:
        rows = repository.page_of_accounts(session, paging)
        return paging.page(
            rows,
            lambda row: (row.id,),
            lambda row: AccountOut.of(row, repository.roles(session, row.id or 0)),
        )


@router.get("/accounts/{number}", responses=problems(404, 422))
def get_account(number: Number, db: WholeDatabaseDep, request: Request, response: Response) -> AccountOut:
    """One account."""
    return tagged(request, response, _seen(db, number))


@router.post("/accounts", status_code=status.HTTP_201_CREATED, responses=problems(409, 422))
def create_account(
    body: AccountIn, db: WholeDatabaseDep, actor: ActorDep, now: NowDep, response: Response
) -> AccountMade:
    """A new account, without roles; its initial password is shown once and has to be changed."""
    made, password = service.create(db, body, actor, now)
    response.headers["Location"] = f"/api/v1/accounts/{made.id}"
    response.headers["Cache-Control"] = "no-store"
    return AccountMade(**AccountOut.of(made, []).model_dump(), password=password)


@router.put("/accounts/{number}/roles", responses=problems(404, 412, 422, 428))
def put_roles(number: Number, body: RolesIn, db: WholeDatabaseDep, change: ChangeDep) -> AccountOut:
    """Give an account exactly these roles. The three administrators exclude each other and everything else."""
    change.if_match(_seen(db, number))
    account = service.give_roles(db, number, body.roles, change.actor, change.now)
    return change.answer(_shown(db, account))


@router.put("/accounts/{number}/lock", responses=problems(404, 412, 422, 428))
def put_lock(number: Number, body: LockIn, db: WholeDatabaseDep, change: ChangeDep) -> AccountOut:
    """Lock an account, which ends its sessions and tokens, or let it in again."""
    change.if_match(_seen(db, number))
    account = service.lock(db, number, body.locked, change.actor, change.now)
    return change.answer(_shown(db, account))


@router.put("/accounts/{number}/identity", responses=problems(404, 409, 412, 422, 428))
def put_identity(number: Number, body: IdentityIn, db: WholeDatabaseDep, change: ChangeDep) -> AccountOut:
    """Link an account to an identity at the OpenID provider; it signs in there from now on, by no password."""
    change.if_match(_seen(db, number))
    subject = oidc.provider_of(change.request.app.state.oidc, "staff").subject(body.subject)
    account = service.link(db, number, subject, change.actor, change.now)
    return change.answer(_shown(db, account))


@router.put("/accounts/{number}/inspector", responses=problems(404, 409, 412, 422, 428))
def put_inspector(number: Number, body: InspectorIn, db: WholeDatabaseDep, change: ChangeDep) -> AccountOut:
    """Say which inspector of the roster the account's person is: who was drawn records, nobody reviews their own."""
    change.if_match(_seen(db, number))
    account = service.name_inspector(db, number, body.inspector.strip(), change.actor, change.now)
    return change.answer(_shown(db, account))


@router.post("/accounts/{number}/password", responses=problems(404, 422))
def reset_password(
    number: Number, db: WholeDatabaseDep, actor: ActorDep, now: NowDep, response: Response
) -> PasswordOut:
    """A new initial password, shown once; the account is signed out everywhere."""
    response.headers["Cache-Control"] = "no-store"
    return PasswordOut(password=service.reset_password(db, number, actor, now))


@router.get("/me/tokens", responses=problems(422))
def list_tokens(db: WholeDatabaseDep, actor: ActorDep) -> Page[TokenOut]:
    """One's own tokens, the newest first, on one page."""
    with db.read() as session:
        rows = repository.tokens(session, actor.account or 0)
    return Page[TokenOut](items=[TokenOut.model_validate(row) for row in rows])


@router.post("/me/tokens", status_code=status.HTTP_201_CREATED, responses=problems(422))
def create_token(
    body: TokenIn, db: WholeDatabaseDep, actor: ActorDep, now: NowDep, response: Response
) -> TokenMade:
    """A token for a program; its text is shown once."""
    made, text = service.make_token(db, actor, body.name, body.scopes, body.days, now)
    response.headers["Cache-Control"] = "no-store"
    return TokenMade(**TokenOut.model_validate(made).model_dump(), token=text)


@router.delete("/me/tokens/{number}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(404, 422))
def revoke_token(number: Number, db: WholeDatabaseDep, actor: ActorDep, now: NowDep) -> None:
    """End a token of one's own."""
    service.revoke_token(db, actor, number, now)


@router.post("/sanctions", status_code=status.HTTP_201_CREATED, responses=problems(404, 409, 422))
def create_sanction(
    body: SanctionIn, db: DatabaseDep, actor: ActorDep, now: NowDep, response: Response
) -> SanctionOut:
    """Ask for a void, an exemption from a cap or a correction: another person approves, a third one carries it out."""
    with db.write() as session:
        sanctions.require_subject(session, body.action, body.subject)
        made = sanctions.ask(session, body.action, body.subject, body.reason, actor, now)
        shown = SanctionOut.model_validate(made)
    response.headers["Location"] = f"/api/v1/sanctions/{shown.id}"
    return shown


@router.get("/sanctions", responses=problems(422))
def list_sanctions(
    db: DatabaseDep,
    paging: PagingDep,
    action: Action | None = None,
    subject: Annotated[str, Query(max_length=200)] = "",
) -> Page[SanctionOut]:
    """Requests, the newest first."""
    with db.read() as session:
        rows = sanctions.page_of(session, paging, action or "", subject)
        return paging.page(rows, lambda row: (row.id,), SanctionOut.model_validate)


@router.get("/sanctions/{number}", responses=problems(404, 422))
def get_sanction(number: Number, db: DatabaseDep, request: Request, response: Response) -> SanctionOut:
    """One request."""
    with db.read() as session:
        return tagged(request, response, SanctionOut.model_validate(sanctions.found(session, number)))


@router.post("/sanctions/{number}/approval", responses=problems(404, 409, 412, 422, 428))
def approve_sanction(number: Number, db: DatabaseDep, change: ChangeDep) -> SanctionOut:
    """Approve what another person asked for."""
    return _decide(number, "approve", db, change)


@router.post("/sanctions/{number}/withdrawal", responses=problems(404, 409, 412, 422, 428))
def withdraw_sanction(number: Number, db: DatabaseDep, change: ChangeDep) -> SanctionOut:
    """Take back what one asked for oneself."""
    return _decide(number, "withdraw", db, change)


def _decide(number: int, step: Literal["approve", "withdraw"], db: Database, change: Change) -> SanctionOut:
    with db.write() as session:
        made = sanctions.found(session, number, lock=True)
        change.if_match(SanctionOut.model_validate(made))
        done = sanctions.approve if step == "approve" else sanctions.withdraw
        shown = SanctionOut.model_validate(done(session, made, change.actor, change.now))
    return change.answer(shown)


@router.get("/access-record", responses=problems(422))
def list_access_record(
    db: WholeDatabaseDep,
    paging: PagingDep,
    actor: ActorDep,
    account: Annotated[int | None, Query(ge=1, lt=1 << 63)] = None,
    route: Annotated[str, Query(max_length=100)] = "",
    subject: Annotated[str, Query(max_length=200, description="a part of the object's name")] = "",
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> Page[RecordOut]:
    """Who saw and did what, the newest first: auditors see everybody, the audit administrator the other two."""
    asked = repository.Asked(account, route, subject, since, until)
    with db.read() as session:
        rows = repository.page_of_records(session, paging, asked, service.kinds_seen(actor))
    return paging.page(rows, lambda row: (row.id,), RecordOut.model_validate)
