"""Team-days that cost less than the prices of their visits, all of them, by pruned enumeration.

Sets grow visit by visit in one order. A set is dropped when not even the best that could still join it pays: a knapsack
over minutes (in steps of `GRAIN`), number of stops and the union of departments bounds that from above. Prices are
integers (`UNIT` to an officer), so what is found and what is dropped are facts, not roundings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from optimizer.teams import ORDERS, Cast, Flags, Ints, Small, crew_sizes, together, tours

UNIT = 10_000
GRAIN = 4
TABLE_DEPARTMENTS = 12
RARE_DEPARTMENTS = 12
BLOCK = 48
BATCH = 500_000
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Unions:
    """Departments as bits: `masks` (n) of each visit, `costs` (2^departments) the least officers of each union.

    Only the most frequent departments of the cell. `rare`, `rare_costs` say the same of the next ones, which no table
    is kept of: a team-day has at most `most` visits, so each visit bears at least that part of its rare departments'
    officers (`shares`, n). What further departments cost is left out, which bounds from below.
    """

    masks: Small
    costs: Small
    rare: Small
    rare_costs: Small
    shares: Small

    def charge(self, rare: Small, size: int, most: int) -> Ints:
        """What sets of `size` visits bear of their rare departments, whichever visits may join them."""
        return self.rare_costs[rare].astype(np.int64) * size // most


@dataclass(frozen=True, slots=True)
class Priced:
    """Team-days found whose prices exceed their officers (members ascending), those that exceed most first.

    `excess`: no other team-day's prices exceed its officers by more than this many parts per million of them; 0
    when `exact`. `work`: orders of stops tried.
    """

    sets: tuple[tuple[int, ...], ...]
    excess: int
    exact: bool
    work: int


@dataclass(frozen=True, slots=True)
class _Sets:
    """Sets of one size (m, k): prices, minutes, union, and the bound on what each can still come to."""

    members: Ints
    value: Ints
    minutes: Small
    masks: Small
    rare: Small
    hope: Ints

    def keep(self, chosen: Flags | Ints) -> _Sets:
        return _Sets(
            self.members[chosen],
            self.value[chosen],
            self.minutes[chosen],
            self.masks[chosen],
            self.rare[chosen],
            self.hope[chosen],
        )


def unions(given: Cast, table: int = TABLE_DEPARTMENTS) -> Unions:
    """Masks and costs over the cell's departments: the `table` most frequent ones, and the next."""
    wanted = given.officers > 0
    frequent = sorted(range(wanted.shape[1]), key=lambda d: (-int(wanted[:, d].sum()), d))
    masks, costs = _subsets(given, sorted(frequent[:table]))
    rare, rare_costs = _subsets(given, sorted(frequent[table : table + RARE_DEPARTMENTS]))
    return Unions(masks, costs, rare, rare_costs, rare_costs[rare] // most_stops(given))


def _subsets(given: Cast, chosen: list[int]) -> tuple[Small, Small]:
    """Which of these departments each visit needs, as bits, and the least officers of every set of them."""
    wanted = given.officers > 0
    bits = 1 << np.arange(len(chosen))
    least = np.where(wanted, given.officers, MILLION).min(axis=0)[chosen]
    every = np.arange(1 << len(chosen))[:, None] // bits % 2
    return (
        (wanted[:, chosen] * bits).sum(axis=1).astype(np.int32),
        ((every * least).sum(axis=1) * UNIT).astype(np.int32),
    )


def most_stops(given: Cast) -> int:
    """Visits of a team-day at most, so far as the enumeration goes."""
    return min(given.most, 6)


def price(given: Cast, over: Unions, prices: Ints, cap: int, most_found: int) -> Priced:
    """Team-days whose prices exceed their officers, at most `most_found` per block of first visits and size.

    `cap`: sets of one size kept per block. Where a limit bites, `excess` covers what was dropped.
    """
    search = _Search(given, over, prices.astype(np.int32), cap, most_found)
    first = len(given)
    while first > 0:
        last, first = first, max(0, first - BLOCK)
        search.block(first, last)
    return search.result()


class _Search:
    """Blocks of first visits from the last to the first; the tables hold the visits of the blocks done so far."""

    def __init__(self, given: Cast, over: Unions, prices: Small, cap: int, most_found: int) -> None:
        self.given, self.over, self.prices, self.cap = given, over, prices, cap
        self.most_found = most_found
        self.most = most_stops(given)
        self.borne = self.prices - over.shares
        self.weights = (given.lengths + given.detour) // GRAIN
        self.need = given.lengths + given.detour
        shape = (self.most, len(over.costs), given.day // GRAIN + 1)
        self.best = np.zeros(shape, np.int32)
        self.hope = np.zeros(shape, np.int32)
        self.found: list[tuple[Ints, Ints]] = []
        self.excess, self.exact = 0, True
        self.work = 0

    def block(self, first: int, last: int) -> None:
        """All sets whose first visit is in [first, last)."""
        for visit in range(first, last):
            self._learn(visit)
        self._supersets()
        sets = self._singles(first, last)
        for size in range(1, self.most + 1):
            self._note(sets)
            if size == self.most or not len(sets.members):
                return
            grown: list[_Sets] = []
            for part in self._grow(self._capped(sets, size), size):
                grown = [self._capped(_joined([*grown, part]), size + 1)]
            if not grown:
                return
            sets = grown[0]

    def _learn(self, visit: int) -> None:
        """One more visit for the knapsacks of every union that has its departments, if it can join others at all."""
        if self.borne[visit] <= 0 or self.need[visit] > self.given.day:
            return
        mask, weight = self.over.masks[visit], int(self.weights[visit])
        rows = np.nonzero((np.arange(len(self.over.costs)) & mask) == mask)[0]
        width = self.best.shape[2]
        for stops in range(self.most - 1, 0, -1):
            with_it = self.best[stops - 1][rows, : width - weight] + self.borne[visit]
            own = self.best[stops][rows]
            np.maximum(own[:, weight:], with_it, out=own[:, weight:])
            self.best[stops][rows] = own

    def _supersets(self) -> None:
        """For each union the best over all unions that contain it, their officers paid."""
        self.hope = self.best - self.over.costs[None, :, None]
        stops, size, width = self.hope.shape
        step = 1
        while step < size:
            halves = self.hope.reshape(stops, size // (2 * step), 2, step, width)
            np.maximum(halves[:, :, 0], halves[:, :, 1], out=halves[:, :, 0])
            step *= 2

    def _singles(self, first: int, last: int) -> _Sets:
        members = np.arange(first, last)[:, None]
        rest = self.given.day - self.given.lengths[first:last]
        masks = self.over.masks[first:last]
        value = self.prices[first:last].astype(np.int64)
        rare = self.over.rare[first:last]
        hope = value - self.over.charge(rare, 1, self.most) + self.hope[self.most - 1][masks, rest // GRAIN]
        return _Sets(members, value, self.given.lengths[first:last], masks, rare, hope)

    def _note(self, sets: _Sets) -> None:
        """Keep the sets whose prices exceed their officers."""
        cost = crew_sizes(self.given.officers, sets.members) * UNIT
        over = sets.value - cost
        order = np.argsort(-over, kind="stable")[: int((over > 0).sum())]
        kept, dropped = order[: self.most_found], order[self.most_found :]
        self.found.append((sets.members[kept], over[kept]))
        if len(dropped):
            self._exceed(over[dropped], cost[dropped])

    def _exceed(self, over: Ints, cost: Ints) -> None:
        self.exact = False
        self.excess = max(self.excess, int((-(-over * MILLION // cost)).max()))

    def _capped(self, sets: _Sets, size: int) -> _Sets:
        """The sets that may still pay, at most `cap` of them; what is dropped counts for the excess."""
        sets = sets.keep(sets.hope > 0)
        if len(sets.members) <= self.cap or size == self.most:
            return sets
        order = np.argsort(-sets.hope, kind="stable")
        dropped = sets.keep(order[self.cap :])
        self._exceed(dropped.hope, crew_sizes(self.given.officers, dropped.members) * UNIT)
        return sets.keep(np.sort(order[: self.cap]))

    def _grow(self, sets: _Sets, size: int) -> Iterator[_Sets]:
        """Each set with each later visit that may still pay, in batches."""
        count = len(self.given)
        step = max(1, BATCH // count)
        for start in range(0, len(sets.members), step):
            part = sets.keep(np.arange(start, min(start + step, len(sets.members))))
            rest = self.given.day - part.minutes[:, None] - self.need[None, :]
            later = np.arange(count)[None, :] > part.members[:, -1:]
            old, new = np.nonzero((rest >= 0) & later & (self.prices > 0)[None, :])
            masks = part.masks[old] | self.over.masks[new]
            rare = part.rare[old] | self.over.rare[new]
            hope = part.value[old] + self.prices[new] - self.over.charge(rare, size + 1, self.most)
            hope += self.hope[self.most - size - 1][masks, rest[old, new] // GRAIN]
            chosen = np.nonzero(hope > 0)[0]
            chosen = chosen[together(self.given, part.members[old[chosen]], new[chosen])]
            chosen = self._likeliest(part, old, new, hope, chosen)
            self.work += len(chosen) * len(ORDERS[size + 1])
            yield self._made(part.keep(old[chosen]), new[chosen], masks[chosen], rare[chosen], size + 1)

    def _likeliest(self, part: _Sets, old: Ints, new: Ints, hope: Ints, chosen: Ints) -> Ints:
        """At most `cap` of the candidates of a batch, before tours; what is dropped counts for the excess."""
        if len(chosen) <= self.cap:
            return chosen
        order = np.argsort(-hope[chosen], kind="stable")
        dropped = chosen[order[self.cap :]]
        members = np.concatenate([part.members[old[dropped]], new[dropped][:, None]], axis=1)
        self._exceed(hope[dropped], crew_sizes(self.given.officers, members) * UNIT)
        return chosen[np.sort(order[: self.cap])]

    def _made(self, old: _Sets, new: Ints, masks: Small, rare: Small, size: int) -> _Sets:
        """Sets with one more visit, those that fit into a day along their shortest tour."""
        members = np.concatenate([old.members, new[:, None]], axis=1)
        minutes = self.given.lengths[members].sum(axis=1, dtype=np.int32) + tours(self.given.legs, members)
        value = old.value + self.prices[new]
        rest = self.given.day - minutes
        hope = value - self.over.charge(rare, size, self.most)
        hope += self.hope[self.most - size][masks, np.maximum(rest, 0) // GRAIN]
        made = _Sets(members, value, minutes, masks, rare, hope)
        return made.keep(rest >= 0)

    def result(self) -> Priced:
        """All that was found, in an order that depends on nothing but the sets."""
        rows: list[tuple[int, tuple[int, ...]]] = []
        for members, over in self.found:
            rows += zip((-over).tolist(), map(tuple, members.tolist()), strict=True)
        rows.sort()
        return Priced(tuple(row for _, row in rows), self.excess, self.exact, self.work)


def _joined(parts: list[_Sets]) -> _Sets:
    if len(parts) == 1:
        return parts[0]
    return replace(
        parts[0],
        members=np.concatenate([part.members for part in parts]),
        value=np.concatenate([part.value for part in parts]),
        minutes=np.concatenate([part.minutes for part in parts]),
        masks=np.concatenate([part.masks for part in parts]),
        rare=np.concatenate([part.rare for part in parts]),
        hope=np.concatenate([part.hope for part in parts]),
    )
