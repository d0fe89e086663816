"""The number of each target (section 4): a keyed digest, shared by the draws of a round."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scheduler.encoding import be64, lp
from scheduler.suite import DIGEST_SIZE, KeyedMac, Suite

Numbers = NDArray[np.uint64]
Digests = Callable[[Sequence[bytes]], list[bytes]]

_CHUNK: Final = 32_768
_HEAD: Final = np.dtype([("head", ">u8"), ("rest", f"V{DIGEST_SIZE - 8}")])


def number_of(suite: Suite, number_key: bytes, target_id: str, salt_key: bytes | None = None) -> bytes:
    """D of one target, 32 bytes; with the salt key as a sealed round has it."""
    if salt_key is None:
        return suite.mac(number_key, lp(target_id))
    return suite.mac(number_key, lp(target_id, suite.mac(salt_key, lp("number", target_id))))


def u_numbers(suite: Suite, number_key: bytes, ids: Sequence[str], salt_key: bytes | None = None) -> Numbers:
    """u64(D) of every target, in order. Full digests are kept for one chunk at a time only."""
    give = (
        _open_digests(suite, number_key) if salt_key is None else _sealed_digests(suite, number_key, salt_key)
    )
    numbers = np.empty(len(ids), dtype=np.uint64)
    for start in range(0, len(ids), _CHUNK):
        chunk = list(map(str.encode, ids[start : start + _CHUNK]))
        heads = np.frombuffer(b"".join(give(chunk)), dtype=_HEAD)["head"]
        numbers[start : start + len(chunk)] = heads
    return numbers


def _digests(
    mac: KeyedMac, ids: Sequence[bytes], messages: Sequence[bytes], head: bytes = b""
) -> list[bytes]:
    """MAC(head ‖ be64(len id) ‖ message) of each id and its message; ids of one length share a prepared MAC."""
    lengths = set(map(len, ids))
    if len(lengths) == 1:
        return mac.prefixed(head + be64(lengths.pop())).many(messages)
    places: defaultdict[int, list[int]] = defaultdict(list)
    for place, length in enumerate(map(len, ids)):
        places[length].append(place)
    digests = [b""] * len(ids)
    for length, group in places.items():
        results = mac.prefixed(head + be64(length)).many(map(messages.__getitem__, group))
        for place, digest in zip(group, results, strict=True):
            digests[place] = digest
    return digests


def _open_digests(suite: Suite, number_key: bytes) -> Digests:
    mac = suite.mac_stream(number_key)
    return lambda ids: _digests(mac, ids, ids)


def _sealed_digests(suite: Suite, number_key: bytes, salt_key: bytes) -> Digests:
    number_mac, salt_mac = suite.mac_stream(number_key), suite.mac_stream(salt_key)
    head, join = lp("number"), be64(DIGEST_SIZE)

    def give(ids: Sequence[bytes]) -> list[bytes]:
        salts = _digests(salt_mac, ids, ids, head)
        return _digests(
            number_mac, ids, [b"".join((target, join, salt)) for target, salt in zip(ids, salts, strict=True)]
        )

    return give
