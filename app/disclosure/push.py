"""Published results pushed to outside platforms: adapters over the log, each change delivered or given up.

As with webhooks the log is the outbox: what was disclosed, corrected, withdrawn or objected to is an entry of it,
written in the transaction that did it. What is sent is the line as the public may read it when it is sent; a line not
shown yet waits. A platform knows a repeat by the message's id, which is the same at each attempt.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from app.db.database import Database
from app.disclosure.open_files import plain
from app.disclosure.tables import KINDS, Platform, Receipt
from app.errors import Conflict, NotFound, Problem, Refused, refuse
from app.http.outbound import checked_address, send
from app.http.sealing import PLAIN, Seal, new_signing_secret, opened, seal_plain, sealed
from app.ledger.keys import replace_file
from app.ledger.outbox import BATCH, LEASE, RETRIES, private_hosts
from app.ledger.tables import LogEntry
from app.rounds.log import OFFICIAL, stamp
from app.rounds.vault import Vault
from app.settings import Settings
from app.visits.published import Window, one_result
from app.visits.tables import PublishedResult

log = logging.getLogger(__name__)
PROFILES: Final[Mapping[str, Mapping[str, Any]]] = tomllib.loads(
    (Path(__file__).parent / "data" / "platforms.toml").read_text(encoding="utf-8")
)
PUSHED: Final = {
    "visit.disclose": "publish",
    "visit.correct": "change",
    "visit.withdraw": "withdraw",
    "visit.objection": "change",
    "visit.objection_answered": "change",
}
"""Entries of the log after which a line is pushed, and what the platform is told to do."""
RECEIPT: Final = 500
"""Bytes that are kept of what a platform answers."""
NOT_SHOWN: Final = timedelta(hours=1)
"""After so long it is looked again whether a line is shown by now."""


@dataclass(frozen=True, slots=True)
class Told:
    """How a platform took it: `status` 0 where nothing came back; `receipt`: what it gave as proof."""

    taken: bool
    status: int
    failure: str = ""
    receipt: str = ""


def add(
    db: Database,
    code: str,
    profile: str,
    kind: str,
    address: str,
    hosts: Collection[str],
    now: datetime,
    seal: Seal,
) -> tuple[Platform, str]:
    """A platform that gets every change from now on, and the secret that signs what goes over http, given once.

    Raises Refused `platform.profile`, `platform.kind`, `webhook.address`; Conflict `platform.exists`.
    """
    _check(profile, kind)
    if kind == "http":
        checked_address(address, hosts)
    secret = new_signing_secret() if kind == "http" else ""
    kept = sealed(seal, secret) if secret else ""
    with db.write() as session:
        if session.get(Platform, code) is not None:
            raise _exists(code)
        last = session.exec(select(func.max(LogEntry.index))).one()
        made = Platform(
            code=code, profile=profile, kind=kind, address=address, secret=kept, created_at=now,
            next_index=0 if last is None else last + 1,
        )  # fmt: skip
        session.add(made)
    return made, secret


def put_out(db: Database, now: datetime) -> int:
    """Write a row for each change that a platform has not been given yet; how many."""
    made = 0
    with db.write() as session:
        for platform in session.exec(select(Platform).where(col(Platform.active)).with_for_update()):
            query = select(LogEntry.index, LogEntry.type, LogEntry.subject).where(
                LogEntry.index >= platform.next_index
            )
            entries = session.exec(query.order_by(col(LogEntry.index)).limit(BATCH)).all()
            for index, kind, subject in entries:
                if kind in PUSHED:
                    key = subject.removeprefix("check:")
                    session.add(Receipt(platform=platform.code, entry=index, result_id=key, due_at=now))
                    made += 1
            if entries:
                platform.next_index = entries[-1][0] + 1
                session.add(platform)
    return made


def deliver_one(
    db: Database, window: Window, now: datetime, hosts: Collection[str], seal: Seal
) -> Told | None:
    """Send what is due first; None where nothing is."""
    with db.write() as session:
        claimed = _claim(session, now)
    if claimed is None:
        return None
    receipt, platform, entry = claimed
    with db.read() as session:
        try:
            line = one_result(session, window, receipt.result_id)
        except NotFound:
            line = None
    told = Told(False, 0, "not shown") if line is None else _send(platform, entry, line, now, hosts, seal)
    with db.write() as session:
        session.execute(
            update(Receipt)
            .where(col(Receipt.id) == receipt.id, col(Receipt.attempts) == receipt.attempts)
            .values(**_after(receipt, told, now, shown=line is not None))
        )
    return told


def _claim(session: Session, now: datetime) -> tuple[Receipt, Platform, LogEntry] | None:
    """The row that is due first, put off by a lease so that nobody else sends it meanwhile."""
    ready = (col(Receipt.status) == "waiting") & (col(Receipt.due_at) <= now)
    first = select(Receipt.id).join(Platform, col(Platform.code) == col(Receipt.platform))
    first = first.where(ready, col(Platform.active)).order_by(col(Receipt.due_at), col(Receipt.id)).limit(1)
    statement = (
        update(Receipt)
        .where(col(Receipt.id) == first.scalar_subquery(), ready)
        .values(due_at=now + LEASE, attempts=Receipt.attempts + 1)
        .returning(Receipt)
    )
    taken = session.scalars(statement).one_or_none()
    if taken is None:
        return None
    return taken, session.get_one(Platform, taken.platform), session.get_one(LogEntry, taken.entry)


def _after(receipt: Receipt, told: Told, now: datetime, *, shown: bool) -> dict[str, Any]:
    if not shown:
        return {"due_at": now + NOT_SHOWN, "attempts": receipt.attempts - 1, "failure": told.failure}
    values = {"answered": told.status, "failure": told.failure, "receipt": told.receipt}
    if told.taken:
        return {**values, "status": "delivered", "delivered_at": now}
    if receipt.attempts > len(RETRIES):
        return {**values, "status": "dead"}
    return {**values, "due_at": now + RETRIES[receipt.attempts - 1]}


def _send(
    platform: Platform,
    entry: LogEntry,
    line: PublishedResult,
    now: datetime,
    hosts: Collection[str],
    seal: Seal,
) -> Told:
    ident = f"push_{platform.code}_{entry.index}"
    body = message(platform.profile, PUSHED[entry.type], ident, line, now)
    if platform.kind == "files":
        return _written(Path(platform.address), ident, body, now)
    answer = send(platform.address, opened(seal, platform.secret), ident, body, now, hosts, most=RECEIPT)
    return Told(answer.taken, answer.status, answer.failure, answer.said)


def _written(folder: Path, ident: str, body: str, now: datetime) -> Told:
    """A file of its own for each message, whole or not there; its SHA-256 is the receipt."""
    try:
        day = folder / f"{now.astimezone(OFFICIAL):%Y%m%d}"
        day.mkdir(parents=True, exist_ok=True)
        replace_file(day / f"{ident}.json", body)
    except OSError as error:
        return Told(False, 0, type(error).__name__)
    return Told(True, 200, "", f"sha256:{hashlib.sha256(body.encode()).hexdigest()}")


def message(profile: str, action: str, ident: str, line: PublishedResult, now: datetime) -> str:
    """What a platform gets: its own fields of the public line, and what to do with them."""
    fields: Mapping[str, Any] = PROFILES[profile]["fields"]
    record = {
        name: ours["value"] if isinstance(ours, dict) else plain(getattr(line, ours))
        for name, ours in fields.items()
    }
    whole = {"id": ident, "action": action, "sent_at": stamp(now), "record": record}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n"


def redeliver(db: Database, code: str, now: datetime) -> int:
    """Try everything that was given up again; how many. Raises NotFound `platform.absent`."""
    with db.write() as session:
        _found(session, code)
        dead = session.exec(select(Receipt).where(Receipt.platform == code, Receipt.status == "dead")).all()
        for row in dead:
            row.status, row.attempts, row.due_at = "waiting", 0, now
            session.add(row)
        return len(dead)


def stop(db: Database, code: str) -> None:
    """Send it nothing more; its receipts stay. Raises NotFound `platform.absent`."""
    with db.write() as session:
        platform = _found(session, code)
        platform.active = False
        session.add(platform)


class Pushes:
    """Puts out and delivers for as long as the service runs."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db, self._settings = db, settings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="platforms", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the delivery that is under way."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(min(self._settings.tick_seconds, 2)):
            try:
                push_all(self._db, self._settings, self._stop.is_set)
            except Exception:
                log.warning("pushing to platforms failed", exc_info=True)


def seal_secrets(db: Database, seal: Seal) -> None:
    """Seal the signing secrets that an earlier version kept plain."""
    plain_ones = select(Platform).where(col(Platform.secret).startswith(PLAIN, autoescape=True))
    with db.write() as session:
        found = session.exec(plain_ones.with_for_update()).all()
        seal_plain(found, seal)


def push_all(db: Database, settings: Settings, ended: Any = lambda: False) -> int:
    """Everything that is due now; how many messages were tried."""
    hosts, seal, tried = private_hosts(settings), Vault(settings.data_dir), 0
    seal_secrets(db, seal)
    put_out(db, datetime.now(UTC))
    while not ended():
        now = datetime.now(UTC)
        window = Window(now.astimezone(OFFICIAL).date(), settings.results_before_reveal)
        if deliver_one(db, window, now, hosts, seal) is None:
            break
        tried += 1
    return tried


def _found(session: Session, code: str) -> Platform:
    platform = session.get(Platform, code)
    if platform is None:
        raise NotFound(
            Problem(
                "platform.absent",
                f"没有平台 {code}。",
                f"There is no platform {code}.",
                "请查看 export platforms 的列表。",
                "See the list that `export platforms` gives.",
                {"platform": code},
            )
        )
    return platform


def _exists(code: str) -> Conflict:
    return Conflict(
        Problem(
            "platform.exists",
            f"已有平台 {code}。",
            f"There is a platform {code} already.",
            "请换一个编号。",
            "Choose another code.",
            {"platform": code},
        )
    )


def _check(profile: str, kind: str) -> None:
    for what, given, known in (("profile", profile, tuple(PROFILES)), ("kind", kind, KINDS)):
        if given not in known:
            raise _unknown(what, given, known)


def _unknown(what: str, given: str, known: Collection[str]) -> Refused:
    return refuse(
        f"platform.{what}",
        f"{what} 没有 {given} 这一项。",
        f"There is no {what} {given!r}.",
        f"可选：{'、'.join(known)}。",
        f"Choose one of {', '.join(known)}.",
        value=given,
    )
