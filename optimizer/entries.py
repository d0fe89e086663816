"""The fewest visits of one target: its checks split into groups that can be done together, proven least.

A group needs a day that suits every check, no forbidden pair, and a stagger of its crews (where people at once are
capped) that ends within the day. Finding the fewest groups is graph colouring with a common day; targets have few
checks, so a depth-first search settles it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations

NODES = 20_000
EXACT_STAGGER = 7


@dataclass(frozen=True, slots=True)
class Item:
    """One check of the target: allowed days and forbidden partners (by item number) as bit masks."""

    department: int
    minutes: int
    officers: int
    days: int
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """What a visit of this target must keep to."""

    day_minutes: int
    people_cap: int | None = None
    entries_left: int | None = None


@dataclass(frozen=True, slots=True)
class Partition:
    """Groups of item numbers, the proven least number of groups, items left out, and whether days can differ."""

    groups: tuple[tuple[int, ...], ...]
    least: int
    left_out: tuple[int, ...] = ()
    distinct_days: bool = True


def partition(items: Sequence[Item], rules: Rules) -> Partition:
    """The fewest groups; with `entries_left` too low, as many items as fit into that many groups."""
    if not items:
        return Partition((), 0)
    everything = tuple(range(len(items)))
    found = _least(items, everything, rules)
    if rules.entries_left is None or len(found.groups) <= rules.entries_left:
        return found
    return _within(items, rules, rules.entries_left)


def _within(items: Sequence[Item], rules: Rules, most: int) -> Partition:
    everything = tuple(range(len(items)))
    for dropped in range(1, len(items)):
        for left_out in combinations(everything, dropped):
            kept = tuple(i for i in everything if i not in left_out)
            found = _least(items, kept, rules, most)
            if 0 < len(found.groups) <= most:
                return Partition(found.groups, found.least, left_out, found.distinct_days)
    return Partition((), 0, everything)


def _least(
    items: Sequence[Item], chosen: tuple[int, ...], rules: Rules, most: int | None = None
) -> Partition:
    if fits(items, chosen, rules):
        return Partition((chosen,), 1)
    order = sorted(chosen, key=lambda i: (items[i].days.bit_count(), -items[i].conflicts.bit_count(), i))
    least = _clique(items, order)
    for count in range(least, (most or len(order)) + 1):
        search = _Search(items, order, rules, count)
        search.go(0)
        if search.best is not None:
            groups = tuple(tuple(sorted(group)) for group in search.best)
            return Partition(tuple(sorted(groups)), least, (), search.distinct)
        if search.nodes <= NODES:
            least = count + 1
    return Partition((), least)


def _clique(items: Sequence[Item], order: Sequence[int]) -> int:
    """Items of which no two can share a visit, found greedily: as many visits are needed at least."""
    clique: list[int] = []
    for i in order:
        if all(items[i].conflicts >> j & 1 or not items[i].days & items[j].days for j in clique):
            clique.append(i)
    return max(1, len(clique))


@dataclass(slots=True)
class _Search:
    """Depth first: each item into a group that fits, or a new group; stops at groups with different days."""

    items: Sequence[Item]
    order: Sequence[int]
    rules: Rules
    count: int
    nodes: int = 0
    best: list[list[int]] | None = None
    distinct: bool = False
    groups: list[list[int]] = field(default_factory=list)

    def go(self, depth: int) -> bool:
        """True when the search may end."""
        self.nodes += 1
        if self.nodes > NODES:
            return True
        if depth == len(self.order):
            return self._keep()
        i = self.order[depth]
        for group in self.groups:
            group.append(i)
            if fits(self.items, group, self.rules) and self.go(depth + 1):
                return True
            group.pop()
        if len(self.groups) < self.count:
            self.groups.append([i])
            if self.go(depth + 1):
                return True
            self.groups.pop()
        return False

    def _keep(self) -> bool:
        distinct = different_days([common_days([self.items[i] for i in group]) for group in self.groups])
        if self.best is None or distinct:
            self.best = [group[:] for group in self.groups]
            self.distinct = distinct
        return distinct


def common_days(items: Sequence[Item]) -> int:
    """Bit mask of the days that suit all."""
    days = -1
    for item in items:
        days &= item.days
    return days


def different_days(masks: Sequence[int]) -> bool:
    """Whether each group can have a day of its own (bipartite matching by augmenting paths)."""
    taken: dict[int, int] = {}

    def augment(group: int, seen: set[int]) -> bool:
        mask = masks[group]
        while mask:
            bit = mask & -mask
            mask ^= bit
            if bit not in seen:
                seen.add(bit)
                if bit not in taken or augment(taken[bit], seen):
                    taken[bit] = group
                    return True
        return False

    return all(augment(group, set()) for group in range(len(masks)))


def fits(items: Sequence[Item], group: Sequence[int], rules: Rules) -> bool:
    """Whether these of the target's items can be one visit: common day, no forbidden pair, within the day."""
    together = 0
    for i in group:
        together |= 1 << i
    own = [items[i] for i in group]
    if any(item.conflicts & together for item in own) or not common_days(own):
        return False
    return stagger(crews(own), rules) is not None


def crews(items: Sequence[Item]) -> list[tuple[int, int, int]]:
    """(department, minutes, officers) of the crews a visit needs: a department's checks are one crew's."""
    found: dict[int, tuple[int, int]] = {}
    for item in items:
        minutes, officers = found.get(item.department, (0, 0))
        found[item.department] = (minutes + item.minutes, max(officers, item.officers))
    return [(department, *found[department]) for department in sorted(found)]


def stagger(parts: Sequence[tuple[int, int, int]], rules: Rules) -> list[int] | None:
    """Minutes after the visit's start at which each crew begins, people at once never above the cap; or None.

    Longest first; where that ends after the day, every order is tried (up to `EXACT_STAGGER` crews), which is exact.
    """
    if max(minutes for _, minutes, _ in parts) > rules.day_minutes:
        return None
    cap = rules.people_cap
    if cap is None or sum(officers for _, _, officers in parts) <= cap:
        return [0] * len(parts)
    if max(officers for _, _, officers in parts) > cap:
        return None
    first = sorted(range(len(parts)), key=lambda k: (-parts[k][1], k))
    orders = permutations(first) if len(parts) <= EXACT_STAGGER else iter((tuple(first),))
    for order in orders:
        begins = _list(parts, order, cap)
        if max(begins[k] + parts[k][1] for k in order) <= rules.day_minutes:
            return begins
    return None


def _list(parts: Sequence[tuple[int, int, int]], order: Sequence[int], cap: int) -> list[int]:
    """Each crew in turn as early as the people already there allow."""
    begins = [-1] * len(parts)
    placed: list[int] = []
    for k in order:
        times = sorted({0, *(begins[j] + parts[j][1] for j in placed)})
        begins[k] = next(time for time in times if _room(parts, begins, placed, k, time, cap))
        placed.append(k)
    return begins


def _room(
    parts: Sequence[tuple[int, int, int]],
    begins: Sequence[int],
    placed: Sequence[int],
    k: int,
    time: int,
    cap: int,
) -> bool:
    end = time + parts[k][1]
    moments = [time, *(begins[j] for j in placed if time < begins[j] < end)]
    return all(
        sum(parts[j][2] for j in placed if begins[j] <= moment < begins[j] + parts[j][1]) + parts[k][2] <= cap
        for moment in moments
    )
