"""What a plan may name: departments, supervision rules and check items, as facts without a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """A check item. `version` is the published one, None where there is none; `status` that of the newest version."""

    code: str
    version: int | None
    status: str
    kind: str
    departments: frozenset[str]
    officers: int
    specialties: frozenset[str]
    cap: int | None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Departments in office, active supervision rules (code to department) and all check items by code."""

    departments: frozenset[str]
    rules: Mapping[str, str]
    items: Mapping[str, ItemFacts]
    classes: tuple[str, ...]
