"""Packing seen while it runs, and stopped: the plan so far is then taken, and says that it cannot be made again.

Whoever solves writes here and looks here, twice a second at most; whoever watches or stops may be another process.
The course is for those who watch: a database that can't take it now gets it later, and the packing goes on.
"""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import OperationalError

from app.db.database import Database
from app.ledger import repository as ledger
from app.rounds import repository, service
from app.rounds.log import entry_of
from app.rounds.tables import Round, SolvePoint, SolveStop

log = logging.getLogger(__name__)
LOOK_SECONDS = 0.5


class SolveWatch:
    """Keeps the course of one packing in the database, and stops it when somebody asks.

    `row` is held by whoever packs; its methods raise Lost once another worker has taken over.
    """

    def __init__(self, db: Database, row: Round) -> None:
        self._db, self._row, self._round_id = db, row, row.round_id
        self._begun = self._wrote = self._looked = time.monotonic()
        self._number, self._points, self._stopped = 0, list[SolvePoint](), False
        with db.write() as session:
            repository.fenced(session, row)
            repository.forget_course(session, row.round_id)
            self._stopped = session.get(SolveStop, row.round_id) is not None

    def best(self, cell: str, value: int, bound: int, missing: int) -> None:
        """Keep it for the next writing."""
        seconds = round(time.monotonic() - self._begun, 2)
        self._points.append(
            SolvePoint(
                round_id=self._round_id,
                number=self._number,
                seconds=seconds,
                cell=cell,
                value=value,
                bound=bound,
                missing=missing,
            )
        )
        self._number += 1
        if not cell and time.monotonic() - self._wrote >= LOOK_SECONDS:
            self.write()

    def write(self) -> None:
        """Write what was kept."""
        points, self._points, self._wrote = self._points, [], time.monotonic()
        if not points:
            return
        try:
            with self._db.write() as session:
                repository.fenced(session, self._row)
                session.add_all(points)
        except OperationalError:
            log.warning("the course of %s could not be written; it is tried again", self._round_id)
            self._points = points

    def stopped(self) -> bool:
        """Whether somebody asked to stop."""
        if not self._stopped and time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            with self._db.read() as session:
                self._stopped = session.get(SolveStop, self._round_id) is not None
        return self._stopped


@dataclass(frozen=True, slots=True)
class Course:
    """A packing's points, the whole plan's and each cell's, and who stopped it, when."""

    points: tuple[SolvePoint, ...]
    stopped_by: str | None
    stopped_at: datetime | None

    def of(self, cell: str) -> tuple[SolvePoint, ...]:
        """The points of a cell; "" for the whole plan."""
        return tuple(point for point in self.points if point.cell == cell)

    def cells(self) -> tuple[str, ...]:
        """Names of the cells, ascending."""
        return tuple(sorted({point.cell for point in self.points} - {""}))


def course(db: Database, round_id: str) -> Course:
    """How a round's packing went or goes. Raises NotFound."""
    with db.read() as session:
        service.found(session, round_id)
        stop = session.get(SolveStop, round_id)
        points = repository.solve_points(session, round_id)
    return Course(tuple(points), stop.by if stop else None, stop.at if stop else None)


def stop(db: Database, round_id: str, by: str, now: datetime) -> None:
    """Ask whoever packs the round to take the best so far; logged, for the plan can't be made again then.

    Raises NotFound; Conflict `round.stage` where nothing is being packed. A second time changes nothing.
    """
    with db.write() as session:
        row = service.found(session, round_id, lock=True)
        if row.stage != "drawn" or row.status != "running":
            raise service.wrong_stage(row, "stop", "drawn")
        if session.get(SolveStop, round_id) is None:
            now = ledger.moment(session, now)
            session.add(SolveStop(round_id=round_id, by=by, at=now))
            digest = hashlib.sha256(by.encode()).hexdigest()
            ledger.append(session, entry_of(row, "round.stop", "planner", now, digest), now)
