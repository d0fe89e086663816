"""The trades of the synthetic city: what its businesses do, as a pool of business scopes per trade."""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "trades.toml"
POOL = 160
"""Scopes per trade: enough variety to look real, few enough that every one is read only once when tagging."""


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade with its weights among firms and sole traders, the words of its names and its scopes."""

    trade: str
    firm: int
    sole: int
    nouns: tuple[str, ...]
    shops: tuple[str, ...]
    core: tuple[str, ...]
    extras: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Thing:
    """A kind of project, product or premises."""

    kind: str
    prefix: str
    weight: int
    trade: str
    names: tuple[str, ...]


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


@cache
def trades() -> tuple[Trade, ...]:
    """All trades, in the file's order."""
    return tuple(
        Trade(
            row["trade"],
            row["firm"],
            row["sole"],
            tuple(row["nouns"]),
            tuple(row["shops"]),
            tuple(row["core"]),
            tuple(row["extras"]),
        )
        for row in _file()["trade"]
    )


@cache
def things() -> tuple[Thing, ...]:
    """All kinds of projects, products and premises."""
    return tuple(
        Thing(row["kind"], row["prefix"], row["weight"], row["trade"], tuple(row["names"]))
        for row in _file()["thing"]
    )


def scopes(trade: Trade, sole: bool, rng: random.Random) -> tuple[str, ...]:
    """Distinct business scopes of a trade. A sole trader's is short; a firm's has wares and now and then a trap."""
    return tuple(sorted({_scope(trade, sole, rng) for _ in range(POOL)}))


def _scope(trade: Trade, sole: bool, rng: random.Random) -> str:
    phrases = [rng.choice(trade.core)]
    phrases += [extra for extra in trade.extras if rng.random() < (0.1 if sole else 0.16)]
    if not sole or rng.random() < 0.15:
        phrases += rng.sample(_file()["common"], rng.choice((0, 1, 2, 3, 5) if not sole else (1,)))
        phrases += rng.sample(_file()["traps"], rng.choice((0, 0, 1, 2)))
    tail = "（依法须经批准的项目，经相关部门批准后方可开展经营活动）" if rng.random() < 0.3 else ""
    return (
        rng.choice(("，", "；", "、" if len(phrases) < 3 else "，")).join(phrases)
        + rng.choice(("", "。"))
        + tail
    )
