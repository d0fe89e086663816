"""Rates with their intervals one under another on a common scale (forest plot)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from app.web.canvas import (
    ACCENT,
    GRID,
    INK,
    PALE,
    QUIET,
    RULE,
    SMALL,
    WIDTH,
    canvas,
    circle,
    label_above,
    markup,
    rect,
    text,
)

_ROW: Final = 34
_TICKS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5)
_INSET: Final = 4


@dataclass(frozen=True, slots=True)
class Interval:
    """A rate, its interval, and the wider `bounds` that those without an answer leave open; None: withheld."""

    label: str
    note: str
    rate: float | None = None
    low: float = 0.0
    high: float = 0.0
    bounds: tuple[float, float] | None = None


def forest(
    ident: str, title: str, description: str, rows: Sequence[Interval], whole: float | None = None
) -> Markup:
    """Intervals as bars with a dot at the rate; bounds pale behind them; a red line at the rate of the `whole`."""
    height = _ROW * len(rows)
    svg = canvas(ident, title, description, height + 26)
    most = max((max(row.high, *(row.bounds or (0,))) for row in rows if row.rate is not None), default=0.0)
    step = next((tick for tick in _TICKS if most <= 5 * tick), 1.0)
    top = min(1.0, step * -(-max(most, step) // step))

    def at(rate: float) -> float:
        return _INSET + (WIDTH - 2 * _INSET) * min(rate, top) / top

    ticks = [place * step for place in range(int(top / step + 1.5)) if place * step <= top + 1e-9]
    for place, row in enumerate(rows):
        y = place * _ROW
        for tick in ticks:
            rect(svg, at(tick), y + 17, 1, 14, GRID)
        if whole is not None:
            rect(svg, at(whole) - 0.5, y + 17, 1, 14, RULE)
        label_above(svg, y + 13, row.label, row.note)
        if row.rate is None:
            continue
        if row.bounds is not None:
            rect(svg, at(row.bounds[0]), y + 22, at(row.bounds[1]) - at(row.bounds[0]), 4, PALE)
        rect(svg, at(row.low), y + 22.5, max(at(row.high) - at(row.low), 1), 3, ACCENT)
        circle(svg, at(row.rate), y + 24, 4, INK)
    for tick in ticks:
        anchor = "start" if not tick else "end" if tick == ticks[-1] else "middle"
        text(svg, at(tick), height + 18, f"{100 * tick:g}%", anchor, SMALL, QUIET)
    return markup(svg)
