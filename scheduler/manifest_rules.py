"""Every constraint that section 2 puts on a manifest, each refused by place with its remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from optimizer.errors import Refused, refuse
from scheduler.encoding import PPM, Json, canonical_json, text_fault
from scheduler.suite import suite

if TYPE_CHECKING:
    from scheduler.manifest import Deadlines, DrawSpec, EntropySource, Manifest, Rule

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def check_manifest(manifest: Manifest) -> None:
    """Raise Refused `manifest.*` for the first broken rule."""
    value = manifest.to_json()
    canonical_json(value, booleans=False)
    _check_texts(value, "manifest")
    _check_foreign_keys(manifest)
    suite(manifest.suite)
    _one_of("privacy", manifest.privacy, ("open", "sealed"))
    _at_least("sequence", manifest.sequence, 1)
    _check_digest("roster_hash", manifest.roster_hash)
    _check_salt(manifest)
    _check_packing(manifest.packing)
    _check_deadlines(manifest.deadlines)
    _check_commitments(manifest)
    _check_entropy(manifest)
    _check_present("draws", manifest.draws)
    _check_ascending("draws", [spec.draw_id for spec in manifest.draws])
    for spec in manifest.draws:
        _check_draw(spec, manifest.privacy == "sealed")


def broken(rule: str, place: str, zh: str, en: str, remedy_zh: str, remedy_en: str) -> Refused:
    """A refusal `manifest.<rule>` at `place`; both texts continue the place's name."""
    return refuse(
        f"manifest.{rule}", f"承诺书的 {place} {zh}。", f"{place} {en}.", remedy_zh, remedy_en, place=place
    )


def _check_texts(value: Json, place: str) -> None:
    if isinstance(value, str):
        if fault := text_fault(value):
            zh, en = f"不合文本规则：{fault[0]}", f"breaks the rule for values: {fault[1]}"
            raise broken("text", place, zh, en, "请改正该文本。", "Correct the text.")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check_texts(item, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check_texts(item, f"{place}[{index}]")


def _check_foreign_keys(manifest: Manifest) -> None:
    """An `extra` key must not hide one of the specification's."""
    holders: list[tuple[str, Mapping[str, Json], Iterable[str]]] = [
        ("manifest", manifest.extra, type(manifest).__dataclass_fields__)
    ]
    holders += [(spec.draw_id, spec.extra, type(spec).__dataclass_fields__) for spec in manifest.draws]
    for place, extra, known in holders:
        for key in extra:
            if key in known:
                zh, en = (
                    f"的附加键“{key}”与规定的键同名",
                    f"has an additional key {key!r} of a name that is taken",
                )
                raise broken("extra", place, zh, en, "请换一个键名。", "Choose another key.")


def _check_present(place: str, items: Sequence[object]) -> None:
    if not items:
        raise broken("empty", place, "不能为空", "is empty", "请至少写一项。", "Give at least one.")


def _one_of(place: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        names = " / ".join(allowed)
        raise broken(
            "choice", place, f"是“{value}”", f"is {value!r}", f"请取 {names} 之一。", f"Use one of {names}."
        )


def _at_least(place: str, value: int, least: int) -> None:
    if value < least:
        raise broken(
            "range", place, f"是 {value}", f"is {value}", f"最小为 {least}。", f"It must be at least {least}."
        )


def _check_digest(place: str, value: str | None) -> None:
    if value is None or not _DIGEST.fullmatch(value):
        zh, en = "不是 64 位小写十六进制摘要", "is not a digest of 64 lower-case hexadecimal digits"
        raise broken("digest", place, zh, en, "请填入算出的摘要。", "Put the computed digest in.")


def _check_ascending(place: str, ids: Sequence[str]) -> None:
    """Unique and ascending by UTF-8 bytes."""
    for before, after in pairwise(ids):
        if before == after:
            raise _twice(place, after)
        if before.encode() > after.encode():
            zh, en = f"中“{after}”排在“{before}”之后", f"lists {after!r} after {before!r}"
            raise broken(
                "order", place, zh, en, "请按 UTF-8 字节升序排列。", "Sort by UTF-8 bytes, ascending."
            )


def _check_unique(place: str, items: Sequence[object]) -> None:
    seen: set[object] = set()
    for item in items:
        if item in seen:
            raise _twice(place, item)
        seen.add(item)


def _twice(place: str, item: object) -> Refused:
    return broken(
        "duplicate",
        place,
        f"中“{item}”重复",
        f"holds {item!r} twice",
        "请只保留一个。",
        "Keep one of the two.",
    )


def _check_salt(manifest: Manifest) -> None:
    if manifest.privacy == "sealed":
        _check_digest("salt_commitment", manifest.salt_commitment)
    elif manifest.salt_commitment is not None:
        zh, en = "出现在公开轮次中", "stands in an open round"
        remedy = "Leave it out, or make the round sealed."
        raise broken("salt", "salt_commitment", zh, en, "请删去，或改为保密轮次。", remedy)


def _check_packing(packing: Mapping[str, Json]) -> None:
    for key, kind in (("solver", str), ("version", str), ("parameters", Mapping)):
        if not isinstance(packing.get(key), kind):
            zh, en = "缺失或类型不对", "is missing or of the wrong type"
            remedy = "Name solver, version and parameters."
            raise broken("packing", f"packing.{key}", zh, en, "请写明求解器、版本和参数。", remedy)


def _check_deadlines(deadlines: Deadlines) -> None:
    times = [
        _time(f"deadlines.{name}", value)
        for name, value in deadlines.to_json().items()
        if name in ("entropy", "sealed_result", "reveal") and isinstance(value, str)
    ]
    if times != sorted(times):
        zh, en = "先后颠倒", "are out of order"
        remedy = "Order them: entropy, sealed_result, reveal."
        raise broken("deadlines", "deadlines", zh, en, "应依次为公共随机、封存、公开。", remedy)


def _time(place: str, value: str) -> datetime:
    try:
        if _TIME.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    raise broken(
        "time",
        place,
        f"“{value}”不是 RFC 3339 时间",
        f"{value!r} is not a time of RFC 3339 with its offset",
        "例如 2027-01-04T15:00:00+08:00。",
        "For example 2027-01-04T15:00:00+08:00.",
    )


def _check_commitments(manifest: Manifest) -> None:
    _check_present("commitments", manifest.commitments)
    _check_ascending("commitments", [entry.party for entry in manifest.commitments])
    for entry in manifest.commitments:
        _check_digest(f"commitments.{entry.party}", entry.commitment)
    _check_unique("commitments", [entry.commitment for entry in manifest.commitments])


def _check_entropy(manifest: Manifest) -> None:
    _check_present("entropy", manifest.entropy)
    _check_unique("entropy", [source.id for source in (*manifest.entropy, *manifest.entropy_seats)])
    for source in (*manifest.entropy, *manifest.entropy_seats):
        _check_source(source)


def _check_source(source: EntropySource) -> None:
    _one_of(f"entropy.{source.id}.encoding", source.encoding, ("utf8", "hex"))
    _at_least(f"entropy.{source.id}.bits", source.bits, 0)
    _check_present(f"entropy.{source.id}.rule", source.rule)


def _check_draw(spec: DrawSpec, sealed: bool) -> None:
    _check_frame_digests(spec, sealed)
    _at_least(f"{spec.draw_id}.frame_rows", spec.frame_rows, 0)
    _at_least(f"{spec.draw_id}.backups", spec.backups, 0)
    _one_of(f"{spec.draw_id}.stream", spec.stream, ("round", "own"))
    _check_draw_columns(spec)
    check_rule(f"{spec.draw_id}.default", spec.default)
    _check_unique(f"{spec.draw_id}.strata", [entry.key for entry in spec.strata])
    for entry in spec.strata:
        place = f"{spec.draw_id}.strata.{'/'.join(entry.key)}"
        check_rule(place, entry.rule)
        if len(entry.key) != len(spec.strata_by):
            zh, en = f"有 {len(entry.key)} 个值", f"has {len(entry.key)} values"
            remedy = f"Give one for each of the {len(spec.strata_by)} columns of strata_by."
            raise broken("key", place, zh, en, f"strata_by 有 {len(spec.strata_by)} 个字段，请对应。", remedy)


def _check_frame_digests(spec: DrawSpec, sealed: bool) -> None:
    wanted, unwanted = ("frame_root", "frame_hash") if sealed else ("frame_hash", "frame_root")
    digests = {"frame_hash": spec.frame_hash, "frame_root": spec.frame_root}
    _check_digest(f"{spec.draw_id}.{wanted}", digests[wanted])
    _check_digest(f"{spec.draw_id}.excluded_hash", spec.excluded_hash)
    if digests[unwanted] is not None:
        zh, en = "与轮次的保密级别不符", "does not belong to the round's privacy"
        raise broken(
            "digest", f"{spec.draw_id}.{unwanted}", zh, en, f"请只写 {wanted}。", f"Give {wanted} alone."
        )
    if spec.internal and not sealed:
        zh, en = "在公开轮次中不能有内部字段", "holds internal columns in an open round"
        remedy = "Make the round sealed, or take the internal columns out of the frame."
        raise broken(
            "internal", f"{spec.draw_id}.internal", zh, en, "请改为保密轮次，或把内部字段移出名录。", remedy
        )


def _check_draw_columns(spec: DrawSpec) -> None:
    place = spec.draw_id
    if not spec.columns or spec.columns[0] != "target_id":
        zh, en = "的第一个字段不是 target_id", "do not begin with target_id"
        raise broken(
            "columns", f"{place}.columns", zh, en, "请把 target_id 放在首位。", "Put target_id first."
        )
    for name, listed in (
        ("columns", spec.columns),
        ("internal", spec.internal),
        ("strata_by", spec.strata_by),
    ):
        _check_unique(f"{place}.{name}", listed)
    for name in (*spec.internal, *spec.strata_by, *(("recent",) if spec.cooldown else ())):
        if name not in spec.columns:
            zh, en = f"没有字段“{name}”", f"lacks column {name!r}"
            remedy = "Add the column to the frame, or take it out of the rules."
            raise broken(
                "columns", f"{place}.columns", zh, en, "请在名录中加入该字段，或从规则中去掉。", remedy
            )
    if "target_id" in spec.internal:
        zh, en = "含有 target_id", "holds target_id"
        raise broken(
            "internal", f"{place}.internal", zh, en, "对象代码不能保密。", "The target's id is public."
        )
    _check_cooldown(spec)


def _check_cooldown(spec: DrawSpec) -> None:
    if spec.cooldown is None:
        return
    _check_ppm(f"{spec.draw_id}.cooldown.lambda_ppm", spec.cooldown.lambda_ppm)
    if "recent" in spec.strata_by:
        zh, en = "含有 recent", "holds recent"
        remedy = "Leave recent out of strata_by: the cool-down divides each stratum itself."
        raise broken("cooldown", f"{spec.draw_id}.strata_by", zh, en, "请去掉：冷却期自会划分各层。", remedy)


def check_rule(place: str, rule: Rule) -> None:
    """Raise Refused where a rule's ratio, least, most or rounding is out of its range."""
    _check_ppm(f"{place}.ratio_ppm", rule.ratio_ppm)
    _at_least(f"{place}.min", rule.min, 0)
    _one_of(f"{place}.rounding", rule.rounding, ("ceil", "systematic"))
    if rule.max is not None and rule.min > rule.max:
        zh, en = f"的 min {rule.min} 大于 max {rule.max}", f"has min {rule.min} above max {rule.max}"
        raise broken("range", place, zh, en, "请降低 min 或提高 max。", "Lower min or raise max.")


def _check_ppm(place: str, value: int) -> None:
    if not 0 <= value <= PPM:
        zh, en = f"是 {value}", f"is {value}"
        remedy = "It is in millionths, 0 to 1000000."
        raise broken("range", place, zh, en, "单位为百万分之一，范围 0 至 1000000。", remedy)
