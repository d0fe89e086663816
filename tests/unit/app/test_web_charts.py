"""Pictures: to scale, described, escaped, and within the pages' content-security policy."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from app.web.charts import (
    ACCENT,
    BAND,
    RULE,
    SAVED,
    WIDTH,
    Bar,
    Combination,
    Line,
    Step,
    bars,
    overlap,
    plot,
    text_width,
    waterfall,
)

SVG = "{http://www.w3.org/2000/svg}"


def rects(svg: ET.Element, fill: str) -> list[tuple[float, float]]:
    """(x, width) of each rectangle of a colour, top to bottom."""
    found = [rect for rect in svg.iter(f"{SVG}rect") if rect.get("fill") == fill]
    return [(float(rect.get("x", "0")), float(rect.get("width", "0"))) for rect in found]


def test_bars_are_to_scale_and_ticks_stand_where_the_rule_does() -> None:
    svg = ET.fromstring(
        bars("b", "标题", "说明", [Bar("甲", 50, "50", 40.0), Bar("乙", 100, "100"), Bar("丙", 0, "0")])
    )
    assert rects(svg, ACCENT) == [(0, WIDTH / 2), (0, WIDTH), (0, 0)]
    assert rects(svg, RULE) == [(WIDTH * 0.4, 2)]


def test_a_band_spans_what_the_rules_allow() -> None:
    svg = ET.fromstring(bars("b", "标题", "说明", [Bar("甲", 50, "50", None, (25.0, 100.0))]))
    assert rects(svg, BAND) == [(WIDTH / 4, WIDTH * 0.75)]
    assert rects(svg, ACCENT) == [(0, WIDTH / 2)]


def test_a_waterfall_hangs_each_saving_from_the_level_before() -> None:
    steps = [
        Step("检查", 0, 100, "100"),
        Step("二", 100, 75, "−25"),
        Step("三", 75, 50, "−25"),
        Step("入户", 0, 50, "50"),
    ]
    svg = ET.fromstring(waterfall("w", "标题", "说明", steps))
    assert rects(svg, ACCENT) == [(0, WIDTH), (0, WIDTH / 2)]
    assert rects(svg, SAVED) == [(WIDTH * 0.75, WIDTH / 4), (WIDTH * 0.5, WIDTH / 4)]


def test_overlap_marks_the_members_of_each_set_and_paints_joint_ones_dark() -> None:
    sets = [Combination(frozenset({0, 2}), 30), Combination(frozenset({1}), 5)]
    svg = ET.fromstring(overlap("o", "标题", "说明", ["甲", "乙", "丙"], sets))
    circles = [circle.get("fill") for circle in svg.iter(f"{SVG}circle")]
    assert [fill == ACCENT for fill in circles] == [True, False, True, False, False, False]
    assert circles[1] != circles[4]
    assert [text.text for text in svg.iter(f"{SVG}text")] == ["甲", "乙", "丙", "30", "5"]


@pytest.mark.parametrize("make", [bars, waterfall])
def test_nothing_to_show_is_still_a_picture(make: object) -> None:
    assert callable(make)
    assert ET.fromstring(make("e", "标题", "说明", [])).find(f"{SVG}title") is not None
    assert ET.fromstring(overlap("e", "标题", "说明", [], [])).find(f"{SVG}desc") is not None


def test_texts_are_escaped_and_long_ones_cut_with_the_whole_kept() -> None:
    long = "<script>" + "很长的名称" * 20
    markup = bars("x", "标题 & <b>", "说明", [Bar(long, 1, "1")])
    svg = ET.fromstring(markup)
    label = next(svg.iter(f"{SVG}text"))
    assert "<script>" not in markup
    assert label.text is not None
    assert label.text.endswith("…")
    assert text_width(label.text, 12) <= WIDTH
    whole = label.find(f"{SVG}title")
    assert whole is not None
    assert whole.text == long


def test_pictures_need_no_style_and_name_their_title_and_description() -> None:
    markup = overlap("o", "标题", "说明", ["甲"], [Combination(frozenset({0}), 3)])
    svg = ET.fromstring(markup)
    assert "style" not in markup
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == "o-title o-desc"
    texts = {child.get("id"): child.text for child in svg if child.get("id")}
    assert texts == {"o-title": "标题", "o-desc": "说明"}


def test_a_plot_spans_exactly_what_it_shows_and_names_its_ends() -> None:
    falling = Line("甲", ((10, 900), (20, 700), (50, 500)), steps=True)
    bound = Line("乙", ((10, 400), (50, 400)), RULE)
    svg = ET.fromstring(plot("p", "标题", "说明", [falling, bound], "秒", "人日"))
    first, second = (
        [tuple(map(float, spot.split(","))) for spot in line.get("points", "").split()]
        for line in svg.iter(f"{SVG}polyline")
    )
    assert len(first) == 5
    assert first[1][1] == first[0][1]
    xs, ys = zip(*first, *second, strict=True)
    assert (min(xs), max(xs)) == (46, WIDTH - 8)
    assert (first[0][1], second[0][1]) == (min(ys), max(ys))
    texts = [text.text for text in svg.iter(f"{SVG}text")]
    assert {"900", "400", "10", "50", "秒", "人日", "甲", "乙"} <= set(texts)


def test_names_of_lines_that_end_together_stand_apart() -> None:
    best, bound = Line("目前最好", ((0, 102), (2, 102))), Line("下界", ((0, 102), (2, 102)), RULE)
    svg = ET.fromstring(plot("p", "标题", "说明", [best, bound], "秒", "人日"))
    first, second = (
        float(text.get("y", "")) for text in svg.iter(f"{SVG}text") if text.text in {"目前最好", "下界"}
    )
    assert abs(first - second) >= 14


def test_a_plot_of_one_point_or_none_is_still_a_picture() -> None:
    one = ET.fromstring(plot("p", "标题", "说明", [Line("甲", ((3, 4),))], "x", "y"))
    assert len(list(one.iter(f"{SVG}circle"))) == 1
    assert not list(ET.fromstring(plot("p", "标题", "说明", [], "x", "y")).iter(f"{SVG}polyline"))
