"""Why a check found no place: the rule that stands in its way, and the cheapest thing that would let it in."""

from __future__ import annotations

from optimizer.model import Check, Department, Parameters, Site, Unscheduled


def days_of(
    check: Check, site: Site, department: Department, days: int, parameters: Parameters
) -> tuple[int, Unscheduled | None]:
    """Bit mask of the days on which the check could be done alone; with mask 0 comes the reason."""
    if check.minutes > parameters.day_minutes:
        return 0, _longer_than_day(check, parameters)
    if site.people_cap is not None and check.officers > site.people_cap:
        return 0, _people_cap(check, site)
    if site.entries_left == 0:
        return 0, entries_used_up(check, site)
    window = set(check.days or range(days)) - set(site.closed_days)
    if not window:
        return 0, _window_empty(check)
    crewed = [day for day in sorted(window) if department.heads[day] >= check.officers]
    if not crewed:
        return 0, _no_crew(check, department, sorted(window))
    held = dict(department.specialists)
    for name in sorted(set(check.specialties)):
        per_day = held.get(name, (0,) * days)
        crewed = [day for day in crewed if per_day[day] >= 1]
        if not crewed:
            return 0, _no_specialist(check, name)
    return sum(1 << day for day in crewed), None


def _longer_than_day(check: Check, parameters: Parameters) -> Unscheduled:
    return Unscheduled(
        check.check_id,
        "packing.longer_than_day",
        f"现场需 {check.minutes} 分钟，超过一个工作日的 {parameters.day_minutes} 分钟。",
        f"It takes {check.minutes} minutes on site, more than a day's {parameters.day_minutes}.",
        f"拆分检查项，或把工作日延长到 {check.minutes} 分钟。",
        f"Split its items, or lengthen the day to {check.minutes} minutes.",
    )


def _people_cap(check: Check, site: Site) -> Unscheduled:
    return Unscheduled(
        check.check_id,
        "packing.people_cap",
        f"需 {check.officers} 人，超过该对象同时在场上限 {site.people_cap} 人。",
        f"It needs {check.officers} officers; the target admits {site.people_cap} people at once.",
        f"把上限提高到 {check.officers} 人。",
        f"Raise the cap to {check.officers}.",
    )


def entries_used_up(check: Check, site: Site) -> Unscheduled:
    """The target's cap on entries this year leaves no visit for this check."""
    return Unscheduled(
        check.check_id,
        "packing.entries_used_up",
        f"该对象本年度剩余进入次数为 {site.entries_left}，容不下此项检查。",
        f"The target has {site.entries_left} entries left this year; this check does not fit into them.",
        "改到下一年度，或按豁免事由办理。",
        "Move it to next year, or use an exemption with its reason code.",
    )


def _window_empty(check: Check) -> Unscheduled:
    return Unscheduled(
        check.check_id,
        "packing.window_empty",
        "允许的日期全部是对象歇业日或保护日。",
        "Every day it may be done the target is closed or protected.",
        "放宽检查日期，或改在对象开放的日期。",
        "Widen the check's days, or choose days when the target is open.",
    )


def _no_crew(check: Check, department: Department, window: list[int]) -> Unscheduled:
    best = max(department.heads[day] for day in window)
    return Unscheduled(
        check.check_id,
        "packing.no_crew",
        f"部门 {department.department} 在允许日期内每日最多 {best} 人，此项需 {check.officers} 人。",
        f"Department {department.department} has at most {best} people on its days; it needs {check.officers}.",
        f"在其中一天增派 {check.officers - best} 人。",
        f"Add {check.officers - best} on one of those days.",
    )


def _no_specialist(check: Check, name: str) -> Unscheduled:
    return Unscheduled(
        check.check_id,
        "packing.no_specialist",
        f"允许日期内没有具备“{name}”专业的人员。",
        f"Nobody with specialty {name} is available on any of its days.",
        f"在允许日期内安排一名“{name}”专业人员。",
        f"Make one person with specialty {name} available on one of its days.",
    )


def no_room(check: Check, department: str, travel_free: bool) -> Unscheduled:
    """Crews exist, but all are taken on every allowed day (`travel_free`: no crew at all was left)."""
    zh = "所有允许日期的人员均已排满。" if travel_free else "所有允许日期内，各班组的时间均容不下此次检查。"
    en = (
        "Everybody is taken on all its days."
        if travel_free
        else "No crew has room for it on any of its days."
    )
    return Unscheduled(
        check.check_id,
        "packing.no_room",
        f"部门 {department}：{zh}",
        f"Department {department}: {en}",
        f"在允许日期之一为部门 {department} 增派 {check.officers} 人。",
        f"Give department {department} {check.officers} more people on one of its days.",
    )
