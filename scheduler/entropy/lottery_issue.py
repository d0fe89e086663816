"""A named issue of 双色球 (China Welfare Lottery): six of 33 red numbers and one of 16 blue, 17,721,088 outcomes."""

from __future__ import annotations

import re
import unicodedata
from math import comb
from typing import Final

from optimizer.errors import Refused, refuse
from scheduler.manifest import EntropySource

OUTCOMES: Final = comb(33, 6) * 16
BITS: Final = OUTCOMES.bit_length() - 1
_ISSUE: Final = re.compile(r"20[0-9]{2}[0-9]{3}")
_RESULT: Final = re.compile(r"([0-9]{2}(?: [0-9]{2}){5})\+([0-9]{2})")
RULE: Final = (
    "six red numbers ascending, two digits each, one space between, '+', blue; example '01 02 03 04 05 06+07'"
)


def lottery_issue(issue: str) -> EntropySource:
    """The source of one issue, such as 2027001 (year and three-digit number), 24 bits.

    Raises Refused `entropy.issue`.
    """
    if not _ISSUE.fullmatch(issue) or issue.endswith("000"):
        raise refuse(
            "entropy.issue",
            f"双色球期号“{issue}”不对。",
            f"{issue!r} is not an issue of 双色球.",
            "期号为年份加三位序号，例如 2027001。",
            "An issue is the year and a three-digit number, for example 2027001.",
            issue=issue,
        )
    return EntropySource(f"双色球 {issue}", "utf8", RULE, BITS)


def normal_result(text: str) -> str:
    """The published numbers as the rule writes them; full-width characters and doubled spaces are accepted.

    Raises Refused `entropy.lottery_result`.
    """
    plain = re.sub(r"\s*\+\s*", "+", " ".join(unicodedata.normalize("NFKC", text).split()))
    match = _RESULT.fullmatch(plain)
    if match is None:
        raise _bad_result(text, "格式不对", "it is not of the form")
    red, blue = [int(number) for number in match[1].split()], int(match[2])
    if sorted(set(red)) != red or red[0] < 1 or red[-1] > 33:
        raise _bad_result(
            text, "红球须为 1–33 中六个不同的数，升序", "the red numbers are six of 1–33, ascending"
        )
    if not 1 <= blue <= 16:
        raise _bad_result(text, "蓝球须为 1–16", "the blue number is one of 1–16")
    return plain


def _bad_result(text: str, zh: str, en: str) -> Refused:
    return refuse(
        "entropy.lottery_result",
        f"“{text}”不是双色球开奖号码：{zh}。",
        f"{text!r} is not a result of 双色球: {en}.",
        "请按公告录入，例如 01 02 03 04 05 06+07。",
        "Enter it as published, for example 01 02 03 04 05 06+07.",
        value=text,
    )
