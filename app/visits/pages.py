"""Pages of the visits: the public check of a visit code; the inspector's day, the visit, the queue, the forms."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile
from fastapi.responses import RedirectResponse, Response

from app.http.dependencies import NowDep, WholeDatabaseDep
from app.ledger import repository as ledger
from app.rounds.log import OFFICIAL
from app.visits import forms, repository, service, views
from app.visits.api import DeskDep
from app.visits.desk import Desk, official_day
from app.visits.printing import pdf
from app.visits.records import Record
from app.visits.service import Upload
from app.visits.visit_code import CodeKey, on_record, qr_svg
from app.web.addresses import LanguageDep, in_both_languages, place_of
from app.web.language import Language, localized
from app.web.responses import HEADERS, HTML, PRIVATE, download, page
from app.web.templates import Place, render

router = APIRouter(include_in_schema=False)
PDF: Final = "application/pdf"


Text = Annotated[str, Query(max_length=200)]
Field = Annotated[str, Form(max_length=2000)]
By = Annotated[str, Form(min_length=1, max_length=64)]


@in_both_languages(router, "/visit-code")
def visit_code(request: Request, db: WholeDatabaseDep, language: LanguageDep, code: Text = "") -> Response:
    """这次检查有备案, or 查不到: one answer for a forged code, an unknown one and one that is on record no more."""
    with db.read() as session:
        found = on_record(session, CodeKey(request.app.state.settings.data_dir), code) if code else None
    place = Place.served(request.url.path, language)
    html = render("visit_code.html", place, {"asked": bool(code), "found": found})
    return Response(html.encode(), 200, {**HEADERS, "Cache-Control": PRIVATE}, HTML)


@in_both_languages(router, "/staff/today")
def today_page(
    request: Request,
    desk: DeskDep,
    language: LanguageDep,
    now: NowDep,
    day: date | None = None,
    department: Text = "",
    inspector: Text | None = None,
) -> Response:
    """The day's visits in route order; an inspector's own unless others are asked for."""
    whose = desk.who.inspector if inspector is None else inspector
    with desk.seen.read() as session:
        context = views.today(session, day or official_day(now), department, whose, language)
    return page(request, render("visits_today.html", place_of(request, language), context), language, PRIVATE)


@in_both_languages(router, "/staff/arrive")
def arrive_by_scan(request: Request, desk: DeskDep, language: LanguageDep, code: Text = "") -> Response:
    """From a scanned code to its visit; a code that is not on record leads nowhere."""
    said = CodeKey(request.app.state.settings.data_dir).read(code.strip())
    with desk.seen.read() as session:
        if said is None or not said.names(repository.visit(session, said.visit)):
            raise repository.absent("–")
    return _back(f"/staff/visits/{said.visit}#arrival", language)


@in_both_languages(router, "/staff/visits/{key}")
def visit_page(
    request: Request, desk: DeskDep, language: LanguageDep, now: NowDep, key: str, by: Text = ""
) -> Response:
    """A visit on the phone: arrive, answer, prove, record."""
    with desk.seen.read() as session:
        context = views.visit(session, key, language, official_day(now), by)
    return page(request, render("visit.html", place_of(request, language), context), language, PRIVATE)


@in_both_languages(router, "/staff/reviews")
def review_queue(
    request: Request, desk: DeskDep, language: LanguageDep, now: NowDep, department: Text = "", by: Text = ""
) -> Response:
    """What waits for review, legal review or publication, what is due first at the top."""
    with desk.seen.read() as session:
        given = _signer(desk, by)
        context = views.queue(session, desk.terms, official_day(now), department, given, language)
    context = {**context, "operator": desk.who.is_operator}
    return page(request, render("visits_queue.html", place_of(request, language), context), language, PRIVATE)


@in_both_languages(router, "/staff/visits/{key}/forms/{kind}.pdf")
def form_pdf(request: Request, desk: DeskDep, key: str, kind: str) -> Response:
    """A form as PDF."""
    found, address = _form(request, desk, key, kind)
    return download(request, pdf(found, address), PDF, f"{found.title}-{key[:10]}.pdf", PRIVATE)


@in_both_languages(router, "/staff/visits/{key}/forms/{kind}")
def form_page(request: Request, desk: DeskDep, language: LanguageDep, key: str, kind: str) -> Response:
    """A form as a page to print."""
    found, address = _form(request, desk, key, kind)
    shown = qr_svg(address) if found.qr and address else ""
    context = {"form": found, "qr": shown, "key": key, "kind": kind}
    return page(request, render("visit_form.html", place_of(request, language), context), language, PRIVATE)


def _form(request: Request, desk: Desk, key: str, kind: str) -> tuple[forms.Form, str]:
    with desk.seen.read() as session:
        papers = forms.papers(session, key)
    signer = CodeKey(request.app.state.settings.data_dir)
    code = signer.sign(papers.visit) if papers.visit.day else ""
    address = str(request.base_url.replace(path="/visit-code", query=f"code={code}")) if code else ""
    return forms.form(papers, kind), address


@in_both_languages(router, "/staff/visits/{key}/evidence/{digest}")
def evidence_file(request: Request, desk: DeskDep, key: str, digest: str) -> Response:
    """A photo or file, as it was kept."""
    with desk.seen.read() as session:
        row = next((row for row in repository.evidence(session, key) if row.sha256 == digest), None)
        if row is None:
            raise repository.absent(key)
        data = ledger.load(session, f"visit:{key}", f"evidence/{digest}")
    return download(
        request, data, row.media_type, f"{digest[:16]}.{row.media_type.rpartition('/')[2]}", PRIVATE
    )


@in_both_languages(router, "/staff/visits/{key}/notice", post=True)
def notify(desk: DeskDep, language: LanguageDep, now: NowDep, key: str, by: By) -> Response:
    """Serve the notice."""
    service.notify(desk, key, desk.actor(by), now)
    return _visit(key, by, language)


@in_both_languages(router, "/staff/visits/{key}/arrival", post=True)
def arrive(
    desk: DeskDep,
    language: LanguageDep,
    now: NowDep,
    key: str,
    by: By,
    present: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Arrive with those who are ticked; each value is `department/code`."""
    people: dict[str, list[str]] = {}
    for entry in present or []:
        department, _, code = entry.rpartition("/")
        people.setdefault(department, []).append(code)
    service.arrive(desk, key, people, desk.actor(by), now)
    return _visit(key, by, language)


@in_both_languages(router, "/staff/visits/{key}/answers", post=True)
def answer(
    desk: DeskDep,
    language: LanguageDep,
    now: NowDep,
    key: str,
    by: By,
    given: Annotated[Any, Depends(views.answers_of)],
) -> Response:
    """Keep what was answered; what was left open stays open."""
    service.answer(desk, key, given, desk.actor(by), now)
    return _visit(key, by, language)


@in_both_languages(router, "/staff/visits/{key}/evidence", post=True)
def add_evidence(
    desk: DeskDep,
    language: LanguageDep,
    now: NowDep,
    key: str,
    by: By,
    department: Field,
    kind: Field,
    file: Annotated[UploadFile, File()],
    taken_at: Field = "",
    note: Field = "",
) -> Response:
    """Add a photo or file; without a time it was made now."""
    moment = datetime.fromisoformat(taken_at).replace(tzinfo=OFFICIAL) if taken_at else now
    data = file.file.read(desk.evidence_bytes + 1)
    service.add_evidence(desk, key, Upload(data, department, kind, moment, note=note), desk.actor(by), now)
    return _visit(key, by, language)


@in_both_languages(router, "/staff/checks/{key}/record", post=True)
def record(
    desk: DeskDep,
    language: LanguageDep,
    now: NowDep,
    key: str,
    by: By,
    result: Field = "",
    disposition: Field = "",
    note: Field = "",
    rectify_by: Field = "",
) -> Response:
    """Submit a department's record; nothing is chosen beforehand."""
    due = date.fromisoformat(rectify_by) if rectify_by else None
    check = service.record(desk, key, Record(result, disposition, note, due), desk.actor(by), now)
    return _visit(check.visit, by, language)


@in_both_languages(router, "/staff/checks/{key}/{step}", post=True)
def decide(
    desk: DeskDep,
    language: LanguageDep,
    now: NowDep,
    key: str,
    step: Literal["review", "return", "legal-review", "disclosure"],
    by: By,
    reason: Field = "",
) -> Response:
    """Review, return, review legally, or publish, from the queue."""
    actor = desk.actor(by, "reviewer")
    if step == "return":
        service.send_back(desk, key, reason, actor, now)
    else:
        done = {
            "review": service.review,
            "legal-review": service.legal_review,
            "disclosure": service.disclose,
        }
        done[step](desk, key, actor, now)
    return _back(f"/staff/reviews?by={by}", language)


def _signer(desk: Desk, by: str) -> str:
    """The code that the operator typed in; an account signs as itself."""
    return by if desk.who.is_operator else desk.who.signature


def _visit(key: str, by: str, language: Language) -> Response:
    return _back(f"/staff/visits/{key}?by={by}", language)


def _back(path: str, language: Language) -> RedirectResponse:
    return RedirectResponse(localized(path, language), 303, {"Cache-Control": PRIVATE})
