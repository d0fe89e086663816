"""A plan's trial draw on the desk: begin, watch, stop; counts and pictures of the newest, marked as worth nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.db.database import Database
from app.disclosure import facts
from app.disclosure import repository as disclosure
from app.disclosure.pictures import checks_to_entries, shared_targets
from app.errors import Refused
from app.http.access import ActorDep, of_all_departments
from app.http.dependencies import NowDep, WholeDatabaseDep
from app.office.local import FormPage
from app.office.trials import Trials
from app.people.entrance import said
from app.plans import service
from app.rounds.trial import Trial
from app.web import charts
from app.web.addresses import LanguageDep, in_both_languages
from app.web.canvas import watermarked
from app.web.language import Language, marked, translate
from app.web.picture import Picture
from app.web.static import address
from app.web.templates import number

router = APIRouter(include_in_schema=False, dependencies=[Depends(of_all_departments)])
PATIENCE: Final = 3.0
"""Seconds that a form waits for a trial before the page shows how far it is."""
MARK: Final = marked("试抽 · 不作数")
"""Stands on everything that a trial shows."""
STAGES: Final = {
    "freeze": marked("按现状读取名录"),
    "draw": marked("抽取"),
    "trial": marked("估算入户与人日"),
}
REASONS: Final = {
    "packing.longer_than_day": marked("现场时间超过一个工作日"),
    "packing.people_cap": marked("超过对象同时在场人数上限"),
    "packing.entries_used_up": marked("对象本年度进入次数已用完"),
    "packing.window_empty": marked("允许的日期对象都歇业"),
    "packing.no_crew": marked("部门凑不齐一个班组"),
    "packing.no_specialist": marked("没有具备所需专业的人员"),
}
"""Why a check could not be scheduled on any day, whatever else there is to do."""


@dataclass(frozen=True)
class TrialPage(FormPage):
    """The trial of a plan."""

    template = "trial.html"
    db: Database
    trials: Trials
    code: str

    def context(self) -> Mapping[str, object]:
        """The plan, what runs, what the newest trial came to."""
        plan = service.get(self.db, self.code)
        running, ended = self.trials.running(self.code), self.trials.ended(self.code)
        with self.db.read() as session:
            names = facts.names_in(self.language, disclosure.department_names(session))
        found = ended if isinstance(ended, Trial) and running is None else None
        return {
            "checkpoint": None,
            "plan": plan,
            "title": (self.language == "en" and plan.title_en) or plan.title_zh,
            "running": running,
            "mark": MARK,
            "stages": STAGES,
            "reasons": REASONS,
            "found": found,
            "ended_badly": said(ended, self.language) if isinstance(ended, Refused) and not running else "",
            "departments": names,
            "pictures": pictures(found, names, self.language) if found else [],
            "source": address("live.js"),
        }

    @property
    def path(self) -> str:
        """Where it stands."""
        return f"/staff/plans/{self.code}/trial"


def _trial(
    request: Request, db: WholeDatabaseDep, language: LanguageDep, now: NowDep, actor: ActorDep, code: str
) -> TrialPage:
    return TrialPage(request, language, now, actor, db, request.app.state.trials, code)


TrialDep = Annotated[TrialPage, Depends(_trial)]


@in_both_languages(router, "/staff/plans/{code}/trial")
def trial_page(trial: TrialDep) -> Response:
    """The newest trial of the plan, or how far the one under way is."""
    return trial.page()


@in_both_languages(router, "/staff/plans/{code}/trial", post=True)
def begin_trial(trial: TrialDep) -> Response:
    """Draw once, with numbers that belong to no round."""

    def begin() -> None:
        service.in_force(trial.db, trial.code)
        trial.trials.begin(trial.code, trial.now).over.wait(PATIENCE)

    return trial.done(begin, trial.path)


@in_both_languages(router, "/staff/plans/{code}/trial/stop", post=True)
def stop_trial(trial: TrialDep) -> Response:
    """Stop it."""
    return trial.done(lambda: trial.trials.stop(trial.code), trial.path)


def pictures(found: Trial, names: Mapping[str, str], language: Language) -> list[Picture]:
    """Officer-days against what there is, checks into visits, departments that meet."""
    work = found.work
    placed = sum(size * visits for size, visits in work.by_size)
    departments = tuple((tuple(names.get(code, code) for code in codes), count) for codes, count in work.sets)
    joining = facts.Joining(
        work.checks,
        work.checks - placed,
        work.entries,
        work.by_size,
        departments,
        (),
        work.entries_per_target,
    )
    made = [officer_days(found, names, language)]
    if placed:
        made += [checks_to_entries(joining, language), shared_targets(joining, language)]
    mark = translate(language, MARK)
    return [replace(one, title=f"{mark} · {one.title}", svg=watermarked(one.svg, mark)) for one in made]


def officer_days(found: Trial, names: Mapping[str, str], language: Language) -> Picture:
    """Each department: the officer-days that its checks take at least, and those that it has."""

    def say(text: str) -> str:
        return translate(language, text)

    title = say(marked("人日：至少需要与可用"))
    description = say(
        marked("每个部门一条：蓝色为其检查至少需要的人日，红线为检查期内可用的人日；蓝色越过红线即排不下。")
    )
    rows = [
        charts.Bar(
            names.get(need.department, need.department),
            need.least,
            f"{number(need.least)} / {number(need.free)}",
            need.free,
        )
        for need in found.needs
    ]
    table = tuple(
        (row.label, number(need.least), number(need.free))
        for row, need in zip(rows, found.needs, strict=True)
    )
    header = (say(marked("部门")), say(marked("至少需要")), say(marked("可用")))
    return Picture(title, description, charts.bars("trial", title, description, rows), header, table)
