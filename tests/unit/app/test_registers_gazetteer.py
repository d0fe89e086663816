"""Districts from addresses as they are really written, places that stay put, metres that are metres."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.registers import gazetteer as g


@pytest.mark.parametrize(
    ("address", "code", "district", "source"),
    [
        ("新疆乌鲁木齐市天山区燕尔窝路67号", "", "650102", "address"),
        ("新疆乌鲁木齐高新技术产业开发区（新市区）贵州路145号", "", "650104", "address"),
        ("新疆经济技术开发区(头屯河区)云台山街499号", "", "650106", "address"),
        ("新疆乌鲁木齐经济技术开发区嵩山街229号", "", "650106", "zone"),
        ("新疆乌鲁木齐市高（新）区北站二路东一巷226号", "", "650104", "zone"),
        ("新疆乌鲁木齐市甘泉堡经济技术开发区月恒东街29号", "", "650109", "zone"),
        ("新疆乌鲁木齐米泉市团结路", "", "650109", "address"),
        ("新疆乌鲁木齐市东山区乌奇公路32号", "", "650109", "address"),
        ("新疆乌鲁木齐市沙区克拉玛依东街", "", "650103", "address"),
        ("新疆乌鲁木齐县板房沟乡", "", "650121", "address"),
        ("新疆乌鲁木齐市乌鲁木齐县水西沟镇东湾村1队", "", "650121", "address"),
        ("新疆 乌鲁木齐市 天山区解放南路222号", "", "650102", "address"),
        ("新疆昌乌鲁木齐市沙依巴克区友好南路417号", "", "650103", "address"),
        ("新疆乌鲁木齐市黄河路３０号", "", "650103", "gazetteer"),
        ("乌市新华南路452号", "", "650102", "gazetteer"),
        ("园艺村木材市场", "92650109MA77RRKA64", "650109", "code"),
        ("", "92650107L63326545C", "650107", "code"),
        ("", "91650100689564374Y", "650100", "none"),
        ("新疆昌吉州昌吉市延安南路36号", "91650100738394464G", "", "address"),
        ("新疆塔城地区乌苏市乌鲁木齐北路133号", "", "", "address"),
        ("新疆巴州和静县乌鲁木齐市和静农牧场", "", "", "address"),
        ("新疆五家渠9区天山北路220-6号", "", "", "address"),
    ],
)
def test_district_of_an_address(address: str, code: str, district: str, source: str) -> None:
    assert g.locate(address, code) == (district, source)


def test_another_region_without_any_other_sign_is_outside() -> None:
    assert g.locate("口岸联检大厅", "", "克孜勒苏柯尔克孜") == ("", "none")
    assert g.locate("口岸联检大厅", "", "乌鲁木齐") == ("650100", "none")


def test_the_eight_districts_of_gb_2260() -> None:
    codes = [area.code for area in g.districts()]
    assert codes == ["650102", "650103", "650104", "650105", "650106", "650107", "650109", "650121"]
    assert g.district_name("650104") == "新市区"
    assert g.district_name("650104", english=True) == "Xinshi"
    assert g.district_name("") == "本市以外"


@pytest.mark.parametrize("text", ["650103", "沙依巴克区", "沙依巴克", "沙区", "乌鲁木齐市沙依巴克区"])
def test_a_district_may_be_given_in_several_ways(text: str) -> None:
    assert g.district_code(text) == "650103"


def test_an_unknown_district_is_none() -> None:
    assert g.district_code("朝阳区") is None


def test_one_house_number_is_one_place_and_the_next_is_near() -> None:
    here = g.place("650102", "新疆乌鲁木齐市天山区中山路33号2栋", "x")
    same = g.place("650102", "乌鲁木齐市天山区中山路33号7楼", "y")
    near = g.place("650102", "乌鲁木齐市天山区中山路35号", "x")
    assert here == same != near
    assert here[2] == "gazetteer"
    east, north = (b - a for a, b in zip(g.place_metres(*here[:2]), g.place_metres(*near[:2]), strict=True))
    assert math.hypot(east, north) <= 2 * g.ROAD_SPREAD_M + 2


@given(
    st.sampled_from([area.code for area in g.districts()]),
    st.text("甲乙丙丁路街0123号", max_size=8),
    st.text(max_size=5),
)
def test_an_estimate_lies_inside_its_district_and_never_moves(district: str, address: str, seed: str) -> None:
    area = next(area for area in g.districts() if area.code == district)
    longitude, latitude, source = g.place(district, address, seed)
    middle = g.place_metres(area.longitude_e6, area.latitude_e6)
    east, north = (b - a for a, b in zip(middle, g.place_metres(longitude, latitude), strict=True))
    assert math.hypot(east, north) <= area.radius_m + 3
    assert source == "estimated"
    assert g.place(district, address, seed) == (longitude, latitude, source)


def test_estimates_spread_over_the_disc_evenly() -> None:
    """A quarter of the places lies within half the radius if they are uniform over the disc."""
    area = g.districts()[0]
    middle = g.place_metres(area.longitude_e6, area.latitude_e6)
    reach = area.radius_m - g.ROAD_SPREAD_M
    inside = 0
    for i in range(2_000):
        place = g.place_metres(*g.place(area.code, "", f"seed{i}")[:2])
        inside += math.dist(middle, place) <= reach / 2
    assert 400 <= inside <= 600  # 500 expected, standard deviation 19


def test_metres_are_metres() -> None:
    """Against the great circle: within one per cent over twenty kilometres."""
    a, b = (87_450_000, 43_900_000), (87_680_000, 43_780_000)
    lat = math.radians(43.84)
    east, north = 0.23 * math.cos(lat) * 6_371_000 * math.pi / 180, -0.12 * 6_371_000 * math.pi / 180
    (x0, y0), (x1, y1) = g.place_metres(*a), g.place_metres(*b)
    assert math.isclose(x1 - x0, east, rel_tol=0.01)
    assert math.isclose(y1 - y0, north, rel_tol=0.01)
    assert g.place_metres(g.ORIGIN_LONGITUDE_E6, g.ORIGIN_LATITUDE_E6) == (0, 0)


def test_the_gazetteer_is_sound() -> None:
    known = g._gazetteer()
    for roads in known.roads.values():
        for road in roads:
            assert road.district in known.districts
            assert (road.longitude_e6 is None) == (road.latitude_e6 is None)
            if road.longitude_e6 is not None and road.latitude_e6 is not None:
                area = known.districts[road.district]
                apart = math.dist(
                    g.place_metres(road.longitude_e6, road.latitude_e6),
                    g.place_metres(area.longitude_e6, area.latitude_e6),
                )
                assert apart < 2 * area.radius_m, road.name
