"""From secrets and public entropy to the round's keys, its seals and its assurance level (section 3)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from optimizer.errors import Refused, refuse
from scheduler.encoding import Json, canonical_json, lp, text_fault
from scheduler.manifest import EntropySource, Manifest
from scheduler.suite import Suite

SECRET_SIZE: Final = 32
PUBLIC_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class RoundKeys:
    """The round's keys, 32 bytes each, one for each use of the seed."""

    suite: Suite
    prk: bytes
    numbers: bytes
    sizes: bytes
    inspectors: bytes
    seal: bytes

    def own(self, draw_id: str) -> bytes:
        """The number key of a draw with a stream of its own."""
        return self.suite.mac(self.prk, lp("DR1/key", "numbers", draw_id))


def commitment(suite: Suite, round_id: str, party: str, secret: bytes) -> bytes:
    """What binds a party to its secret of 32 bytes."""
    _check_size(party, secret)
    return suite.hash(lp("DR1/commit", round_id, party, secret))


def salt_commitment(suite: Suite, round_id: str, salt_key: bytes) -> bytes:
    """What binds a sealed round to its salt key of 32 bytes."""
    _check_size("K_salt", salt_key)
    return suite.hash(lp("DR1/salt", round_id, salt_key))


def entropy_bytes(encoding: str, value: str) -> bytes:
    """The bytes of a public value: `utf8` the text's, `hex` (lower-case, even) the decoded ones.

    Raises Refused `entropy.encoding`.
    """
    if encoding == "utf8" and value and text_fault(value) is None:
        return value.encode()
    if encoding == "hex" and value and len(value) % 2 == 0 and not value.strip("0123456789abcdef"):
        return bytes.fromhex(value)
    raise refuse(
        "entropy.encoding",
        f"公共随机值“{value}”不合编码 {encoding}。",
        f"Public value {value!r} is not in encoding {encoding}.",
        "utf8 为规范文本；hex 为偶数个小写十六进制数字。",
        "utf8 is text under the rule for values; hex is an even number of lower-case hexadecimal digits.",
        encoding=encoding,
        value=value,
    )


def decoded(sources: Sequence[EntropySource], values: Mapping[str, str]) -> tuple[tuple[str, bytes], ...]:
    """Pair each source's id with its bytes, in manifest order. Raises Refused `entropy.sources`."""
    _check_same(
        "entropy.sources", "公共随机来源", "public sources", {source.id for source in sources}, set(values)
    )
    return tuple((source.id, entropy_bytes(source.encoding, values[source.id])) for source in sources)


def check_unused(sources: Iterable[EntropySource], used: Collection[str]) -> None:
    """Raise Refused `entropy.used` where a source's id served an earlier round."""
    for source in sources:
        if source.id in used:
            raise refuse(
                "entropy.used",
                f"公共随机来源“{source.id}”已经用过。",
                f"Public source {source.id!r} has been used before.",
                "请换一个尚未产生的来源，例如下一期开奖。",
                "Name a source whose value does not exist yet, such as the next issue.",
                source=source.id,
            )


def check_secrets(manifest: Manifest, secrets: Mapping[str, bytes]) -> None:
    """Raise Refused `secret.*` unless the secrets are exactly those of the commitments."""
    wanted = {entry.party: entry.commitment for entry in manifest.commitments}
    _check_same("secret.parties", "承诺方", "parties", set(wanted), set(secrets))
    for party, secret in secrets.items():
        if commitment(manifest.algorithms, manifest.round_id, party, secret).hex() != wanted[party]:
            raise refuse(
                "secret.commitment",
                f"{party} 提交的秘密与其承诺不符。",
                f"The secret of {party} does not match its commitment.",
                "请由该方重新提交当初承诺的秘密。",
                "That party has to supply the secret it committed to.",
                party=party,
            )


def check_salt(manifest: Manifest, salt_key: bytes | None) -> None:
    """Raise Refused `secret.salt` unless a sealed round has its salt key and an open one none."""
    if salt_key is None or manifest.salt_commitment is None:
        matches = salt_key is None and manifest.salt_commitment is None
    else:
        found = salt_commitment(manifest.algorithms, manifest.round_id, salt_key)
        matches = found.hex() == manifest.salt_commitment
    if not matches:
        raise refuse(
            "secret.salt",
            "盐密钥与承诺书中的承诺不符。",
            "The salt key does not match the manifest's commitment.",
            "保密轮次须提供当初承诺的盐密钥，公开轮次不得提供。",
            "A sealed round needs the salt key it committed to; an open one has none.",
        )


def derive_keys(manifest: Manifest, secrets: Mapping[str, bytes], entropy: Mapping[str, str]) -> RoundKeys:
    """Derive the round's keys from party → secret and source id → value as text.

    Raises Refused `secret.*` or `entropy.*` unless both are exactly what the manifest announces.
    """
    check_secrets(manifest, secrets)
    suite = manifest.algorithms
    parts: list[bytes | str] = ["DR1/ikm"]
    for party in sorted(secrets, key=str.encode):
        parts += (party, secrets[party])
    parts.append("DR1/entropy")
    for source_id, value in decoded(manifest.entropy, entropy):
        parts += (source_id, value)
    prk = suite.mac(manifest.manifest_hash(suite), lp(*parts))
    names = ("numbers", "sizes", "inspectors", "seal")
    return RoundKeys(suite, prk, *(suite.mac(prk, lp("DR1/key", name)) for name in names))


def seats_key(keys: RoundKeys, plan_hash: bytes, entropy_seats: Sequence[tuple[str, bytes]]) -> bytes:
    """Key of the inspector lottery; `entropy_seats` as `decoded(manifest.entropy_seats, values)` gives them."""
    parts: list[bytes | str] = ["DR1/seats", plan_hash]
    for source_id, value in entropy_seats:
        parts += (source_id, value)
    return keys.suite.mac(keys.inspectors, lp(*parts))


def seal(keys: RoundKeys, result: Json, salt_key: bytes | None = None) -> bytes:
    """Hiding commitment to the result array of section 6; with the salt key in a sealed round."""
    blinds = (keys.seal,) if salt_key is None else (keys.seal, keys.suite.mac(salt_key, lp("seal")))
    return keys.suite.hash(lp("DR1/seal", *blinds, canonical_json(result)))


def plan_commitment(keys: RoundKeys, plan_hash: bytes) -> bytes:
    """Hiding commitment to the plan, logged before the second entropy exists."""
    return keys.suite.hash(lp("DR1/plan", keys.seal, plan_hash))


def seats_seal(keys: RoundKeys, assignment: Json) -> bytes:
    """Hiding commitment to the seats' assignment."""
    return keys.suite.hash(lp("DR1/seats-seal", keys.seal, canonical_json(assignment)))


def assurance(manifest: Manifest, made_by_service: Collection[str] = ()) -> int:
    """Assurance level 0, 1 or 2, printed with every result.

    0: one party's secret only. 1: secrets of two or more parties. 2: also at least 64 bits of public entropy
    after T0. Parties whose secrets the service made count as one; a round marked `demo` is 0.
    """
    if manifest.extra.get("demo"):
        return 0
    parties = {entry.party for entry in manifest.commitments}
    independent = len(parties - set(made_by_service)) + bool(parties & set(made_by_service))
    if independent < 2:
        return 0
    return 2 if sum(source.bits for source in manifest.entropy) >= PUBLIC_BITS else 1


def _check_size(name: str, secret: bytes) -> None:
    if len(secret) != SECRET_SIZE:
        raise refuse(
            "secret.size",
            f"{name} 的秘密有 {len(secret)} 字节，应为 32 字节。",
            f"The secret of {name} has {len(secret)} bytes where 32 are needed.",
            "请用操作系统的随机源重新生成。",
            "Make it anew from the operating system's generator.",
            party=name,
        )


def _check_same(code: str, zh: str, en: str, wanted: set[str], given: set[str]) -> None:
    if wanted == given:
        return
    missing, foreign = sorted(wanted - given), sorted(given - wanted)
    raise _mismatch(code, zh, en, "、".join(missing), "、".join(foreign))


def _mismatch(code: str, zh: str, en: str, missing: str, foreign: str) -> Refused:
    return refuse(
        code,
        f"{zh}与承诺书不符：缺少“{missing}”，多出“{foreign}”。",
        f"The {en} are not the manifest's: missing {missing or 'none'}, foreign {foreign or 'none'}.",
        "请提供承诺书列出的全部各项，不多不少。",
        "Supply exactly those that the manifest lists.",
        missing=missing,
        foreign=foreign,
    )
