"""The unambiguous byte encodings that hashes are taken over."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from optimizer.errors import Refused, refuse

Json: TypeAlias = "str | int | bool | Sequence[Json] | Mapping[str, Json] | None"

INTEGER_LIMIT: Final = 2**53
PPM: Final = 10**6
_FORBIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})


def be64(number: int) -> bytes:
    """8 bytes, big-endian. Raises OverflowError outside 0 … 2^64 − 1."""
    return number.to_bytes(8, "big")


def lp(*parts: bytes | str) -> bytes:
    """Join parts, each preceded by its length as be64, so that no two lists give the same bytes.

    Text enters as UTF-8, digests raw.
    """
    pieces: list[bytes] = []
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        pieces += (len(data).to_bytes(8), data)
    return b"".join(pieces)


def u64(digest: bytes) -> int:
    """The first 8 bytes of a digest as a big-endian integer."""
    return int.from_bytes(digest[:8], "big")


def canonical_json(value: Json, *, booleans: bool = True) -> bytes:
    """Serialise per RFC 8785 under the draw's limits, UTF-8.

    Keys are ASCII; values are text, integers below 2^53 in size, null, arrays, objects and, unless
    `booleans` is false (in a manifest), true and false. Raises Refused `json.*`, naming the place.
    """
    _check(value, "$", booleans)
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _plain(value: Json) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _check(value: object, place: str, booleans: bool) -> None:
    if isinstance(value, str):
        _check_text(value, place)
    elif isinstance(value, bool):
        if not booleans:
            raise _json_refusal("json.boolean", "真假值", "a boolean", place)
    elif isinstance(value, int):
        if abs(value) >= INTEGER_LIMIT:
            raise _json_refusal(
                "json.integer", "绝对值不小于 2^53 的整数", "an integer of 2^53 or more in size", place
            )
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise _json_refusal(
                    "json.key", "非 ASCII 键", "a key that is not ASCII text", f"{place}.{key!r}"
                )
            _check(item, f"{place}.{key}", booleans)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check(item, f"{place}[{index}]", booleans)
    elif value is not None:
        kind = type(value).__name__
        raise _json_refusal("json.type", f"类型 {kind}", f"a value of type {kind}", place)


def _check_text(value: str, place: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _json_refusal("json.surrogate", "孤立的代理码", "a lone surrogate", place) from error


def _json_refusal(code: str, zh: str, en: str, place: str) -> Refused:
    return refuse(
        code,
        f"{place} 处有{zh}，规范的 JSON 不允许。",
        f"{place} holds {en}, which canonical JSON here does not allow.",
        "请改用文本、绝对值小于 2^53 的整数、null、数组或对象，键用 ASCII。",
        "Use text, integers below 2^53 in size, null, arrays or objects, with ASCII keys.",
        place=place,
    )


def text_fault(value: object) -> tuple[str, str] | None:
    """Say which part of the rule for values is broken (Chinese, English), or None.

    Unicode NFC; no U+0020 at either end; no code point of Cc, Cf, Cs, Cn, Zl, Zp; may be empty.
    """
    if not isinstance(value, str):
        return "不是文本", "it is not text"
    if value.startswith(" ") or value.endswith(" "):
        return "首尾有空格", "it begins or ends with a space"
    for character in value:
        if unicodedata.category(character) in _FORBIDDEN_CATEGORIES:
            point = f"U+{ord(character):04X}"
            return (
                f"含有不可见或未定义的字符 {point}",
                f"it holds the invisible or undefined character {point}",
            )
    if not unicodedata.is_normalized("NFC", value):
        return "不是 Unicode NFC 形式", "it is not in Unicode form NFC"
    return None
