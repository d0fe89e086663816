"""The merged checklist of a visit: what several items ask alike is asked once, each department knows its questions."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

from app.registers.tables import CheckItem

_FILE: Final = Path(__file__).parent / "data" / "questions.toml"


@dataclass(frozen=True, slots=True)
class Question:
    """One question, with the items (`code@version`) that ask it and the departments whose items they are."""

    code: str
    zh: str
    en: str
    items: tuple[str, ...]
    departments: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As a visit keeps it."""
        return {**asdict(self), "items": list(self.items), "departments": list(self.departments)}


@dataclass(frozen=True, slots=True)
class Shared:
    """A question that several items ask alike; `items`: codes, or patterns with `*`."""

    code: str
    zh: str
    en: str
    items: tuple[str, ...]

    def asked_by(self, item: str) -> bool:
        """Whether an item of that code asks it."""
        return any(fnmatchcase(item, pattern) for pattern in self.items)


@cache
def shared_questions() -> tuple[Shared, ...]:
    """The packaged questions."""
    rows = tomllib.loads(_FILE.read_text(encoding="utf-8"))["question"]
    return tuple(Shared(row["code"], row["zh"], row["en"], tuple(row["items"])) for row in rows)


def merged(
    wanted: Mapping[str, Iterable[str]], catalogue: Mapping[str, CheckItem], shared: Iterable[Shared] = ()
) -> list[Question]:
    """The questions of a visit: `wanted` are each department's item versions (`code@version`).

    Shared questions come first, then each item's own; every code stands there once.
    """
    asked: dict[str, tuple[str, str, list[str], list[str]]] = {}
    pairs = [(name, department) for department in sorted(wanted) for name in wanted[department]]
    for question in shared:
        for name, department in pairs:
            if question.asked_by(name.partition("@")[0]):
                _add(asked, (question.code, question.zh, question.en), name, department)
    for name, department in pairs:
        item = catalogue.get(name)
        code = name.partition("@")[0]
        zh = (item.content or item.title_zh) if item else code
        _add(asked, (code, zh, (item.title_en or zh) if item else code), name, department)
    return [
        Question(code, zh, en, tuple(dict.fromkeys(items)), tuple(dict.fromkeys(departments)))
        for code, (zh, en, items, departments) in asked.items()
    ]


def _add(
    asked: dict[str, tuple[str, str, list[str], list[str]]],
    question: tuple[str, str, str],
    item: str,
    department: str,
) -> None:
    code, zh, en = question
    _, _, items, departments = asked.setdefault(code, (zh, en, [], []))
    items.append(item)
    departments.append(department)


def of_department(checklist: Iterable[Mapping[str, Any]], department: str) -> list[Mapping[str, Any]]:
    """A department's questions of a kept checklist, in order."""
    return [question for question in checklist if department in question["departments"]]
