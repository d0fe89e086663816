"""What is wrong with a value, in both languages: pydantic says it in English alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

SAYINGS: Final = {
    "missing": "缺少此项",
    "extra_forbidden": "没有这一项",
    "json_invalid": "不是合法的 JSON",
    "greater_than": "须大于 {gt}",
    "greater_than_equal": "不得小于 {ge}",
    "less_than": "须小于 {lt}",
    "less_than_equal": "不得大于 {le}",
    "multiple_of": "须为 {multiple_of} 的倍数",
    "finite_number": "须为有限的数",
    "too_short": "至少要有 {min_length} 项，现有 {actual_length} 项",
    "too_long": "最多 {max_length} 项",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符",
    "string_pattern_mismatch": "须符合格式 {pattern}",
    "string_unicode": "不是合法的 Unicode 文字",
    "enum": "只能是 {expected} 之一",
    "literal_error": "只能是 {expected} 之一",
    "int_parsing_size": "整数过大",
    "timezone_aware": "须写明时区，如 2026-03-02T09:00:00+08:00",
    "date_from_datetime_inexact": "须为日期，不带时间",
    "value_error": "{error}",
}
KINDS: Final = {
    "int": "须为整数",
    "float": "须为数",
    "decimal": "须为数",
    "bool": "须为 true 或 false",
    "string": "须为文字",
    "bytes": "须为文件或字节",
    "datetime": "须为时间，如 2026-03-02T09:00:00+08:00",
    "date": "须为日期，如 2026-03-02",
    "time": "须为时刻，如 09:00",
    "list": "须为列表",
    "tuple": "须为列表",
    "set": "须为列表",
    "frozen": "须为列表",
    "iterable": "须为列表",
    "dict": "须为对象",
    "mapping": "须为对象",
    "model": "须为对象",
    "dataclass": "须为对象",
    "url": "须为网址",
    "uuid": "须为 UUID",
    "none": "须为空（null）",
    "union": "不属于任何一种允许的形式",
}
"""By the first word of the error's type, for those that `SAYINGS` doesn't name."""


class InvalidValueError(ValueError):
    """A value that a validator of ours refuses, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


def said(error: Mapping[str, Any]) -> tuple[str, str]:
    """What one of pydantic's errors (`ValidationError.errors()`) says, in Chinese and in English."""
    context = dict(error.get("ctx", {}))
    cause = context.get("error")
    if isinstance(cause, InvalidValueError):
        return cause.zh, cause.en
    kind = str(error["type"])
    saying = SAYINGS.get(kind) or KINDS.get(kind.partition("_")[0], "不符合规定的格式")
    return saying.format_map(context), str(error["msg"])
