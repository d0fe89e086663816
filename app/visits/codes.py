"""Results, dispositions and reasons for changes, as `data/results.toml` has them: closed lists, never a default."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from app.errors import Refused, refuse

_FILE: Final = Path(__file__).parent / "data" / "results.toml"


@dataclass(frozen=True, slots=True)
class Named:
    """A code with its names."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Disposition(Named):
    """What was done about a finding; some need legal review."""

    legal: bool = False


@dataclass(frozen=True, slots=True)
class ResultCode(Named):
    """What a check came to, and what it demands: files, attempts at contact, answers, a failed point, legal review.

    `replaced_as`: the target is not in the population, and the next backup is called for that reason.
    """

    public: bool = True
    evidence: int = 0
    attempts: int = 0
    answers: bool = False
    failed: bool = False
    legal: bool = False
    rectification: bool = False
    replaced_as: str = ""


T = TypeVar("T", bound=Named)
_DATA: Final[dict[str, list[dict[str, Any]]]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))


def _table(name: str, kind: type[T]) -> Mapping[str, T]:
    return MappingProxyType({row["code"]: kind(**row) for row in _DATA[name]})


RESULTS: Final = _table("result", ResultCode)
DISPOSITIONS: Final = _table("disposition", Disposition)
CHANGES: Final = _table("change", Named)
"""Why a disclosed result is corrected or withdrawn. The public sees the reason's code, never anybody's words."""
NO_PROBLEM: Final = "no_problem"


def result(code: str) -> ResultCode:
    """A result code. Raises Refused `result.code`."""
    return _known(RESULTS, code, "result.code", "检查结果", "result")


def disposition(code: str) -> Disposition:
    """A disposition. Raises Refused `result.disposition`."""
    return _known(DISPOSITIONS, code, "result.disposition", "处理方式", "disposition")


def change(code: str) -> Named:
    """A reason for a change. Raises Refused `result.reason`."""
    return _known(CHANGES, code, "result.reason", "更正或撤下的原因", "reason for a change")


def needs_legal_review(result_code: str, disposition_code: str) -> bool:
    """Legal review of major decisions (重大执法决定法制审核)."""
    return RESULTS[result_code].legal or DISPOSITIONS[disposition_code].legal


def _known(table: Mapping[str, T], code: str, problem: str, zh: str, en: str) -> T:
    found = table.get(code)
    if found is None:
        raise _unknown(table, code, problem, zh, en)
    return found


def _unknown(table: Mapping[str, T], code: str, problem: str, zh: str, en: str) -> Refused:
    listed = "、".join(f"{row.code}（{row.zh}）" for row in table.values())
    return refuse(
        problem,
        f"“{code}”不在{zh}的规定代码之内，也不得由系统代填。",
        f"{code!r} is no {en} on the list, and none is ever filled in by the system.",
        f"请选择：{listed}。",
        f"Choose from: {', '.join(table)}.",
        value=code,
    )
