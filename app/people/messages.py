"""The outbox of messages to persons: written with what causes them, sent by whatever the installation has.

With a gateway (`MESSAGE_GATEWAY`) each is posted to it, signed as Standard Webhooks says and under the same
protections; it passes them on by SMS or mail. Without one each becomes a file in `data_dir/messages`, for an office
that reads codes out to whoever shows their papers. A message is sent at least once; a repeat has the same id and name.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from app.db.database import Database
from app.http.outbound import send
from app.ledger.outbox import LEASE, private_hosts
from app.people.tables import FirmContact, Message
from app.settings import Settings

RETRIES: Final = tuple(timedelta(seconds=s) for s in (5, 30, 120, 300))
KEPT: Final = timedelta(days=1)
Sender = Callable[[Message, datetime], bool]


def post(
    session: Session, kind: str, contact: FirmContact | None, words: str, now: datetime, until: datetime
) -> None:
    """Put a message out in the caller's transaction; without a contact the row says that it is nobody's."""
    made = Message(kind=kind, status="nobody", due_at=now, until=until)
    if contact is not None:
        made.channel, made.address, made.text, made.status = (
            contact.channel,
            contact.address,
            words,
            "waiting",
        )
    session.add(made)


def sender(settings: Settings) -> Sender:
    """The adapter that the settings ask for."""
    if not settings.message_gateway:
        return lambda message, now: to_file(settings.data_dir / "messages", message, now)
    hosts = private_hosts(settings)

    def to_gateway(message: Message, now: datetime) -> bool:
        key, body = f"message_{message.id}", json.dumps(_shown(message), ensure_ascii=False)
        return send(settings.message_gateway, settings.message_secret, key, body, now, hosts).taken

    return to_gateway


def to_file(folder: Path, message: Message, _now: datetime) -> bool:
    """A file that the service's own user alone can read, whole or not there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path, part = folder / f"{message.id}.json", folder / f"{message.id}.part"
    part.touch(mode=0o600)
    part.write_text(json.dumps(_shown(message), ensure_ascii=False, indent=1), encoding="utf-8")
    part.replace(path)
    return True


def _shown(message: Message) -> dict[str, Any]:
    names = {"kind", "channel", "address", "text"}
    return {**message.model_dump(include=names), "until": message.until.isoformat()}


def send_one(db: Database, send_: Sender, now: datetime) -> bool:
    """Send what is due first; False where nothing is. What can't be sent in time is given up and emptied."""
    with db.read() as session:
        if session.exec(select(Message.id).where(Message.status == "waiting").limit(1)).first() is None:
            return False
    with db.write() as session:
        message = _claim(session, now)
    if message is None:
        return False
    taken = message.until > now and send_(message, now)
    left = message.attempts <= len(RETRIES) and message.until > now
    with db.write() as session:
        mine = (col(Message.id) == message.id) & (col(Message.attempts) == message.attempts)
        if taken or not left:
            values: dict[str, Any] = {"status": "sent" if taken else "dead", "address": "", "text": ""}
        else:
            values = {"due_at": now + RETRIES[message.attempts - 1]}
        session.execute(update(Message).where(mine).values(**values))
    return True


def _claim(session: Session, now: datetime) -> Message | None:
    """The message that is due first, put off by a lease; rows that are done with go after a day."""
    done = (col(Message.status) != "waiting") & (col(Message.due_at) < now - KEPT)
    session.execute(delete(Message).where(done))
    ready = (col(Message.status) == "waiting") & (col(Message.due_at) <= now)
    oldest = select(Message.id).where(ready).order_by(col(Message.due_at), col(Message.id)).limit(1)
    statement = (
        update(Message)
        .where(col(Message.id) == oldest.scalar_subquery(), ready)
        .values(due_at=now + LEASE, attempts=Message.attempts + 1)
        .returning(Message)
    )
    return session.scalars(statement).one_or_none()


def turn(db: Database, settings: Settings) -> Callable[[], bool]:
    """What the thread beside the service does over and over: send one message; whether there was any."""
    send_ = sender(settings)
    return lambda: send_one(db, send_, datetime.now(UTC))
