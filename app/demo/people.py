"""Inspectors of the synthetic city: enough of them, by department, for the round that the plan will draw.

The rule: a department expecting c checks of two officers each gets ceil(2 c / (20 days x 1.8 visits a day x 0.9)) and
at least ten; 1.8 visits per officer and day leaves about half in reserve against what crews manage (three or four).
Of ten officers nine hold a certificate that is valid and are not on leave.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from math import ceil

from app.demo.targets import DISTRICT_SHARES
from app.registers import catalogue, gazetteer

INSPECTORS = (
    "姓名",
    "执法证号",
    "证书编号",
    "证件有效期",
    "专业",
    "所属部门",
    "区县",
    "人员类型",
    "可任组长",
    "任务上限",
    "在岗",
)
LEAVE = ("执法证号", "开始日期", "结束日期", "事由")
RECUSALS = ("执法证号", "对象编号", "回避事由")
DAYS, SEATS_PER_DAY, PRESENT = 20, 1.8, 0.9
LEAST = 10
ON_LEAVE, EXPIRED, VERSATILE, ASSISTANTS = 0.05, 0.03, 0.15, 0.06
_FAMILY = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜"
    "范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红梅建国志强海燕晓东春新宇浩然子涵思远雨晨嘉欣文博俊峰雪莲天佑国庆卫"
    "东"
)
_NAMES = (
    "阿依古丽·买买提",
    "艾力·吐尔逊",
    "古丽娜尔·阿不都",
    "买买提·依明",
    "努尔兰·哈力",
    "迪丽努尔·艾山",
    "巴合提·别克",
    "帕尔哈提·玉素甫",
)
_GENERAL = ("计量", "公共卫生", "消防")
_REASONS = ("年休假", "病假", "产假", "脱产培训", "公务出差")


@dataclass(frozen=True, slots=True)
class Officer:
    """A row of the roster, with what leave and recusals need to know."""

    certificate: str
    department: str
    row: tuple[str, ...]
    on_leave: bool


def numbers(expected: Mapping[str, float]) -> dict[str, int]:
    """Officers per department, by the rule above; every department of the catalogue has some."""
    return {
        department: max(LEAST, ceil(2 * expected.get(department, 0) / (DAYS * SEATS_PER_DAY * PRESENT)))
        for department in catalogue.departments()
    }


def specialties_of(department: str) -> list[str]:
    """The specialties that the department's items ask for, the most frequent first."""
    found: dict[str, int] = {}
    for item in catalogue.items().values():
        if item["department"] == department:
            for specialty in item["specialties"]:
                found[specialty] = found.get(specialty, 0) + 1
    return sorted(found, key=lambda word: (-found[word], word))


class Roster:
    """Makes officers, assistants, leave and recusals; all values follow from the seed alone."""

    def __init__(self, seed: int, today: date) -> None:
        self._rng = random.Random(seed)  # noqa: S311  demo data, not a draw
        self._today = today
        codes = [area.code for area in gazetteer.districts()]
        self._districts = [gazetteer.district_name(code) for code in codes]
        self._limits = list(accumulate(DISTRICT_SHARES[code] for code in codes))

    def officers(self, counts: Mapping[str, int]) -> Iterator[Officer]:
        """Officers of each department, then its assistants, who never count as one of the two."""
        for place, (department, count) in enumerate(sorted(counts.items())):
            words = specialties_of(department)
            helpers = ceil(count * ASSISTANTS)
            for number in range(count + helpers):
                yield self._officer(department, place, number, words, number >= count)

    def _officer(
        self, department: str, place: int, number: int, words: Sequence[str], assistant: bool
    ) -> Officer:
        """Absences are spread evenly over the roster, so that no department loses all its people at once."""
        certificate = f"6501{place:02d}{number + 1:05d}"
        turn = (number * 0.6180339887498949 + place * 0.7548776662466927) % 1.0
        on_leave, expired = turn < ON_LEAVE, ON_LEAVE <= turn < ON_LEAVE + EXPIRED
        expires = self._today + timedelta(
            days=-self._rng.randrange(1, 200) if expired else self._rng.randrange(120, 1800)
        )
        row = (
            self._name(), certificate, f"新A{certificate}", expires.isoformat(), self._specialties(number, words),
            catalogue.departments()[department]["zh"], self._district(), "辅助人员" if assistant else "执法人员",
            "是" if number % 5 < 2 else "否", "0", "是",
        )  # fmt: skip
        return Officer(certificate, department, row, on_leave)

    def _name(self) -> str:
        if self._rng.random() < 0.25:
            return self._rng.choice(_NAMES)
        given = "".join(self._rng.choices(_GIVEN, k=1 + (self._rng.random() < 0.75)))
        return self._rng.choice(_FAMILY) + given

    def _district(self) -> str:
        """Three in ten belong to a city brigade and work anywhere."""
        if self._rng.random() < 0.3:
            return ""
        return self._districts[bisect(self._limits, self._rng.random() * self._limits[-1])]

    def _specialties(self, number: int, words: Sequence[str]) -> str:
        """Five in six hold one of the department's specialties, if it has any; 15 % of all hold two."""
        known = words or _GENERAL
        own = known[0] if number % 2 == 0 else known[number // 2 % len(known)]
        if (number * 0.7548776662466927 + 0.5) % 1.0 < VERSATILE:
            others = [word for word in (*words, *_GENERAL) if word != own]
            return f"{own}；{self._rng.choice(others)}"
        return own if words and number % 6 != 5 else ""

    def leave(self, officers: Sequence[Officer]) -> Iterator[tuple[str, ...]]:
        """Leave of those who are away within the round's weeks."""
        for officer in officers:
            if officer.on_leave:
                start = self._today + timedelta(days=self._rng.randrange(-10, 25))
                end = start + timedelta(days=self._rng.randrange(5, 30))
                yield officer.certificate, start.isoformat(), end.isoformat(), self._rng.choice(_REASONS)

    def recusals(self, officers: Sequence[Officer], targets: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """One officer in four is barred from one to three targets; each pair once."""
        for officer in officers:
            if self._rng.random() < 0.25:
                for target in self._rng.sample(targets, min(len(targets), self._rng.choice((1, 1, 2, 3)))):
                    yield officer.certificate, target, self._rng.choice(("近亲属任职", "持有股份", "曾任职"))
