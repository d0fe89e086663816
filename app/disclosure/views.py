"""What each page shows, gathered in one read: the templates only lay it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from app.disclosure import facts, pictures, repository
from app.disclosure.bundle import public_file
from app.disclosure.listing import Drawn, drawn_list, found, selected
from app.disclosure.service import bundle_name
from app.disclosure.work import Work
from app.http.pagination import Paging
from app.ledger import checkpoints
from app.plans.service import upcoming
from app.rounds.log import OFFICIAL
from app.rounds.tables import Round
from app.visits.codes import RESULTS
from app.visits.published import Wanted, Window, published_results
from app.web.footer import ShownCheckpoint
from app.web.kept import Kept
from app.web.language import Language
from app.web.picture import Picture

Context = Mapping[str, object]

HOME_ROUNDS: Final = 30
HOME_RESULTS: Final = 8
LIST_PAGE: Final = 100
_RESULTS: Final[Kept[dict[str, object]]] = Kept(16)
_LISTS: Final[Kept[list[Drawn]]] = Kept(4)
_HASH_COMMANDS: Final = {"DR1-HMAC-SHA256": "sha256sum", "DR1-HMAC-SM3": "openssl dgst -sm3"}


@dataclass(frozen=True, slots=True)
class Download:
    """A link to a file: its label is translated by the template."""

    label: str
    address: str


def newest_checkpoint(session: Session) -> ShownCheckpoint | None:
    """What the footer shows; None before the first checkpoint."""
    row = checkpoints.latest(session)
    if row is None:
        return None
    origin, size, root64 = row.note.split("\n")[:3]
    return ShownCheckpoint(origin, int(size), root64)


@dataclass(frozen=True, slots=True)
class Summary:
    """A round in a list; `reason`: why it is void."""

    row: Round
    title: str
    says: str
    reason: str


@dataclass(frozen=True, slots=True)
class Next:
    """A draw to come: a round that waits (`address`: its id), or a plan's next period. `days`: calendar days left."""

    title: str
    round_id: str
    plan: str
    at: datetime
    days: int
    provisional: bool


def home(session: Session, language: Language, window: Window, now: datetime) -> Context:
    """What is to come next, the latest rounds and the latest results."""
    rows = repository.latest(session, HOME_ROUNDS)
    paging = Paging("", HOME_RESULTS)
    english = language == "en"
    return {
        "checkpoint": newest_checkpoint(session),
        "rounds": [_summary(session, row, language) for row in rows],
        "next": next_draw(session, rows, language, now),
        "results": published_results(session, window, Wanted(), paging)[:HOME_RESULTS],
        "result_names": {code: row.en if english else row.zh for code, row in RESULTS.items()},
        "departments": facts.names_in(language, repository.department_names(session)),
        "assurance_words": facts.ASSURANCE,
    }


def next_draw(session: Session, rows: Sequence[Round], language: Language, now: datetime) -> Next | None:
    """The draw that comes first: of a round that is under way and not yet drawn, else of the plans in force."""
    today = now.astimezone(OFFICIAL).date()
    for row in sorted(rows, key=lambda row: row.created_at):
        ends = _deadline(session, row)
        if ends is not None and ends > now:
            title = _title(repository.manifest(session, row), row.round_id, language)
            left = (ends.astimezone(OFFICIAL).date() - today).days
            return Next(title, row.round_id, row.plan, ends, left, False)
    for due in upcoming(session, now):
        at, plan = due.period.due_at, due.plan
        title = f"{(language == 'en' and plan.title_en) or plan.title_zh} · {due.period.id}"
        left = (at.astimezone(OFFICIAL).date() - today).days
        return Next(title, "", plan.code, at, left, due.period.provisional)
    return None


def _deadline(session: Session, row: Round) -> datetime | None:
    """Until when the public values of a committed round that is not drawn yet have to be there."""
    if row.status not in ("running", "waiting") or row.stage not in ("committed", "entropy"):
        return None
    rules = repository.manifest(session, row)
    return datetime.fromisoformat(rules["deadlines"]["entropy"]) if rules else None


def _summary(session: Session, row: Round, language: Language) -> Summary:
    rules = repository.manifest(session, row)
    return Summary(row, _title(rules, row.round_id, language), facts.waiting(row), _void_reason(row))


def _title(rules: Mapping[str, Any] | None, round_id: str, language: Language) -> str:
    return facts.title_in(language, rules or {}, round_id)


def round_page(
    session: Session, round_id: str, language: Language, downloads: tuple[Download, ...]
) -> Context:
    """The page of a round: commitments and rules always, whatever depends on the draw only after the reveal."""
    row = repository.round_of(session, round_id)
    rules = repository.manifest(session, row)
    names = facts.names_in(language, repository.department_names(session))
    context: dict[str, object] = {
        "checkpoint": newest_checkpoint(session),
        "row": row,
        "title": _title(rules, round_id, language),
        "says": facts.waiting(row),
        "steps": facts.steps(session, row),
        "void_reason": _void_reason(row),
        "assurance": row.assurance if repository.reached(row, "drawn") else None,
        "assurance_words": facts.ASSURANCE,
        "replaced_words": facts.REPLACED,
        "sealed": row.privacy == "sealed",
        "released": repository.released(row),
        "draws": facts.draws(rules, {}, names, language) if rules else [],
        "joining": None,
        "measures": (),
        "changes": [],
        "downloads": downloads,
        "bundle_name": bundle_name(round_id),
        "hash_command": _HASH_COMMANDS.get(rules["suite"] if rules else "", "sha256sum"),
    }
    if repository.released(row) and rules:
        key = (repository.origin(session, round_id), tuple(sorted(names.items())), language)
        made = _drawn_in_vain if repository.is_void(row) else _results
        context |= _RESULTS.get(key, lambda: made(session, row, rules, names, language))
    return context


def _results(
    session: Session, row: Round, rules: Mapping[str, Any], names: Mapping[str, str], language: Language
) -> dict[str, object]:
    ids = [draw["draw_id"] for draw in rules["draws"]]
    results = {draw: public_file(session, row.round_id, f"results/{draw}.json") for draw in ids}
    visits = public_file(session, row.round_id, "visits.json")
    report = public_file(session, row.round_id, "schedule.json")["report"]
    drawn, joined = facts.draws(rules, results, names, language), facts.joining(visits, names)
    return {
        "draws": drawn,
        "joining": joined,
        "targets": sum(count for _, count in joined.overlap),
        "measures": facts.measures(report),
        "estimated_places": report["estimated_places"],
        "reproducible": report["reproducible"],
        "solver": report["solver"],
        "solver_version": report["version"],
        "unscheduled": facts.reasons(visits["unscheduled"]),
        "changes": facts.changes(public_file(session, row.round_id, "events.json")),
        "pictures": _pictures(drawn, joined, report, language),
    }


def _pictures(
    drawn: Sequence[facts.Draw], joined: facts.Joining, report: Mapping[str, Any], language: Language
) -> list[Picture]:
    price = pictures.price_of_entries(report, language)
    return [
        pictures.drawn_against_rule(drawn, language),
        pictures.checks_to_entries(joined, language),
        *([] if price is None else [price]),
        pictures.burden(joined, language),
        pictures.shared_targets(joined, language),
    ]


def _drawn_in_vain(
    session: Session, row: Round, rules: Mapping[str, Any], names: Mapping[str, str], language: Language
) -> dict[str, object]:
    """What a void round drew; its visits are made by nobody and are not shown."""
    ids = [draw["draw_id"] for draw in rules["draws"]]
    results = {draw: public_file(session, row.round_id, f"results/{draw}.json") for draw in ids}
    drawn = facts.draws(rules, results, names, language)
    targets = {target_id for result in results.values() for target_id in selected(result)}
    return {"draws": drawn, "targets": len(targets)}


def _void_reason(row: Round) -> str:
    """The reason in words, or its code."""
    code = repository.void_reason(row) or ""
    return facts.VOID_REASONS.get(code, code)


def list_page(
    session: Session, round_id: str, language: Language, wanted: str, draw: str, page: int
) -> Context:
    """A page of the published list; raises `round.not_public` under embargo."""
    row = repository.released_round(session, round_id)
    rules = repository.manifest(session, row)
    departments = tuple(sorted(repository.department_names(session).items()))
    key = (repository.origin(session, round_id), departments, language)
    matching = found(_LISTS.get(key, lambda: drawn_list(session, round_id, language)), wanted, draw)
    last = max(1, -(-len(matching) // LIST_PAGE))
    current = min(max(page, 1), last)
    return {
        "checkpoint": newest_checkpoint(session),
        "row": row,
        "title": _title(rules, round_id, language),
        "items": facts.names_in(language, repository.item_titles(session)),
        "rows": matching[(current - 1) * LIST_PAGE : current * LIST_PAGE],
        "count": len(matching),
        "wanted": wanted,
        "draw": draw,
        "draws": [
            (item["draw_id"], facts.title_in(language, item, item["draw_id"]))
            for item in (rules["draws"] if rules else ())
        ],
        "page": current,
        "last": last,
    }


def work_page(session: Session, work: Work, round_id: str, department: str, language: Language) -> Context:
    """For those who do the work: the round's departments as far as they may see them, and one's team-days."""
    row = repository.round_of(session, round_id)
    return {
        "checkpoint": newest_checkpoint(session),
        "row": row,
        "work": work,
        "departments": work.departments(),
        "department": department if department in work.departments() else "",
        "teams": work.of(department),
        "calendar": pictures.team_days(work, language),
    }
