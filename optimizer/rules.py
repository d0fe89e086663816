"""The rules of a plan as sentences, by code: {0} is the subject's id, the rest what was found and what is due."""

from __future__ import annotations

from types import MappingProxyType

SENTENCES = MappingProxyType(
    {
        "visit.id": (
            "检查编号 {0} 重复或未按升序排列（前一个为 {1}）。",
            "Visit id {0} repeats or does not ascend after {1}.",
        ),
        "visit.target": (
            "检查 {0} 的对象 {1} 不存在。",
            "Visit {0}: target {1} does not exist.",
        ),
        "visit.day": (
            "检查 {0} 的日序 {1} 不在日历中。",
            "Visit {0}: day {1} is not in the calendar.",
        ),
        "visit.closed": (
            "检查 {0}：对象 {1} 在 {2} 歇业或受保护。",
            "Visit {0}: target {1} is closed or protected on {2}.",
        ),
        "visit.empty": (
            "检查 {0} 没有任何检查事项。",
            "Visit {0} has no check.",
        ),
        "visit.check": (
            "检查 {0} 含有不存在的事项 {1}。",
            "Visit {0} names check {1}, which does not exist.",
        ),
        "visit.other_target": (
            "检查 {0} 含有对象 {2} 的事项 {1}。",
            "Visit {0} holds check {1}, which is of target {2}.",
        ),
        "check.day": (
            "事项 {0} 不允许在检查 {1} 的日期进行。",
            "Check {0} may not be done on the day of visit {1}.",
        ),
        "visit.forbidden_pair": (
            "检查 {0}：{1} 与 {2} 不得同行（{3}）。",
            "Visit {0}: {1} and {2} must not share it ({3}).",
        ),
        "check.missing": (
            "事项 {0} 既未安排，也未说明原因。",
            "Check {0} is neither scheduled nor given a reason.",
        ),
        "check.twice": (
            "事项 {0} 出现 {1} 次。",
            "Check {0} appears {1} times.",
        ),
        "target.entries": (
            "对象 {0} 被进入 {1} 次，剩余次数为 {2}。",
            "Target {0} is entered {1} times; {2} entries are left.",
        ),
        "target.overlap": (
            "对象 {0} 的检查 {1} 与 {2} 时间重叠。",
            "Target {0}: visits {1} and {2} overlap.",
        ),
        "route.id": (
            "路线编号 {0} 重复或未按升序排列（前一个为 {1}）。",
            "Route id {0} repeats or does not ascend after {1}.",
        ),
        "route.department": (
            "路线 {0} 的部门 {1} 不存在。",
            "Route {0}: department {1} does not exist.",
        ),
        "route.day": (
            "路线 {0} 的日序 {1} 不在日历中。",
            "Route {0}: day {1} is not in the calendar.",
        ),
        "route.empty": (
            "路线 {0} 没有停靠点。",
            "Route {0} has no stop.",
        ),
        "route.entries": (
            "路线 {0} 有 {1} 个停靠点，最多 {2} 个。",
            "Route {0} has {1} stops; {2} are the most.",
        ),
        "route.hours": (
            "路线 {0} 从第 {1} 分到第 {2} 分，超出工作时段 {3} 至 {4}。",
            "Route {0} runs from minute {1} to {2}, outside the day's {3} to {4}.",
        ),
        "route.officers": (
            "路线 {0} 有 {1} 名执法人员，需要 {2} 名。",
            "Route {0} has {1} officers; it needs {2}.",
        ),
        "route.specialty": (
            "路线 {0} 缺少专业“{1}”。",
            "Route {0} lacks specialty {1}.",
        ),
        "stop.visit": (
            "路线 {0} 停靠的检查 {1} 不存在。",
            "Route {0} stops at visit {1}, which does not exist.",
        ),
        "stop.day": (
            "路线 {0} 与检查 {1} 不在同一天。",
            "Route {0} and visit {1} are on different days.",
        ),
        "stop.district": (
            "路线 {0}：检查 {1} 在 {2}，不在 {3}。",
            "Route {0}: visit {1} is in {2}, not in {3}.",
        ),
        "stop.late": (
            "路线 {0} 在检查 {1} 第 {2} 分到达，晚于开始的第 {3} 分。",
            "Route {0} reaches visit {1} at {2}, after {3}.",
        ),
        "stop.start": (
            "路线 {0} 在检查 {1} 第 {2} 分开始，检查第 {3} 分开始。",
            "Route {0} begins visit {1} at minute {2}; the visit begins at {3}.",
        ),
        "stop.idle": (
            "路线 {0} 在检查 {1} 没有本部门的事项。",
            "Route {0} has no check of its department at visit {1}.",
        ),
        "stop.minutes": (
            "路线 {0} 在检查 {1} 停留 {2} 分钟，应为 {3} 分钟。",
            "Route {0} works {2} minutes at visit {1}; {3} are needed.",
        ),
        "stop.travel": (
            "路线 {0} 从检查 {1} 到 {2} 只留 {3} 分钟，需要 {4} 分钟。",
            "Route {0} has {3} minutes from visit {1} to {2}; {4} are needed.",
        ),
        "visit.no_crew": (
            "检查 {0}：部门 {1} 没有班组到场。",
            "Visit {0}: no crew of department {1} comes.",
        ),
        "visit.two_crews": (
            "检查 {0}：部门 {1} 有 {2} 个班组到场。",
            "Visit {0}: {2} crews of department {1} come.",
        ),
        "visit.start": (
            "检查 {0} 在第 {1} 分开始，却没有班组开始。",
            "Visit {0} begins at minute {1}, but no crew does.",
        ),
        "visit.people": (
            "检查 {0} 在第 {3} 分有 {1} 人在场，上限 {2} 人。",
            "Visit {0}: {1} people at minute {3}; the cap is {2}.",
        ),
        "heads.exceeded": (
            "部门 {0} 在 {1} 派出 {2} 人，可用 {3} 人。",
            "Department {0} sends {2} people on {1}; it has {3}.",
        ),
        "specialists.exceeded": (
            "部门 {0} 在 {1} 有 {3} 条路线需要专业“{2}”，可用 {4} 人。",
            "Department {0}: {3} routes on {1} need specialty {2}; {4} people hold it.",
        ),
        "unscheduled.check": (
            "未安排的事项 {0} 不存在。",
            "Unscheduled check {0} does not exist.",
        ),
        "unscheduled.reason": (
            "未安排的事项 {0} 没有原因。",
            "Unscheduled check {0} has no reason.",
        ),
        "report.count": (
            "报告的 {0} 为 {1}，计数为 {2}。",
            "The report's {0} is {1}; the count is {2}.",
        ),
        "report.bound": (
            "报告的 {0} 下界 {1} 高于方案的 {2}。",
            "The report's bound on {0}, {1}, is above the plan's {2}.",
        ),
        "report.parameters": (
            "报告的{0}与所给参数不同。",
            "The report's {0} differ from those given.",
        ),
    }
)
