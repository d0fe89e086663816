"""Replacement of drawn targets: a closed list of reasons, backups strictly in order (section 8)."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from optimizer.errors import refuse
from scheduler.encoding import Json

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Handling(StrEnum):
    """What becomes of a drawn target that cannot simply be checked."""

    REPLACE = "replace"
    FINDING = "finding"
    NON_RESPONSE = "non_response"


class Reason(StrEnum):
    """The closed list. The first four are not in the population; the rest never call a backup."""

    DEREGISTERED = "deregistered"
    REVOKED = "revoked"
    MOVED_AWAY = "moved_away"
    DUPLICATE = "duplicate"
    NOT_CONTACTED = "not_contacted"
    REFUSED = "refused"
    POSTPONED = "postponed"


CHINESE: Final = {
    Reason.DEREGISTERED: "注销",
    Reason.REVOKED: "吊销",
    Reason.MOVED_AWAY: "迁出",
    Reason.DUPLICATE: "重复",
    Reason.NOT_CONTACTED: "通过登记的住所（经营场所）无法联系",
    Reason.REFUSED: "拒绝检查",
    Reason.POSTPONED: "延期",
}
_OTHERWISE: Final = {
    Handling.FINDING: ("属于检查发现", "a finding"),
    Handling.NON_RESPONSE: ("记为无应答，保留在分母中", "a non-response and stays in the denominator"),
}
_NOT_IN_POPULATION: Final = frozenset(
    {Reason.DEREGISTERED, Reason.REVOKED, Reason.MOVED_AWAY, Reason.DUPLICATE}
)


@dataclass(frozen=True, slots=True)
class Replacement:
    """The logged event: who was replaced, why, on what evidence, by which backup (None where none is left)."""

    target: str
    reason: Reason
    evidence_hash: str
    backup: str | None

    def to_json(self) -> dict[str, Json]:
        """The event's fields."""
        return {
            "target": self.target,
            "reason": self.reason.value,
            "evidence_hash": self.evidence_hash,
            "backup": self.backup,
        }


def reason_of(text: str) -> Reason:
    """The reason of that code. Raises Refused `replacement.reason`: the list is closed."""
    try:
        return Reason(text)
    except ValueError as error:
        names = " / ".join(Reason)
        raise refuse(
            "replacement.reason",
            f"“{text}”不在替换原因清单中。",
            f"{text!r} is not on the closed list of reasons.",
            f"请从清单中选择：{names}。",
            f"Choose from the list: {names}.",
            reason=text,
        ) from error


def handling(reason: Reason) -> Handling:
    """What the reason leads to: the next backup, a finding, or a non-response that stays in the denominator."""
    if reason in _NOT_IN_POPULATION:
        return Handling.REPLACE
    return Handling.FINDING if reason is Reason.NOT_CONTACTED else Handling.NON_RESPONSE


def replace(
    target: str,
    reason: Reason,
    evidence_hash: str,
    selected: Sequence[str],
    backups: Sequence[str],
    earlier: Sequence[Replacement] = (),
) -> Replacement:
    """Replace a target of one stratum by its next backup; `earlier` are that stratum's events so far, in order.

    A backup that proves not to be in the population is replaced the same way. Raises Refused `replacement.*`
    for a reason that calls no backup, a target that was not drawn or is replaced already, or no evidence.
    """
    _check_replaces(target, reason)
    _check_evidence(target, evidence_hash)
    used = [event.backup for event in earlier if event.backup is not None]
    _check_due(target, {*selected, *used}, {event.target for event in earlier})
    _check_order(used, backups)
    following = backups[len(used)] if len(used) < len(backups) else None
    return Replacement(target, reason, evidence_hash, following)


def _check_replaces(target: str, reason: Reason) -> None:
    kind = handling(reason)
    if kind is Handling.REPLACE:
        return
    zh, en = _OTHERWISE[kind]
    raise refuse(
        "replacement.not_replaced",
        f"“{CHINESE[reason]}”不启用候补：{zh}。",
        f"Reason {reason.value!r} calls no backup: it is {en}.",
        "请登记为该检查的结果。",
        "Record it as the result of the check.",
        target=target,
        reason=reason.value,
    )


def _check_evidence(target: str, evidence_hash: str) -> None:
    if not _DIGEST.fullmatch(evidence_hash):
        raise refuse(
            "replacement.evidence",
            f"替换 {target} 缺少证据摘要。",
            f"The replacement of {target} has no digest of its evidence.",
            "请附上证据文件，系统会计算其摘要。",
            "Attach the evidence; its digest is computed from it.",
            target=target,
        )


def _check_due(target: str, due: Collection[str], gone: Collection[str]) -> None:
    if target in gone:
        raise refuse(
            "replacement.twice",
            f"对象 {target} 已经替换过。",
            f"Target {target} has been replaced already.",
            "请查看替换记录。",
            "See the events of this round.",
            target=target,
        )
    if target not in due:
        raise refuse(
            "replacement.not_drawn",
            f"对象 {target} 不在该层的抽中名单或已启用的候补中。",
            f"Target {target} is neither drawn in this stratum nor a backup in use.",
            "请核对对象和抽取编号。",
            "Check the target and the draw.",
            target=target,
        )


def _check_order(used: Sequence[str], backups: Sequence[str]) -> None:
    if list(used) != list(backups[: len(used)]):
        raise refuse(
            "replacement.order",
            "以往的替换没有按候补顺序进行。",
            "The earlier replacements did not take the backups in order.",
            "候补须严格按抽取顺序启用，请核对事件记录。",
            "Backups are used strictly in order: check the logged events.",
        )
