"""What packing refuses before it begins: input that names what does not exist or breaks a rule of the field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from optimizer.errors import refuse
from optimizer.model import Check, Department, ForbiddenPair, PackingProblem, Parameters, Site


def validate(problem: PackingProblem, parameters: Parameters) -> None:
    """Raises `Refused` at the first row that cannot be packed, naming row, field, rule and remedy."""
    _parameters(parameters)
    _days(problem.days)
    _unique("department", (row.department for row in problem.departments))
    _unique("target_id", (row.target_id for row in problem.sites))
    _unique("check_id", (row.check_id for row in problem.checks))
    count = len(problem.days)
    for department in problem.departments:
        _department(department, count)
    for site in problem.sites:
        _site(site, count)
    targets = {site.target_id for site in problem.sites}
    departments = {row.department for row in problem.departments}
    for check in problem.checks:
        _check(check, targets, departments, count)
    owner = {check.check_id: check.target_id for check in problem.checks}
    for pair in problem.forbidden:
        _pair(pair, owner)


def _parameters(parameters: Parameters) -> None:
    least = {
        "day_start": 0,
        "day_minutes": 1,
        "max_entries": 1,
        "speed_m_per_min": 1,
        "detour_permille": 1,
        "parking_min": 0,
        "seed": 0,
    }
    for name, low in least.items():
        value = getattr(parameters, name)
        if value < low:
            raise refuse(
                "packing.bad_parameter",
                f"参数 {name} 为 {value}，不得小于 {low}。",
                f"Parameter {name} is {value}; it must be at least {low}.",
                f"把 {name} 设为 {low} 或更大。",
                f"Set {name} to {low} or more.",
                field=name,
                value=value,
            )
    if parameters.day_start + parameters.day_minutes > 1440:
        raise refuse(
            "packing.day_too_long",
            "工作时段超出当日午夜。",
            "The working day runs past midnight.",
            "提前 day_start 或缩短 day_minutes。",
            "Begin earlier or shorten day_minutes.",
            field="day_minutes",
            value=parameters.day_minutes,
        )


def _days(days: Sequence[str]) -> None:
    if not days:
        raise refuse(
            "packing.no_days",
            "没有工作日。",
            "There is no working day.",
            "先确认日历，给出至少一个工作日。",
            "Confirm the calendar and give at least one working day.",
        )
    for earlier, later in pairwise(days):
        if earlier >= later:
            raise refuse(
                "packing.days_out_of_order",
                f"日期 {later} 未排在 {earlier} 之后。",
                f"Day {later} does not come after {earlier}.",
                "按日期升序给出，不重复。",
                "Give each day once, in order.",
                value=later,
            )


def _unique(name: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise refuse(
                f"packing.duplicate_{name}",
                f"{name} {value} 出现两次。",
                f"{name} {value} appears twice.",
                "每个编号只给一次。",
                "Give each id once.",
                field=name,
                value=value,
            )
        seen.add(value)


def _department(row: Department, days: int) -> None:
    lists = [("heads", row.heads), *row.specialists]
    for name, heads in lists:
        if len(heads) != days or min(heads, default=0) < 0:
            raise refuse(
                "packing.bad_heads",
                f"部门 {row.department} 的 {name} 应为每个工作日一个非负数，共 {days} 个。",
                f"Department {row.department}: {name} must hold one number, 0 or more, for each of {days} days.",
                "按工作日逐日给出可用人数。",
                "Give the people available day by day.",
                row=row.department,
                field=name,
            )


def _site(row: Site, days: int) -> None:
    _in_calendar(row.target_id, "closed_days", row.closed_days, days)
    if row.people_cap is not None and row.people_cap < 1:
        raise _bad_site(row, "people_cap", row.people_cap)
    if row.entries_left is not None and row.entries_left < 0:
        raise _bad_site(row, "entries_left", row.entries_left)
    if not row.district:
        raise _bad_site(row, "district", row.district)


def _bad_site(row: Site, field: str, value: str | int) -> Exception:
    return refuse(
        "packing.bad_site",
        f"对象 {row.target_id} 的 {field} 为 {value!r}，不可用。",
        f"Target {row.target_id}: {field} is {value!r}, which cannot be used.",
        "更正该字段。",
        "Correct the field.",
        row=row.target_id,
        field=field,
        value=value,
    )


def _in_calendar(row: str, field: str, values: Sequence[int], days: int) -> None:
    for value in values:
        if not 0 <= value < days:
            raise refuse(
                "packing.unknown_day",
                f"{row} 的 {field} 含有日序 {value}，日历只有 0 至 {days - 1}。",
                f"{row}: {field} names day {value}; the calendar has 0 to {days - 1}.",
                "只引用日历中的工作日。",
                "Name days of the calendar only.",
                row=row,
                field=field,
                value=value,
            )


def _check(check: Check, targets: set[str], departments: set[str], days: int) -> None:
    if check.target_id not in targets:
        raise _unknown(check.check_id, "target_id", check.target_id)
    if check.department not in departments:
        raise _unknown(check.check_id, "department", check.department)
    if check.officers < 2:
        raise refuse(
            "packing.one_officer",
            f"检查 {check.check_id} 只安排 {check.officers} 名执法人员，依法不得少于两名。",
            f"Check {check.check_id} asks for {check.officers} officers; the law wants at least two.",
            "把 officers 设为 2 或更多。",
            "Set officers to 2 or more.",
            row=check.check_id,
            field="officers",
            value=check.officers,
        )
    if check.minutes < 1:
        raise refuse(
            "packing.no_minutes",
            f"检查 {check.check_id} 的现场时间为 {check.minutes} 分钟。",
            f"Check {check.check_id} takes {check.minutes} minutes on site.",
            "给出至少一分钟的现场时间。",
            "Give at least one minute on site.",
            row=check.check_id,
            field="minutes",
            value=check.minutes,
        )
    _in_calendar(check.check_id, "days", check.days, days)


def _unknown(row: str, field: str, value: str) -> Exception:
    return refuse(
        f"packing.unknown_{field}",
        f"检查 {row} 的 {field} {value} 不存在。",
        f"Check {row}: {field} {value} does not exist.",
        "先登记，或更正编号。",
        "Register it first, or correct the id.",
        row=row,
        field=field,
        value=value,
    )


def _pair(pair: ForbiddenPair, owner: dict[str, str]) -> None:
    for check in (pair.check_a, pair.check_b):
        if check not in owner:
            raise _unknown(check, "check", check)
    if pair.check_a == pair.check_b or owner[pair.check_a] != owner[pair.check_b]:
        raise refuse(
            "packing.bad_pair",
            f"禁止同行的 {pair.check_a} 与 {pair.check_b} 须是同一对象的两项检查。",
            f"Forbidden pair {pair.check_a}, {pair.check_b}: it must be two checks of one target.",
            "删除该对，或更正编号。",
            "Remove the pair or correct the ids.",
            row=pair.check_a,
            value=pair.check_b,
        )
