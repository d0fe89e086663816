"""Cells of a list: normalised where the meaning is plain, refused where it is not, and either is said.

Normalised: full-width digits and letters, blanks (also tabs, line breaks and U+3000), lower-case codes, dates in
other notations, NFC. Refused: control, zero-width and bidirectional characters, undecodable bytes, letters of
other alphabets in codes. "N/A", "无", "-" and the like mean that the value is missing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from app.errors import Refused, refuse
from app.registers import uscc
from app.registers.columns import Header

MISSING = frozenset(
    ("", "N/A", "n/a", "NA", "NULL", "null", "None", "无", "-", "--", "/", "暂无", "不详", "未知")
)
_LONGER_THAN_MISSING = 12  # blanks around it included
LIMITS = {"scope": 10_000, "content": 10_000, "procedure": 10_000, "legal_basis": 10_000, "address": 400}
LIMIT = 200
_FULL_WIDTH = {0xFF01 + i: 0x21 + i for i in range(94)}
_WIDE_ALNUM = re.compile(r"[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")
_WIDE_TO_PLAIN = {
    c: c - 0xFEE0 for c in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
}
_BLANKS = re.compile(r"[\t\r\n\u00a0\u2002-\u200a\u202f\u205f\u3000]+")
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Cn", "Zl", "Zp"))
_DATE = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
_DEGREES = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,20})?")
_SEPARATORS = re.compile(r"[;；、,，|/\s]+")
_TARGET_ID = re.compile(r"[0-9A-Z._:-]{1,64}")
_LABEL = re.compile(r"[0-9A-Za-z._:-]{1,64}")
_YES = frozenset(("1", "是", "Y", "YES", "TRUE", "T", "√"))
_NO = frozenset(("0", "否", "N", "NO", "FALSE", "F", "×"))


@dataclass(frozen=True, slots=True)
class Note:
    """Something done to a row that went in: the column, what it held, and what was done."""

    column: str
    value: str
    rule: str
    zh: str
    en: str


def bad(
    column: str, value: str, code: str, zh: str, en: str, remedy_zh: str, remedy_en: str, **params: str | int
) -> Refused:
    """The refusal of a row for the value of one column."""
    return refuse(code, zh, en, remedy_zh, remedy_en, field=column, value=value[:200], **params)


def _calendar_day(text: str) -> date | None:
    """The day that ISO text names, if the calendar has it and a register may: 1900 to 2200."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1900 <= day.year <= 2200 else None


@dataclass(slots=True)
class Cells:
    """One row under its header: a method per sort of value, by field name. `notes` gathers what was normalised."""

    header: Header
    row: list[str]
    notes: list[Note] = field(default_factory=list)

    def raw(self, name: str) -> str:
        """The cell as it stands; empty where the column or the value is missing."""
        place = self.header.columns.get(name)
        if place is None:
            return ""
        value = self.row[place[0]]
        return value if len(value) > _LONGER_THAN_MISSING or value.strip() not in MISSING else ""

    def column(self, name: str) -> str:
        """What the list itself calls the field."""
        place = self.header.columns.get(name)
        return place[1] if place else name

    def note(self, name: str, value: str, rule: str, zh: str, en: str) -> None:
        """Say that something was done to the row."""
        self.notes.append(Note(self.column(name), value, rule, zh, en))

    def text(self, name: str) -> str:
        """Text without hidden characters, trimmed, NFC, with plain digits and letters."""
        raw = self.raw(name)
        if not raw:
            return ""
        clean = raw if raw.isprintable() and "\ufffd" not in raw else self._visible(name, raw)
        if _WIDE_ALNUM.search(clean):
            clean = clean.translate(_WIDE_TO_PLAIN)
        clean = clean.strip()
        if not unicodedata.is_normalized("NFC", clean):
            clean = unicodedata.normalize("NFC", clean)
        if clean != raw:
            self.note(name, raw, "text.normalised", f"规范为“{clean[:60]}”", f"normalised to {clean[:60]!r}")
        if len(clean) > LIMITS.get(name, LIMIT):
            raise self._too_long(name, clean)
        return clean

    def _too_long(self, name: str, text: str) -> Refused:
        limit = LIMITS.get(name, LIMIT)
        return bad(
            self.column(name), text, "text.too_long",
            f"{len(text)} 个字符，超过 {limit} 个", f"{len(text)} characters, more than {limit}",
            "缩短内容；检查是否有漏掉的引号或分隔符。", "Shorten it; look for a missing quote or separator.",
        )  # fmt: skip

    def _visible(self, name: str, raw: str) -> str:
        """Blanks of every sort to a space; any other character that can't be seen is refused."""
        text = _BLANKS.sub(" ", raw)
        if "\ufffd" in text:
            raise self._hidden(name, raw, "\ufffd")
        for character in text:
            if unicodedata.category(character) in _HIDDEN:
                raise self._hidden(name, raw, character)
        return text

    def _hidden(self, name: str, raw: str, character: str) -> Refused:
        point = f"U+{ord(character):04X}"
        if character == "\ufffd":
            code, zh, en = "text.undecodable", "含有无法解码的字节", "it holds bytes that can't be decoded"
        else:
            code, zh, en = (
                "text.hidden_character",
                f"含有不可见字符 {point}",
                f"it holds the unseen character {point}",
            )
        shown = "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in raw[:200])
        return bad(
            self.column(name), shown, code, zh, en,
            "删除该字符；整列如此时，以 UTF-8 重新导出。", "Delete it; if all rows are so, export again as UTF-8.",
            character=point,
        )  # fmt: skip

    def needed(self, name: str) -> str:
        """Text that can't be done without."""
        value = self.text(name)
        if not value:
            raise bad(
                self.column(name), "", "value.missing", f"缺少“{self.column(name)}”", f"{self.column(name)} is missing",
                "补上该值。", "Supply it.",
            )  # fmt: skip
        return value

    def identifier(self, name: str) -> str:
        """ASCII, upper case, no blanks; empty where missing. Look-alike letters are refused."""
        raw = self.raw(name)
        if not raw:
            return ""
        if not raw.isascii() or not raw.isprintable():
            visible = raw if raw.isprintable() else self._visible(name, raw)
            clean = visible.translate(_FULL_WIDTH)
            self._all_ascii(name, raw, clean)
        else:
            clean = raw
        clean = "".join(clean.split()).upper()
        if clean != raw:
            self.note(name, raw, "code.normalised", f"规范为 {clean}", f"normalised to {clean}")
        return clean

    def _all_ascii(self, name: str, raw: str, clean: str) -> None:
        for character in clean:
            if not character.isascii():
                point = f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()
                raise bad(
                    self.column(name), raw, "code.confusable",
                    f"含有 {point}，不是数字或拉丁字母", f"it holds {point}, which is no digit or Latin letter",
                    "用键盘重新输入该代码。", "Type the code again.", character=point,
                )  # fmt: skip

    def credit_code(self, name: str = "code") -> str:
        """A valid 统一社会信用代码, or the empty text where it is missing."""
        code = self.identifier(name)
        if code and not uscc.is_valid(code):
            if len(code) > uscc.LENGTH:
                code = self._without_hyphens(name, code)
            if not uscc.is_valid(code):
                raise self._bad_code(name, code)
        return code

    def _without_hyphens(self, name: str, code: str) -> str:
        bare = code.replace("-", "")
        if bare != code:
            self.note(name, code, "code.normalised", f"规范为 {bare}", f"normalised to {bare}")
        return bare

    def _bad_code(self, name: str, code: str) -> Refused:
        wrong = sorted(set(code) - set(uscc.ALPHABET))
        if len(code) != uscc.LENGTH:
            rule, zh, en = (
                "code.length",
                f"有 {len(code)} 位，应为 18 位",
                f"it has {len(code)} characters, not 18",
            )
        elif wrong:
            listed = " ".join(wrong)
            rule, zh, en = (
                "code.alphabet",
                f"含有代码不用的字符 {listed}",
                f"it holds {listed}, which no code has",
            )
        elif not uscc.has_shape(code):
            rule, zh, en = (
                "code.district",
                "第 3–8 位不是行政区划数字",
                "places 3 to 8 are not the digits of a district",
            )
        else:
            right = uscc.check_character(code[:-1])
            rule, zh = "code.check_character", f"校验位是 {code[-1]}，按前 17 位应为 {right}"
            en = f"its check character is {code[-1]}, the other 17 call for {right}"
        return bad(
            self.column(name), code, rule,
            f"统一社会信用代码{zh}（GB 32100-2015）", f"Credit code: {en} (GB 32100-2015)",
            "按营业执照核对；没有代码的对象留空并给出“对象编号”。",
            "Check it against the licence; where there is no code leave it empty and give 对象编号 (target_id).",
        )  # fmt: skip

    def target_id(self, name: str = "target_id") -> str:
        """An identity of frames, `[0-9A-Z._:-]{1,64}`, or the empty text."""
        value = self.identifier(name)
        if value and not _TARGET_ID.fullmatch(value):
            raise bad(
                self.column(name), value, "target.bad_id",
                "对象编号只能由 1–64 个数字、大写字母和 . _ : - 组成",
                "An id is 1 to 64 digits, capital letters and . _ : -",
                "改用符合要求的编号。", "Give it an id of that form.",
            )  # fmt: skip
        return value

    def label(self, name: str) -> str:
        """The code of an item: 1 to 64 digits, Latin letters and . _ : -, in the case it is written in."""
        value = self.needed(name)
        if not _LABEL.fullmatch(value):
            raise bad(
                self.column(name), value, "item.bad_code",
                "编号只能由 1–64 个数字、拉丁字母和 . _ : - 组成",
                "A code is 1 to 64 digits, Latin letters and . _ : -",
                "改用符合要求的编号。", "Give it a code of that form.",
            )  # fmt: skip
        return value

    def date(self, name: str) -> date | None:
        """A calendar day, whatever the notation; None where missing."""
        raw = self.raw(name)
        if not raw:
            return None
        if _ISO.fullmatch(raw) and (plain := _calendar_day(raw)):
            return plain
        text = raw.strip().translate(_FULL_WIDTH)
        found = _DATE.fullmatch(text) or _COMPACT_DATE.fullmatch(text)
        day = _calendar_day("-".join(part.zfill(2) for part in found.groups())) if found else None
        if day is None or not text.isprintable():
            raise bad(
                self.column(name), raw, "value.bad_date", "不是有效日期", "it is no date",
                "写成 2024-03-01。", "Write it as 2024-03-01.",
            )  # fmt: skip
        if raw != day.isoformat():
            self.note(name, raw, "date.normalised", f"规范为 {day}", f"normalised to {day}")
        return day

    def number(self, name: str, low: int, high: int) -> int | None:
        """A whole number within bounds, or None where missing."""
        raw = self.raw(name)
        if not raw:
            return None
        text = raw.strip().translate(_FULL_WIDTH)
        value = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
        if value is None or not low <= value <= high:
            raise bad(
                self.column(name), raw, "value.bad_number",
                f"应为 {low} 至 {high} 的整数", f"it must be a whole number from {low} to {high}",
                "改正该值或留空。", "Correct it or leave it empty.",
            )  # fmt: skip
        return value

    def degrees_e6(self, name: str, low: int, high: int) -> int | None:
        """Decimal degrees as whole millionths, within bounds given in degrees; None where missing."""
        raw = self.raw(name)
        if not raw:
            return None
        text = raw.strip().translate(_FULL_WIDTH)
        value = round(Decimal(text) * 1_000_000) if _DEGREES.fullmatch(text) else None
        if value is None or not low * 1_000_000 <= value <= high * 1_000_000:
            raise bad(
                self.column(name), raw, "place.out_of_range",
                f"应为 {low} 至 {high} 之间的十进制度数", f"it must be decimal degrees between {low} and {high}",
                "检查经度和纬度是否写反，或两者都留空。", "Are longitude and latitude swapped? Or leave both empty.",
            )  # fmt: skip
        return value

    def choice(self, name: str, choices: Mapping[str, str], default: str) -> str:
        """One of `choices` (any of its names → the stored value); `default` where missing."""
        text = self.text(name)
        if not text:
            return default
        found = choices.get(text) or choices.get(text.lower()) or choices.get(text.upper())
        if found is None:
            listed = "、".join(choices)
            raise bad(
                self.column(name), text, "value.unknown_choice", f"不认识“{text}”", f"{text} is not known",
                f"可用：{listed}", f"Known: {listed}",
            )  # fmt: skip
        return found

    def flag(self, name: str, default: bool) -> bool:
        """Yes or no."""
        text = self.text(name).upper()
        if not text:
            return default
        if text not in _YES | _NO:
            raise bad(
                self.column(name), text, "value.bad_flag", "应为“是”或“否”", "it must be yes or no",
                "改为“是”或“否”。", "Write 是 (yes) or 否 (no).",
            )  # fmt: skip
        return text in _YES

    def words(self, name: str) -> list[str]:
        """A list of words, in their order, each once."""
        return list(dict.fromkeys(word for word in _SEPARATORS.split(self.text(name)) if word))
