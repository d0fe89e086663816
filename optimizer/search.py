"""Ruin and recreate on a board: take some visits of one or two days off, put each back where it costs least.

Accepted when not dearer than a threshold that shrinks with the rounds (Dueck, Scheuer 1990; Schrimpf et al. 2000).
The number of rounds is given, never a time, so the same input gives the same plan everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from optimizer.board import Board
from optimizer.jobs import OFFICER, Crew, Offer
from optimizer.keep import restore, snapshot
from optimizer.loosen import around, loosen
from optimizer.relink import relink
from optimizer.stream import Stream

MISSING = 1000 * OFFICER
HEAT = 3 * OFFICER // 10
FULLNESS = 50
FEWEST, SPREAD = 4, 8


@dataclass(slots=True)
class Search:
    """The board under work, the jobs that found no place yet (`bank`), and what each day costs (`known`)."""

    board: Board
    stream: Stream
    bank: list[int] = field(default_factory=list)
    known: dict[int, int] = field(default_factory=dict)

    def run(self, rounds: int, until_placed: bool = False, part: range | None = None) -> None:
        """So many rounds, or fewer if all that is wanted is a place for every job of the bank.

        `part`: only these of the rounds, where another run does the others.
        """
        if len(self.board.jobs) < 2:
            return
        for done in part or range(rounds):
            if until_placed and not self.bank:
                return
            heat = self.stream.below(1 + HEAT * (rounds - done) // rounds)
            busy = [day for day, rows in enumerate(self.board.crews) if any(rows)]
            if busy and self.stream.below(5) == 0:
                self._relink(busy[self.stream.below(len(busy))], heat)
            else:
                self._round(busy, heat)

    def _relink(self, day: int, heat: int) -> None:
        board = self.board
        department = self.stream.below(len(board.crews[day]))
        if len(board.crews[day][department]) < 2:
            return
        before, kept = self._before([day]), snapshot(board, [day])
        if relink(board, day, department, self.stream):
            after = self._day(day)
            if after <= before + heat:
                self.known[day] = after
                return
        restore(board, kept)

    def _round(self, busy: list[int], heat: int) -> None:
        days, taken = self._choose(busy)
        board, bank = self.board, self.bank[:]
        before, kept = self._lost() + self._before(days), snapshot(board, days)
        off = [index for index in taken if board.placed[index] is not None]
        before_them, after_them = around(board, off)
        for index in off:
            board.remove(index)
        gone = set(off)
        loosen(board, before_them - gone, after_them - gone)
        self.bank = [index for index in self.bank if index not in taken]
        self._recreate(taken, days)
        after = {day: self._day(day) for day in days}
        if self._lost() + sum(after.values()) > before + heat:
            restore(board, kept)
            self.bank = bank
        else:
            self.known |= after

    def _recreate(self, taken: list[int], days: list[int]) -> None:
        board = self.board
        order = sorted(taken)
        self.stream.shuffle(order)
        if self.stream.below(2):
            order.sort(key=lambda index: -len(board.jobs[index].tasks) + self.stream.below(2))
        for index in order:
            if put(board, index, days) is None:
                self.bank.append(index)

    def _lost(self) -> int:
        """What has no place costs far more than anything else."""
        return MISSING * sum(len(self.board.jobs[index].tasks) for index in self.bank)

    def _before(self, days: list[int]) -> int:
        """The cost of days that nothing was taken off yet."""
        for day in days:
            if day not in self.known:
                self.known[day] = self._day(day)
        return sum(self.known[day] for day in days)

    def _day(self, day: int) -> int:
        """Officers, then a tenth of the minutes crews are out, and unevenness:

        two crews with full and empty days cost less than two with half days, so the weaker one may soon be saved.
        """
        earliest, parts = self.board.earliest, self.board.parts
        total = 0
        for department, row in enumerate(self.board.crews[day]):
            for crew in row:
                jobs = crew.jobs
                work = 0
                for index in jobs:
                    begins, ends = parts[index][department]
                    work += ends - begins
                last = jobs[-1]
                out = earliest[last] + parts[last][department][1] - earliest[jobs[0]]
                total += crew.officers * OFFICER + out // 10 - work * work // FULLNESS
        return total

    # ---- what to take off

    def _choose(self, busy: list[int]) -> tuple[list[int], list[int]]:
        """One or two days and the jobs to take: a crew with few stops, and jobs like one of its stops."""
        board, stream = self.board, self.stream
        wanted = self.bank[stream.below(len(self.bank))] if self.bank else None
        if wanted is not None:
            allowed = board.jobs[wanted].days
            day = allowed[stream.below(len(allowed))]
        else:
            day = busy[stream.below(len(busy))]
        days = [day]
        if len(busy) > 1 and stream.below(10) < 7:
            other = busy[stream.below(len(busy))]
            if other != day:
                days.append(other)
        crews = [crew for row in board.crews[day] for crew in row]
        crew = self._weak(crews) if crews else None
        seed = wanted if crew is None or wanted is not None else crew.jobs[stream.below(len(crew.jobs))]
        assert seed is not None
        taken = set(crew.jobs if crew is not None and wanted is None else [seed])
        more = FEWEST + stream.below(SPREAD) - len(taken)
        if more > 0:
            pool = [index for day in days for index in board.on_day(day) if index not in taken]
            taken.update(self._like(seed, pool)[:more])
        return days, sorted(taken)

    def _weak(self, crews: list[Crew]) -> Crew:
        first, second = (crews[self.stream.below(len(crews))] for _ in range(2))
        return first if len(first.jobs) <= len(second.jobs) else second

    def _like(self, seed: int, pool: list[int]) -> list[int]:
        """The pool by likeness to the seed: near, at the same time, or of the same departments."""
        board, stream = self.board, self.stream
        mode = stream.below(5)
        if mode < 2 or (mode < 4 and board.placed[seed] is None):
            legs = board.travel[board.jobs[seed].place]
            return sorted(pool, key=lambda i: (legs[board.jobs[i].place] + stream.below(6), i))
        if mode < 4:
            begin = board.earliest[seed]
            return sorted(pool, key=lambda i: (abs(board.earliest[i] - begin) + stream.below(60), i))
        own = board.parts[seed].keys()
        return sorted(
            pool,
            key=lambda i: (len(board.parts[i]) - 2 * len(own & board.parts[i].keys()) + stream.below(3), i),
        )


def put(board: Board, index: int, days: Sequence[int]) -> int | None:
    """Place a job where it costs least on any of these days that it allows; the day, or None where it has no place.

    Where the cheapest place would make the crews' orders contradict each other, visits after it stay where they are.
    """
    allowed = [day for day in days if day in board.jobs[index].days]
    for pushing in (True, False):
        best: Offer | None = None
        for day in allowed:
            offer = board.offer(index, day, pushing)
            if offer is not None and (best is None or offer.cost < best.cost):
                best = offer
        if best is None:
            return None
        if board.place(index, best):
            return best.day
    return None
