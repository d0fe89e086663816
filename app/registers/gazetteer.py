"""Where a target lies: its district from its address, its place from a small gazetteer or an estimate.

The gazetteer (`data/gazetteer.csv`, documented in docs/registers.md) is data: districts with a middle and a radius,
other names of districts, functional zones, roads that lie in one district, and heads of addresses elsewhere.
Its coordinates are rounded to a hundredth of a degree (a kilometre or so): good for planning, not for navigation.
"""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

FILE = Path(__file__).with_name("data") / "gazetteer.csv"
CITY = "650100"
OUTSIDE = ""
_CITY_HEAD = re.compile(r"^(?:新疆(?:维吾尔自治区)?|新建|昌(?=乌鲁木齐))*(?P<city>乌鲁木齐(?!县)市?|乌市)?")
_ROAD = re.compile(r"[\u4e00-\u9fff]{2,6}?(?:大道|公路|路|大街|街|巷|村|镇|乡|团|市场|园区|工业园)")
_UP_TO_NUMBER = re.compile(r"^\D*\d+")
_BLANKS = re.compile(r"\s+")

# Metres per degree at the origin's latitude.
ORIGIN_LONGITUDE_E6, ORIGIN_LATITUDE_E6 = 87_616_800, 43_825_600
_EAST_PER_DEGREE, _NORTH_PER_DEGREE = 80_312, 111_320
ROAD_SPREAD_M = 400


@dataclass(frozen=True, slots=True)
class District:
    """A district: GB/T 2260 code, names, the middle of its built-up area (e6 degrees) and its radius in metres."""

    code: str
    name_zh: str
    name_en: str
    longitude_e6: int
    latitude_e6: int
    radius_m: int


@dataclass(frozen=True, slots=True)
class Road:
    """A road, town or market that lies in one district; without coordinates its place is an estimate too."""

    name: str
    district: str
    longitude_e6: int | None
    latitude_e6: int | None


@dataclass(frozen=True, slots=True)
class _Gazetteer:
    districts: dict[str, District]
    codes: dict[str, str]
    by_name: re.Pattern[str]
    short: re.Pattern[str]
    zones: re.Pattern[str]
    elsewhere: re.Pattern[str]
    roads: dict[str, tuple[Road, ...]]
    heads: frozenset[str]


def _e6(degrees: str) -> int | None:
    return round(float(degrees) * 1_000_000) if degrees else None


def _pattern(names: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(name) for name in sorted(names, key=lambda n: (-len(n), n))))


def _district(row: dict[str, str]) -> District:
    longitude, latitude = _e6(row["longitude"]), _e6(row["latitude"])
    if longitude is None or latitude is None:
        raise ValueError(f"gazetteer: {row['name']} has no place")
    radius = int(row["radius_m"])
    return District(row["district"], row["name"], row["name_en"], longitude, latitude, radius)


def _index(rows: list[dict[str, str]]) -> dict[str, tuple[Road, ...]]:
    """Roads by their first two characters, longest name first: one look-up per position of an address."""
    found: dict[str, list[Road]] = {}
    for row in rows:
        road = Road(row["name"], row["district"], _e6(row["longitude"]), _e6(row["latitude"]))
        found.setdefault(road.name[:2], []).append(road)
    return {head: tuple(sorted(roads, key=lambda r: -len(r.name))) for head, roads in found.items()}


@cache
def _gazetteer() -> _Gazetteer:
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    kinds: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        kinds.setdefault(row["kind"], []).append(row)
    areas = [_district(row) for row in kinds["city"] + kinds["district"]]
    names = {kind: [row["name"] for row in found] for kind, found in kinds.items()}
    return _Gazetteer(
        districts={area.code: area for area in areas},
        codes={row["name"]: row["district"] for row in rows if row["kind"] not in ("road", "elsewhere")},
        by_name=_pattern(names["district"] + names["alias"]),
        short=_pattern(names["short"]),
        zones=_pattern(names["zone"]),
        elsewhere=_pattern(names["elsewhere"]),
        roads=_index(kinds["road"]),
        heads=frozenset(name[0] for name in names["road"]),
    )


def districts() -> tuple[District, ...]:
    """The city's districts, ascending by code, without the city itself."""
    return tuple(area for code, area in sorted(_gazetteer().districts.items()) if code != CITY)


def district_name(code: str, english: bool = False) -> str:
    """Name of a district by its code; `650100` is the city, the empty code "outside the city"."""
    area = _gazetteer().districts.get(code)
    if area is None:
        return "Outside the city" if english else "本市以外"
    return area.name_en if english else area.name_zh


def district_code(text: str) -> str | None:
    """Code of a district given as code, name, older name or functional zone; None where it is none of them."""
    known = _gazetteer()
    if text in known.districts:
        return text
    bare = simplified(text)
    return known.codes.get(bare) or known.codes.get(_CITY_HEAD.sub("", bare, count=1))


@lru_cache(maxsize=4096)
def simplified(address: str) -> str:
    """An address for comparison: NFKC, no blanks."""
    return _BLANKS.sub("", unicodedata.normalize("NFKC", address))


@lru_cache(maxsize=4096)
def _in_city(address: str) -> str:
    """A simplified address without the names of region and city at its head."""
    return _CITY_HEAD.sub("", simplified(address), count=1)


def road_of(address: str) -> Road | None:
    """The first road of the gazetteer that a simplified address names; of several at one place the longest."""
    known = _gazetteer()
    for i, character in enumerate(address):
        if character in known.heads:
            for road in known.roads.get(address[i : i + 2], ()):
                if address.startswith(road.name, i):
                    return road
    return None


def _named_in(address: str) -> tuple[str, str] | None:
    """District that an address names, and how: by name, by zone or by road."""
    known = _gazetteer()
    rest = _in_city(address)
    if found := known.short.match(rest):
        following = rest[found.end() : found.end() + 1]
        if following not in ("路", "街", "大", "巷") or found[0][-1] in "区县":
            return known.codes[found[0]], "address"
    if found := known.by_name.search(rest):
        return known.codes[found[0]], "address"
    if found := known.zones.search(rest):
        return known.codes[found[0]], "zone"
    road = road_of(rest)
    return (road.district, "gazetteer") if road else None


def locate(address: str, code: str = "", region: str = "") -> tuple[str, str]:
    """District of a target and where that was learned: `address`, `zone`, `gazetteer`, `code` or `none`.

    Tried in this order: the head of the address names a place elsewhere (outside, `""`); the address names a
    district, a functional zone, a road known to lie in one district; the third to eighth digit of the credit code
    name a district (less sure: firms move and keep their code); `region` (the column 地区) or the code's city.
    """
    known = _gazetteer()
    simple = simplified(address)
    head = _CITY_HEAD.match(simple)
    in_city = bool(head and head["city"])
    if not in_city and known.elsewhere.match(simple[head.end() :] if head else simple):
        return OUTSIDE, "address"
    if simple and (named := _named_in(address)):
        return named
    if code[2:8] in known.districts and code[2:8] != CITY:
        return code[2:8], "code"
    if in_city or region.startswith("乌鲁木齐") or (not region and code[2:6] in ("", "6500", "6501")):
        return CITY, "none"
    return OUTSIDE, "none"


def _hashed(seed: str, area_m: int) -> tuple[int, int]:
    """A point within `area_m` metres of the middle, uniform over the disc, fixed by `seed` alone."""
    digest = hashlib.blake2b(seed.encode(), digest_size=64).digest()
    for i in range(0, 64, 8):
        east = int.from_bytes(digest[i : i + 4]) % (2 * area_m + 1) - area_m
        north = int.from_bytes(digest[i + 4 : i + 8]) % (2 * area_m + 1) - area_m
        if east * east + north * north <= area_m * area_m:
            return east, north
    return 0, 0


def _moved(longitude_e6: int, latitude_e6: int, metres: tuple[int, int]) -> tuple[int, int]:
    east, north = metres
    return (
        longitude_e6 + east * 1_000_000 // _EAST_PER_DEGREE,
        latitude_e6 + north * 1_000_000 // _NORTH_PER_DEGREE,
    )


@lru_cache(maxsize=4096)
def place(district: str, address: str, seed: str) -> tuple[int, int, str]:
    """Longitude and latitude (e6) of an address and their source, `gazetteer` or `estimated`.

    Addresses on one road lie within 400 m of the road's point, and the same house number is the same point.
    A road that the gazetteer does not know gets a point of its own inside the district's disc: an estimate.
    `seed` stands in for an address that is missing.
    """
    area = _gazetteer().districts.get(district) or _gazetteer().districts[CITY]
    simple = _in_city(address)
    spread = _hashed(_house(simple) or seed, ROAD_SPREAD_M)
    road = road_of(simple)
    if road and road.district == district and road.longitude_e6 is not None and road.latitude_e6 is not None:
        return *_moved(road.longitude_e6, road.latitude_e6, spread), "gazetteer"
    name = road.name if road else _road_name(simple) or seed
    return *_moved(*_road_point(area, name), spread), "estimated"


@lru_cache(maxsize=4096)
def _road_point(area: District, name: str) -> tuple[int, int]:
    """Where a road lies that has no coordinates: a point of the district's disc, fixed by the road's name."""
    reach = max(1, area.radius_m - ROAD_SPREAD_M)
    return _moved(area.longitude_e6, area.latitude_e6, _hashed(f"{area.code}/{name}", reach))


def _house(simple: str) -> str:
    found = _UP_TO_NUMBER.match(simple)
    return found[0] if found else simple


def _road_name(simple: str) -> str:
    rest = _gazetteer().by_name.sub("", simple)
    found = _ROAD.search(rest)
    return found[0] if found else rest


def place_metres(longitude_e6: int, latitude_e6: int) -> tuple[int, int]:
    """Metres east and north of the city's origin (87.6168 E, 43.8256 N), on a plane: ± 1 % inside the city."""
    east = ((longitude_e6 - ORIGIN_LONGITUDE_E6) * _EAST_PER_DEGREE + 500_000) // 1_000_000
    north = ((latitude_e6 - ORIGIN_LATITUDE_E6) * _NORTH_PER_DEGREE + 500_000) // 1_000_000
    return east, north
