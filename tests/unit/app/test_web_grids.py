"""Tiles, day grids, ladders and histograms: to scale, in order, described, escaped."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from app.web.canvas import ACCENT, PAPER, RULE, SAVED, WIDTH
from app.web.forest import Interval, forest
from app.web.grids import SHADES, Rung, Tile, day_grid, ladder, pairs, tile_map, tile_places

SVG = "{http://www.w3.org/2000/svg}"


def rects(svg: ET.Element, fill: str) -> list[tuple[float, float, float, float]]:
    """(x, y, width, height) of the rectangles of a colour."""
    found = [shape for shape in svg.iter(f"{SVG}rect") if shape.get("fill") == fill]
    sides = [[float(shape.get(name, "0")) for name in ("x", "y", "width", "height")] for shape in found]
    return [(x, y, width, height) for x, y, width, height in sides]


def words(svg: ET.Element) -> list[str]:
    return [shape.text or "" for shape in svg.iter(f"{SVG}text")]


def test_tiles_lie_as_the_districts_do_and_none_on_another() -> None:
    points = [(87.6, 43.7), (87.5, 43.9), (87.7, 43.9), (88.3, 43.3), (87.4, 43.8)]
    places = tile_places(points)
    assert len(set(places)) == len(points)
    assert places[1][1] == places[2][1] == 0
    assert places[1][0] < places[2][0]
    assert places[3][1] == max(row for _, row in places)
    assert tile_places([]) == []


def test_a_tile_is_darker_the_more_it_says_and_paper_where_it_is_withheld() -> None:
    tiles = [Tile("甲<b>", 1, 1, "10%", 0.1), Tile("乙", 2, 1, "50%", 0.5), Tile("丙", 1, 0, "—", None)]
    svg = ET.fromstring(tile_map("t", "标题", "说明", tiles))
    assert len(rects(svg, SHADES[1])) == len(rects(svg, SHADES[-1])) == len(rects(svg, PAPER)) == 1
    assert "甲<b>" in words(svg)
    nothing = ET.fromstring(tile_map("t", "标题", "说明", [Tile("甲", 1, 1, "0%", 0.0)]))
    assert len(rects(nothing, SHADES[0])) == 1


def test_a_day_grid_has_a_cell_for_each_row_and_day() -> None:
    days = ["2026-03-30", "2026-03-31", "2026-04-01"]
    svg = ET.fromstring(
        day_grid("d", "标题", "说明", [("市场", {days[0]: 4, days[2]: 1}), ("消防", {})], days)
    )
    filled = [shape for shade in SHADES for shape in rects(svg, shade)]
    assert len(filled) == 2
    assert {"2026-03", "2026-04", "30", "1", "4"} <= set(words(svg))


def test_a_ladders_bars_are_to_scale_in_their_colours() -> None:
    svg = ET.fromstring(ladder("l", "标题", "说明", [Rung("逾期", 2, "2", RULE), Rung("充裕", 8, "8")]))
    assert [width for _, _, width, _ in rects(svg, RULE)] == [WIDTH / 4]
    assert [width for _, _, width, _ in rects(svg, ACCENT)] == [WIDTH]


def test_pairs_stand_side_by_side_on_one_base() -> None:
    svg = ET.fromstring(pairs("p", "标题", "说明", [("1", 10, 40), ("2", 20, 0)], ("前", "后")))
    before, after = rects(svg, SAVED)[1:], rects(svg, ACCENT)[1:]
    assert {round(y + height, 1) for _, y, _, height in (*before, *after)} == {150.0}
    assert [height for *_, height in (*before, *after)] == pytest.approx([27.5, 55, 110, 0])


def test_a_forest_shows_intervals_on_one_scale_and_nothing_where_a_rate_is_withheld() -> None:
    rows = [
        Interval("甲", "10% (5%–20%)", 0.1, 0.05, 0.2, (0.05, 0.4)),
        Interval("乙", "—"),
        Interval("丙", "40% (20%–50%)", 0.4, 0.2, 0.5),
    ]
    svg = ET.fromstring(forest("f", "标题", "说明", rows, 0.2))
    first, second = [(x, width) for x, _, width, height in rects(svg, ACCENT) if height == 3]
    assert second[1] == pytest.approx(2 * first[1], abs=0.3)
    assert second[0] == pytest.approx(first[0] + first[1], abs=0.3)
    assert len(list(svg.iter(f"{SVG}circle"))) == 2
    assert {x for x, *_ in rects(svg, RULE)} == {first[0] + first[1] - 0.5}
    assert len(rects(svg, RULE)) == len(rows)
    assert {"0%", "50%"} <= set(words(svg))
