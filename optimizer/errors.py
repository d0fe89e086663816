"""The one error that the pure packages raise for input that a rule forbids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Param = str | int | None


@dataclass(frozen=True, slots=True)
class Problem:
    """A broken rule, said to a person: what, where, and what to do about it.

    `code` is stable and machine-readable (`frame.duplicate_id`); `params` name the row, field or value.
    """

    code: str
    zh: str
    en: str
    remedy_zh: str = ""
    remedy_en: str = ""
    params: Mapping[str, Param] = field(default_factory=lambda: MappingProxyType({}))

    def __reduce__(self) -> tuple[type[Problem], tuple[object, ...]]:
        return Problem, (self.code, self.zh, self.en, self.remedy_zh, self.remedy_en, dict(self.params))


class Refused(Exception):  # noqa: N818  a refusal is the field's word: the input is refused, nothing failed
    """Raised when input breaks a rule. Survives pickling, so a process pool hands it on unchanged."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.problem.code}: {self.problem.en} {self.problem.remedy_en}".rstrip()


def refuse(code: str, zh: str, en: str, remedy_zh: str = "", remedy_en: str = "", **params: Param) -> Refused:
    """Build the refusal to raise: `raise refuse("frame.bad_id", "…", "…", row=7)`."""
    return Refused(Problem(code, zh, en, remedy_zh, remedy_en, params))
