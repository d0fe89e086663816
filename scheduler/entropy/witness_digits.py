"""Decimal digits called by witnesses, each from a contribution written down before any was read."""

from __future__ import annotations

import unicodedata
from typing import Final

from optimizer.errors import refuse
from scheduler.manifest import EntropySource

FEWEST: Final = 20


def witness_digits(source_id: str, digits: int = FEWEST) -> EntropySource:
    """The source of `digits` digits; `bits` is the whole part of digits · log2 10, and of 20 digits 66.

    Raises Refused `entropy.digits` for fewer than 20 digits.
    """
    if digits < FEWEST:
        raise refuse(
            "entropy.digits",
            f"见证人只报 {digits} 位数字，不足 64 比特。",
            f"{digits} digits are fewer than 64 bits.",
            "请至少报 20 位。",
            "Have at least 20 digits called.",
            digits=digits,
        )
    example = ("0123456789" * (digits // 10 + 1))[:digits]
    rule = (
        f"{digits} decimal digits in the order called, no separator; each witness writes their digits down before "
        f"any is read out; example '{example}'"
    )
    return EntropySource(source_id, "utf8", rule, (10**digits).bit_length() - 1)


def normal_digits(text: str, digits: int = FEWEST) -> str:
    """The digits as the rule writes them; full-width digits and spaces between groups are accepted.

    Raises Refused `entropy.digits`.
    """
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    if len(plain) == digits and plain.isascii() and plain.isdigit():
        return plain
    raise refuse(
        "entropy.digits",
        f"“{text}”不是 {digits} 位数字。",
        f"{text!r} is not {digits} decimal digits.",
        f"请按报出的顺序录入 {digits} 位数字 0–9。",
        f"Enter the {digits} digits 0–9 in the order called.",
        digits=digits,
    )
