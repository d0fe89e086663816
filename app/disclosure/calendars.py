"""Team-days as iCalendar files (RFC 5545): one event per visit, official time, the same bytes each time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from icalendar import Calendar, Event, Timezone, TimezoneStandard

from app.disclosure.work import TeamDay, Work, WorkStop
from app.web.language import Language, marked, translate
from app.web.templates import OFFICIAL, clock, listed

PRODUCT: Final = "-//Double Random//schedule//EN"
_ZONE: Final = "Asia/Shanghai"


def team_day_ics(work: Work, team: TeamDay, language: Language) -> bytes:
    """A calendar of one team-day."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", f"{team.department} {team.date} {team.route_id}")
    calendar.add_component(_official_zone())
    for stop in team.stops:
        calendar.add_component(_event(work, team, stop, language))
    contents: bytes = calendar.to_ical()
    return contents


def ics_name(team: TeamDay) -> str:
    """File name of a team-day."""
    return f"{team.date}-{_plain(team.route_id)}.ics"


def _plain(text: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in text)


def _event(work: Work, team: TeamDay, stop: WorkStop, language: Language) -> Event:
    event = Event()
    event.add("uid", f"{work.round_id}.{team.route_id}.{stop.visit_id}@double-random")
    event.add("dtstamp", work.made_at.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", _moment(team.date, stop.start))
    event.add("dtend", _moment(team.date, stop.end))
    summary = translate(language, marked("%(name)s（%(department)s）"))
    event.add("summary", summary % {"name": stop.site.name, "department": team.department})
    event.add("location", f"{stop.site.district} {stop.site.address}".strip())
    event.add("description", "\n".join(_lines(work, team, stop, language)))
    return event


def _lines(work: Work, team: TeamDay, stop: WorkStop, language: Language) -> list[str]:
    facts = [
        (marked("对象代码"), stop.target_id),
        (marked("到达"), clock(stop.arrive)),
        (marked("事项"), " ".join(stop.items)),
        (marked("检查人员"), " ".join(team.inspectors)),
        (marked("同时到场的部门"), listed(stop.together, language)),
        (marked("检查编号"), stop.visit_id),
        (marked("批次"), work.round_id),
    ]
    pattern = translate(language, marked("%(name)s：%(value)s"))
    lines = [pattern % {"name": translate(language, name), "value": value} for name, value in facts if value]
    if stop.site.estimated:
        lines.append(translate(language, marked("位置为估计，出发前请核对地址。")))
    if work.demo:
        lines.append(translate(language, marked("演示批次，不是真实检查。")))
    return lines


def _moment(day: str, minute: int) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(minute // 60, minute % 60), OFFICIAL)


def _official_zone() -> Timezone:
    """Asia/Shanghai as it has been since 1991: UTC+8, no summer time."""
    standard = TimezoneStandard()
    standard.add("dtstart", datetime(1991, 9, 15, 1))  # noqa: DTZ001  RFC 5545 wants local time here
    standard.add("tzoffsetfrom", timedelta(hours=9))
    standard.add("tzoffsetto", timedelta(hours=8))
    standard.add("tzname", "CST")
    zone = Timezone()
    zone.add("tzid", _ZONE)
    zone.add_component(standard)
    return zone
