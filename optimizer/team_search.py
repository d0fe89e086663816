"""Team-days improved by ruin and recreate: visits near or like each other leave their teams, each goes back where
the team grows least (slack induction: Christiaens, Vanden Berghe 2020).

Integers and a given number of rounds only, so that the result is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, permutations

from optimizer.stream import Stream
from optimizer.teams import Cast

NEIGHBOURS = 100
OFFICER = 100
HEAT = 300
MOST_OUT = 8
KEEP_EVERY = 400

Stops = tuple[int, ...]
# (stops in order, minutes of work and way, code of officers, mask of days)
Team = tuple[Stops, int, int, int]


@dataclass(slots=True)
class TeamSearch:
    """Teams by number, the team of each visit, and team-days met on the way (`seen`), for a master problem."""

    given: Cast
    stream: Stream
    legs: list[list[int]] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    days: list[int] = field(default_factory=list)
    family: list[int] = field(default_factory=list)
    near: list[list[list[int]]] = field(default_factory=list)
    teams: dict[int, Team] = field(default_factory=dict)
    at: list[int] = field(default_factory=list)
    seen: set[Stops] = field(default_factory=set)
    fresh: int = 0

    def __post_init__(self) -> None:
        given = self.given
        self.legs, self.lengths = given.legs.tolist(), given.lengths.tolist()
        self.days = [int.from_bytes(row.tobytes(), "big") for row in given.days]
        self.family = given.family.tolist()
        self.at = [0] * len(given)
        self.near = [self._neighbours(4), self._neighbours(0)]

    def _neighbours(self, ways: int) -> list[list[int]]:
        """The visits most like each one: officers that only one of the two needs, and (`ways`) minutes between."""
        codes, legs = self.given.codes, self.legs
        found = []
        for i, own in enumerate(codes):
            rank = [
                (2 * (own ^ code).bit_count() + ways * legs[i][j] // 4, j) for j, code in enumerate(codes)
            ]
            found.append([j for _, j in sorted(rank)[:NEIGHBOURS]])
        return found

    def run(self, start: Iterable[Sequence[int]], rounds: int) -> list[Stops]:
        """The best teams found in so many rounds from these."""
        for row in start:
            self._enter(self._team(self._shortest(row)))
        best, now = self._officers(self.teams.values()), dict(self.teams)
        cost = best
        for done in range(rounds if len(self.teams) > 1 else 0):
            heat = HEAT * (rounds - done) // rounds
            cost += self._round(self.stream.below(1 + heat) * self.stream.below(1 + heat) // (1 + heat))
            if cost < best:
                best, now = cost, dict(self.teams)
            if done % KEEP_EVERY == 0:
                self._remember()
        self.teams = now
        self._remember()
        return [team[0] for _, team in sorted(now.items())]

    def _remember(self) -> None:
        self.seen.update(tuple(sorted(team[0])) for team in self.teams.values())

    def _officers(self, teams: Iterable[Team]) -> int:
        return sum(team[2].bit_count() for team in teams)

    def _shortest(self, stops: Sequence[int]) -> Stops:
        return min(permutations(stops), key=lambda order: sum(self.legs[a][b] for a, b in pairwise(order)))

    def _team(self, stops: Stops) -> Team:
        minutes = sum(self.lengths[i] for i in stops) + sum(self.legs[a][b] for a, b in pairwise(stops))
        code, days = 0, -1
        for i in stops:
            code |= self.given.codes[i]
            days &= self.days[i]
        return stops, minutes, code, days

    def _enter(self, team: Team) -> int:
        number = self.fresh
        self.fresh += 1
        self.teams[number] = team
        for i in team[0]:
            self.at[i] = number
        return number

    def _round(self, heat: int) -> int:
        """One ruin and recreate; the officers it changes, 0 where it was taken back."""
        out, before = self._ruin()
        for number, team in before.items():
            del self.teams[number]
            left = tuple(i for i in team[0] if i not in out)
            if left:
                self.teams[number] = self._team(left)
        touched: dict[int, Team | None] = dict(before)
        for i in self._ordered(sorted(out)):
            self._insert(i, touched)
        made = {number: self.teams[number] for number in touched if number in self.teams}
        grown = self._officers(made.values()) - self._officers(t for t in touched.values() if t is not None)
        if grown * OFFICER <= heat:
            for number, team in made.items():
                for i in team[0]:
                    self.at[i] = number
            return grown
        for number, old in touched.items():
            self.teams.pop(number, None)
            if old is not None:
                self.teams[number] = old
                for i in old[0]:
                    self.at[i] = number
        return 0

    def _ruin(self) -> tuple[set[int], dict[int, Team]]:
        """Visits to take out, and the teams they are in: whole teams, or strings of their stops."""
        stream = self.stream
        seed, want = stream.below(len(self.at)), 3 + stream.below(MOST_OUT - 2)
        whole = stream.below(2)
        out: set[int] = set()
        before: dict[int, Team] = {}
        for j in self.near[stream.below(3) // 2][seed]:
            number = self.at[j]
            if len(out) >= want:
                break
            if number in before or stream.below(7) == 0:
                continue
            before[number] = self.teams[number]
            stops = self.teams[number][0]
            out.update(stops if whole or len(stops) < 3 else self._string(stops, stops.index(j)))
        return out, before

    def _string(self, stops: Stops, around: int) -> Stops:
        length = 1 + self.stream.below(len(stops))
        first = min(max(0, around - self.stream.below(length)), len(stops) - length)
        return stops[first : first + length]

    def _ordered(self, out: list[int]) -> list[int]:
        stream, codes, lengths = self.stream, self.given.codes, self.lengths
        mode = stream.below(4)
        if mode == 0:
            stream.shuffle(out)
        elif mode == 1:
            out.sort(key=lambda i: -10 * codes[i].bit_count() + stream.below(10))
        elif mode == 2:
            out.sort(key=lambda i: -lengths[i])
        else:
            out.sort(key=lambda i: -lengths[i] * codes[i].bit_count() * (10 + stream.below(3)))
        return out

    def _insert(self, i: int, touched: dict[int, Team | None]) -> None:
        """Into the team that grows least (then the shortest way, then the team with fewest it does not need)."""
        code, legs, minutes, days = self.given.codes[i], self.legs, self.lengths[i], self.days[i]
        own, room = code.bit_count(), self.given.day - minutes
        least, chosen, made = OFFICER * own, -1, None
        mine, day, most, stream = legs[i], self.given.day, self.given.most, self.stream
        for number, (stops, used, crew, possible) in self.teams.items():
            size = crew.bit_count()
            grown = (crew | code).bit_count() - size
            if grown * OFFICER >= least or used >= room or len(stops) >= most or not possible & days:
                continue
            where, more = _cheapest(stops, mine, legs)
            price = grown * OFFICER + 2 * more + 3 * (size + grown - own)
            if price >= least or used + minutes + more > day or not stream.below(50):
                continue
            if any(self.family[j] == self.family[i] for j in stops):
                continue
            least, chosen = price, number
            made = ((*stops[:where], i, *stops[where:]), used + minutes + more, crew | code, possible & days)
        if made is None:
            number = self._enter(((i,), minutes, code, days))
            touched[number] = None
            return
        touched.setdefault(chosen, self.teams[chosen])
        self.teams[chosen] = made


def _cheapest(stops: Stops, mine: list[int], legs: list[list[int]]) -> tuple[int, int]:
    """Where a stop adds least to a tour, and the minutes it adds."""
    where, more = 0, mine[stops[0]]
    if mine[stops[-1]] < more:
        where, more = len(stops), mine[stops[-1]]
    for position, (a, b) in enumerate(pairwise(stops), 1):
        detour = mine[a] + mine[b] - legs[a][b]
        if detour < more:
            where, more = position, detour
    return where, more
