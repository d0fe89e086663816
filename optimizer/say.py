"""Rules and remedies as sentences, in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.relax import PLENTY, Question


@dataclass(frozen=True, slots=True)
class Said:
    """A rule or a remedy: the rule's name, and what there is to say. `amount`: by how much it is loosened."""

    name: str
    zh: str
    en: str
    amount: int = 0


RULES = {
    "day_minutes": ("工作日只有 {day} 分钟", "The working day has {day} minutes"),
    "max_entries": ("每个班组每日最多 {entries} 站", "A crew makes at most {entries} stops a day"),
    "closed_days": ("对象 {target} 的歇业日和保护日", "The days on which {target} is closed or protected"),
    "people_cap": ("对象 {target} 同时在场最多 {cap} 人", "{target} admits {cap} people at once"),
    "entries_left": ("对象 {target} 本年度只剩 {left} 次进入", "{target} has {left} entries left this year"),
    "days": ("检查 {0} 限定的日期", "The days that check {0} is allowed on"),
    "heads": ("部门 {0} 每日的人数", "The officers whom department {0} has each day"),
    "specialists": ("部门 {0} 具备“{1}”专业的人数", "The holders of specialty {1} in department {0}"),
    "forbidden": ("检查 {0} 与 {1} 不得同次进行：{why}", "Checks {0} and {1} must not share a visit: {why}"),
    "price": (
        "少进一次门的代价上限：{price} 人日",
        "What an entry less may cost: {price} inspector-days",
    ),
    "crews": ("各部门班组没有共同的空闲时间", "The departments' crews have no free time in common"),
}
REMEDIES = {
    "day_minutes": (
        "拆分检查项，或把工作日延长 {n} 分钟",
        "Split the items, or lengthen the working day by {n} minutes",
    ),
    "max_entries": ("允许每个班组每日多 {n} 站", "Allow a crew {n} more stops a day"),
    "closed_days": (
        "与对象 {target} 约定在歇业日或保护日之一进行",
        "Agree with {target} on one of those days",
    ),
    "people_cap": ("把对象 {target} 同时在场的上限提高 {n} 人", "Raise the cap of {target} by {n} people"),
    "entries_left": (
        "按豁免事由多给对象 {target} {n} 次进入，或改到下一年度",
        "Give {target} {n} more entries by an exemption, or wait for next year",
    ),
    "days": ("放宽检查 {0} 的日期", "Widen the days of check {0}"),
    "heads": (
        "在其中一天为部门 {0} 增派 {n} 人（须有可任组长者）",
        "Give department {0} {n} more officers on one of the days, a lead among them",
    ),
    "specialists": (
        "在其中一天为部门 {0} 安排 {n} 名“{1}”专业人员",
        "Have {n} more holders of specialty {1} in department {0} on one of the days",
    ),
    "forbidden": ("解除该限制（须有依据）", "Lift that ban, where the law lets you"),
    "price": ("提高 price_milli", "Raise price_milli"),
    "crews": ("为相关部门在其中一天各增派一个班组", "Give those departments a crew more on one of the days"),
}


def rule_said(question: Question, name: str) -> Said:
    """The rule as a sentence about this target."""
    return Said(name, *_filled(RULES, question, name, 0))


def remedy_said(question: Question, name: str, amount: int) -> Said:
    """What to do about a rule; `amount` as `relax.remedies` found it."""
    return Said(name, *_filled(REMEDIES, question, name, amount), amount)


def _filled(table: dict[str, tuple[str, str]], question: Question, name: str, amount: int) -> tuple[str, str]:
    kind, _, rest = name.partition(":")
    parts = rest.split("|") if kind == "forbidden" else rest.split(":")
    reasons = {f"{pair.check_a}|{pair.check_b}": pair.reason for pair in question.problem.forbidden}
    facts = {
        "target": question.site.target_id,
        "day": question.parameters.day_minutes,
        "entries": question.parameters.max_entries,
        "cap": question.site.people_cap,
        "left": question.site.entries_left,
        "price": f"{(question.parameters.price_milli or 0) / PLENTY:.3f}",
        "why": reasons.get(rest, ""),
        "n": amount,
    }
    zh, en = table[kind]
    return zh.format(*parts, **facts), en.format(*parts, **facts)
