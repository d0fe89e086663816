"""Pictures on a grid: districts as tiles, departments by days, and counts by steps (ladder, histogram)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Final

from markupsafe import Markup

from app.web.canvas import (
    ACCENT,
    GRID,
    INK,
    PALE,
    PAPER,
    QUIET,
    SAVED,
    SMALL,
    TEXT,
    WIDTH,
    canvas,
    fitted,
    label_above,
    markup,
    rect,
    text,
    text_width,
)

SHADES: Final = ("#e3ebf4", "#bdd0e5", "#8fb0d3", "#5c8abb", ACCENT)
"""From little to much, of one hue, so that they stay in order in print and for the colour-blind."""
_DARK: Final = 3
"""From this shade on, words are white."""
_TILE: Final = 78
_GAP: Final = 3


@dataclass(frozen=True, slots=True)
class Tile:
    """A district: where its middle lies (degrees or metres, east and north), a note, and its value; None: not told."""

    label: str
    east: float
    north: float
    note: str
    value: float | None


def tile_map(ident: str, title: str, description: str, tiles: Sequence[Tile]) -> Markup:
    """Districts as equal tiles that lie to each other roughly as they do; the darker the more; paper: not told."""
    places = tile_places([(tile.east, tile.north) for tile in tiles])
    columns = 1 + max((column for column, _ in places), default=0)
    rows = 1 + max((row for _, row in places), default=0)
    svg = canvas(ident, title, description, rows * (_TILE + _GAP))
    width = (WIDTH - _GAP * (columns - 1)) / columns
    known = [tile.value for tile in tiles if tile.value is not None]
    for tile, (column, row) in zip(tiles, places, strict=True):
        shade = _shade(tile.value, known)
        x, y = column * (width + _GAP), row * (_TILE + _GAP)
        rect(svg, x, y, width, _TILE, PALE if shade is None else SHADES[shade])
        if shade is None:
            rect(svg, x + 1, y + 1, width - 2, _TILE - 2, PAPER)
        fill = PAPER if shade is not None and shade >= _DARK else INK
        for words, down in ((tile.label, -4), (tile.note, 14)):
            shown = fitted(words, width - 8, TEXT)
            text(svg, x + width / 2, y + _TILE / 2 + down, shown, "middle", TEXT, fill, words)
    return markup(svg)


def tile_places(points: Sequence[tuple[float, float]]) -> list[tuple[int, int]]:
    """(column, row) for each (east, north): northern rows first, within a row from west to east, no place twice."""
    if not points:
        return []
    columns = ceil(sqrt(len(points)))
    order = sorted(range(len(points)), key=lambda place: (-points[place][1], points[place][0], place))
    found = [(0, 0)] * len(points)
    for row, start in enumerate(range(0, len(points), columns)):
        line = sorted(order[start : start + columns], key=lambda place: (points[place][0], place))
        for column, place in enumerate(line):
            found[place] = (column, row)
    return found


def _shade(value: float | None, known: Sequence[float]) -> int | None:
    """Which of the shades: fifths between nothing and the most."""
    if value is None:
        return None
    most = max(known)
    return min(len(SHADES) - 1, int(len(SHADES) * value / most)) if most > 0 else 0


def day_grid(
    ident: str,
    title: str,
    description: str,
    rows: Sequence[tuple[str, Mapping[str, int]]],
    days: Sequence[str],
) -> Markup:
    """A row per team or department, a column per day (ISO), the number in the cell; months stand above the days."""
    names = min(128.0, max([text_width(name, SMALL + 1) for name, _ in rows], default=0) + 8)
    line, head = 20, 30
    svg = canvas(ident, title, description, head + line * len(rows) + 2)
    pitch = (WIDTH - names) / max(len(days), 1)
    for place, day in enumerate(days):
        x = names + pitch * (place + 0.5)
        text(svg, x, 24, day[8:].lstrip("0"), "middle", SMALL - 1, QUIET)
        if not place or day[:7] != days[place - 1][:7]:
            x = min(names + pitch * place, WIDTH - text_width(day[:7], SMALL))
            text(svg, x, 11, day[:7], "start", SMALL, INK)
    known = [float(count) for _, counts in rows for count in counts.values()]
    for number, (name, counts) in enumerate(rows):
        y = head + line * number
        text(svg, 0, y + 14, fitted(name, names - 6, SMALL + 1), "start", SMALL + 1, INK, name)
        for place, day in enumerate(days):
            count = counts.get(day, 0)
            shade = _shade(float(count), known) if count else None
            x = names + pitch * place
            rect(svg, x + 0.5, y + 1, pitch - 1, line - 2, GRID if shade is None else SHADES[shade])
            if shade is not None:
                fill = PAPER if shade >= _DARK else INK
                text(svg, x + pitch / 2, y + 14, str(count), "middle", SMALL - 1, fill)
    return markup(svg)


@dataclass(frozen=True, slots=True)
class Rung:
    """A step of a ladder: how many stand on it, in a colour that says how urgent it is."""

    label: str
    count: int
    note: str
    colour: str = ACCENT


def ladder(ident: str, title: str, description: str, rungs: Sequence[Rung]) -> Markup:
    """Counts from the most urgent step at the top down to the least."""
    height = 30
    svg = canvas(ident, title, description, height * len(rungs) + 2)
    most = max((rung.count for rung in rungs), default=0) or 1
    for place, rung in enumerate(rungs):
        y = place * height
        label_above(svg, y + 11, rung.label, rung.note)
        rect(svg, 0, y + 16, WIDTH, 9, GRID)
        rect(svg, 0, y + 16, WIDTH * rung.count / most, 9, rung.colour)
    return markup(svg)


def pairs(
    ident: str,
    title: str,
    description: str,
    rows: Sequence[tuple[str, int, int]],
    names: tuple[str, str],
) -> Markup:
    """A histogram before and after: for each step two bars, pale before and dark after, with their counts."""
    base, height = 150, 190
    svg = canvas(ident, title, description, height)
    for place, (name, colour) in enumerate(zip(names, (SAVED, ACCENT), strict=True)):
        x = WIDTH / 2 * place
        rect(svg, x, 3, 10, 10, colour)
        text(svg, x + 15, 12, fitted(name, WIDTH / 2 - 18, SMALL + 1), "start", SMALL + 1, INK, name)
    most = max((max(before, after) for _, before, after in rows), default=0) or 1
    pitch = WIDTH / max(len(rows), 1)
    width = min(pitch * 0.36, 36)
    for place, (label, before, after) in enumerate(rows):
        middle = pitch * (place + 0.5)
        for side, count, colour in ((-1, before, SAVED), (1, after, ACCENT)):
            tall = (base - 40) * count / most
            x = middle - width - 1 if side < 0 else middle + 1
            rect(svg, x, base - tall, width, tall, colour)
            text(svg, x + width / 2, base - tall - 4, f"{count:,}", "middle", SMALL, INK)
        text(svg, middle, base + 16, label, "middle", SMALL + 1, INK)
    rect(svg, 0, base, WIDTH, 1, PALE)
    return markup(svg)
