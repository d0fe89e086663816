"""The picture of what an avoided entry costs: every point, the plan chosen, and the two other ways of organising."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from app.disclosure.pictures import price_of_entries

WAY = {"travel_min": 0, "host_min": 0, "people_per_visit_max": 2}
REPORT = {
    "plan": {**WAY, "entries": 110, "inspector_days": 180},
    "greedy": {**WAY, "entries": 100, "inspector_days": 400},
    "alone": {**WAY, "entries": 300, "inspector_days": 150},
    "curve": [
        {"entries": 100, "inspector_days": 200, "price_milli": 2000},
        {"entries": 110, "inspector_days": 180, "price_milli": 500},
        {"entries": 150, "inspector_days": 160, "price_milli": 0},
    ],
}


def test_the_curve_has_a_dot_for_each_point_and_a_red_one_for_the_plan() -> None:
    picture = price_of_entries(REPORT, "en")
    assert picture is not None
    svg = ET.fromstring(str(picture.svg))
    dots = [dot.get("fill") for dot in svg.iter("{http://www.w3.org/2000/svg}circle")]
    assert dots == ["#0b4a8f"] * 3 + ["#b3261e"]
    assert picture.rows[0] == ("1", "100", "200", "2.000")
    assert picture.rows[2] == ("3", "150", "160", "—")
    assert [row[:3] for row in picture.rows[3:]] == [
        ("This plan", "110", "180"),
        ("Departments alone", "300", "150"),
        ("Greedy joining", "100", "400"),
    ]


def test_an_older_report_has_no_such_picture() -> None:
    assert price_of_entries({**REPORT, "curve": []}, "zh") is None
