"""Visits over HTTP for those who do the work, and published results for everybody."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Path, Query, Request, UploadFile, status
from pydantic import AwareDatetime

from app.http.access import ActorDep
from app.http.dependencies import DatabaseDep, NowDep, WholeDatabaseDep
from app.http.idempotency import IdempotentRoute
from app.http.local import from_this_machine
from app.http.openapi import problems
from app.http.pagination import Page, PagingDep
from app.visits import opening, published, repository, service
from app.visits.desk import Actor, Desk, official_day
from app.visits.published import Wanted, Window
from app.visits.records import Record
from app.visits.schemas import (
    AnswerIn,
    AnswersIn,
    ApprovalIn,
    ArrivalIn,
    By,
    CheckOut,
    CorrectionIn,
    EvidenceOut,
    ObjectionAnswerIn,
    ObjectionIn,
    QuestionOut,
    RecordIn,
    ReplacementIn,
    ResultOut,
    ReturnIn,
    TimelinessOut,
    VisitLine,
    VisitOut,
    WithdrawalIn,
)
from app.visits.service import Change, Upload
from app.visits.tables import VisitCheck

STEP = problems(404, 409, 422)


def _desk(request: Request, db: DatabaseDep, whole: WholeDatabaseDep, who: ActorDep) -> Desk:
    """For this machine alone until accounts exist; then for whose department the visit or check in the address is.

    To everybody else there is no visit. A step itself sees all of the round: the embargo counts others' visits too.
    """
    if not from_this_machine(request):
        raise repository.absent("–")
    if "key" in request.path_params:
        with db.read() as session:
            repository.require_seen(session, request.path_params["key"])
    return Desk.of(whole, request.app.state.settings, who)


def _window(request: Request, now: NowDep) -> Window:
    return Window(official_day(now), request.app.state.settings.results_before_reveal)


DeskDep = Annotated[Desk, Depends(_desk)]
WindowDep = Annotated[Window, Depends(_window)]
Key = Annotated[str, Path(pattern=r"^[0-9a-f]{20}$", examples=["5f3a0c1e9b7d42a86c10"])]
RoundId = Annotated[str, Path(max_length=128, examples=["annual-2026-2026-Q2-1"])]
Text = Annotated[str, Query(max_length=100)]

router = APIRouter(route_class=IdempotentRoute)
visits = APIRouter(prefix="/visits", tags=["visits"], route_class=IdempotentRoute)
checks = APIRouter(prefix="/visits/checks", tags=["visits"], route_class=IdempotentRoute)
results = APIRouter(prefix="/results", tags=["results"], route_class=IdempotentRoute)


def _actor(body: By, desk: Desk) -> Actor:
    return desk.actor(body.by, body.role, body.department)


def _shown(row: VisitCheck) -> CheckOut:
    return CheckOut.of(row)


@visits.post("/rounds/{round_id}", responses=STEP)
def open_visits(round_id: RoundId, desk: DeskDep, now: NowDep) -> dict[str, int]:
    """Make the visits of a round whose seats are sealed, once; answers how many were made."""
    return {"made": opening.open_visits(desk, round_id, now)}


@visits.get("", dependencies=[Depends(_desk)], responses=problems(404, 422))
def list_visits(
    db: DatabaseDep,
    paging: PagingDep,
    round_id: Text = "",
    department: Text = "",
    state: Text = "",
    day: date | None = None,
) -> Page[VisitLine]:
    """Checks with their visits, in order of round and visit."""
    wanted = {"round_id": round_id, "department": department, "state": state, "day": day}
    with db.read() as session:
        rows = repository.page_of(session, paging, wanted)
    return paging.page(
        rows, lambda row: (row[0].round_id, row[0].planned_id, row[1].key), lambda row: VisitLine.of(*row)
    )


@visits.get("/{key}", responses=problems(404, 422))
def get_visit(key: Key, desk: DeskDep) -> VisitOut:
    """A visit with its merged checklist, answers, files and checks."""
    return _whole(desk, key)


def _whole(desk: Desk, key: str) -> VisitOut:
    with desk.seen.read() as session:
        visit = repository.visit(session, key)
        given = repository.answers(session, key)
        return VisitOut(
            **visit.model_dump(
                include={
                    "key", "round_id", "kind", "origin", "name", "code", "district", "address", "day", "start",
                    "notified_at", "arrived_at",
                }
            ),
            checklist=[QuestionOut(**question) for question in visit.checklist],
            answers={
                code: AnswerIn.model_validate({"answer": row.answer, "note": row.note})
                for code, row in given.items()
            },
            evidence=[EvidenceOut.of(row) for row in repository.evidence(session, key)],
            checks=[_shown(row) for row in repository.checks_of(session, key)],
        )  # fmt: skip


@visits.post("/{key}/approval", responses=STEP)
def approve_visit(key: Key, body: ApprovalIn, desk: DeskDep, now: NowDep) -> VisitOut:
    """Approve a proposed visit with its day and crews; not by who proposed it."""
    service.approve(desk, key, body.day, body.crews, _actor(body, desk), now)
    return _whole(desk, key)


@visits.post("/{key}/notice", responses=STEP)
def notify_visit(key: Key, body: By, desk: DeskDep, now: NowDep) -> VisitOut:
    """Serve the notice; from now on the visit code is on record."""
    service.notify(desk, key, _actor(body, desk), now)
    return _whole(desk, key)


@visits.post("/{key}/arrival", responses=STEP)
def arrive_at_visit(key: Key, body: ArrivalIn, desk: DeskDep, now: NowDep) -> VisitOut:
    """Arrive with at least two certified officers of each department."""
    service.arrive(desk, key, body.present, _actor(body, desk), now)
    return _whole(desk, key)


@visits.post("/{key}/answers", responses=STEP)
def answer_questions(key: Key, body: AnswersIn, desk: DeskDep, now: NowDep) -> VisitOut:
    """Keep answers to the merged checklist, as often as wanted while the visit is under way."""
    given = {code: (row.answer, row.note) for code, row in body.answers.items()}
    service.answer(desk, key, given, _actor(body, desk), now)
    return _whole(desk, key)


@visits.post("/{key}/evidence", status_code=status.HTTP_201_CREATED, responses=STEP)
def add_evidence(
    key: Key,
    desk: DeskDep,
    now: NowDep,
    file: UploadFile,
    by: Annotated[str, Form(min_length=1, max_length=64)],
    department: Annotated[str, Form(max_length=32)],
    kind: Annotated[Literal["photo", "file", "attempt", "signature"], Form()],
    taken_at: Annotated[AwareDatetime, Form()],
    question: Annotated[str, Form(max_length=64)] = "",
    note: Annotated[str, Form(max_length=500)] = "",
) -> EvidenceOut:
    """Add a photo or file: JPEG, PNG or PDF by its contents. The answer names the hash that was kept."""
    data = file.file.read(desk.evidence_bytes + 1)
    upload = Upload(data, department, kind, taken_at, question, note)
    return EvidenceOut.of(service.add_evidence(desk, key, upload, desk.actor(by), now))


@visits.post("/{key}/replacement", responses=STEP)
def replace_target(key: Key, body: ReplacementIn, desk: DeskDep, now: NowDep) -> VisitOut:
    """Replace a target that is not in the population by the next backups, before the reveal."""
    service.replace(desk, key, body.reason, body.evidence, _actor(body, desk), now)
    return _whole(desk, key)


@checks.post("/{key}/record", responses=STEP)
def record_check(key: Key, body: RecordIn, desk: DeskDep, now: NowDep) -> CheckOut:
    """A department's record; what its result demands has to be there."""
    given = Record(body.result, body.disposition, body.note, body.rectify_by)
    return _shown(service.record(desk, key, given, _actor(body, desk), now))


@checks.post("/{key}/review", responses=STEP)
def review_check(key: Key, body: By, desk: DeskDep, now: NowDep) -> CheckOut:
    """Review a record; not by who made it."""
    return _shown(service.review(desk, key, _actor(body, desk), now))


@checks.post("/{key}/return", responses=STEP)
def return_check(key: Key, body: ReturnIn, desk: DeskDep, now: NowDep) -> CheckOut:
    """Return a record with the reason."""
    return _shown(service.send_back(desk, key, body.reason, _actor(body, desk), now))


@checks.post("/{key}/legal-review", responses=STEP)
def review_legally(key: Key, body: By, desk: DeskDep, now: NowDep) -> CheckOut:
    """Legal review, by a third person, where the result or what was done about it demands one."""
    return _shown(service.legal_review(desk, key, _actor(body, desk), now))


@checks.post("/{key}/disclosure", responses=STEP)
def disclose_check(key: Key, body: By, desk: DeskDep, now: NowDep) -> CheckOut:
    """Publish a reviewed result."""
    return _shown(service.disclose(desk, key, _actor(body, desk), now))


@checks.post("/{key}/correction", responses=STEP)
def correct_check(key: Key, body: CorrectionIn, desk: DeskDep, now: NowDep) -> CheckOut:
    """Correct a disclosed result; before and after stay to be seen."""
    change = Change(body.reason, body.confirmed_by, body.result, body.disposition)
    return _shown(service.correct(desk, key, change, _actor(body, desk), now))


@checks.post("/{key}/withdrawal", responses=STEP)
def withdraw_check(key: Key, body: WithdrawalIn, desk: DeskDep, now: NowDep) -> CheckOut:
    """Withdraw a disclosed result; late is shown as late."""
    change = Change(body.reason, body.confirmed_by, revoked_on=body.revoked_on)
    return _shown(service.withdraw(desk, key, change, _actor(body, desk), now))


@checks.post("/{key}/objections", responses=STEP)
def file_objection(key: Key, body: ObjectionIn, desk: DeskDep, now: NowDep) -> CheckOut:
    """File a firm's objection to a disclosed result."""
    return _shown(service.object_to(desk, key, body.text, _actor(body, desk), now))


@checks.post("/{key}/objections/answer", responses=STEP)
def answer_objection(key: Key, body: ObjectionAnswerIn, desk: DeskDep, now: NowDep) -> CheckOut:
    """Answer the open objection; not by who recorded the result."""
    return _shown(service.answer_objection(desk, key, body.outcome, body.text, _actor(body, desk), now))


def _wanted(
    name: Text = "",
    code: Text = "",
    department: Text = "",
    district: Text = "",
    item: Text = "",
    result: Text = "",
    plan: Text = "",
    round_id: Annotated[str, Query(max_length=128)] = "",
    since: date | None = None,
    until: date | None = None,
) -> Wanted:
    return Wanted(name, code, department, district, item, result, plan, round_id, since, until)


WantedDep = Annotated[Wanted, Depends(_wanted)]


@results.get("", responses=problems(422))
def list_results(db: DatabaseDep, window: WindowDep, wanted: WantedDep, paging: PagingDep) -> Page[ResultOut]:
    """Published results, the newest check first."""
    with db.read() as session:
        rows = published.published_results(session, window, wanted, paging)
    return paging.page(rows, lambda row: (row.checked_on, row.result_id), ResultOut.of)


@results.get("/timeliness", responses=problems(422))
def get_timeliness(db: DatabaseDep, window: WindowDep, wanted: WantedDep) -> TimelinessOut:
    """How many of the published results were in time, and how many there are by result."""
    with db.read() as session:
        found = published.on_time(session, window, wanted)
        numbers = published.counts(session, window, wanted)
    return TimelinessOut(on_time=found.on_time, late=found.late, share=found.share, by_result=numbers)


@results.get("/{key}", responses=problems(404, 422))
def get_result(key: Key, db: DatabaseDep, window: WindowDep) -> ResultOut:
    """A published result with its history; what is absent and what is not shown answer alike."""
    with db.read() as session:
        return ResultOut.of(published.one_result(session, window, key))


router.include_router(checks)
router.include_router(visits)
router.include_router(results)
