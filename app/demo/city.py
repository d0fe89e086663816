"""A synthetic city as the lists that a bureau would import: departments, targets, classes, inspectors, leave, recusals.

Deterministic: a size, a seed and a day give the same bytes. Some rows are dirty on purpose, as real lists are.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Protocol

from app.demo import people
from app.demo.plan import expected_checks
from app.demo.targets import CLASSES, HEADER, City, TargetRow
from app.registers import catalogue
from optimizer.progress import Progress, Silent

SIZES = {"S": 2_000, "M": 60_000, "L": 530_000}
STAGE = "city"
KINDS = {
    "企业": "firm",
    "个体工商户": "sole_trader",
    "项目": "project",
    "产品": "product",
    "场所": "premises",
}
_DEPARTMENTS = ("部门编号", "部门名称", "部门英文名称", "职能领域")
_HISTORY = ("对象编号", "信用风险分类", "分类日期", "来源")
_DIRT_EVERY = 97
_HISTORY_EVERY = 10
_SAMPLE_EVERY = 53


class Writer(Protocol):
    """What `csv.writer` gives."""

    def writerow(self, row: Iterable[str], /) -> object:
        """Write one row."""


@dataclass(frozen=True, slots=True)
class CityFiles:
    """The lists in the order in which they are to be imported, and what is in them.

    `counts`: rows of each list; `dirt`: rows damaged on purpose, by sort; `checks`: expected checks per department.
    """

    departments: Path
    targets: Path
    credit: Path
    inspectors: Path
    leave: Path
    recusals: Path
    counts: dict[str, int]
    dirt: dict[str, int]
    checks: dict[str, float]

    @property
    def paths(self) -> tuple[Path, ...]:
        """All lists, in the order of import."""
        return self.departments, self.targets, self.credit, self.inspectors, self.leave, self.recusals


@dataclass(slots=True)
class _Tally:
    """What the targets' list held."""

    rules: Counter[tuple[tuple[str, ...], str]] = field(default_factory=Counter)
    dirt: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    history: int = 0
    sample: list[str] = field(default_factory=list)


def write_city(
    directory: Path, size: str, seed: int, today: date, progress: Progress | None = None
) -> CityFiles:
    """Write the lists of a city of `size` (S, M or L) into `directory`; `today` is the day they are made for."""
    directory.mkdir(parents=True, exist_ok=True)
    named = {name: directory / f"{name}.csv" for name in CityFiles.__annotations__ if name not in _FIGURES}
    tally = _targets(named["targets"], named["credit"], size, seed, today, progress or Silent())
    checks = expected_checks(size, tally.rules)
    counts = {"targets": tally.rows, "credit": tally.history}
    counts["departments"] = _write(named["departments"], _DEPARTMENTS, _departments())
    roster = people.Roster(seed + 1, today)
    officers = list(roster.officers(people.numbers(checks)))
    counts["inspectors"] = _write(
        named["inspectors"], people.INSPECTORS, (officer.row for officer in officers)
    )
    counts["leave"] = _write(named["leave"], people.LEAVE, roster.leave(officers))
    counts["recusals"] = _write(named["recusals"], people.RECUSALS, roster.recusals(officers, tally.sample))
    return CityFiles(**named, counts=counts, dirt=dict(tally.dirt), checks=checks)


_FIGURES = ("counts", "dirt", "checks")


@contextmanager
def _list(path: Path, header: Sequence[str]) -> Iterator[Writer]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        yield writer


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    count = 0
    with _list(path, header) as writer:
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def _departments() -> Iterator[tuple[str, ...]]:
    for code, row in catalogue.departments().items():
        yield code, row["zh"], row["en"], row["role"]


def _targets(path: Path, credit: Path, size: str, seed: int, today: date, progress: Progress) -> _Tally:
    tally, city, count = _Tally(), City(size, seed, today), SIZES[size]
    earlier = (today - timedelta(days=700)).isoformat()
    with _list(path, HEADER) as rows, _list(credit, _HISTORY) as history:
        for number, (row, rules) in enumerate(city.rows(count)):
            if number % _DIRT_EVERY == _DIRT_EVERY - 1:
                _write_dirt(rows, row, number // _DIRT_EVERY, tally)
                continue
            rows.writerow(row)
            tally.rows += 1
            if row.status == "存续":
                tally.rules[rules, row.credit] += 1
            if number % _SAMPLE_EVERY == 0:
                tally.sample.append(row.target_id)
            if number % _HISTORY_EVERY == 0:
                tally.history += 1
                history.writerow((row.target_id, _other(row.credit, number), earlier, "上一次分类"))
            if number % 20_000 == 0:
                progress.step(STAGE, number, count)
    progress.step(STAGE, count, count)
    return tally


def _other(credit: str, number: int) -> str:
    """An earlier class: mostly a neighbour of today's."""
    place = CLASSES.index(credit)
    return CLASSES[max(0, min(len(CLASSES) - 1, place + (1 if number % 3 else -1)))]


def _write_dirt(writer: Writer, row: TargetRow, turn: int, tally: _Tally) -> None:
    """One row damaged as real lists are; every tenth is written twice instead. Some are refused, some corrected."""
    sort = _DIRT[turn % len(_DIRT)]
    if not row.code:
        sort = "duplicate"
    tally.dirt[sort] += 1
    for dirty in _damaged(row, sort):
        writer.writerow(dirty)
        tally.rows += 1


_DIRT = (
    "missing_code",
    "check_character",
    "full_width",
    "short_code",
    "duplicate",
    "hidden_character",
    "swapped_place",
    "lower_case",
    "unknown_district",
    "future_date",
)
_WIDE = {ord(c): ord(c) + 0xFEE0 for c in "0123456789"}


def _damaged(row: TargetRow, sort: str) -> tuple[TargetRow, ...]:
    code = row.code
    wrong = code[:-1] + ("1" if code[-1:] != "1" else "2")
    changed: dict[str, TargetRow] = {
        "missing_code": row._replace(code="", target_id=""),
        "check_character": row._replace(code=wrong, target_id=""),
        "full_width": row._replace(code=code.translate(_WIDE), target_id=""),
        "short_code": row._replace(code=code[:-1], target_id=""),
        "hidden_character": row._replace(name=f"{row.name[:2]}\u200b{row.name[2:]}"),
        "swapped_place": row._replace(longitude="43.821000", latitude="87.612000"),
        "lower_case": row._replace(code=code.lower(), target_id=""),
        "unknown_district": row._replace(district="东城区"),
        "future_date": row._replace(registered_on="2099-01-01"),
    }
    return (row, row) if sort == "duplicate" else (changed[sort],)
