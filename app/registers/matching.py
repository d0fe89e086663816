"""Which rules a target meets: the pure core of "who supervises whom".

A rule's condition joins filters (kind, enterprise type, district: each must hold) with evidence (trade, words of
the business scope, words of the name: one suffices; a rule without evidence holds for all that pass the filters).
A keyword counts inside one phrase of the scope, if no `unless` word stands in that phrase and, where `with` is
given, one of its words stands in the phrase, its heading or the tail that governs the list.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from app.errors import refuse
from app.registers.scopes import Phrase, affirmed, parse, sentences

_FIELDS = ("kinds", "types", "districts", "trades", "keywords", "unless", "with", "names", "name_unless")
_CACHE_LIMIT = 200_000

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Activity:
    """A condition: filters `kinds`, `types`, `districts`; evidence `trades`, `keywords`, `names`."""

    kinds: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    districts: tuple[str, ...] = ()
    trades: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    name_unless: tuple[str, ...] = ()

    @property
    def unconditional(self) -> bool:
        """No evidence is asked for: the filters alone decide."""
        return not (self.trades or self.keywords or self.names)

    def admits(self, enterprise_type: str, kind: str, district: str) -> bool:
        """Do the filters hold? An empty filter admits all; a type is met by any of its words."""
        return (
            (not self.kinds or kind in self.kinds)
            and (not self.districts or district in self.districts)
            and (not self.types or any(word in enterprise_type for word in self.types))
        )


def activity_of(code: str, condition: Mapping[str, object]) -> Activity:
    """Read a rule's stored condition. Unknown fields and values that are not lists of text are refused."""
    lists: dict[str, tuple[str, ...]] = {}
    for field, value in condition.items():
        listed = isinstance(value, list) and all(isinstance(word, str) and word for word in value)
        if field not in _FIELDS or not listed:
            raise refuse(
                "supervision.bad_condition",
                f"监管规则 {code} 的条件“{field}”无法识别。",
                f"Supervision rule {code}: its condition “{field}” is unknown or not a list of words.",
                f"条件只能使用：{'、'.join(_FIELDS)}，值为文字列表。",
                f"Use only {', '.join(_FIELDS)}, each a list of words.",
                rule=code,
                field=field,
            )
        lists["context" if field == "with" else field] = tuple(cast("list[str]", value))
    return Activity(**lists)


def _any_of(words: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern finding, at every position, the longest of `words` that starts there (group 1)."""
    ordered = sorted(set(words), key=lambda word: (-len(word), word))
    return re.compile(f"(?=({'|'.join(map(re.escape, ordered))}))") if ordered else None


def _prefixes(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """For every word, the words that it begins with, itself included."""
    known = set(words)
    return {word: tuple(word[:n] for n in range(1, len(word) + 1) if word[:n] in known) for word in known}


class _Words:
    """An index of words to the conditions that look for them; finds all of them in one pass over a text."""

    def __init__(self, lists: Sequence[tuple[str, ...]]) -> None:
        self._owners: dict[str, list[int]] = {}
        for number, words in enumerate(lists):
            for word in words:
                self._owners.setdefault(unicodedata.normalize("NFKC", word), []).append(number)
        self._pattern = _any_of(self._owners)
        self._prefixes = _prefixes(self._owners)

    def found(self, text: str) -> set[int]:
        """Numbers of the conditions with a word in `text`."""
        if self._pattern is None:
            return set()
        longest = {match.group(1) for match in self._pattern.finditer(text)}
        return {n for word in longest for short in self._prefixes[word] for n in self._owners[short]}


class Matcher:
    """Compiled rules. Equal conditions are evaluated once; what was found in a phrase, sentence or scope is kept."""

    def __init__(self, rules: Iterable[tuple[str, Mapping[str, object]]]) -> None:
        """`rules`: (code, condition as stored). Refuses conditions it can't read."""
        numbers: dict[Activity, int] = {}
        self._codes: list[list[str]] = []
        for code, condition in sorted(rules, key=lambda rule: rule[0]):
            number = numbers.setdefault(activity_of(code, condition), len(numbers))
            if number == len(self._codes):
                self._codes.append([])
            self._codes[number].append(code)
        self._activities = list(numbers)
        self._always = frozenset(n for n, a in enumerate(self._activities) if a.unconditional)
        self._keywords = _Words([a.keywords for a in self._activities])
        self._names = _Words([a.names for a in self._activities])
        self._phrases: dict[str, frozenset[int]] = {}
        self._sentences: dict[str, frozenset[int]] = {}
        self._scopes: dict[str, frozenset[int]] = {}
        self._trades: dict[str, frozenset[int]] = {}
        self._results: dict[tuple[frozenset[int], str, str, str], tuple[str, ...]] = {}

    def matches(
        self, scope: str, trade: str, enterprise_type: str, kind: str, district: str, name: str
    ) -> tuple[str, ...]:
        """Codes of the rules the target meets, ascending."""
        evidence = self._of_scope(scope) | self._of_trade(trade) | self._of_name(name)
        key = (evidence, enterprise_type, kind, district)
        if (known := self._results.get(key)) is not None:
            return known
        codes = self._codes_of(evidence, enterprise_type, kind, district)
        return _remember(self._results, key, codes)

    def _codes_of(
        self, evidence: frozenset[int], enterprise_type: str, kind: str, district: str
    ) -> tuple[str, ...]:
        met = (
            n for n in evidence | self._always if self._activities[n].admits(enterprise_type, kind, district)
        )
        return tuple(sorted(code for number in met for code in self._codes[number]))

    def _of_scope(self, scope: str) -> frozenset[int]:
        if (known := self._scopes.get(scope)) is not None:
            return known
        parts = (self._of_sentence(sentence) for sentence in sentences(affirmed(scope)))
        return _remember(self._scopes, scope, frozenset[int]().union(*parts))

    def _of_sentence(self, text: str) -> frozenset[int]:
        if (known := self._sentences.get(text)) is not None:
            return known
        met = {
            number
            for phrase in parse(text)
            for number in self._of_phrase(phrase.text)
            if self._holds(self._activities[number], phrase)
        }
        return _remember(self._sentences, text, frozenset(met))

    def _of_phrase(self, phrase: str) -> frozenset[int]:
        if (known := self._phrases.get(phrase)) is not None:
            return known
        return _remember(self._phrases, phrase, frozenset(self._keywords.found(phrase)))

    @staticmethod
    def _holds(activity: Activity, phrase: Phrase) -> bool:
        if any(word in phrase.text for word in activity.unless):
            return False
        return not activity.context or any(word in phrase.around for word in activity.context)

    def _of_trade(self, trade: str) -> frozenset[int]:
        if (known := self._trades.get(trade)) is not None:
            return known
        met = (
            number
            for number, activity in enumerate(self._activities)
            if any(trade.startswith(t) if t[0].isascii() else t in trade for t in activity.trades)
        )
        return _remember(self._trades, trade, frozenset(met))

    def _of_name(self, name: str) -> frozenset[int]:
        found = self._names.found(name)
        if not found:
            return frozenset()
        return frozenset(n for n in found if not any(w in name for w in self._activities[n].name_unless))


def _remember(cache: dict[_Key, _Value], key: _Key, value: _Value) -> _Value:
    """Keep `value`; a full cache starts anew, so that memory stays flat on any register."""
    if len(cache) >= _CACHE_LIMIT:
        cache.clear()
    cache[key] = value
    return value
