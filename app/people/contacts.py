"""Where firms' one-time codes go: registered by those who keep the registers, in a list or one by one, and logged.

A log entry says how many contacts were registered and by whom, not whose: who has a contact is nobody's to know. Which
rows changed is bound by the journal of state.
"""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import update
from sqlmodel import Session, col, select

from app.db.database import Database
from app.errors import NotFound, Problem, Refused, refuse
from app.ledger import repository as ledger
from app.people.tables import FirmContact, SignIn
from app.registers.tables import Target
from scheduler.encoding import canonical_json

SHAPES: Final = {
    "sms": re.compile(r"\+?[0-9]{6,20}"),
    "email": re.compile(r"[0-9A-Za-z._%+-]{1,64}@[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)+"),
}
COLUMNS: Final = {
    "对象编号": "firm", "统一社会信用代码": "firm", "target_id": "firm", "code": "firm",
    "渠道": "channel", "channel": "channel",
    "联系方式": "address", "address": "address",
    "身份标识": "subject", "oidc_subject": "subject",
}  # fmt: skip
LARGEST: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Contact:
    """Of a firm, by its target id or code. `channel` empty: no codes. `subject`: `issuer subject` at OpenID Connect."""

    firm: str
    channel: str
    address: str
    subject: str = ""
    row: int = 0


def register(db: Database, contacts: Iterable[Contact], role: str, now: datetime) -> int:
    """Register contacts, all or none; how many. A firm whose contact changes is signed out.

    Raises NotFound `contact.firm`, Refused `contact.address`: the row, the field and the rule are named.
    """
    kept = 0
    with db.write() as session:
        for contact in contacts:
            _keep(session, contact, now)
            kept += 1
        _log(session, "firm.contacts", kept, role, now)
    return kept


def remove(db: Database, firm: str, role: str, now: datetime) -> None:
    """Forget a firm's contact and sign it out. Raises NotFound `contact.firm`."""
    with db.write() as session:
        found = contact_of(session, firm)
        if found is None:
            raise _no_firm(Contact(firm, "", ""))
        session.delete(found)
        _sign_out(session, found.target_id, now)
        _log(session, "firm.contact_removed", 1, role, now)


def read(path: Path) -> list[Contact]:
    """The contacts of a CSV with the columns 对象编号 or 统一社会信用代码, 渠道 (sms, email), 联系方式, 身份标识.

    Raises Refused `contact.file`.
    """
    if path.stat().st_size > LARGEST:
        raise _unreadable(path, "文件过大", "it is too large")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            names = [COLUMNS.get(name.strip(), "") for name in next(reader, [])]
            if not {"firm", "channel", "address"} <= set(names):
                raise _unreadable(path, "缺少必需的列", "a mandatory column is missing")
            return [_contact(number, names, cells) for number, cells in enumerate(reader, 2) if any(cells)]
    except (UnicodeDecodeError, csv.Error):
        raise _unreadable(path, "不是 UTF-8 的 CSV", "it is no CSV in UTF-8") from None


def _contact(number: int, names: Sequence[str], cells: Sequence[str]) -> Contact:
    found = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name and cell.strip()}
    channel = {"短信": "sms", "邮件": "email"}.get(found.get("channel", ""), found.get("channel", ""))
    return Contact(found.get("firm", ""), channel, found.get("address", ""), found.get("subject", ""), number)


def named(text: str) -> str:
    """How a firm is written: NFKC, capitals, no blanks."""
    return "".join(unicodedata.normalize("NFKC", text).upper().split())


def target_of(session: Session, firm: str) -> str | None:
    """The target that `firm` names: by its target id, else by its code; of several sites the first."""
    wanted = named(firm)
    query = select(Target.target_id).where((Target.target_id == wanted) | (Target.code == wanted))
    found = sorted(session.exec(query)) if wanted else []
    return wanted if wanted in found else next(iter(found), None)


def contact_of(session: Session, firm: str) -> FirmContact | None:
    """The contact of the firm that is so named."""
    target_id = target_of(session, firm)
    return None if target_id is None else session.get(FirmContact, target_id)


def by_subject(session: Session, subject: str) -> FirmContact | None:
    """The firm that an OpenID provider knows as `issuer subject`."""
    return session.exec(select(FirmContact).where(FirmContact.oidc_subject == subject)).one_or_none()


def masked(contact: FirmContact) -> str:
    """As much of an address as its owner needs to recognise it."""
    name, at, domain = contact.address.partition("@")
    if at:
        return f"{name[:1]}***@{domain}"
    return f"{name[:3]}****{name[-2:]}" if len(name) > 8 else f"****{name[-2:]}"


def _keep(session: Session, contact: Contact, now: datetime) -> None:
    address = unicodedata.normalize("NFKC", contact.address).replace(" ", "")
    shape = SHAPES.get(contact.channel)
    if shape is None or len(address) > 254 or not shape.fullmatch(address):
        raise _bad(contact)
    target_id = target_of(session, contact.firm)
    if target_id is None:
        raise _no_firm(contact)
    known = session.get(FirmContact, target_id)
    if known is not None and (known.channel, known.address) != (contact.channel, address):
        _sign_out(session, target_id, now)
    subject = contact.subject or (known.oidc_subject if known else None)
    session.merge(
        FirmContact(
            target_id=target_id, channel=contact.channel, address=address, oidc_subject=subject, at=now
        )
    )


def _sign_out(session: Session, target_id: str, now: datetime) -> None:
    mine = (col(SignIn.target_id) == target_id) & col(SignIn.ended_at).is_(None)
    session.execute(update(SignIn).where(mine).values(ended_at=now))


def _log(session: Session, kind: str, count: int, role: str, now: datetime) -> None:
    now = ledger.moment(session, now)
    digest = hashlib.sha256(canonical_json({"count": count})).hexdigest()
    entry = {"type": kind, "subject": "contacts", "actor_role": role, "digest": digest, "count": count}
    ledger.append(session, {"at": now.isoformat(), **entry}, now)


def _bad(contact: Contact) -> Refused:
    where = f"第 {contact.row} 行：" if contact.row else ""
    row = f"row {contact.row}: " if contact.row else ""
    return refuse(
        "contact.address",
        f"{where}渠道须为 sms（手机号 6 至 20 位数字）或 email（邮箱地址）。",
        f"{row}the channel is sms (a number of 6 to 20 digits) or email (an address).",
        "请核对渠道和联系方式。",
        "Check channel and address.",
        row=contact.row,
        field="channel, address",
    )


def _no_firm(contact: Contact) -> NotFound:
    where = f"第 {contact.row} 行：" if contact.row else ""
    row = f"row {contact.row}: " if contact.row else ""
    return NotFound(
        Problem(
            "contact.firm",
            f"{where}名录库中没有 {contact.firm}，或没有登记联系方式。",
            f"{row}{contact.firm} is not in the register, or has no contact.",
            "请核对对象编号或统一社会信用代码，先导入对象名录。",
            "Check the target id or code; import the targets first.",
            {"row": contact.row, "field": "firm"},
        )
    )


def _unreadable(path: Path, zh: str, en: str) -> Refused:
    return refuse(
        "contact.file",
        f"{path.name} 无法导入：{zh}。",
        f"{path.name} can't be imported: {en}.",
        "须有列：对象编号（或统一社会信用代码）、渠道、联系方式；可有：身份标识。",
        "It has the columns target_id (or code), channel, address; it may have oidc_subject.",
        file=path.name,
    )
