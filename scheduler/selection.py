"""The draw itself: the smallest numbers of each stratum (sections 5 to 7), and its result as JSON (section 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import refuse
from scheduler.encoding import Json
from scheduler.frame import Frame
from scheduler.manifest import DrawSpec
from scheduler.numbers import Numbers, number_of, u_numbers
from scheduler.probability import Part, as_text, cooldown_probabilities, design_probability
from scheduler.seed import RoundKeys
from scheduler.sizes import Key, StratumSize, recent_size, sample_sizes
from scheduler.suite import Suite

Places = NDArray[np.int64]
FullNumber = Callable[[int], bytes]


class Drawn(NamedTuple):
    """A drawn target or backup and the head of its number."""

    target_id: str
    u: int


@dataclass(frozen=True, slots=True)
class CooldownParts:
    """Rows and sizes of the others (0) and the recent (1), and their design probabilities (None if empty)."""

    rows0: int
    rows1: int
    n0: int
    n1: int
    pi_design0: Fraction | None
    pi_design1: Fraction | None


@dataclass(frozen=True, slots=True)
class StratumResult:
    """What was drawn from one stratum of `rows` targets, in order of number; `cutoff` is the last selected's u."""

    stratum: Key
    rows: int
    n: int
    pi_cond: Fraction
    pi_design: Fraction
    selected: tuple[Drawn, ...]
    backups: tuple[Drawn, ...]
    parts: CooldownParts | None = None

    @property
    def cutoff(self) -> int | None:
        """The u of the last selected, None where none was."""
        return self.selected[-1].u if self.selected else None

    def weighted_parts(self) -> tuple[Part, ...]:
        """The parts that estimates weight: the stratum, or under cool-down its others and its recent."""
        if self.parts is None:
            return (Part(self.stratum, "", self.rows, self.n),)
        split = self.parts
        return Part(self.stratum, "0", split.rows0, split.n0), Part(self.stratum, "1", split.rows1, split.n1)


@dataclass(frozen=True, slots=True)
class DrawResult:
    """Result of one draw, strata in canonical order."""

    draw_id: str
    strata: tuple[StratumResult, ...]

    def selected(self) -> tuple[str, ...]:
        """All drawn targets, ascending by id: what a sealed round's public copy lists."""
        return tuple(sorted(drawn.target_id for stratum in self.strata for drawn in stratum.selected))


def draw(
    suite: Suite, spec: DrawSpec, frame: Frame, keys: RoundKeys, salt_key: bytes | None = None
) -> DrawResult:
    """Draw from a frozen frame. `salt_key` is given in a sealed round and only there.

    Raises Refused `draw.*` where the frame does not have the draw's columns and rows, or `recent` is not 0 or 1.
    """
    check_frame(spec, frame)
    key = keys.own(spec.draw_id) if spec.stream == "own" else keys.numbers
    return select(
        suite,
        spec,
        frame,
        keys.sizes,
        u_numbers(suite, key, frame.ids, salt_key),
        _full(suite, key, frame, salt_key),
    )


def _full(suite: Suite, key: bytes, frame: Frame, salt_key: bytes | None) -> FullNumber:
    return lambda place: number_of(suite, key, frame.ids[place], salt_key)


def select(
    suite: Suite, spec: DrawSpec, frame: Frame, sizes_key: bytes, numbers: Numbers, full: FullNumber
) -> DrawResult:
    """Select by given numbers: `numbers[r]` is the u of row r, `full(r)` its 32 bytes, asked for ties only."""
    strata = _places(frame, spec.strata_by)
    rows = {key: len(places) for key, places in strata.items()}
    chooser = _Chooser(suite, spec, frame, sizes_key, numbers, full)
    sizes = sample_sizes(suite, sizes_key, spec, rows)
    return DrawResult(spec.draw_id, tuple(chooser.stratum(size, strata[size.key]) for size in sizes))


class _Chooser:
    """Chooses within strata; holds what all strata of a draw share."""

    def __init__(
        self, suite: Suite, spec: DrawSpec, frame: Frame, sizes_key: bytes, numbers: Numbers, full: FullNumber
    ) -> None:
        self._suite, self._spec, self._sizes_key = suite, spec, sizes_key
        self._ids, self._numbers, self._full = frame.ids, numbers, full
        self._recent = _recent_rows(frame) if spec.cooldown else None

    def stratum(self, size: StratumSize, places: Places) -> StratumResult:
        if self._recent is None or self._spec.cooldown is None:
            first = smallest(self._numbers, places, size.n + self._spec.backups, self._full)
            return self._result(size, first[: size.n], first[size.n :], None)
        recent = self._recent[places]
        return self._cooled(size, places[~recent], places[recent], self._spec.cooldown.lambda_ppm)

    def _cooled(self, size: StratumSize, others: Places, recent: Places, lambda_ppm: int) -> StratumResult:
        count, backups = len(recent), self._spec.backups
        n1 = recent_size(self._suite, self._sizes_key, self._spec.draw_id, size, count, lambda_ppm)
        n0 = size.n - n1
        first0 = smallest(self._numbers, others, n0 + backups, self._full)
        first1 = smallest(self._numbers, recent, n1 + backups, self._full)
        chosen = np.sort(np.concatenate((first0[:n0], first1[:n1])))
        selected = smallest(self._numbers, chosen, size.n, self._full)
        reserve = np.concatenate((first0[n0:], first1[n1:]))[:backups]
        design = cooldown_probabilities(size.rule, size.rows, count, lambda_ppm)
        return self._result(size, selected, reserve, CooldownParts(len(others), count, n0, n1, *design))

    def _result(
        self, size: StratumSize, selected: Places, backups: Places, parts: CooldownParts | None
    ) -> StratumResult:
        return StratumResult(
            size.key,
            size.rows,
            size.n,
            Fraction(size.n, size.rows),
            design_probability(size.rule, size.rows),
            self._drawn(selected),
            self._drawn(backups),
            parts,
        )

    def _drawn(self, places: Places) -> tuple[Drawn, ...]:
        heads = self._numbers[places].tolist()
        return tuple(Drawn(self._ids[place], u) for place, u in zip(places.tolist(), heads, strict=True))


def smallest(numbers: Numbers, places: Places, count: int, full: FullNumber) -> Places:
    """The first `count` of `places` by full number, then by place (frame order is order of id bytes), in order.

    `places` ascend. Equal heads are told apart by their full digests, also across the cut.
    """
    count = min(count, len(places))
    if not count:
        return places[:0]
    heads = numbers[places]
    if count < len(places):
        limit = np.partition(heads, count - 1)[count - 1]
        places = places[heads <= limit]
        heads = numbers[places]
    order = np.argsort(heads, kind="stable")
    places, heads = places[order], heads[order]
    if (heads[1:] == heads[:-1]).any():
        exact = sorted(places.tolist(), key=lambda place: (full(place), place))
        places = np.array(exact, dtype=np.int64)
    return places[:count]


def check_frame(spec: DrawSpec, frame: Frame) -> None:
    """Raise Refused `draw.frame` unless the frame is of the draw's columns and row count."""
    if frame.columns != spec.columns or len(frame) != spec.frame_rows:
        raise refuse(
            "draw.frame",
            f"名录的字段或行数（{len(frame)}）与承诺书中抽取 {spec.draw_id} 的（{spec.frame_rows}）不符。",
            f"The frame's columns or its {len(frame)} rows are not those of draw {spec.draw_id} ({spec.frame_rows}).",
            "请使用冻结时的名录。",
            "Use the frame that was frozen.",
            draw_id=spec.draw_id,
            rows=len(frame),
        )


def _places(frame: Frame, strata_by: Sequence[str]) -> dict[Key, Places]:
    """Rows of each stratum, ascending."""
    if not strata_by:
        return {(): np.arange(len(frame))} if len(frame) else {}
    columns = [frame.column(name) for name in strata_by]
    codes: dict[Key, int] = {}
    members = np.fromiter(
        (codes.setdefault(key, len(codes)) for key in zip(*columns, strict=True)),
        dtype=np.int32,
        count=len(frame),
    )
    order = np.argsort(members, kind="stable")
    ends = np.cumsum(np.bincount(members, minlength=len(codes)))
    return dict(zip(codes, np.split(order, ends[:-1]), strict=True)) if codes else {}


def _recent_rows(frame: Frame) -> NDArray[np.bool_]:
    """Which rows are recent. Raises Refused `draw.recent` for a value that is neither 0 nor 1."""
    values = frame.column("recent")
    for value in sorted(set(values) - {"0", "1"}):
        target_id = frame.ids[values.index(value)]
        raise refuse(
            "draw.recent",
            f"对象 {target_id} 的 recent 为“{value}”，只能是 0 或 1。",
            f"Target {target_id} has recent {value!r}, which must be 0 or 1.",
            "请在冻结前按回看期计算 recent。",
            "Compute recent from the look-back window before the freeze.",
            target_id=target_id,
            value=value,
        )
    return np.fromiter((value == "1" for value in values), dtype=np.bool_, count=len(values))


def result_json(results: Iterable[DrawResult]) -> list[Json]:
    """The array that is sealed: draws ascending by `draw_id` bytes, strata in canonical order."""
    ordered = sorted(results, key=lambda result: result.draw_id.encode())
    return [
        {"draw_id": result.draw_id, "strata": [_stratum(item) for item in result.strata]}
        for result in ordered
    ]


def full_result_file(result: DrawResult) -> dict[str, Json]:
    """`results/<draw_id>.json` in an open round and in the auditor's copy: with numbers and cut-offs."""
    strata: list[Json] = []
    for item in result.strata:
        shown: dict[str, Json] = {
            "cutoff": None if item.cutoff is None else str(item.cutoff),
            "selected": _with_numbers(item.selected),
            "backups": _with_numbers(item.backups),
        }
        strata.append({**_stratum(item), **shown})
    return {"draw_id": result.draw_id, "strata": strata}


def public_result_file(result: DrawResult) -> dict[str, Json]:
    """`results/<draw_id>.json` in a sealed round's public copy: the drawn in id order, nothing else."""
    ids = result.selected()
    return {"draw_id": result.draw_id, "n": len(ids), "selected": ids}


def _with_numbers(drawn: Sequence[Drawn]) -> list[Json]:
    return [{"target_id": item.target_id, "u": str(item.u)} for item in drawn]


def _stratum(result: StratumResult) -> dict[str, Json]:
    found: dict[str, Json] = {
        "stratum": result.stratum,
        "N": result.rows,
        "n": result.n,
        "pi_cond": as_text(result.pi_cond),
        "pi_design": as_text(result.pi_design),
        "selected": [item.target_id for item in result.selected],
        "backups": [item.target_id for item in result.backups],
    }
    if result.parts is not None:
        split = result.parts
        found |= {"N0": split.rows0, "N1": split.rows1, "n0": split.n0, "n1": split.n1}
        found |= {"pi_design0": as_text(split.pi_design0), "pi_design1": as_text(split.pi_design1)}
    return found
