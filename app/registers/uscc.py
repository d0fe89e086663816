"""统一社会信用代码 (unified social credit identifier), GB 32100-2015: 18 characters, the last a check character.

The alphabet leaves out I, O, S, V and Z. The check character is 31 minus the weighted sum modulo 31, the weight of
position i (from 0) being 3 to the power i modulo 31.
"""

from __future__ import annotations

import re
from operator import mul

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LENGTH = 18
_VALUES = bytes(max(ALPHABET.find(chr(byte)), 0) for byte in range(256))
_WEIGHTS = tuple(pow(3, i, 31) for i in range(LENGTH - 1))
_SHAPE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}")


def has_shape(code: str) -> bool:
    """Whether `code` is 18 characters of the alphabet with six digits of the district in the third to eighth place."""
    return _SHAPE.fullmatch(code) is not None


def check_character(body: str) -> str:
    """The check character that belongs to 17 characters of the alphabet."""
    total = sum(map(mul, body.encode().translate(_VALUES), _WEIGHTS))
    return ALPHABET[-total % 31]


def is_valid(code: str) -> bool:
    """Whether `code` has the shape and its check character is right."""
    return has_shape(code) and check_character(code[:-1]) == code[-1]


def make(body: str) -> str:
    """`body` (17 characters of the alphabet) with its check character."""
    return body + check_character(body)
