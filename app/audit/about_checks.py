"""Anomalies of visits and their results: when they were recorded, by whom, and how far they are from others'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sqlmodel import Session, col, select

from app.audit.look import Look
from app.audit.schemas import Row
from app.audit.steps import check_steps
from app.plans import calendar
from app.rounds.log import OFFICIAL
from app.visits import codes, states
from app.visits.tables import Visit, VisitCheck, VisitEvidence, VisitObjection, VisitVersion
from scheduler.estimates.comparison import differs, holm


def _recorders(look: Look) -> dict[str, str]:
    rows = look.session.exec(
        select(VisitCheck.key, VisitCheck.recorded_by).where(col(VisitCheck.recorded_by).is_not(None))
    )
    return {key: look.coded(person) for key, person in rows}


def recorded_fast(look: Look) -> Iterator[Row]:
    """First records that came soon after the arrival."""
    people = _recorders(look)
    for step in check_steps(look.session):
        minutes = step.since("arrive") / 60
        if step.name == "record" and "record" not in step.before and minutes < look.limits.record_minutes:
            yield Row(where=f"check:{step.key}", who=people.get(step.key, ""), figure=f"{minutes:.1f} min")


def off_hours(look: Look) -> Iterator[Row]:
    """Records on days off, or early, or late, in official time."""
    days, people = calendar.load(look.session), _recorders(look)
    for step in check_steps(look.session):
        at = step.at.astimezone(OFFICIAL)
        at_work = look.limits.day_begins <= at.hour < look.limits.day_ends and days.is_workday(
            at.date(), provisional=True
        )
        if step.name == "record" and not at_work:
            yield Row(where=f"check:{step.key}", who=people.get(step.key, ""), figure=f"{at:%Y-%m-%d %H:%M}")


def no_problem_rate(look: Look) -> Iterator[Row]:
    """Inspectors and departments against all checks of the same item; re-checks and targets that were gone apart."""
    fine, size = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for items, department, present, result in _results(look.session):
        for item in {name.partition("@")[0] for name in items}:
            for group in ("", department, *present):
                size[item, group] += 1
                fine[item, group] += result == codes.NO_PROBLEM
    tested = [
        (item, group)
        for (item, group), count in sorted(size.items())
        if group and look.limits.rate_least <= count < size[item, ""]
    ]
    raw = [differs(fine[key], size[key], fine[key[0], ""], size[key[0], ""]) for key in tested]
    for (item, group), p in zip(tested, holm(raw), strict=True):
        if p * 1000 < look.limits.rate_per_mille:
            own, all_ = f"{fine[item, group]}/{size[item, group]}", f"{fine[item, '']}/{size[item, '']}"
            yield Row(where=f"item:{item}", who=group, figure=f"{own} : {all_}, p = {p:.1g}")


def _results(session: Session) -> Iterator[tuple[list[str], str, list[str], str]]:
    query = (
        select(VisitCheck.items, VisitCheck.department, VisitCheck.present, VisitCheck.result)
        .join(Visit, col(Visit.key) == col(VisitCheck.visit))
        .where(col(VisitCheck.result).is_not(None), Visit.kind != "recheck")
    )
    for items, department, present, result in session.exec(query):
        if result is not None and result in codes.RESULTS and codes.RESULTS[result].public:
            yield list(items), department, list(present), result


def corrected(look: Look) -> Iterator[Row]:
    """Results that an objection changed: upheld, or corrected or taken back after it was filed."""
    people = _recorders(look)
    changes = select(VisitVersion.check_key, VisitVersion.at).where(VisitVersion.kind != "original")
    later = dict(look.session.exec(changes.order_by(col(VisitVersion.number))).all())
    query = select(VisitObjection).order_by(col(VisitObjection.filed_at), col(VisitObjection.check_key))
    for row in look.session.exec(query):
        changed = row.check_key in later and later[row.check_key] >= row.filed_at
        if changed or row.outcome == "upheld":
            yield Row(
                where=f"check:{row.check_key}", who=people.get(row.check_key, ""), figure=row.outcome or "–"
            )


def clock_ahead(look: Look) -> Iterator[Row]:
    """Evidence whose maker claims a time well after it was received."""
    query = select(
        VisitEvidence.visit, VisitEvidence.added_by, VisitEvidence.taken_at, VisitEvidence.at
    ).where(col(VisitEvidence.taken_at) > col(VisitEvidence.at))
    for visit, person, taken_at, at in look.session.exec(query.order_by(col(VisitEvidence.at))):
        minutes = (taken_at - at).total_seconds() / 60
        if minutes > look.limits.clock_minutes:
            yield Row(where=f"visit:{visit}", who=look.coded(person), figure=f"{minutes:.0f} min")


def replaced(look: Look) -> Iterator[Row]:
    """Inspectors of whose drawn targets several were replaced: those who were there, else those seated."""
    times, drawn = Counter[str](), Counter[str]()
    query = select(VisitCheck.state, VisitCheck.present, VisitCheck.crew)
    for state, present, crew in look.session.exec(query):
        for person in {look.coded(one) for one in present or crew}:
            drawn[person] += 1
            times[person] += state == states.REPLACED
    for person, count in sorted(times.items()):
        if count >= look.limits.replaced:
            yield Row(where="", who=person, figure=f"{count}/{drawn[person]}")
