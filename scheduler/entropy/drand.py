"""A drand round fixed in advance: its BLS signature verified, its randomness SHA-256 of that signature.

Two networks are known: quicknet (signatures on G1, unchained) and the default network, here mainnet (signatures on
G2, each over the one before). Sources: drand protocol specification; RFC 9380 for hashing to the curve.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib import import_module
from threading import Lock
from typing import Any, Final

from optimizer.errors import Refused, refuse
from scheduler.encoding import be64
from scheduler.manifest import EntropySource

BITS: Final = 256
RULE: Final = (
    "randomness of the round, 64 lower-case hex digits; example "
    "'fc1873a13f3545aeade8401532ef5519920652eee6b0d2b19ca12643b87b3587' for quicknet 657413"
)
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})+")
_NAMED: Final = re.compile("drand (quicknet|mainnet) ([1-9][0-9]*)")

Point = (
    Any  # py_ecc annotates the two groups apart and exports nothing explicitly, so its parts enter untyped
)

_LOADING: Final = Lock()


@cache
def _loaded(name: str) -> Any:
    """A module of py_ecc, from the first beacon on, for it computes its tables as it loads.

    Without its side effect: importing it lifts Python's recursion limit to 100,000, and with that limit a few
    kilobytes of nested JSON would crash the process. Nothing here recurses so deep. One thread at a time, lest another
    take the lifted limit for the one to go back to.
    """
    with _LOADING:
        limit = sys.getrecursionlimit()
        try:
            return import_module(f"py_ecc.{name}")
        finally:
            sys.setrecursionlimit(limit)


def _curve() -> Any:
    return _loaded("optimized_bls12_381")


def _points() -> Any:
    return _loaded("bls.g2_primitives")


@dataclass(frozen=True, slots=True)
class Network:
    """A drand network: group key, where signatures live, whether rounds are chained, and its timetable."""

    name: str
    public_key: str
    signatures_on: str
    chained: bool
    domain: bytes
    genesis: int
    period: int

    @property
    def signature_size(self) -> int:
        """Bytes of a compressed signature."""
        return 48 if self.signatures_on == "G1" else 96

    def time_of(self, round_number: int) -> datetime:
        """When a round is published; round 1 at genesis."""
        return datetime.fromtimestamp(self.genesis + (round_number - 1) * self.period, UTC)

    def round_after(self, moment: datetime) -> int:
        """The first round published strictly after `moment`: what a manifest may name."""
        return max(1, (int(moment.timestamp()) - self.genesis) // self.period + 2)


QUICKNET: Final = Network(
    "quicknet",
    "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451"
    "0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a",
    "G1",
    False,
    b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_",
    1692803367,
    3,
)
MAINNET: Final = Network(
    "mainnet",
    "868f005eb8e6e4ca0a47c8a77ceaa5309a47978a7c71bc5cce96366b5d7a569937c529eeda66c7293784a9402801af31",
    "G2",
    True,
    b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_",
    1595431050,
    30,
)
NETWORKS: Final = {network.name: network for network in (QUICKNET, MAINNET)}


@dataclass(frozen=True, slots=True)
class Beacon:
    """A published round: hex signature, and on a chained network the signature before it."""

    round_number: int
    signature: str
    previous_signature: str | None = None


def drand_source(network: Network, round_number: int) -> EntropySource:
    """The source of one round, 256 bits. Raises Refused `entropy.drand_round`."""
    if round_number < 1:
        raise _bad(
            "entropy.drand_round", f"轮次号是 {round_number}", f"round {round_number} does not exist", network
        )
    return EntropySource(f"drand {network.name} {round_number}", "hex", RULE, BITS)


def published_at(source: EntropySource) -> datetime | None:
    """When the drand round that a source names is published; None for a source of another kind."""
    match = _NAMED.fullmatch(source.id)
    return NETWORKS[match[1]].time_of(int(match[2])) if match else None


def require_ahead(sources: Iterable[EntropySource], now: datetime) -> None:
    """Refuse a drand round that is out at `now`: a value that somebody can know is no entropy (`entropy.drand_out`)."""
    for source in sources:
        at = published_at(source)
        if at is not None and at <= now:
            raise refuse(
                "entropy.drand_out",
                f"{source.id} 已于 {at:%Y-%m-%d %H:%M:%S} UTC 产生，其值人人可知，不能再作公共随机源。",
                f"{source.id} has been out since {at:%Y-%m-%d %H:%M:%S} UTC: anybody can know its value.",
                "请作废本批次，在计划中改用尚未产生的轮次（不写轮次则由冻结时确定），再建下一序号。",
                "Void the round; let the plan name a later drand round, or none (the freeze then fixes one).",
                source=source.id,
            )


def verified_randomness(network: Network, beacon: Beacon) -> str:
    """Randomness of a beacon, 64 lower-case hex digits, after its signature was verified against the group key.

    Raises Refused `entropy.drand_*` for a malformed beacon or a signature that is not the network's for this round.
    """
    drand_source(network, beacon.round_number)
    signature = _decoded(network, beacon.signature)
    message = _message(network, beacon)
    try:
        valid = _verifies(network, message, signature)
    except (ValueError, AssertionError) as error:
        raise _bad(
            "entropy.drand_point", "签名不是曲线上的点", "the signature is no point of its curve", network
        ) from error
    if not valid:
        zh, en = "签名与该轮次和网络公钥不符", "the signature is not the network's for this round"
        raise _bad("entropy.drand_signature", zh, en, network)
    return hashlib.sha256(signature).hexdigest()


def _message(network: Network, beacon: Beacon) -> bytes:
    number = be64(beacon.round_number)
    if not network.chained:
        return hashlib.sha256(number).digest()
    if beacon.previous_signature is None:
        raise _bad("entropy.drand_chain", "缺少前一轮签名", "the signature before it is missing", network)
    return hashlib.sha256(_decoded(network, beacon.previous_signature) + number).digest()


def _decoded(network: Network, text: str) -> bytes:
    if not _HEX.fullmatch(text) or len(text) != 2 * network.signature_size:
        zh, en = (
            "签名长度或字符不对",
            f"a signature is {2 * network.signature_size} lower-case hexadecimal digits",
        )
        raise _bad("entropy.drand_format", zh, en, network)
    return bytes.fromhex(text)


def _verifies(network: Network, message: bytes, signature: bytes) -> bool:
    """e(H(m), key) = e(signature, generator), whichever group holds which; raises ValueError off the curve."""
    key = _group_key(network.public_key)
    point = _point(signature)
    curve, hashing = _curve(), _loaded("bls.hash_to_curve")
    if curve.is_inf(point) or not _points().subgroup_check(point):
        raise ValueError("outside the prime-order subgroup")
    if network.signatures_on == "G1":
        hashed = hashing.hash_to_G1(message, network.domain, hashlib.sha256)
        return _product_is_one(((key, hashed), (curve.neg(curve.G2), point)))
    hashed = hashing.hash_to_G2(message, network.domain, hashlib.sha256)
    return _product_is_one(((hashed, key), (point, curve.neg(curve.G1))))


def _product_is_one(pairs: tuple[tuple[Point, Point], ...]) -> bool:
    """Tell whether the product of e(P, Q) over (Q on G2, P on G1) is 1; one final exponentiation for all."""
    curve = _curve()
    product = curve.FQ12.one()
    for on_g2, on_g1 in pairs:
        product = product * curve.pairing(on_g2, on_g1, final_exponentiate=False)
    return bool(curve.final_exponentiate(product) == curve.FQ12.one())


def _point(data: bytes) -> Point:
    """A compressed point of G1 (48 bytes) or G2 (96); raises ValueError where there is none."""
    return _points().pubkey_to_G1(data) if len(data) == 48 else _points().signature_to_G2(data)


@lru_cache(maxsize=len(NETWORKS))
def _group_key(text: str) -> Point:
    return _point(bytes.fromhex(text))


def _bad(code: str, zh: str, en: str, network: Network) -> Refused:
    return refuse(
        code,
        f"drand {network.name}：{zh}。",
        f"drand {network.name}: {en}.",
        "请从另一个 drand 节点重新取该轮次，并核对轮次号。",
        "Fetch that very round again, from another drand node, and check its number.",
        network=network.name,
    )
