"""A firm's one-time code, on both databases: short, once, few tries, rate limited, no oracle of who has a contact."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select, text

from app.db.database import Database
from app.errors import NotFound, Refused, TooMany, Unauthorized
from app.ledger.tables import LogEntry
from app.people import attempts, codes, contacts, messages, passwords, sessions
from app.people.contacts import Contact
from app.people.tables import FirmCode, FirmContact, Message
from app.registers.tables import Target
from app.settings import Settings
from tests.small_city import TARGETS

NOW = datetime.now(UTC)
PHONE = "13912345678"
HERE = "10.0.0.1"


@pytest.fixture
def firms(city: Database) -> Database:
    """The small city; T0001 has a contact and a code number, T0002 neither."""
    with city.write() as session:
        session.execute(text("UPDATE target SET code = '91650100AAAA' WHERE target_id = 'T0001'"))
    contacts.register(city, [Contact("T0001", "sms", PHONE)], "operator", NOW)
    return city


def sent(db: Database, folder: Path, now: datetime = NOW) -> str:
    """Let the office's messages be written; the code in the newest one."""
    while messages.send_one(db, messages.sender(Settings(data_dir=folder)), now):
        pass
    files = sorted((folder / "messages").glob("*.json"), key=lambda path: int(path.stem))
    found = re.search(r"\d{8}", json.loads(files[-1].read_text("utf-8"))["text"])
    assert found
    return found[0]


@pytest.mark.parametrize("named", ["T0001", "t0001 ", "91650100aaaa", "Ｔ０００１"])
def test_the_code_that_came_opens_the_firms_own_record_once(
    firms: Database, tmp_path: Path, named: str
) -> None:
    codes.ask(firms, named, HERE, NOW)
    code = sent(firms, tmp_path)
    file = next((tmp_path / "messages").iterdir())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text("utf-8"))["address"] == PHONE
    actor = sessions.People(firms).by_session(codes.sign_in(firms, named, code, HERE, NOW), NOW)
    assert actor is not None
    assert (actor.kind, actor.scope.target_id, actor.scope.department) == ("firm", "T0001", "")
    with pytest.raises(Unauthorized):
        codes.sign_in(firms, named, code, HERE, NOW)
    with firms.read() as session:
        row = session.exec(select(Message)).one()
        assert (row.status, row.address, row.text) == ("sent", "", "")
        assert code not in session.exec(select(FirmCode.code)).one()


def test_of_two_at_the_same_moment_one_gets_in(firms: Database, tmp_path: Path) -> None:
    codes.ask(firms, "T0001", HERE, NOW)
    code = sent(firms, tmp_path)

    def enter(_number: int) -> bool:
        try:
            return bool(codes.sign_in(firms, "T0001", code, HERE, NOW))
        except Refused:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(enter, range(4))) == 1


def test_a_code_is_short_lived_and_replaced_by_the_next(firms: Database, tmp_path: Path) -> None:
    codes.ask(firms, "T0001", HERE, NOW)
    first = sent(firms, tmp_path)
    codes.ask(firms, "T0001", HERE, NOW)
    second = sent(firms, tmp_path)
    for code, when in ((first, NOW), (second, NOW + codes.LIFE)):
        with pytest.raises(Unauthorized):
            codes.sign_in(firms, "T0001", code, HERE, when)
    assert codes.sign_in(firms, "T0001", second, HERE, NOW + codes.LIFE - timedelta(seconds=1))


def test_a_code_is_of_the_firm_that_asked(firms: Database, tmp_path: Path) -> None:
    contacts.register(firms, [Contact("T0002", "email", "a@b.example")], "operator", datetime.now(UTC))
    codes.ask(firms, "T0001", HERE, NOW)
    with pytest.raises(Unauthorized):
        codes.sign_in(firms, "T0002", sent(firms, tmp_path), HERE, NOW)


def test_guessing_ends_before_it_begins(firms: Database, tmp_path: Path) -> None:
    codes.ask(firms, "T0001", HERE, NOW)
    code = sent(firms, tmp_path)
    for _ in range(attempts.PER_ACCOUNT):
        with pytest.raises(Unauthorized):
            codes.sign_in(firms, "T0001", "00000000", HERE, NOW)
    with pytest.raises(TooMany):
        codes.sign_in(firms, "T0001", code, "10.9.9.9", NOW)


@pytest.mark.parametrize("named", ["T0001", "T0002", "nobody"], ids=["contact", "none", "unknown"])
def test_asking_is_limited_per_firm_whether_or_not_it_is_one(firms: Database, named: str) -> None:
    for place in range(codes.ASKED_AT_ONCE):
        codes.ask(firms, named, f"10.0.1.{place}", NOW)
    with pytest.raises(TooMany):
        codes.ask(firms, named, "10.0.2.1", NOW)
    for hour in range(1, codes.ASKED_PER_DAY - codes.ASKED_AT_ONCE + 1):
        codes.ask(firms, named, "10.0.3.1", NOW + timedelta(hours=hour))
    with pytest.raises(TooMany):
        codes.ask(firms, named, "10.0.3.1", NOW + timedelta(hours=12))


def test_asking_leaves_the_same_traces_and_takes_the_same_work(
    firms: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    real: Callable[[str], str] = passwords.hashed

    def counted(secret: str) -> str:
        hashed.append(secret)
        return real(secret)

    monkeypatch.setattr(passwords, "hashed", counted)
    for named in ("T0001", "T0002", "nobody"):
        codes.ask(firms, named, HERE, NOW)
    with firms.read() as session:
        asked = session.exec(select(FirmCode).order_by(FirmCode.id)).all()  # type: ignore[arg-type]  # a column
        posted = session.exec(select(Message.status).order_by(Message.id)).all()  # type: ignore[arg-type]  # a column
    assert [row.target_id for row in asked] == ["T0001", None, None]
    assert list(posted) == ["waiting", "nobody", "nobody"]
    assert len(hashed) == 3
    assert not messages.send_one(firms, lambda _message, _now: False, NOW - timedelta(seconds=1)), "not due"


def test_what_can_not_be_sent_is_tried_again_and_then_forgotten(firms: Database) -> None:
    codes.ask(firms, "T0001", HERE, NOW)
    tried: list[datetime] = []

    def fails(_message: Message, now: datetime) -> bool:
        tried.append(now)
        return False

    for minute in range(20):
        while messages.send_one(firms, fails, NOW + timedelta(minutes=minute)):
            pass
    assert 3 <= len(tried) <= len(messages.RETRIES) + 1
    assert max(tried) < NOW + codes.LIFE
    with firms.read() as session:
        row = session.exec(select(Message)).one()
    assert (row.status, row.address, row.text) == ("dead", "", "")


def test_a_changed_contact_signs_the_firm_out(firms: Database, tmp_path: Path) -> None:
    codes.ask(firms, "T0001", HERE, NOW)
    secret = codes.sign_in(firms, "T0001", sent(firms, tmp_path), HERE, NOW)
    contacts.register(firms, [Contact("T0001", "sms", PHONE)], "operator", datetime.now(UTC))
    assert sessions.People(firms).by_session(secret, NOW) is not None, (
        "the same contact again changes nothing"
    )
    contacts.register(firms, [Contact("T0001", "sms", "13900000000")], "operator", datetime.now(UTC))
    assert sessions.People(firms).by_session(secret, NOW) is None
    codes.ask(firms, "T0001", HERE, NOW)
    code = sent(firms, tmp_path)
    contacts.remove(firms, "T0001", "operator", datetime.now(UTC))
    with pytest.raises(Unauthorized):
        codes.sign_in(firms, "T0001", code, HERE, NOW)


def test_the_log_tells_nobody_who_has_a_contact(firms: Database) -> None:
    with firms.read() as session:
        bodies = session.exec(select(LogEntry.body).where(LogEntry.type == "firm.contacts")).all()
    assert len(bodies) == 1
    assert not [body for body in bodies if PHONE in body or "T0001" in body]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["对象编号,渠道,联系方式", "T0003,短信,139 1234 5678", "T0004,email,a.b@c.example"], ""),
        (["统一社会信用代码,渠道,联系方式", "91650100AAAA,sms,＋8613912345678"], ""),
        (["对象编号,渠道,联系方式", "T0003,sms,13912345678", "T0004,post,x"], "contact.address"),
        (["对象编号,渠道,联系方式", "T0003,sms,=1+1"], "contact.address"),
        (["对象编号,渠道,联系方式", "T9999,sms,13912345678"], "contact.firm"),
        (["对象编号,渠道", "T0003,sms"], "contact.file"),
    ],
    ids=["good", "by_code", "channel", "formula", "unknown", "column"],
)
def test_a_list_of_contacts_goes_in_whole_or_not_at_all(
    firms: Database, tmp_path: Path, lines: list[str], code: str
) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text("\n".join(lines), encoding="utf-8-sig")
    if not code:
        assert contacts.register(firms, contacts.read(path), "operator", datetime.now(UTC)) == len(lines) - 1
        return
    with pytest.raises((Refused, NotFound), match=re.escape(code)) as refused:
        contacts.register(firms, contacts.read(path), "operator", datetime.now(UTC))
    assert all((refused.value.problem.en, refused.value.problem.remedy_zh))
    with firms.read() as session:
        assert list(session.exec(select(FirmContact.target_id))) == ["T0001"]


@pytest.mark.parametrize(
    ("address", "shown"),
    [("13912345678", "139****78"), ("a.b@c.example", "a***@c.example"), ("123456", "****56")],
)
def test_a_contact_is_shown_masked(address: str, shown: str) -> None:
    assert contacts.masked(FirmContact(target_id="T", channel="sms", address=address, at=NOW)) == shown


def test_of_several_sites_of_one_code_the_first_is_meant(firms: Database) -> None:
    with firms.write() as session:
        session.execute(text("UPDATE target SET code = 'SAME' WHERE target_id IN ('T0007', 'T0005')"))
        assert len(session.exec(select(Target.id)).all()) == TARGETS
    with firms.read() as session:
        assert contacts.target_of(session, "same") == "T0005"
        assert contacts.target_of(session, "T0007") == "T0007"
        assert contacts.target_of(session, "") is None
