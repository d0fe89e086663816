"""What changed between two versions of a plan, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

NAMES: Final = ("task_id", "code", "id")
"""Fields that name an element of a list, so that one put in between changes no other."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One field: `task` names the task that it belongs to, empty for the plan's own; `field`: its path, dotted.

    `before` and `after` are as stored; None where the field was not there or held nothing.
    """

    task: str
    field: str
    before: Any
    after: Any


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Every field in which two stored documents differ, the plan's own first, then task by task."""
    before, after = dict(_fields(old)), dict(_fields(new))
    found = [
        Difference(*path, before.get(path), after.get(path))
        for path in {**before, **after}
        if before.get(path) != after.get(path)
    ]
    return sorted(found, key=lambda row: (row.task, row.field))


def _fields(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
    for task in document["tasks"]:
        yield from (((task["task_id"], path), value) for path, value in _flat("", task) if path != "task_id")
    rest = {name: value for name, value in document.items() if name != "tasks"}
    yield from ((("", path), value) for path, value in _flat("", rest))


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(f"{path}.{name}" if path else str(name), inner)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for place, inner in enumerate(value):
            name = next((str(inner[key]) for key in NAMES if key in inner), str(place))
            yield from _flat(f"{path}.{name}", inner)
    else:
        yield path, value
