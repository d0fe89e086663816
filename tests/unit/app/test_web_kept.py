"""Kept values: made once, by key, the oldest forgotten first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from app.web.kept import Kept


def test_a_value_is_made_once_per_key_and_the_least_used_makes_room() -> None:
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name.upper()

    kept: Kept[str] = Kept(2)
    assert [kept.get(name, partial(make, name)) for name in "abab"] == ["A", "B", "A", "B"]
    kept.get("a", lambda: make("a"))
    kept.get("c", lambda: make("c"))
    kept.get("a", lambda: make("a"))
    kept.get("b", lambda: make("b"))
    assert made == ["a", "b", "c", "b"]


def test_a_failure_is_not_kept() -> None:
    kept: Kept[int] = Kept(1)
    with pytest.raises(ZeroDivisionError):
        kept.get("x", lambda: 1 // 0)
    assert kept.get("x", lambda: 7) == 7


def test_threads_agree() -> None:
    kept: Kept[int] = Kept(3)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: kept.get(n % 5, lambda: (n % 5) ** 2), range(500)))
    assert answers == [(n % 5) ** 2 for n in range(500)]
