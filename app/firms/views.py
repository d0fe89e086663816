"""What a firm sees of itself: the year's entries against their cap, visits, results, objections, proofs.

Read in a session that is kept to the firm (`app.db.scope`): a visit is there once its notice was served. A result is
told once it has passed its reviews; before that the check is still being worked on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlmodel import Session, col, select

from app.disclosure import facts
from app.disclosure import repository as disclosure
from app.plans import repository as plans
from app.plans.service import parse_document
from app.registers.tables import Target
from app.rounds.log import OFFICIAL
from app.visits import codes, rating, repository, states
from app.visits.published import Wanted, Window, published_results
from app.visits.tables import Visit, VisitCheck, VisitObjection
from app.web.language import Language, marked

ROUNDS: Final = 30
OUTCOMES: Final = {"upheld": marked("成立"), "rejected": marked("不成立")}


@dataclass(frozen=True, slots=True)
class Told:
    """A check as its firm is told of it. `result` and `disposition` are empty until they have passed their reviews."""

    check: VisitCheck
    department: str
    state: str
    items: tuple[str, ...]
    result: str
    disposition: str
    rectify_by: date | None
    public: bool
    objections: tuple[VisitObjection, ...]

    @property
    def may_object(self) -> bool:
        """Whether an objection can be filed now."""
        return self.check.state == states.DISCLOSED and all(row.outcome for row in self.objections)


@dataclass(frozen=True, slots=True)
class Words:
    """Names in the page's language."""

    english: bool
    departments: Mapping[str, str]
    items: Mapping[str, str]

    @classmethod
    def of(cls, session: Session, language: Language) -> Words:
        """As the registers have them now."""
        english = language == "en"
        found = (disclosure.department_names(session), disclosure.item_titles(session))
        return cls(english, *({key: pair[english] for key, pair in names.items()} for names in found))

    def named(self, found: codes.Named | None) -> str:
        """A code's name."""
        return "" if found is None else found.en if self.english else found.zh


def record(session: Session, target_id: str, window: Window, language: Language) -> dict[str, object]:
    """Everything of one firm."""
    newest = (col(Visit.day).desc(), col(Visit.key))
    visits = session.exec(select(Visit).where(Visit.target_id == target_id).order_by(*newest)).all()
    firm = session.exec(select(Target).where(Target.target_id == target_id)).one_or_none()
    words, shown = Words.of(session, language), _shown(session, window, visits)
    rounds = disclosure.latest(session, ROUNDS)
    return {
        "firm": firm,
        "target_id": target_id,
        "year": window.today.year,
        "entries": _entries(visits, window.today.year),
        "cap": cap(session),
        "visits": [(visit, _told(session, visit, words, shown)) for visit in visits],
        "ratings": {visit.key: rating.of_visit(session, visit.key) for visit in visits},
        "scores": rating.NAMES,
        "rounds": [
            (row, facts.title_in(language, disclosure.manifest(session, row) or {}, row.round_id))
            for row in rounds
            if disclosure.released(row)
        ],
        "outcomes": OUTCOMES,
    }


def _entries(visits: Sequence[Visit], year: int) -> int:
    moments = (visit.arrived_at for visit in visits if visit.arrived_at is not None)
    return sum(moment.astimezone(OFFICIAL).year == year for moment in moments)


def cap(session: Session) -> int | None:
    """The most entries at one target in a calendar year by the strictest plan in force; None where none says."""
    documents = (parse_document(row.document) for row in plans.all_in_force(session))
    caps = (one for document in documents for one in document.caps)
    return min((one.max for one in caps if one.scope == "target" and one.window_days is None), default=None)


def _shown(session: Session, window: Window, visits: Sequence[Visit]) -> frozenset[str]:
    """Results of these visits that the public can read."""
    found: set[str] = set()
    for code in {visit.code for visit in visits if visit.code}:
        found |= {row.result_id for row in published_results(session, window, Wanted(code=code))}
    return frozenset(found)


def _told(session: Session, visit: Visit, words: Words, shown: frozenset[str]) -> tuple[Told, ...]:
    return tuple(_check(session, row, words, shown) for row in repository.checks_of(session, visit.key))


def _check(session: Session, row: VisitCheck, words: Words, shown: frozenset[str]) -> Told:
    final = is_final(row)
    due = repository.rectification(session, row.key) if final else None
    return Told(
        check=row,
        department=words.departments.get(row.department, row.department),
        state=states.NAMES[row.state][words.english],
        items=tuple(words.items.get(item, item) for item in row.items),
        result=words.named(codes.RESULTS.get(row.result or "")) if final else "",
        disposition=words.named(codes.DISPOSITIONS.get(row.disposition or "")) if final else "",
        rectify_by=due.due_on if due else None,
        public=row.key in shown,
        objections=tuple(repository.objections(session, row.key)),
    )


def is_final(row: VisitCheck) -> bool:
    """Whether a result has passed every review that it needs (结果告知书 may be served)."""
    reviewed = row.state == states.REVIEWED and not row.legal_review
    return reviewed or row.state in (states.LEGAL, states.DISCLOSED)
