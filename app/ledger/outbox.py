"""The outbox: every entry of the log reaches every receiver at least once, in order of trying, or is given up visibly.

The log is written in the transaction that changes the state, so what is put out follows from what happened: a receiver
has a place in the log, and moving it on and writing the rows to be delivered is one transaction. A receiver knows a
repeat by its `webhook-id`, which is the same at each attempt.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import update
from sqlmodel import Session, col, select

from app.db.database import Database
from app.http.outbound import Answer, send
from app.http.sealing import Seal, opened, seal_plain
from app.http.tables import Delivery, Webhook
from app.ledger.tables import LogEntry
from app.settings import Settings

RETRIES: Final = tuple(
    timedelta(seconds=s) for s in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""Standard Webhooks' schedule: after the last one, about three days after the first attempt, a delivery is dead."""
LEASE: Final = timedelta(seconds=60)
BATCH: Final = 500


def put_out(db: Database, now: datetime) -> int:
    """Write a delivery for each entry that a receiver has not been given yet; how many."""
    made = 0
    with db.write() as session:
        receivers = select(Webhook).where(col(Webhook.active)).with_for_update()
        for webhook in session.exec(receivers):
            entries = session.exec(
                select(LogEntry.index, LogEntry.type)
                .where(LogEntry.index >= webhook.next_index)
                .order_by(col(LogEntry.index))
                .limit(BATCH)
            ).all()
            wanted = [index for index, kind in entries if not webhook.types or kind in webhook.types]
            session.add_all(Delivery(webhook=webhook.id or 0, entry=index, due_at=now) for index in wanted)
            if entries:
                webhook.next_index = entries[-1][0] + 1
                session.add(webhook)
            made += len(wanted)
    return made


def claim(session: Session, now: datetime) -> tuple[Delivery, Webhook, LogEntry] | None:
    """The delivery that is due first, put off by a lease so that nobody else sends it meanwhile."""
    ready = (col(Delivery.status) == "waiting") & (col(Delivery.due_at) <= now)
    oldest = select(Delivery.id).join(Webhook, col(Webhook.id) == col(Delivery.webhook))
    oldest = (
        oldest.where(ready, col(Webhook.active)).order_by(col(Delivery.due_at), col(Delivery.id)).limit(1)
    )
    statement = (
        update(Delivery)
        .where(col(Delivery.id) == oldest.scalar_subquery(), ready)
        .values(due_at=now + LEASE, attempts=Delivery.attempts + 1)
        .returning(Delivery)
    )
    taken = session.scalars(statement).one_or_none()
    if taken is None:
        return None
    webhook, entry = session.get_one(Webhook, taken.webhook), session.get_one(LogEntry, taken.entry)
    return taken, webhook, entry


def deliver_one(db: Database, now: datetime, private_hosts: Collection[str], seal: Seal) -> Answer | None:
    """Send what is due first; None where nothing is."""
    with db.write() as session:
        claimed = claim(session, now)
    if claimed is None:
        return None
    delivery, webhook, entry = claimed
    secret = opened(seal, webhook.secret)
    answer = send(webhook.url, secret, message_id(delivery), message(entry), now, private_hosts)
    with db.write() as session:
        session.execute(
            update(Delivery)
            .where(col(Delivery.id) == delivery.id, col(Delivery.attempts) == delivery.attempts)
            .values(**_after(delivery, answer, now))
        )
    return answer


def _after(delivery: Delivery, answer: Answer, now: datetime) -> dict[str, Any]:
    told = {"answered": answer.status, "failure": answer.failure}
    if answer.taken:
        return {**told, "status": "delivered"}
    if delivery.attempts > len(RETRIES):
        return {**told, "status": "dead"}
    return {**told, "due_at": now + RETRIES[delivery.attempts - 1]}


def message_id(delivery: Delivery) -> str:
    """The same at each attempt."""
    return f"msg_{delivery.webhook}_{delivery.entry}"


def message(entry: LogEntry) -> str:
    """Type, time and the entry as logged, which never holds personal data."""
    whole = {
        "type": entry.type,
        "timestamp": entry.at.isoformat(),
        "data": {"index": entry.index, "leaf_hash": entry.leaf_hash, "entry": json.loads(entry.body)},
    }
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def seal_secrets(db: Database, seal: Seal) -> None:
    """Seal the signing secrets that an earlier version kept plain."""
    with db.write() as session:
        found = session.exec(select(Webhook).with_for_update()).all()
        seal_plain(found, seal)


def turn(db: Database, settings: Settings, seal: Seal) -> Callable[[], bool]:
    """What the thread beside the service does over and over: put out, deliver one; whether there was any."""
    hosts, sealing = private_hosts(settings), [seal]

    def once() -> bool:
        while sealing:
            seal_secrets(db, sealing[0])
            sealing.clear()
        put_out(db, datetime.now(UTC))
        return deliver_one(db, datetime.now(UTC), hosts, seal) is not None

    return once


def private_hosts(settings: Settings) -> frozenset[str]:
    """Hosts that the operator lets stand anywhere."""
    return frozenset(host.strip() for host in settings.webhook_private_hosts.split(",") if host.strip())
