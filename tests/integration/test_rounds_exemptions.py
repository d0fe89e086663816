"""An exemption from a cap that one person asked for and another approved brings its target into one freeze."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from sqlmodel import Session, select

from app.db.database import Database
from app.ledger import repository as ledger
from app.people import sanctions, sessions
from app.people.tables import Account, Sanction
from app.rounds import service
from app.rounds.tables import PlannedCheck
from app.rounds.vault import Vault
from app.rounds.worker import run_once
from optimizer.progress import Silent
from tests.accounts import made
from tests.small_city import NOW

CAP = {"code": "year", "scope": "target", "max": 2, "exemptions": ["complaint"]}
FULL = ("T0001", "T0002", "T0003", "T0004")


def at_their_cap(session: Session, round_id: str) -> None:
    """Two entries this year at each of four targets."""
    for target in FULL:
        for day in (date(2026, 1, 6), date(2026, 1, 7)):
            session.add(
                PlannedCheck(
                    round_id=round_id, check_id=f"{target}/{day}", target_id=target, department="market",
                    items=["market-1@1"], day=day,
                )
            )  # fmt: skip


def asked(session: Session, target: str, reason: str, one: Account, two: Account | None) -> None:
    """Ask for an exemption and, by another person, approve it."""
    row = sanctions.ask(session, sanctions.EXEMPTION, target, reason, sessions.actor(session, one), NOW)
    if two is not None:
        sanctions.approve(session, row, sessions.actor(session, two), NOW)


def excluded(db: Database, round_id: str) -> str:
    with db.read() as session:
        return ledger.load(session, round_id, "excluded/t-market.tsv").decode()


def test_an_approved_exemption_counts_for_one_freeze(
    city: Database, publish: Callable[..., str], tmp_path: Path
) -> None:
    one, two = (made(city, login, "coordinator", at=NOW) for login in ("one", "two"))
    plan = publish(caps=[CAP])
    first = service.create(city, plan, "2026-Q1", NOW).round_id
    with city.write() as session:
        at_their_cap(session, first)
        asked(session, "T0001", "complaint", one, two)
        asked(session, "T0002", "complaint", one, None)
        asked(session, "T0003", "because", one, two)
        asked(session, "T0009", "complaint", one, two)
    run_once(city, Vault(tmp_path), 60, None, progress=Silent())
    told = excluded(city, first)
    assert [target for target in FULL if target in told] == ["T0002", "T0003", "T0004"]
    with city.read() as session:
        rows = {row.subject: row for row in session.exec(select(Sanction))}
    assert {subject for subject, row in rows.items() if row.executed_at} == {"T0001"}, "used up, once"
    assert rows["T0001"].executed_by is None, "the service itself"
    with city.read() as session:
        left = sanctions.approved(session, sanctions.EXEMPTION)
    assert left == {"T0003": "because", "T0009": "complaint"}, "what brought nobody in still stands"
