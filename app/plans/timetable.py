"""A round's deadlines and days of visits, counted from its freeze by the working-day calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.errors import Refused, refuse
from app.plans.fields import Span
from app.plans.schemas import PlanDocument
from scheduler.calendar import ZONE, WorkCalendar


@dataclass(frozen=True, slots=True)
class Timetable:
    """Deadlines in official time, days of visits in order; `provisional` where a year isn't confirmed."""

    entropy: datetime
    sealed_result: datetime
    reveal: datetime
    days: tuple[date, ...]
    provisional: bool


def timetable(
    document: PlanDocument, frozen_at: datetime, calendar: WorkCalendar, *, provisional: bool = False
) -> Timetable:
    """When everything of a round frozen at `frozen_at` (aware) must have happened.

    Raises Refused `plan.deadlines_order` where entropy, sealed result, first visit, last visit and reveal don't
    follow each other, and `calendar.unconfirmed` where a year is not confirmed and `provisional` is not asked for.
    """
    start = frozen_at.astimezone(ZONE)
    schedule = document.schedule
    first = calendar.add_working_days(start.date(), schedule.first_working_day, provisional=provisional).date
    days = calendar.working_days(first, schedule.days, provisional=provisional)
    deadlines = document.deadlines
    entropy, sealed_result, reveal = (
        _moment(span, start, calendar, provisional)
        for span in (deadlines.entropy, deadlines.sealed_result, deadlines.reveal)
    )
    latest = max(days[-1], reveal.date())
    unsure = not all(calendar.confirmed(year) for year in range(start.year, latest.year + 1))
    found = Timetable(entropy, sealed_result, reveal, days, unsure)
    _in_order(found, start)
    return found


def _moment(span: Span, start: datetime, calendar: WorkCalendar, provisional: bool) -> datetime:
    if span.hours is not None:
        return start + timedelta(hours=span.hours)
    assert span.working_days is not None
    return calendar.add_working_days(start.date(), span.working_days, provisional=provisional).moment()


def _in_order(found: Timetable, start: datetime) -> None:
    if not found.entropy < found.sealed_result:
        raise _disorder(
            start, "sealed_result", "封存", found.sealed_result, "公共随机", "entropy", found.entropy
        )
    first = datetime.combine(found.days[0], datetime.min.time(), ZONE)
    if not found.sealed_result <= first:
        raise _disorder(
            start, "first_working_day", "首个检查日", first, "封存", "sealed_result", found.sealed_result
        )
    last = datetime.combine(found.days[-1], datetime.max.time(), ZONE)
    if not found.reveal > last:
        raise _disorder(start, "reveal", "公开", found.reveal, "最后检查日", "the last day of visits", last)


def _disorder(
    start: datetime, field: str, zh: str, at: datetime, before_zh: str, before: str, before_at: datetime
) -> Refused:
    stamp, earlier = f"{at:%Y-%m-%d %H:%M}", f"{before_at:%Y-%m-%d %H:%M}"
    return refuse(
        "plan.deadlines_order",
        f"名录于 {start:%Y-%m-%d} 冻结的批次，{zh}（{stamp}）不晚于{before_zh}（{earlier}）；"
        "次序必须为公共随机、封存、检查、公开。",
        f"In a round frozen on {start:%Y-%m-%d}, {field} ({stamp}) does not come after {before} ({earlier}); "
        "the order is entropy, sealed result, visits, reveal.",
        f"请推迟 {field}，或提前其前一项。",
        f"Put {field} later, or what precedes it earlier.",
        field=field,
        rule="entropy < sealed_result < visits < reveal",
        frozen_on=f"{start:%Y-%m-%d}",
    )
