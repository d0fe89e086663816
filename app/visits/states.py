"""What a check goes through, and who may not do two of its steps: the rules, without any storage.

approved → notified → arrived → recorded → reviewed → (legally reviewed) → disclosed; a proposed visit is approved
first; a return goes back to `arrived`, so that the record is made anew.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from app.errors import Conflict, Problem

PROPOSED, APPROVED, NOTIFIED, ARRIVED = "proposed", "approved", "notified", "arrived"
RECORDED, REVIEWED, LEGAL, DISCLOSED = "recorded", "reviewed", "legally_reviewed", "disclosed"
WITHDRAWN, REPLACED, VOID = "withdrawn", "replaced", "void"
STATES: Final = (
    PROPOSED, APPROVED, NOTIFIED, ARRIVED, RECORDED, REVIEWED, LEGAL, DISCLOSED, WITHDRAWN, REPLACED, VOID,
)  # fmt: skip
NAMES: Final = {
    PROPOSED: ("待审批", "proposed"),
    APPROVED: ("已审批", "approved"),
    NOTIFIED: ("已通知", "notified"),
    ARRIVED: ("已到场", "arrived"),
    RECORDED: ("已登记", "recorded"),
    REVIEWED: ("已复核", "reviewed"),
    LEGAL: ("已法制审核", "legally reviewed"),
    DISCLOSED: ("已公示", "disclosed"),
    WITHDRAWN: ("已撤下", "withdrawn"),
    REPLACED: ("已替换", "replaced"),
    VOID: ("已作废", "void"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """A step's name as people call it, the states it may be taken in, and the state it leads to."""

    zh: str
    en: str
    before: tuple[str, ...]
    after: str


STEPS: Final = {
    "approve": Step("审批", "approve", (PROPOSED,), APPROVED),
    "notify": Step("通知", "notify", (APPROVED,), NOTIFIED),
    "arrive": Step("到场", "arrive", (NOTIFIED,), ARRIVED),
    "record": Step("登记结果", "record", (ARRIVED,), RECORDED),
    "review": Step("复核", "review", (RECORDED,), REVIEWED),
    "return": Step("退回", "return", (RECORDED, REVIEWED, LEGAL), ARRIVED),
    "legal_review": Step("法制审核", "legal review", (REVIEWED,), LEGAL),
    "disclose": Step("公示", "disclose", (REVIEWED, LEGAL), DISCLOSED),
    "correct": Step("更正", "correct", (DISCLOSED,), DISCLOSED),
    "withdraw": Step("撤下", "withdraw", (DISCLOSED,), WITHDRAWN),
    "replace": Step("替换", "replace", (APPROVED, NOTIFIED, ARRIVED), REPLACED),
    "void": Step("作废", "void", (PROPOSED, APPROVED, NOTIFIED, ARRIVED, RECORDED, REVIEWED, LEGAL), VOID),
}
ON_RECORD: Final = (NOTIFIED, ARRIVED, RECORDED, REVIEWED, LEGAL, DISCLOSED, WITHDRAWN)
"""States in which a visit code is answered 有备案."""
CLOSED: Final = (DISCLOSED, WITHDRAWN, REPLACED, VOID)
"""States in which nothing is left to be published."""
OVER: Final = (RECORDED, REVIEWED, LEGAL, DISCLOSED, WITHDRAWN, REPLACED, VOID)
"""States in which the inspectors are done with the check."""


def legal_steps(state: str, legal_review: bool) -> tuple[str, ...]:
    """Steps that may be taken now, in order; disclosure waits for legal review where it is needed."""
    return tuple(name for name in STEPS if allowed(name, state, legal_review))


def allowed(name: str, state: str, legal_review: bool) -> bool:
    """Whether a step may be taken in a state."""
    if state not in STEPS[name].before:
        return False
    if name == "disclose":
        return state == (LEGAL if legal_review else REVIEWED)
    return name != "legal_review" or legal_review


def require(name: str, state: str, legal_review: bool, check: str) -> None:
    """Raise Conflict `visit.step` unless the step may be taken; the refusal names those that may."""
    if not allowed(name, state, legal_review):
        raise _illegal(name, state, legal_steps(state, legal_review), check)


def _illegal(name: str, state: str, legal: Collection[str], check: str) -> Conflict:
    zh, en = NAMES[state]
    may_zh = "、".join(STEPS[step].zh for step in legal) or "无"
    may_en = ", ".join(STEPS[step].en for step in legal) or "none"
    return Conflict(
        Problem(
            "visit.step",
            f"检查 {check} 当前为“{zh}”，不能{STEPS[name].zh}。",
            f"Check {check} is {en}; “{STEPS[name].en}” is no step that can be taken now.",
            f"现在可以：{may_zh}。",
            f"What can be done now: {may_en}.",
            {"check": check, "state": state, "step": name, "allowed": " ".join(legal)},
        )
    )


def require_other_person(
    name: str, persons: Collection[str], others: Collection[str | None], check: str
) -> None:
    """Four eyes: raise Conflict `visit.four_eyes` where the person (by any code) did another step of this check."""
    if not set(persons).intersection(others):
        return
    zh, en = STEPS[name].zh, STEPS[name].en
    raise Conflict(
        Problem(
            "visit.four_eyes",
            f"检查 {check} 的登记、复核、法制审核须由不同的人办理，您已办理过其中一步，不能再{zh}。",
            f"Recording, review and legal review of check {check} are done by different persons; you did one of them "
            f"already, so you can't do “{en}”.",
            "请由另一人办理。",
            "Have somebody else do it.",
            {"check": check, "step": name},
        )
    )
