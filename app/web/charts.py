"""Pictures as SVG, made on the server: small, printable, readable by a screen reader, without script or style.

All are drawn on a grid 360 units wide, so that a phone shows them at full size; colours are presentation
attributes, which the pages' content-security policy allows and a saved file keeps.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from app.web.canvas import (
    ACCENT,
    BAND,
    GRID,
    INK,
    PALE,
    PAPER,
    QUIET,
    RULE,
    SAVED,
    SMALL,
    WIDTH,
    canvas,
    circle,
    exact,
    fitted,
    label_above,
    markup,
    rect,
    text,
    text_width,
)

__all__ = [
    "ACCENT", "BAND", "GRID", "INK", "PALE", "QUIET", "RULE", "SAVED", "WIDTH", "Bar", "Combination", "Line", "Step",
    "bars", "number_line", "overlap", "plot", "text_width", "waterfall",
]  # fmt: skip

_BARS: Final = 84
_LINE: Final = 18


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its value, and where the rule puts it: at `tick`, or, where no one number may be shown, in `band`."""

    label: str
    value: float
    note: str
    tick: float | None = None
    band: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One level of a waterfall: from `start` to `end`. Where they differ the bar floats and counts as saved."""

    label: str
    start: int
    end: int
    note: str


@dataclass(frozen=True, slots=True)
class Combination:
    """A set of departments (indexes into the chart's rows) and how many targets have exactly that set."""

    members: frozenset[int]
    count: int


@dataclass(frozen=True, slots=True)
class Line:
    """Points (x, y), ascending by x, joined in `colour`; `steps`: a value holds until the next. `name` at its end."""

    name: str
    points: tuple[tuple[float, float], ...]
    colour: str = ACCENT
    steps: bool = False
    dots: bool = False


def bars(ident: str, title: str, description: str, rows: Sequence[Bar]) -> Markup:
    """Horizontal bars, one under another, label and note above each, a red tick or a pale band where the rule lies."""
    row_height, top = 34, 4
    svg = canvas(ident, title, description, top + row_height * len(rows) + 2)
    ends = [value for row in rows for value in (row.value, row.tick or 0, *(row.band or ()))]
    largest = max(ends, default=0) or 1
    for place, row in enumerate(rows):
        y = top + place * row_height
        label_above(svg, y + 11, row.label, row.note)
        if row.band is not None:
            low, high = row.band
            rect(svg, WIDTH * low / largest, y + 15, WIDTH * (high - low) / largest, 14, BAND)
        rect(svg, 0, y + 17, WIDTH * row.value / largest, 10, ACCENT)
        if row.tick is not None:
            at = min(WIDTH * row.tick / largest, WIDTH - 2)
            rect(svg, at - 1, y + 14, 4, 16, PAPER)
            rect(svg, at, y + 14, 2, 16, RULE)
    return markup(svg)


def waterfall(ident: str, title: str, description: str, steps: Sequence[Step]) -> Markup:
    """From a first total down to a last one; what each step takes away hangs between them."""
    row_height, top = 34, 4
    svg = canvas(ident, title, description, top + row_height * len(steps) + 2)
    largest = max([max(step.start, step.end) for step in steps], default=0) or 1
    for place, step in enumerate(steps):
        y = top + place * row_height
        label_above(svg, y + 11, step.label, step.note)
        low, high = sorted((step.start, step.end))
        floats = low > 0 and place not in (0, len(steps) - 1)
        left = WIDTH * low / largest if floats else 0
        rect(svg, 0, y + 17, left, 10, GRID)
        rect(svg, left, y + 17, WIDTH * high / largest - left, 10, SAVED if floats else ACCENT)
    return markup(svg)


def overlap(
    ident: str, title: str, description: str, rows: Sequence[str], combinations: Sequence[Combination]
) -> Markup:
    """Departments' overlap (UpSet): bars count targets, dots below name their departments; joint ones are dark."""
    bar_height, line = _BARS, _LINE
    names = min(150.0, max([text_width(name, SMALL + 1) for name in rows], default=0) + 12)
    svg = canvas(ident, title, description, bar_height + 22 + line * len(rows) + 4)
    largest = max([item.count for item in combinations], default=0) or 1
    pitch = (WIDTH - names) / max(len(combinations), 1)
    for place, name in enumerate(rows):
        y = bar_height + 22 + place * line
        if place % 2 == 0:
            rect(svg, 0, y, WIDTH, line, "#f1f4f7")
        text(svg, names - 8, y + 13, fitted(name, names - 10, SMALL + 1), "end", SMALL + 1, INK, name)
    for place, item in enumerate(combinations):
        _column(svg, names + pitch * (place + 0.5), min(pitch * 0.66, 18), item, largest, len(rows))
    return markup(svg)


_PLOT: Final = 190
_LEFT: Final = 46


def plot(ident: str, title: str, description: str, lines: Sequence[Line], x_name: str, y_name: str) -> Markup:
    """Lines over one pair of axes that span exactly what is shown; the ends of both axes are labelled."""
    svg = canvas(ident, title, description, _PLOT + 44)
    spots = [spot for line in lines for spot in line.points] or [(0.0, 0.0)]
    spans = [(min(values), max(values)) for values in zip(*spots, strict=True)]

    def place(spot: tuple[float, float]) -> tuple[float, float]:
        (x_low, x_high), (y_low, y_high) = spans
        return (
            _LEFT + (WIDTH - _LEFT - 8) * (spot[0] - x_low) / ((x_high - x_low) or 1),
            20 + (_PLOT - 24) * (y_high - spot[1]) / ((y_high - y_low) or 1),
        )

    _axes(svg, spans, x_name, y_name)
    named: list[float] = []
    for line in lines:
        spots = [place(spot) for spot in line.points]
        _line(svg, line, spots)
        if spots and line.name:
            named.append(_name(svg, line, spots[-1], named))
    return markup(svg)


def _axes(svg: ET.Element, spans: Sequence[tuple[float, float]], x_name: str, y_name: str) -> None:
    (x_low, x_high), (y_low, y_high) = spans
    rect(svg, _LEFT, 20, 1, _PLOT - 18, PALE)
    rect(svg, _LEFT, _PLOT + 2, WIDTH - _LEFT - 8, 1, PALE)
    text(svg, 0, 11, y_name, "start", SMALL + 1, QUIET)
    text(svg, _LEFT - 4, 26, f"{y_high:,.0f}", "end", SMALL, INK)
    if y_low != y_high:
        text(svg, _LEFT - 4, _PLOT, f"{y_low:,.0f}", "end", SMALL, INK)
    text(svg, _LEFT, _PLOT + 16, f"{x_low:,.0f}", "start", SMALL, INK)
    text(svg, WIDTH - 8, _PLOT + 16, f"{x_high:,.0f}", "end", SMALL, INK)
    text(svg, WIDTH - 8, _PLOT + 34, x_name, "end", SMALL + 1, QUIET)


def _line(svg: ET.Element, line: Line, spots: Sequence[tuple[float, float]]) -> None:
    path: list[tuple[float, float]] = []
    for x, y in spots:
        if path and line.steps:
            path.append((x, path[-1][1]))
        path.append((x, y))
    if not path:
        return
    shown = " ".join(f"{exact(x)},{exact(y)}" for x, y in path)
    drawn = {"points": shown, "fill": "none", "stroke": line.colour, "stroke-width": "2"}
    ET.SubElement(svg, "polyline", drawn)
    if line.dots or len(path) == 1:
        for x, y in spots:
            circle(svg, x, y, 3.5, line.colour)


def _name(svg: ET.Element, line: Line, end: tuple[float, float], taken: Sequence[float]) -> float:
    """A line's name at its end, above it; where another name stands there, below, or above that at the axis' foot."""
    x, y = end
    left = x < WIDTH / 2
    height = y + 4 if left else max(y - 6, 18)
    if any(abs(height - other) < 2 * SMALL for other in taken):
        below = y + 2 * SMALL
        height = below if below <= _PLOT else min(taken) - 1.5 * SMALL
    anchor = "start" if left else "end"
    text(svg, x + 8 if left else min(x, WIDTH - 8), height, line.name, anchor, SMALL + 1, line.colour)
    return height


def _column(svg: ET.Element, x: float, width: float, item: Combination, largest: int, rows: int) -> None:
    bar_height, line = _BARS, _LINE
    colour = ACCENT if len(item.members) > 1 else PALE
    height = max(1.0, (bar_height - 16) * item.count / largest)
    rect(svg, x - width / 2, bar_height + 14 - height, width, height, colour)
    text(svg, x, bar_height + 10 - height, f"{item.count:,}", "middle", SMALL, INK)
    middles = [bar_height + 22 + row * line + line / 2 for row in range(rows)]
    chosen = [middles[row] for row in sorted(item.members)]
    if len(chosen) > 1:
        rect(svg, x - 1, chosen[0], 2, chosen[-1] - chosen[0], ACCENT)
    for row, middle in enumerate(middles):
        fill = colour if row in item.members else "#d3dae1"
        circle(svg, x, middle, 4, fill)


def number_line(
    ident: str, title: str, description: str, at: float, cut: float | None, labels: tuple[str, str]
) -> Markup:
    """One number `at` on a line from 0 to 1, whatever is up to `cut` shaded; `labels`: of the number, of the cut."""
    svg = canvas(ident, title, description, 78)
    room = WIDTH - 2
    if cut is not None:
        rect(svg, 0, 32, max(room * cut, 1), 14, BAND)
    rect(svg, 0, 38, WIDTH, 2, PALE)
    for value, y, label, colour in ((cut, 60, labels[1], RULE), (at, 24, labels[0], ACCENT)):
        if value is None:
            continue
        x = room * value
        rect(svg, x, 28, 2, 22, colour)
        shown = f"{label} {value:.6f}"
        width = text_width(shown, SMALL + 1)
        text(svg, min(max(x - width / 2, 0), WIDTH - width), y, shown, "start", SMALL + 1, colour)
    text(svg, 0, 76, "0", "start", SMALL, QUIET)
    text(svg, WIDTH, 76, "1", "end", SMALL, QUIET)
    return markup(svg)
