"""Two rounds of the small city as a process of its own: `python -m tests.identical_round URL FOLDER WORKERS`.

Everything that may differ between two machines is given: the database, the number of worker processes, and (by the
caller) PYTHONHASHSEED. The service's secrets and keys come from the operating system and are meant to differ, and the
log binds how long each stage took and salts what it seals; here, and only here, they are fixed, for else no two
rounds could be compared.
"""

from __future__ import annotations

import base64
import itertools
import sys
from datetime import date, timedelta
from pathlib import Path
from unittest.mock import patch

from app.db import journal
from app.db.database import Database
from app.disclosure.service import write_bundles
from app.ledger import keys
from app.plans import service as plans
from app.processes import pool
from app.rounds import drawing, seating, seats, service
from app.rounds.absence import Absence
from app.rounds.tables import Round
from app.rounds.vault import KEY_FILE, Vault
from app.whole_round import SimulatedClock, Trip, answers, carry
from optimizer.progress import Silent
from scheduler.notes import SignerKey
from tests import small_city


def main(url: str, folder: Path, workers: int) -> None:
    """Run the rounds and write their bundles into `folder`."""
    counter = itertools.count(1)
    (folder / KEY_FILE).write_bytes(base64.urlsafe_b64encode(bytes(32)))
    (folder / keys.KEY_FILE).write_text(SignerKey("double-random.invalid/same", bytes(32)).text + "\n")
    db = Database(url)
    document = plans.parse_document(small_city.plan_data(period=None, recurrence=small_city.QUARTERLY))
    with (
        patch.object(drawing, "new_secret", lambda: bytes([next(counter)]) * 32),
        patch("app.rounds.advance.time.perf_counter", lambda: 0.0),
        patch.object(journal, "new_salt", lambda: bytes(16)),
        patch.object(seating, "PARALLEL_FROM", 1),
        pool(workers) as executor,
    ):
        small_city.fill(db)
        plans.create(db, document, small_city.NOW)
        plans.publish(db, document.code, small_city.NOW)
        for period, days in (("2026-Q1", 0), ("2026-Q3", 150)):
            start = SimulatedClock(small_city.NOW + timedelta(days=days))
            trip = Trip(db, Vault(folder), folder, Silent(), executor, start, approved_by="审批人")
            write_bundles(db, one_round(trip, document.code, period).round_id, folder)
    db.close()


def one_round(trip: Trip, code: str, period: str) -> Round:
    """A round in which somebody falls sick after the seats are drawn."""
    answer = answers(trip)
    row = service.create(trip.db, code, period, trip.clock.now())
    row = carry(trip, row, lambda row: row.waiting_for != "reveal" and answer(row))
    with trip.db.read() as session:
        standing, days = seats.standing_now(session, row)
    sick = standing.assignment[min(standing.assignment)]
    absence = Absence(sick, "sickness", date.fromisoformat(days[0]), date.fromisoformat(days[-1]))
    seats.file_absences(trip.db, trip.vault, row.round_id, [absence], trip.clock.now())
    row = carry(trip, row, answer)
    assert row.status == "done", row.problem
    return row


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
