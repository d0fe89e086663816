"""Every rule that a plan can break, as it is said to a planner: what is wrong, the remedy, the rule. Data.

Braces name what is filled in. `{where}` is the task, cap or source with its field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.errors import Problem, refuse


@dataclass(frozen=True, slots=True)
class Saying:
    """One rule in both languages."""

    zh: str
    en: str
    remedy_zh: str
    remedy_en: str
    rule: str


SAYINGS: dict[str, Saying] = {
    "no_tasks": Saying(
        "计划没有任何抽查任务",
        "the plan has no task",
        "请至少写一项任务。",
        "Give it at least one task.",
        "a plan has tasks",
    ),
    "duplicate_task": Saying(
        "任务编号重复",
        "this id names two tasks of the plan",
        "请给每项任务不同的编号。",
        "Give every task an id of its own.",
        "draw ids of a round are unique",
    ),
    "unknown_department": Saying(
        "没有部门 {value}",
        "there is no department {value}",
        "请先在名录库中登记该部门，或改正代码。",
        "Register the department first, or correct the code.",
        "every department of a task is registered",
    ),
    "partner_twice": Saying(
        "牵头部门 {value} 又列为配合部门",
        "the leading department {value} is its own partner",
        "请从 partners 中去掉。",
        "Take it out of partners.",
        "a department stands once in a task",
    ),
    "unknown_rule": Saying(
        "没有生效的监管规则 {value}",
        "there is no active supervision rule {value}",
        "请改正代码，或先启用该规则。",
        "Correct the code, or activate the rule first.",
        "a population is defined by active supervision rules",
    ),
    "rule_of_other_department": Saying(
        "监管规则 {value} 属于部门 {owner}",
        "supervision rule {value} belongs to department {owner}",
        "请把 {owner} 列为配合部门，或去掉该规则。",
        "Make {owner} a partner, or leave the rule out.",
        "谁监管、谁建设、谁维护: a department draws among those it supervises",
    ),
    "no_items": Saying(
        "没有抽查事项",
        "there is no check item",
        "请列出已发布的抽查事项。",
        "List published check items.",
        "a check without an item of the catalogue is not allowed",
    ),
    "unknown_item": Saying(
        "抽查事项清单中没有 {value}",
        "the catalogue has no check item {value}",
        "请改正事项代码，或先登记、审核、发布该事项。",
        "Correct the code, or draft, review and publish the item first.",
        "an item outside the catalogue must not be checked",
    ),
    "unpublished_item": Saying(
        "事项 {value} 未发布（状态 {status}），未公布的事项不得检查",
        "item {value} is not published (status {status}), and an unpublished item must not be checked",
        "请先发布该事项，或从任务中去掉。",
        "Publish the item first, or take it out of the task.",
        "an unpublished item must not be checked",
    ),
    "item_of_other_department": Saying(
        "事项 {value} 由 {owner} 负责，不属于本任务的任何部门",
        "item {value} belongs to {owner}, none of which takes part",
        "请把负责部门列为配合部门，或去掉该事项。",
        "Make its department a partner, or take the item out.",
        "an item is checked by a department responsible for it",
    ),
    "people_cap": Saying(
        "事项 {value} 需要 {officers} 人，超过每次入企人数上限 {people}",
        "item {value} needs {officers} officers, above the cap of {people} people at a visit",
        "请提高人数上限，或去掉该事项。",
        "Raise the cap on people, or take the item out.",
        "people per visit are capped",
    ),
    "department_without_item": Saying(
        "部门 {value} 在本任务中没有抽查事项",
        "department {value} has no item in this task",
        "请加入 {value} 负责的事项，或不让其参加。",
        "Add an item of {value}, or leave the department out.",
        "a department comes only for an item",
    ),
    "directed_without_condition": Saying(
        "定向抽查必须事先公布条件",
        "a directed draw needs conditions declared beforehand",
        "请填写 condition，或把 directed 改为 false。",
        "Give a condition, or set directed to false.",
        "a directed draw is a lottery within conditions declared beforehand",
    ),
    "condition_undirected": Saying(
        "设置了条件的抽查是定向抽查，须注明",
        "a draw within conditions is a directed one and says so",
        "请把 directed 改为 true，或去掉 condition。",
        "Set directed to true, or take the condition out.",
        "directed or not is published with every task",
    ),
    "unknown_column": Saying(
        "不能按 {value} 分层",
        "{value} is no column to stratify by",
        "可用：{allowed}。",
        "Use one of {allowed}.",
        "strata are made of the frame's columns",
    ),
    "open_internal": Saying(
        "信用风险分类依法不公开，含有 {value} 字段的批次必须保密，不能公开",
        "the credit class is internal by law, so a round with the column {value} is sealed and can't be open",
        "请把 privacy 改为 sealed，或不按 {value} 分层。",
        "Make privacy sealed, or leave {value} out of strata_by.",
        "a round with an internal column is sealed",
    ),
    "ratios_without_credit": Saying(
        "按信用分类设置了比例，却未按 credit 分层",
        "ratios are given per credit class, but credit is not in strata_by",
        "请在 strata_by 中加入 credit，或只用 default_ratio。",
        "Add credit to strata_by, or use default_ratio alone (ratios = {{}}).",
        "a class's ratio needs the class as a stratum",
    ),
    "unknown_class": Saying(
        "没有信用风险分类 {value}",
        "there is no credit class {value}",
        "请使用 {allowed} 之一。",
        "Use one of {allowed}.",
        "a ratio is given for a known credit class",
    ),
    "ratio_range": Saying(
        "{value} ppm（{percent}）超出 0 至 100 %",
        "{value} ppm ({percent}) lies outside 0 to 100 %",
        '单位为百万分之一；3 % 写作 30000 或 "3 %"。',
        'It is in millionths; write 3 % as 30000 or "3 %".',
        "0 <= ratio <= 1000000 ppm",
    ),
    "never_checked": Saying(
        "比例与最少数均为 0，等于免抽",
        "ratio and min are both 0, which exempts for good",
        "请设置大于 0 的比例，或把 min 设为 1。",
        "Give a ratio above 0, or a min of 1.",
        "管理不免抽: a low class is checked less, never never",
    ),
    "min_max": Saying(
        "最少 {least}、最多 {most} 不成立",
        "a min of {least} and a max of {most} don't go together",
        "请使 0 ≤ min ≤ max，或不设 max。",
        "Keep 0 <= min <= max, or leave max out.",
        "0 <= min <= max",
    ),
    "general_ratio": Saying(
        "一般事项 {items} 的比例 {percent} 超过上限 {most}",
        "{percent} is above the limit of {most} for general items ({items})",
        "请降至 {most} 以内，或把重点事项另立任务。",
        "Keep to {most}, or give key items a task of their own.",
        "一般事项: a general item's ratio is limited",
    ),
    "duplicate_cap": Saying(
        "限频规则编号重复",
        "this code names two caps of the plan",
        "请给每条规则不同的编号。",
        "Give every cap a code of its own.",
        "caps are told apart by their codes",
    ),
    "cap_subject": Saying(
        "计划中没有{scope_zh} {value}",
        "no task of the plan has the {scope} {value}",
        "请改正代码；留空则适用于每一个。",
        "Correct the code; leave subjects out to bind each of them.",
        "a cap binds departments or items of the plan",
    ),
    "cap_exceeded": Saying(
        "{klass_zh}对象在{window_zh}内预计被检查 {expected} 次（{rounds} 批 × {percent}），"
        "超过 {subject} 的上限 {most} 次",
        "a target of {klass} would be checked {expected} times in {window} ({rounds} rounds x {percent}), "
        "above the {most} that {subject} allows",
        "请降低比例、减少批次，或依程序调整上限。",
        "Lower the ratio, hold fewer rounds, or have the cap changed.",
        "a target is not checked more often than its cap",
    ),
    "no_entropy": Saying(
        "没有公共随机来源",
        "there is no source of public entropy",
        "请至少给出一个来源，如见证人数字、彩票期号或 drand。",
        "Give at least one source: witnesses' digits, a lottery issue or drand.",
        "nobody may know the seed before the freeze",
    ),
    "source_twice": Saying(
        "来源 {value} 重复使用",
        "source {value} is used twice",
        "请给每个来源不同的编号，并指定不同的期号。",
        "Give every source an id of its own, and another issue or round.",
        "a source once used is refused",
    ),
    "entropy_small": Saying(
        "公共随机共 {bits} 位，少于要求的 {least} 位",
        "the public entropy is {bits} bits, fewer than the {least} required",
        "请增加来源（二十位数字为 66 位，drand 为 256 位，双色球仅 24 位）。",
        "Add a source (twenty digits are 66 bits, drand 256, 双色球 only 24).",
        "public entropy is large enough that nobody can try all values",
    ),
    "few_digits": Saying(
        "见证人只报 {value} 位数字，少于 {least} 位",
        "{value} digits called by witnesses are fewer than {least}",
        "请至少报 {least} 位。",
        "Have at least {least} digits called.",
        "witnesses call at least twenty digits",
    ),
    "coins_source": Saying(
        "公开掷币抽取人员，须以报数、drand 或演示来源为第一个随机源",
        "a draw by public coins needs called digits, drand or a demonstration as its first source",
        "请把 entropy_seats 的第一个来源改为 witness_digits，或把 seat_draw 改为 halvings。",
        "Make witness_digits the first of entropy_seats, or let seat_draw be halvings.",
        "ten coins that are as likely heads as tails; docs/lottery.md 10",
    ),
    "demo_mixed": Saying(
        "演示来源与真实来源混用",
        "a source made for demonstration stands beside a real one",
        "正式计划请去掉 demo 来源；演示计划请只用 demo 来源。",
        "Leave demo sources out of a real plan; use nothing else in a demonstration.",
        "a demonstration says so everywhere",
    ),
}


def broken(code: str, zh_where: str, where: str, field: str, values: Mapping[str, str | int]) -> Problem:
    """The broken rule `plan.<code>` at a place, with its blanks filled."""
    saying = SAYINGS[code]
    return refuse(
        f"plan.{code}",
        f"{zh_where}：{saying.zh.format_map(values)}。",
        f"{where}: {saying.en.format_map(values)}.",
        saying.remedy_zh.format_map(values),
        saying.remedy_en.format_map(values),
        rule=saying.rule,
        field=field,
        **values,
    ).problem


def of_task(
    code: str, task: str, field: str, values: Mapping[str, str | int] | None = None, value: str = ""
) -> Problem:
    """A rule broken by a task."""
    filled: dict[str, str | int] = {"task": task, "value": value, **(values or {})}
    return broken(code, f"任务 {task} 的 {field}", f"task {task}, {field}", field, filled)


def percent(ppm: int) -> str:
    """Parts per million as a percentage without needless zeros."""
    whole, rest = divmod(abs(ppm), 10_000)
    digits = f"{rest:04d}".rstrip("0")
    return f"{'-' if ppm < 0 else ''}{whole}{'.' + digits if digits else ''} %"
