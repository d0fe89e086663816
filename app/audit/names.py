"""What an auditor reads beside each rule: what it says, and from where on a case is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.web.language import marked


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a case is worth a look. A hint, never a proof: each has honest explanations too."""

    voids: int = 2
    near_minutes: int = 30
    approval_seconds: int = 60
    pair_least: int = 8
    pair_percent: int = 90
    record_minutes: int = 10
    day_begins: int = 7
    day_ends: int = 20
    rate_least: int = 8
    rate_per_mille: int = 10
    clock_minutes: int = 2
    replaced: int = 3


LINES: Final = {
    "once": marked("每个计划每一期只有一个有效批次"),
    "numbers": marked("各层抽取数符合规则"),
    "cooldown": marked("无重复抽取，冷却期内的抽取数符合规则"),
    "sealed": marked("公开的结果与事先的承诺一致"),
    "loads": marked("人员负荷之和等于席位数，每席一人"),
    "persons": marked("申请、审批、执行与登记、复核由不同的人办理"),
    "changes": marked("承诺之后的变动都写明理由"),
}
"""Rules that every finished round obeys."""

RULES: Final = {
    "voids": (marked("批次作废"), marked("同一人提出或确认、或同一计划作废 %(voids)s 次以上")),
    "entropy_late": (
        marked("公共随机数临近或错过期限"),
        marked("录入时距期限不足 %(near_minutes)s 分钟、逾期，或因错过期限作废"),
    ),
    "approval_fast": (
        marked("审批过快"),
        marked("申请（或名录冻结、结果登记）后 %(approval_seconds)s 秒之内通过"),
    ),
    "same_pair": (
        marked("总由同一人审批同一人"),
        marked("至少 %(pair_least)s 次，其中同一申请人占 %(pair_percent)s%% 以上，而申请人不少于三人"),
    ),
    "recorded_fast": (marked("到场后很快登记结果"), marked("到场后 %(record_minutes)s 分钟之内")),
    "off_hours": (
        marked("工作时间之外登记结果"),
        marked("非工作日，或 %(day_begins)s 时之前、%(day_ends)s 时之后"),
    ),
    "no_problem_rate": (
        marked("「未发现问题」的比例与他人相差很大"),
        marked(
            "同一事项至少 %(rate_least)s 次，精确检验经 Holm 校正后 p < %(rate_per_mille)s‰；仅为线索，不是证明"
        ),
    ),
    "corrected": (marked("异议成立或异议后更正的结果"), marked("每一项")),
    "clock_ahead": (marked("证据的时钟超前"), marked("自称的时间晚于收到时间 %(clock_minutes)s 分钟以上")),
    "replaced": (marked("同一检查人员的对象屡被替换"), marked("%(replaced)s 次以上")),
}
"""Anomalies: what each is called, and its threshold (fields of `Thresholds`)."""
