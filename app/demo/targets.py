"""Targets of the synthetic city, row by row: firms, sole traders, products, premises and projects.

Every figure here is a stated synthetic rule (docs/supervision.md). Nothing is drawn for a round: a seeded generator
makes the data, so that the same seed gives the same files.
"""

from __future__ import annotations

import csv
import random
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from math import cos, pi, sqrt
from typing import NamedTuple

from app.demo.plan import tasks
from app.demo.trades import Thing, Trade, scopes, things, trades
from app.registers import catalogue, gazetteer, uscc
from app.registers.matching import Matcher

HEADER = (
    "企业名称", "统一社会信用代码", "注册日期", "企业类型", "经营范围", "地区", "注册地址", "对象编号",
    "对象类型", "区县", "经度", "纬度", "信用风险分类", "分类日期", "行业", "登记状态", "休息日", "人数上限",
)  # fmt: skip
DISTRICT_SHARES = {
    "650102": 190, "650103": 200, "650104": 240, "650105": 130,
    "650106": 90, "650107": 15, "650109": 110, "650121": 25,
}  # fmt: skip
KIND_SHARES = (("firm", 0.36), ("sole", 0.525), ("thing", 0.115))
KINDS = {
    "企业": "firm",
    "个体工商户": "sole_trader",
    "项目": "project",
    "产品": "product",
    "场所": "premises",
}
CLASS_LIMITS = (0.486, 0.901, 0.965, 1.0)
CLASSES = "ABCD"
_GOLDEN = 0.6180339887498949
_SYLLABLES = (
    "天山新疆昆仑博格达丝路金银鑫盛华泰恒信诚德永和顺兴隆瑞祥福海龙凤宏达远大明辉光宇晨星腾飞联创嘉美佳康安宁平正友好万通汇丰"
    "源润泽晟益民众合广业伟志成和谐"
)
_FIRM_TYPES = (
    "有限责任公司(自然人独资)", "有限责任公司(自然人投资或控股)", "有限责任公司", "有限责任公司分公司",
    "股份有限公司", "个人独资企业", "农民专业合作社", "有限责任公司(外商投资企业法人独资)", "国有企业", "集体所有制",
)  # fmt: skip
_FIRM_TYPE_WEIGHTS = (38, 34, 14, 6, 2, 2, 1, 1, 1, 1)
_STATUSES = ("存续", "注销", "吊销", "迁出", "停业")
_STATUS_LIMITS = (0.985, 0.991, 0.995, 0.997, 1.0)
_LODGING_CAPS = {"住宿业": ("8", "10", "12"), "餐饮业": ("6", "8"), "药品零售": ("6",)}
_CITY_BRANCHES = ("", "", "", "乌鲁木齐", "乌鲁木齐市", "新疆", "新疆")


class TargetRow(NamedTuple):
    """A row of the targets' list, in the order of `HEADER`."""

    name: str
    code: str
    registered_on: str
    enterprise_type: str
    scope: str
    region: str
    address: str
    target_id: str
    kind: str
    district: str
    longitude: str
    latitude: str
    credit: str
    credit_since: str
    trade: str
    status: str
    closed: str
    people_cap: str


@dataclass(frozen=True, slots=True)
class Area:
    """A district with the roads that addresses name."""

    code: str
    name: str
    longitude: float
    latitude: float
    radius_m: float
    roads: tuple[str, ...]


def areas() -> tuple[Area, ...]:
    """The city's districts, their roads from the gazetteer (a county without one has a made-up one)."""
    roads = _roads()
    return tuple(
        Area(
            area.code,
            area.name_zh,
            area.longitude_e6 / 1e6,
            area.latitude_e6 / 1e6,
            float(area.radius_m),
            roads.get(area.code) or ("人民路", "团结路"),
        )
        for area in gazetteer.districts()
    )


def _roads() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    with gazetteer.FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["kind"] == "road":
                found.setdefault(row["district"], []).append(row["name"])
    return {district: tuple(names) for district, names in found.items()}


class Classes:
    """Credit classes, kept as even as can be: of targets that the same draws are among, the k-th has the class at
    frac(k x golden ratio). So any such group has about the city's shares and nothing follows from belonging to it;
    the first D is its 21st, so that a handful of targets never holds one alone.
    """

    def __init__(self, size: str) -> None:
        self._tasks = [(number, frozenset(task["rules"])) for number, task in enumerate(tasks(size))]
        self._groups: dict[tuple[str, ...], tuple[int, ...]] = {}
        self._places: dict[tuple[int, ...], float] = {}

    def next(self, rules: tuple[str, ...]) -> str:
        """The class of the next target that `rules` tag."""
        group = self._groups.get(rules)
        if group is None:
            group = tuple(number for number, wanted in self._tasks if not wanted.isdisjoint(rules))
            self._groups[rules] = group
        place = (self._places.get(group, 0.0) + _GOLDEN) % 1.0
        self._places[group] = place
        return CLASSES[bisect(CLASS_LIMITS, place)]


@dataclass(slots=True)
class _Maker:
    """One trade among firms or among sole traders: its scopes and how many it has made."""

    trade: Trade
    pool: tuple[str, ...]
    series: int
    made: int = 0


def _makers(rng: random.Random, sole: bool) -> tuple[list[_Maker], list[int]]:
    rows = [(trade, trade.sole if sole else trade.firm) for trade in trades()]
    chosen = [(trade, weight) for trade, weight in rows if weight]
    makers = [
        _Maker(trade, scopes(trade, sole, rng), number + 500 * sole)
        for number, (trade, _) in enumerate(chosen)
    ]
    return makers, list(accumulate(weight for _, weight in chosen))


class City:
    """Makes rows one after the other; the order and all values follow from the seed alone."""

    def __init__(self, size: str, seed: int, today: date) -> None:
        self.rng = random.Random(seed)  # noqa: S311  demo data, not a draw
        self._today = today
        self._areas = areas()
        self._limits = list(accumulate(DISTRICT_SHARES[area.code] for area in self._areas))
        self._firms = _makers(self.rng, sole=False)
        self._soles = _makers(self.rng, sole=True)
        self._things = list(accumulate(thing.weight for thing in things()))
        self._classes = Classes(size)
        self._matcher = Matcher((code, rule["condition"]) for code, rule in catalogue.rules().items())
        self._kinds = list(accumulate(share for _, share in KIND_SHARES))
        self._days = [(today - timedelta(days=number)).isoformat() for number in range(9000)]
        self._made: dict[str, int] = {}

    def rows(self, count: int) -> Iterator[tuple[TargetRow, tuple[str, ...]]]:
        """`count` clean rows, each with the rules that will tag it."""
        makers: Sequence[Callable[[int], TargetRow]] = (self._firm, self._sole, self._thing)
        for number in range(count):
            kind = min(bisect(self._kinds, self.rng.random()), len(makers) - 1)
            row = makers[kind](number)
            rules = self._matcher.matches(
                row.scope, row.trade, row.enterprise_type, KINDS[row.kind], "", row.name
            )
            yield row._replace(credit=self._classes.next(rules)), rules

    def _area(self) -> Area:
        return self._areas[bisect(self._limits, self.rng.random() * self._limits[-1])]

    def _pick(self, words: Sequence[str]) -> str:
        return words[int(self.rng.random() * len(words))]

    def _business(self, makers: tuple[list[_Maker], list[int]]) -> _Maker:
        listed, limits = makers
        maker = listed[bisect(limits, self.rng.random() * limits[-1])]
        maker.made += 1
        return maker

    def _firm(self, number: int) -> TargetRow:
        maker, area = self._business(self._firms), self._area()
        form = self.rng.choices(_FIRM_TYPES, _FIRM_TYPE_WEIGHTS)[0]
        noun = self._pick(maker.trade.nouns)
        ending = {"农民专业合作社": "农民专业合作社", "有限责任公司分公司": "有限公司乌鲁木齐分公司"}.get(
            form, "有限公司"
        )
        name = f"{self._pick(_CITY_BRANCHES[3:])}{self._brand(maker.made, maker.series)}{noun}{ending}"
        code = credit_code("91", area.code, number)
        return self._row(name, code, form, self._pick(maker.pool), area, "", "企业", maker.trade.trade)

    def _sole(self, number: int) -> TargetRow:
        maker, area = self._business(self._soles), self._area()
        shop = self._pick(maker.trade.shops)
        name = f"{area.name}{self._brand(maker.made, maker.series)}{shop}"
        code = credit_code("92", area.code, number)
        return self._row(
            name, code, "个体工商户", self._pick(maker.pool), area, "", "个体工商户", maker.trade.trade
        )

    def _thing(self, number: int) -> TargetRow:  # noqa: ARG002  rows of one sort count themselves
        place = bisect(self._things, self.rng.random() * self._things[-1])
        thing, area = things()[place], self._area()
        made = self._made[thing.prefix] = self._made.get(thing.prefix, 0) + 1
        road = self._pick(area.roads)
        name = f"{road}{self._brand(made)}{_where(thing, made)}{self._pick(thing.names)}"
        target_id = f"{thing.prefix}{area.code}-{made:06d}"
        return self._row(name, "", "", "", area, target_id, thing.kind, thing.trade, road)

    def _brand(self, made: int, series: int = 0) -> str:
        """Two or three syllables, another for every number of a series."""
        size = len(_SYLLABLES)
        mixed = (made * 314_159 + series * 27_644_437) % (size * size * size)
        first, rest = divmod(mixed, size * size)
        second, third = divmod(rest, size)
        return _SYLLABLES[first] + _SYLLABLES[second] + (_SYLLABLES[third] if made % 3 else "")

    def _row(
        self, name: str, code: str, form: str, scope: str, area: Area, target_id: str,
        kind: str, trade: str, road: str = "",
    ) -> TargetRow:  # fmt: skip
        rng = self.rng
        road = road or self._pick(area.roads)
        address = f"新疆乌鲁木齐市{area.name}{road}{1 + int(rng.random() * 980)}号"
        if rng.random() < 0.4:
            address += f"{1 + int(rng.random() * 28)}层{101 + int(rng.random() * 899)}室"
        longitude, latitude = self._place(area)
        chance = rng.random()
        return TargetRow(
            name, code, self._days[int(chance * chance * 8990) + 5], form, scope, "乌鲁木齐", address,
            target_id or code, kind, area.name if rng.random() < 0.9 else "", longitude, latitude,
            "", self._days[10 + int(rng.random() * 330)],
            trade if target_id or rng.random() < 0.7 else "",
            _STATUSES[bisect(_STATUS_LIMITS, rng.random())],
            self._closed(), self._people(trade),
        )  # fmt: skip

    def _place(self, area: Area) -> tuple[str, str]:
        """A point of the district's disc, denser in the middle; one in eight has none."""
        rng = self.rng
        if rng.random() < 0.125:
            return "", ""
        radius = area.radius_m * sqrt(rng.random()) * (0.4 + 0.5 * rng.random())
        angle = 2 * pi * rng.random()
        east = radius * cos(angle) / 80_300
        north = radius * cos(angle - pi / 2) / 111_100
        return f"{area.longitude + east:.6f}", f"{area.latitude + north:.6f}"

    def _closed(self) -> str:
        chance = self.rng.random()
        return "周日" if chance < 0.02 else "周一" if chance < 0.025 else ""

    def _people(self, trade: str) -> str:
        caps = _LODGING_CAPS.get(trade)
        return self._pick(caps) if caps and self.rng.random() < 0.3 else ""


def _where(thing: Thing, made: int) -> str:
    return f"{1 + made % 36}号楼{1 + made % 4}单元" if thing.trade == "电梯" else f"{1 + made % 12}号"


def credit_code(head: str, district: str, number: int) -> str:
    """A valid 统一社会信用代码: category, district, an organisation code of its own (GB 11714), check character."""
    body = organisation_code(number * 48_271 % 31**6)
    return uscc.make(f"{head}{district}{body}")


_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_BASE_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def organisation_code(number: int) -> str:
    """Organisation code of nine characters (`MA` + six + check character by GB 11714, modulo 11)."""
    digits = ["M", "A"]
    for _ in range(6):
        number, digit = divmod(number, 31)
        digits.append(uscc.ALPHABET[digit])
    total = sum(_BASE_36.index(c) * w for c, w in zip(digits, _WEIGHTS, strict=True))
    check = (11 - total % 11) % 11
    return "".join(digits) + ("X" if check == 10 else str(check))
