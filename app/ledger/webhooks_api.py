"""Webhooks over HTTP: who is told of the log's entries, what was delivered, and what was given up."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, func, select

from app.errors import NotFound, Problem
from app.http.dependencies import DatabaseDep, NowDep
from app.http.etag import IfMatchDep, tagged
from app.http.idempotency import IdempotentRoute
from app.http.openapi import problems
from app.http.outbound import checked_address
from app.http.pagination import Page, PagingDep
from app.http.sealing import new_signing_secret, sealed
from app.http.tables import Delivery, Webhook
from app.ledger.outbox import private_hosts
from app.ledger.tables import LogEntry

router = APIRouter(prefix="/webhooks", tags=["webhooks"], route_class=IdempotentRoute)
Number = Annotated[int, Path(ge=1, lt=1 << 63, examples=[1])]


class WebhookIn(BaseModel):
    """Where to send, and which types of entries; none named: all."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=1000, examples=["https://example.org/hooks"])
    types: list[Annotated[str, Field(max_length=64)]] = Field(
        default_factory=list, max_length=50, examples=[["round.created", "round.void"]]
    )


class WebhookOut(BaseModel):
    """A receiver; its secret is shown when it is made and never again."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    url: str
    types: list[str]
    active: bool
    created_at: datetime


class WebhookMade(WebhookOut):
    """A new receiver with the secret that signs what it gets."""

    secret: str


class DeliveryOut(BaseModel):
    """One entry for one receiver. `answered`: its last status, 0 where none came, null before the first attempt."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    entry: int
    status: Literal["waiting", "delivered", "dead"]
    attempts: int
    due_at: datetime
    answered: int | None
    failure: str


@router.post("", status_code=status.HTTP_201_CREATED, responses=problems(422))
def create_webhook(
    body: WebhookIn, request: Request, response: Response, db: DatabaseDep, now: NowDep
) -> WebhookMade:
    """Be told of every entry logged from now on, signed as Standard Webhooks says. https and public addresses only."""
    checked_address(body.url, private_hosts(request.app.state.settings))
    secret = new_signing_secret()
    with db.write() as session:
        last = session.exec(select(func.max(LogEntry.index))).one()
        made = Webhook(
            url=body.url,
            types=body.types,
            secret=sealed(request.app.state.seal(), secret),
            created_at=now,
            next_index=0 if last is None else last + 1,
        )
        session.add(made)
        session.flush()
        shown = WebhookMade(**WebhookOut.model_validate(made).model_dump(), secret=secret)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Location"] = f"/api/v1/webhooks/{shown.id}"
    return shown


@router.get("", responses=problems(422))
def list_webhooks(db: DatabaseDep, paging: PagingDep) -> Page[WebhookOut]:
    """Receivers in the order they were made."""
    with db.read() as session:
        rows = [row[0] for row in paging.rows(session, select(Webhook), [col(Webhook.id)])]
        return paging.page(rows, lambda row: (row.id,), WebhookOut.model_validate)


@router.get("/{number}", responses=problems(404, 422))
def get_webhook(number: Number, db: DatabaseDep, request: Request, response: Response) -> WebhookOut:
    """One receiver."""
    with db.read() as session:
        shown = WebhookOut.model_validate(_found(session, number))
    return tagged(request, response, shown)


@router.delete("/{number}", responses=problems(404, 412, 422, 428))
def stop_webhook(
    number: Number, db: DatabaseDep, if_match: IfMatchDep, request: Request, response: Response
) -> WebhookOut:
    """Send it nothing more. What was delivered stays on record."""
    with db.write() as session:
        webhook = _found(session, number, lock=True)
        if_match(WebhookOut.model_validate(webhook))
        webhook.active = False
        session.add(webhook)
        shown = WebhookOut.model_validate(webhook)
    return tagged(request, response, shown)


@router.get("/{number}/deliveries", responses=problems(404, 422))
def list_deliveries(
    number: Number,
    db: DatabaseDep,
    paging: PagingDep,
    status: Literal["waiting", "delivered", "dead"] | None = None,
) -> Page[DeliveryOut]:
    """What was sent, what waits, what was given up (`dead`); the newest first."""
    with db.read() as session:
        _found(session, number)
        query = select(Delivery).where(Delivery.webhook == number)
        query = query if status is None else query.where(Delivery.status == status)
        rows = [row[0] for row in paging.rows(session, query, [col(Delivery.id)], newest=True)]
        return paging.page(rows, lambda row: (row.id,), DeliveryOut.model_validate)


@router.post("/{number}/redeliveries", responses=problems(404, 422))
def redeliver(number: Number, db: DatabaseDep, now: NowDep) -> dict[str, int]:
    """Try everything that was given up again; how many."""
    with db.write() as session:
        _found(session, number)
        dead = session.exec(
            select(Delivery).where(Delivery.webhook == number, Delivery.status == "dead")
        ).all()
        for delivery in dead:
            delivery.status, delivery.attempts, delivery.due_at = "waiting", 0, now
            session.add(delivery)
        return {"redelivered": len(dead)}


def _found(session: Session, number: int, *, lock: bool = False) -> Webhook:
    webhook = session.get(Webhook, number, with_for_update=lock or None)
    if webhook is None:
        raise NotFound(
            Problem(
                "webhook.absent",
                f"没有接收方 {number}。",
                f"There is no webhook {number}.",
                "请查看接收方列表。",
                "See the list of webhooks.",
                {"webhook": number},
            )
        )
    return webhook
