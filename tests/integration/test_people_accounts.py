"""Accounts on both databases: who may be what, what a session and a token are worth, and when guessing ends."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import select, text

from app.db.database import Database
from app.errors import Forbidden, Refused, TooMany, Unauthorized
from app.http.access import OPERATOR, ROLES
from app.ledger.tables import LogEntry
from app.people import attempts, passwords, sanctions, service, sessions
from app.people.schemas import AccountIn
from app.people.tables import Account, AccountRole, ApiToken, SignIn
from tests.accounts import KIND_OF, made

NOW = datetime.now(UTC)
GOOD = "correct horse battery"


def with_password(db: Database, login: str = "li.ping") -> Account:
    account = made(db, login, "planner", "market")
    with db.write() as session:
        kept = service.found(session, account.id or 0)
        kept.password = passwords.hashed(GOOD)
        session.add(kept)
        return kept


@pytest.mark.parametrize("role", sorted(ROLES))
def test_no_account_holds_an_administrators_role_and_another(database: Database, role: str) -> None:
    account = made(database, "one", role)
    foreign = sorted(other for other in ROLES if KIND_OF[other] != KIND_OF[role])
    for other in foreign:
        with pytest.raises(Refused, match=r"people\.roles"):
            service.give_roles(database, account.id or 0, [role, other], OPERATOR, datetime.now(UTC))
        for kind in (account.kind, KIND_OF[other]):
            with pytest.raises(IntegrityError), database.write() as session:
                session.add(AccountRole(account=account.id or 0, kind=kind, role=other))
    with database.write() as session:
        session.execute(text("DELETE FROM account_role"))
    with pytest.raises(DBAPIError, match="stays of its kind"), database.write() as session:
        session.execute(text("UPDATE account SET kind = :kind"), {"kind": KIND_OF[foreign[0]]})


def test_the_first_three_are_made_once(database: Database) -> None:
    assert not sessions.People(database).accounts_exist()
    first = service.init(database, NOW)
    assert [login for login, _ in first] == ["system-admin", "security-admin", "audit-admin"]
    assert sessions.People(database).accounts_exist()
    with pytest.raises(Refused, match=r"people\.exist"):
        service.init(database, NOW)


def test_nobody_administers_their_own_account(database: Database) -> None:
    account = made(database, "one", "security_admin")
    with database.read() as session:
        actor = sessions.actor(session, account)
    for attempt in (
        lambda: service.give_roles(database, account.id or 0, ["security_admin"], actor, NOW),
        lambda: service.lock(database, account.id or 0, True, actor, NOW),
        lambda: service.reset_password(database, account.id or 0, actor, NOW),
        lambda: service.name_inspector(database, account.id or 0, "P000", actor, NOW),
    ):
        with pytest.raises(Forbidden, match=r"people\.oneself"):
            attempt()


def test_the_log_names_accounts_by_number_alone(database: Database) -> None:
    account, _ = service.create(database, AccountIn(login="zhang.san", name="张三"), OPERATOR, NOW)
    service.give_roles(database, account.id or 0, ["planner"], OPERATOR, datetime.now(UTC))
    with database.read() as session:
        bodies = session.exec(select(LogEntry.body)).all()
    assert len(bodies) == 2
    assert not [body for body in bodies if "zhang" in body or "张三" in body]


def test_a_session_lasts_so_long_and_no_longer(database: Database) -> None:
    account, people = with_password(database), sessions.People(database)
    secret = sessions.sign_in(database, "LI.PING", GOOD, "10.0.0.1", NOW)
    found = people.by_session(secret, NOW + timedelta(minutes=20))
    assert found is not None
    assert found.roles == frozenset({"planner"})
    assert (found.account, found.scope.department) == (account.id, "market")
    assert people.by_session(secret, NOW + timedelta(minutes=49)) is not None, "used, so not idle"
    assert people.by_session(secret, NOW + timedelta(minutes=80)) is None, "idle"
    with database.write() as session:
        session.execute(
            text("UPDATE sign_in SET seen_at = :at"), {"at": _stored(database, NOW + sessions.LASTS)}
        )
    assert people.by_session(secret, NOW + sessions.LASTS) is None, "too old"
    with database.read() as session:
        assert secret not in {row.digest for row in session.exec(select(SignIn))}


def _stored(db: Database, moment: datetime) -> object:
    return moment.isoformat(timespec="microseconds") if db.is_sqlite else moment


def test_signing_in_anew_ends_the_session_before(database: Database) -> None:
    with_password(database)
    first = sessions.sign_in(database, "li.ping", GOOD, "10.0.0.1", NOW)
    sessions.sign_in(database, "li.ping", GOOD, "10.0.0.1", NOW, before=first)
    assert sessions.People(database).by_session(first, NOW) is None


def test_a_lock_ends_sessions_and_tokens(database: Database) -> None:
    account, people = with_password(database), sessions.People(database)
    secret = sessions.sign_in(database, "li.ping", GOOD, "10.0.0.1", NOW)
    with database.read() as session:
        actor = sessions.actor(session, account)
    _, token = service.make_token(database, actor, "report", ["rounds:read"], 1, NOW)
    owner = people.by_token(token, NOW)
    assert owner is not None
    assert owner.tokens == frozenset({"rounds:read"})
    assert people.by_token(token, NOW + timedelta(days=2)) is None, "expired"
    service.lock(database, account.id or 0, True, OPERATOR, datetime.now(UTC))
    assert people.by_session(secret, NOW) is None
    assert people.by_token(token, NOW) is None
    with pytest.raises(Unauthorized):
        sessions.sign_in(database, "li.ping", GOOD, "10.0.0.1", NOW)
    with database.read() as session:
        assert token not in session.exec(select(ApiToken.digest)).all()


def test_five_failures_suspend_signing_in_whoever_it_is(database: Database) -> None:
    with_password(database)
    for login in ("li.ping", "nobody"):
        answers = []
        for _ in range(attempts.PER_ACCOUNT):
            with pytest.raises(Unauthorized) as refused:
                sessions.sign_in(database, login, "wrong", "10.0.0.1", NOW)
            answers.append(refused.value.problem)
        with pytest.raises(TooMany):
            sessions.sign_in(database, login, GOOD, "10.0.0.2", NOW + timedelta(minutes=14))
        assert len(set(map(str, answers))) == 1
    assert sessions.sign_in(database, "li.ping", GOOD, "10.0.0.1", NOW + timedelta(minutes=16))


def test_guesses_at_the_same_moment_are_counted_too(database: Database) -> None:
    with_password(database)

    def guess(number: int) -> str:
        try:
            sessions.sign_in(database, "li.ping", f"wrong {number}", f"10.0.1.{number}", NOW)
        except Refused as refused:
            return refused.problem.code
        return "in"

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(guess, range(12)))
    assert answers.count("sign_in.refused") == attempts.PER_ACCOUNT
    assert answers.count("sign_in.too_many") == 12 - attempts.PER_ACCOUNT


def test_an_address_that_tries_many_logins_is_stopped(database: Database) -> None:
    for number in range(attempts.PER_PLACE):
        attempts.begin(database, f"login:{number}", "10.0.0.9", NOW)
    with pytest.raises(TooMany):
        attempts.begin(database, "login:other", "10.0.0.9", NOW)
    attempts.begin(database, "login:other", "10.0.0.8", NOW)


def test_a_password_costs_what_rfc_9106_asks_for() -> None:
    said = "from app.people import passwords; print(passwords.hashed('x'))"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_an_unknown_login_costs_a_hash_too(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_password(sqlite_database)
    verified: list[str] = []
    real = passwords.matches

    def counted(secret: str, kept: str) -> bool:
        verified.append(kept)
        return real(secret, kept)

    monkeypatch.setattr(passwords, "matches", counted)
    for login in ("li.ping", "nobody"):
        with pytest.raises(Unauthorized):
            sessions.sign_in(sqlite_database, login, "wrong", "10.0.0.1", NOW)
    assert len(verified) == 2
    assert not real("anything", ""), "nothing matches what is not there"


def test_a_new_password_ends_the_other_sessions(database: Database) -> None:
    with_password(database)
    people = sessions.People(database)
    here, there = (sessions.sign_in(database, "li.ping", GOOD, "10.0.0.1", NOW) for _ in range(2))
    actor = people.by_session(here, NOW)
    assert actor is not None
    with pytest.raises(Refused, match=r"password\.weak"):
        service.change_password(database, actor, GOOD, "short", "10.0.0.1", NOW)
    with pytest.raises(Unauthorized):
        service.change_password(database, actor, "not this one", "quite another phrase", "10.0.0.1", NOW)
    service.change_password(database, actor, GOOD, "quite another phrase", "10.0.0.1", NOW)
    assert people.by_session(here, NOW) is not None
    assert people.by_session(there, NOW) is None


def test_the_database_refuses_that_two_steps_are_one_persons(database: Database) -> None:
    one, two = (made(database, login, "coordinator") for login in ("one", "two"))
    with database.write() as session:
        asked = sanctions.ask(session, sanctions.VOID, "r", "frame_wrong", None, NOW)
        number = asked.id
    steps = ("requested_by", "approved_by", "executed_by")
    for first in steps:
        for second in steps:
            with database.engine.connect() as connection, connection.begin() as undone:
                change = text(f"UPDATE sanction SET {first} = :a, {second} = :b WHERE id = :id")
                values = {"a": one.id, "b": one.id, "id": number}
                if first != second:
                    with pytest.raises(IntegrityError):
                        connection.execute(change, values)
                undone.rollback()
    with database.write() as session:
        session.execute(
            text("UPDATE sanction SET requested_by = :a, approved_by = :b"), {"a": one.id, "b": two.id}
        )


@pytest.mark.parametrize("change", ["UPDATE access_record SET status = 0", "DELETE FROM access_record"])
def test_the_access_record_is_only_appended_to(database: Database, change: str) -> None:
    with database.write() as session:
        session.execute(
            text(
                "INSERT INTO access_record (firm, route, subject, status, at) VALUES ('', 'r', '', 200, :at)"
            ),
            {"at": _stored(database, NOW)},
        )
    with pytest.raises(DBAPIError, match="append-only"), database.write() as session:
        session.execute(text(change))
