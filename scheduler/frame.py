"""The frame: the frozen population of one draw, its bytes, hash, sealed root and a firm's opening."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from optimizer.errors import Refused, refuse
from scheduler.encoding import be64, lp, text_fault
from scheduler.merkle import head_and_paths
from scheduler.suite import DIGEST_SIZE, Suite

TARGET_ID: Final = re.compile(r"[0-9A-Z._:-]{1,64}")

Row = tuple[str, ...]

_DIGEST: Final = be64(DIGEST_SIZE)
_INNER: Final = lp("DR1/inner") + _DIGEST
"""What `lp` puts before a digest, and before the inner digest: a frame has a million rows."""


@dataclass(frozen=True, slots=True, init=False)
class Frame:
    """Rows of one draw, validated, sorted by `target_id` bytes, kept column by column.

    `columns`: names, `target_id` first. `cells[c][r]`: value of column c in row r. Rows may come from any
    iterable, which is read once; they may be in any order.
    """

    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]

    def __init__(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Validate and sort. Raises Refused `frame.*`, naming row (from 1, as given), field, rule and remedy."""
        names = tuple(columns)
        _check_columns(names)
        gathered = _gather(names, rows)
        ids = gathered[0]
        if any(before >= after for before, after in pairwise(ids)):
            order = sorted(range(len(ids)), key=ids.__getitem__)
            _check_unique(ids, order)
            gathered = [[column[place] for place in order] for column in gathered]
        object.__setattr__(self, "columns", names)
        object.__setattr__(self, "cells", tuple(tuple(column) for column in gathered))

    @classmethod
    def from_tsv(cls, data: bytes) -> Frame:
        """Read a frame's bytes back. Raises Refused `frame.bytes` unless they are exactly what `tsv` gives."""
        try:
            lines = data.decode().split("\n")
        except UnicodeDecodeError as error:
            raise _not_frame_bytes() from error
        frame = cls(lines[0].split("\t"), (line.split("\t") for line in lines[1:-1]))
        if frame.tsv() != data:
            raise _not_frame_bytes()
        return frame

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.cells[0])

    @property
    def ids(self) -> tuple[str, ...]:
        """The target ids, ascending."""
        return self.cells[0]

    @property
    def rows(self) -> Iterator[Row]:
        """The rows in frame order."""
        return zip(*self.cells, strict=True)

    def column(self, name: str) -> tuple[str, ...]:
        """Values of one column in frame order. Raises Refused `frame.no_column`."""
        if name not in self.columns:
            raise refuse(
                "frame.no_column",
                f"名录没有字段“{name}”。",
                f"The frame has no column {name!r}.",
                "请在冻结前把该字段加入名录，或从规则中去掉。",
                "Add the column before the freeze, or take it out of the rules.",
                column=name,
            )
        return self.cells[self.columns.index(name)]

    def tsv(self) -> bytes:
        """The frame's bytes: header and rows, cells joined by one TAB, every line ending in one LF, UTF-8."""
        lines = ["\t".join(self.columns)]
        lines += map("\t".join, self.rows)
        lines.append("")
        return "\n".join(lines).encode()

    def frame_hash(self, suite: Suite) -> bytes:
        """Hash of the bytes, for an open round."""
        return suite.hash(self.tsv())

    def sealed_root(self, suite: Suite, draw_id: str, internal: Sequence[str], salt_key: bytes) -> bytes:
        """RFC 9162 head over the blinded leaves, for a sealed round."""
        return head_and_paths(suite, self._leaves(suite, draw_id, internal, salt_key), ())[0]

    def openings(
        self, suite: Suite, draw_id: str, internal: Sequence[str], salt_key: bytes, target_ids: Iterable[str]
    ) -> dict[str, Opening]:
        """What each of these firms needs to find itself under `frame_root`; one pass over the frame.

        It holds neither its internal cells nor its number salt: both would be transferable evidence of class.
        """
        places = {target_id: self._place(target_id) for target_id in target_ids}
        leaves = self._leaves(suite, draw_id, internal, salt_key)
        paths = head_and_paths(suite, leaves, places.values())[1]
        split = _Split(suite, self.columns, draw_id, internal, salt_key)
        return {
            target_id: split.opening(place, tuple(column[place] for column in self.cells), paths[place])
            for target_id, place in places.items()
        }

    def opening(
        self, suite: Suite, draw_id: str, internal: Sequence[str], salt_key: bytes, target_id: str
    ) -> Opening:
        """One firm's opening. Raises Refused `frame.no_target`."""
        return self.openings(suite, draw_id, internal, salt_key, (target_id,))[target_id]

    def _leaves(
        self, suite: Suite, draw_id: str, internal: Sequence[str], salt_key: bytes
    ) -> Iterator[bytes]:
        return map(_Split(suite, self.columns, draw_id, internal, salt_key).leaf, self.rows)

    def _place(self, target_id: str) -> int:
        place = bisect_left(self.ids, target_id)
        if place < len(self) and self.ids[place] == target_id:
            return place
        raise refuse(
            "frame.no_target",
            f"名录中没有对象 {target_id}。",
            f"Target {target_id} is not in the frame.",
            "请核对统一社会信用代码。",
            "Check the target's code.",
            target_id=target_id,
        )


@dataclass(frozen=True, slots=True)
class Opening:
    """What shows a firm its leaf: place in the frame, blind, public cells in column order, inner hash, path."""

    index: int
    blind: bytes
    public_cells: tuple[str, ...]
    inner_hash: bytes
    path: tuple[bytes, ...]

    @property
    def leaf(self) -> bytes:
        """The leaf that the path starts from."""
        return lp(self.blind, "\t".join(self.public_cells), self.inner_hash)


class _Split:
    """Divides rows into public and internal cells and blinds them (section 4)."""

    def __init__(
        self, suite: Suite, columns: Sequence[str], draw_id: str, internal: Sequence[str], salt_key: bytes
    ) -> None:
        self._public = [place for place, name in enumerate(columns) if name not in internal]
        self._internal = [place for place, name in enumerate(columns) if name in internal]
        mac = suite.mac_stream(salt_key)
        self._blind = mac.prefixed(lp("leaf", draw_id))
        self._inner = mac.prefixed(lp("inner", draw_id))
        self._new = suite.constructor

    def parts(self, row: Row) -> tuple[bytes, Row, bytes]:
        target = lp(row[0])
        hidden = "\t".join([row[place] for place in self._internal])
        inner = self._new(b"".join((_INNER, self._inner(target), lp(hidden)))).digest()
        return self._blind(target), tuple([row[place] for place in self._public]), inner

    def leaf(self, row: Row) -> bytes:
        blind, public, inner = self.parts(row)
        return b"".join((_DIGEST, blind, lp("\t".join(public)), _DIGEST, inner))

    def opening(self, index: int, row: Row, path: tuple[bytes, ...]) -> Opening:
        blind, public, inner = self.parts(row)
        return Opening(index, blind, public, inner, path)


def excluded_tsv(pairs: Iterable[tuple[str, str]], frame: Frame | None = None) -> bytes:
    """Bytes of `excluded.tsv` from (target_id, rule_id): no header, sorted, one line per excluded target.

    With `frame`, a target that is excluded and in the frame as well is refused.
    Raises Refused `frame.*` for an id or rule that breaks the rules, or a target given twice.
    """
    entries = list(pairs)
    for number, (target_id, rule_id) in enumerate(entries, 1):
        _check_id(target_id, number)
        if fault := text_fault(rule_id):
            raise _bad_value(number, target_id, "rule_id", fault)
    ids = [target_id for target_id, _ in entries]
    order = sorted(range(len(ids)), key=ids.__getitem__)
    _check_unique(ids, order)
    for target_id in sorted(set(ids) & set(frame.ids)) if frame else ():
        raise refuse(
            "frame.excluded_included",
            f"对象 {target_id} 既被排除又在名录中。",
            f"Target {target_id} is excluded and in the frame as well.",
            "排除须在冻结前完成：请只保留其中之一。",
            "Exclusions come before the freeze: keep one of the two.",
            target_id=target_id,
        )
    return "".join(
        f"{target_id}\t{rule_id}\n" for target_id, rule_id in map(entries.__getitem__, order)
    ).encode()


def excluded_hash(suite: Suite, data: bytes) -> bytes:
    """Hash of `excluded.tsv` in an open round."""
    return suite.hash(data)


def sealed_excluded_hash(suite: Suite, draw_id: str, salt_key: bytes, data: bytes) -> bytes:
    """Hiding hash of `excluded.tsv` in a sealed round."""
    blind = suite.mac(salt_key, lp("excluded", draw_id))
    return suite.hash(lp("DR1/excluded", blind, data))


def _check_columns(columns: Row) -> None:
    if not columns or columns[0] != "target_id":
        raise refuse(
            "frame.first_column",
            "第一个字段必须是 target_id。",
            "The first column must be target_id.",
            "请把 target_id 放在第一列。",
            "Put target_id first.",
        )
    for place, name in enumerate(columns):
        if fault := text_fault(name):
            raise refuse(
                "frame.bad_column",
                f"第 {place + 1} 个字段名{fault[0]}。",
                f"The name of column {place + 1} breaks the rule for values: {fault[1]}.",
                "请改正字段名。",
                "Correct the column's name.",
                column=place + 1,
            )
        if name in columns[:place]:
            raise refuse(
                "frame.duplicate_column",
                f"字段“{name}”出现两次。",
                f"Column {name!r} appears twice.",
                "请只保留一个。",
                "Keep one of the two.",
                column=name,
            )


def _gather(columns: Row, rows: Iterable[Sequence[str]]) -> list[list[str]]:
    """Validate each row and spread it over columns; equal attribute values share one object."""
    gathered: list[list[str]] = [[] for _ in columns]
    appends = [column.append for column in gathered[1:]]
    append_id = gathered[0].append
    width = len(columns)
    valid: dict[str, str] = {}
    matches = TARGET_ID.fullmatch
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise _bad_width(number, row, width)
        target_id = row[0]
        if not isinstance(target_id, str) or not matches(target_id):
            _check_id(target_id, number)
        append_id(target_id)
        for append, cell, name in zip(appends, row[1:], columns[1:], strict=True):
            if cell not in valid:
                if fault := text_fault(cell):
                    raise _bad_value(number, target_id, name, fault)
                valid[cell] = cell
            append(valid[cell])
    return gathered


def _check_id(target_id: object, number: int) -> None:
    if isinstance(target_id, str) and TARGET_ID.fullmatch(target_id):
        return
    raise refuse(
        "frame.bad_id",
        f"第 {number} 行的 target_id {target_id!r} 不合规则 [0-9A-Z._:-]{{1,64}}。",
        f"Row {number}: target_id {target_id!r} does not match [0-9A-Z._:-]{{1,64}}.",
        "请填统一社会信用代码（多个场所加后缀）或项目、许可编号，用半角大写。",
        "Give the unified social credit code (and a site suffix) or a permit number, in half-width capitals.",
        row=number,
        field="target_id",
        value=str(target_id),
    )


def _check_unique(ids: Sequence[str], order: Sequence[int]) -> None:
    for before, after in pairwise(order):
        if ids[before] == ids[after]:
            raise refuse(
                "frame.duplicate_id",
                f"对象 {ids[after]} 出现两次（第 {before + 1} 行和第 {after + 1} 行）。",
                f"Target {ids[after]} appears twice, in rows {before + 1} and {after + 1}.",
                "请合并重复的行；同一主体的不同场所须加后缀。",
                "Merge the two rows; give several sites of one firm a suffix each.",
                row=after + 1,
                field="target_id",
                value=ids[after],
            )


def _bad_width(number: int, row: Sequence[str], width: int) -> Refused:
    return refuse(
        "frame.cells",
        f"第 {number} 行（{row[0] if row else ''}）有 {len(row)} 个值，应有 {width} 个。",
        f"Row {number} ({row[0] if row else ''}) has {len(row)} cells where there are {width} columns.",
        "请补齐或删去多余的值；没有值的写空。",
        "Give one cell for each column; a missing value is an empty cell.",
        row=number,
        cells=len(row),
        columns=width,
    )


def _bad_value(number: int, target_id: str, field: str, fault: tuple[str, str]) -> Refused:
    return refuse(
        "frame.bad_value",
        f"第 {number} 行（{target_id}）的字段“{field}”{fault[0]}。",
        f"Row {number} ({target_id}), column {field!r}: {fault[1]}.",
        "请在导入时清理该值（NFC，去掉首尾空格和不可见字符）。",
        "Clean the value on import (NFC, no spaces at the ends, no invisible characters).",
        row=number,
        target_id=target_id,
        field=field,
    )


def _not_frame_bytes() -> Refused:
    return refuse(
        "frame.bytes",
        "这些字节不是一份冻结的名录：排序、换行或编码不符。",
        "These bytes are not a frozen frame: order, line ends or encoding differ.",
        "请使用冻结时保存的原文件。",
        "Use the file that was kept at the freeze, untouched.",
    )
