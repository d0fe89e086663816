"""Prices of the gaps a job could go into, and the start that suits every department for least."""

from __future__ import annotations

from optimizer.jobs import Crew, Pick

FAR = 1 << 60

# (first start, last start, officers added, cost, waits?, start that pushes nobody, crew, position)
Option = tuple[int, int, int, int, bool, int, Crew | None, int]


def combine(levels: dict[int, int], options: list[Option]) -> dict[int, int]:
    """Starts by officers added so far, after one more department: level -> mask of minutes."""
    masks: dict[int, int] = {}
    for option in options:
        low = option[0]
        masks[option[2]] = masks.get(option[2], 0) | (((1 << (option[1] - low + 1)) - 1) << low)
    out: dict[int, int] = {}
    for level, mask in levels.items():
        for added, own in masks.items():
            both = mask & own
            if both:
                out[level + added] = out.get(level + added, 0) | both
    return out


def reach(levels: dict[int, int]) -> tuple[int, int]:
    """The first and the last start of any level; there is at least one."""
    every = 0
    for mask in levels.values():
        every |= mask
    return (every & -every).bit_length() - 1, every.bit_length() - 1


def cheapest(mask: int, options: list[list[Option]]) -> tuple[int, int]:
    """The best start inside `mask`: costs only grow with time, so only the ends of gaps can be best."""
    starts = {option[0] for own in options for option in own}
    starts.add((mask & -mask).bit_length() - 1)
    best_cost, best_start = FAR, -1
    for start in sorted(starts):
        if mask >> start & 1:
            total = sum(_least(own, start) for own in options)
            if total < best_cost:
                best_cost, best_start = total, start
    return best_cost, best_start


def _least(own: list[Option], start: int) -> int:
    least = FAR
    for low, high, _, cost, waits, free, _, _ in own:
        if low <= start <= high and cost < least:
            price = cost + (start - low if waits else 0) + (start - free if start > free else 0)
            if price < least:
                least = price
    return least


def _price(option: Option, start: int) -> int:
    low, high, _, cost, waits, free, _, _ = option
    if not low <= start <= high:
        return FAR
    if waits:
        cost += start - low
    return cost + start - free if start > free else cost


def pick(own: list[Option], start: int) -> Pick:
    best = min(own, key=lambda option: _price(option, start))
    return best[6], best[7]


def unpushed(options: list[Option]) -> list[Option]:
    """The options without the starts that would move a later visit."""
    kept: list[Option] = []
    for low, high, added, cost, waits, free, crew, position in options:
        if low <= min(high, free):
            kept.append((low, min(high, free), added, cost, waits, free, crew, position))
    return kept
