"""Random bundles, honest and tampered, for whoever compares two verifiers.

Tampered are those of the verifier's own tests (a cheat that binds all anew), single bytes, and blind changes: any leaf
or branch of any JSON file, with the digests, and half the time the log's and the reveal's, made anew.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from app.disclosure.container import Copy
from tests.unit.scheduler.cheats import bind_manifest
from tests.unit.scheduler.round_factory import Draft, make_round
from tests.unit.scheduler.test_seats_tampered import AT, MOVES, SERVED, history, sick, weights
from tests.unit.scheduler.test_verifier_tampered import CASES
from tests.unit.scheduler.test_verifier_void import CASES as VOIDS
from tests.unit.scheduler.void_factory import AFTER, voided

BROKEN = (
    AttributeError,
    KeyError,
    IndexError,
    MemoryError,
    OverflowError,
    StopIteration,
    TypeError,
    ValueError,
)
"""What the factory stumbles over where a change went too far for it; the verifiers must not."""
COPIES: tuple[Copy, ...] = ("public", "auditor")
EXTRAS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"seat_draw": "observable"},
    {"seat_history": history(SERVED), "seat_weights": weights(SERVED)},
)


@dataclass(frozen=True)
class Made:
    """A bundle's bytes and how it was made."""

    label: str
    raw: bytes


@cache
def whole(privacy: str) -> Draft:
    """The round that the verifier's own cheats are written for."""
    return make_round(privacy)


def kept(privacy: str, after: str = "") -> Draft:
    """A copy of that round to change, voided after a step where one is named."""
    return voided(whole(privacy), after) if after else whole(privacy).copied()


def fresh(chance: random.Random) -> Draft:
    """An honest round of its own: another title is another manifest, hence another draw throughout."""
    suite = chance.choice(("DR1-HMAC-SHA256", "DR1-HMAC-SM3"))
    extra = chance.choice(EXTRAS) | {"title": f"第 {chance.randrange(10**9)} 批"}
    return make_round(chance.choice(("open", "sealed")), suite, chance.randrange(75, 110), extra=extra)


def lived(draft: Draft, chance: random.Random) -> Draft:
    """What may lawfully come of it: nothing more, an absence with its moves, or a void."""
    course = chance.randrange(4)
    if course == 0:
        return voided(draft, chance.choice(AFTER))
    found = draft.copied()
    if course == 1:
        found.absent(AT[0], sick(found, chance.randrange(len(found.docs["lottery"]["seats"])))[0])
    return found


def written(draft: Draft, folder: Path, copy_: Copy) -> bytes:
    return draft.write(folder, copy_).read_bytes()


def cheats() -> list[tuple[str, Callable[[Path], bytes]]]:
    """Every tampered bundle of the verifier's own tests, by name."""
    found: list[tuple[str, Callable[[Path], bytes]]] = []
    for case in CASES:
        cheat, _step, privacy, copy_ = case.values
        found.append((str(case.id), _of(partial(kept, privacy), cheat, copy_)))
    for case in VOIDS:
        cheat, _step, after, where = case.values
        privacy, copy_ = where.split("/")
        made = _of(partial(kept, privacy, after), cheat, copy_)
        found.append((str(case.id), made))
    found += [
        (f"{cheat.__name__}-{copy_}", _of(partial(kept, "sealed"), cheat, copy_))
        for cheat in MOVES
        for copy_ in COPIES
    ]
    return found


def _of(start: Callable[[], Draft], cheat: Callable[[Draft], None], copy_: Copy) -> Callable[[Path], bytes]:
    def make(folder: Path) -> bytes:
        draft = start()
        cheat(draft)
        return written(draft, folder, copy_)

    return make


def blind(draft: Draft, chance: random.Random) -> str:
    """Change one place of one JSON file; half the time bind what can be bound anew. Says where."""
    draft.docs, draft.public = copy.deepcopy(draft.docs), copy.deepcopy(draft.public)
    name = chance.choice(sorted(set(draft.docs) - set(draft.public)))
    where = changed(draft.docs, name, chance)
    if chance.random() < 0.5:
        with suppress(*BROKEN):
            bind_manifest(draft)
    return where


def blindly(draft: Draft, copy_: Copy, folder: Path, chance: random.Random) -> Made:
    """A bundle with one blind change; another change where the log can no longer be signed at all."""
    while True:
        own = draft.copied()
        where = blind(own, chance)
        with suppress(*BROKEN):
            return Made(f"blind {where} {copy_}", written(own, folder, copy_))


def changed(parent: Any, key: Any, chance: random.Random) -> str:
    """Go down at random and change what is there."""
    value = parent[key]
    places: list[Any] = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    if places and chance.random() < 0.93:
        place = chance.choice(places)
        return f"{key}." + changed(value, place, chance)
    parent[key] = other(value, chance)
    return str(key)


def other(value: Any, chance: random.Random) -> Any:
    """Another value, mostly of the same kind."""
    if chance.random() < 0.1:
        return chance.choice((None, True, 0, "", "x", [], {}, -1, 2**53 - 1))
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return max(value + chance.choice((-1, 1, 1000)), 0)
    if isinstance(value, str):
        place = chance.randrange(len(value) + 1)
        return value[:place] + chance.choice("0a9 .é") + value[place + chance.randrange(2) :]
    if isinstance(value, list):
        return _another_list(value, chance)
    if isinstance(value, dict) and value:
        dropped = chance.choice(list(value))
        return {key: item for key, item in value.items() if key != dropped}
    return {"more": 1}


def _another_list(value: list[Any], chance: random.Random) -> list[Any]:
    found = list(value)
    if len(found) > 1 and chance.random() < 0.5:
        one, two = chance.sample(range(len(found)), 2)
        found[one], found[two] = found[two], found[one]
    elif found and chance.random() < 0.5:
        found.pop(chance.randrange(len(found)))
    else:
        found.append(copy.deepcopy(chance.choice(found)) if found else "x")
    return found


def random_bundles(count: int, seed: int, folder: Path) -> Iterator[Made]:
    """So many: a fifth honest, a third cheats with all bound anew, a third blind changes, the rest single bytes."""
    chance = random.Random(seed)
    known = cheats()
    draft = fresh(chance)
    for place in range(count):
        if place % 10 == 9:
            draft = fresh(chance)
        copy_ = chance.choice(COPIES)
        kind = place % 6
        if kind == 0:
            yield Made("honest", written(lived(draft, chance), folder, copy_))
        elif kind in (1, 2):
            label, make = chance.choice(known)
            yield Made(label, make(folder))
        elif kind in (3, 4):
            yield blindly(lived(draft, chance), copy_, folder, chance)
        else:
            raw = bytearray(written(draft, folder, copy_))
            raw[chance.randrange(len(raw))] ^= chance.randrange(1, 256)
            yield Made("one byte", bytes(raw))
