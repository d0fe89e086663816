"""What firms say of visits (好差评): once a visit, by the firm itself; the public reads counts, never words.

A rating is counted once something of its visit is published, and none are shown while they are fewer than the
smallest cell that estimates show: one rating beside one published visit would say whose it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from sqlmodel import Session, col, select

from app.errors import Conflict, Problem, refuse
from app.visits import repository
from app.visits.desk import Actor, Desk, log_visit
from app.visits.steps import Here, here
from app.visits.tables import SCORES, PublishedResult, VisitCheck, VisitRating
from app.web.language import marked
from scheduler.estimates import SMALLEST_CELL

NAMES: Final[Mapping[int, str]] = {
    5: marked("非常满意"),
    4: marked("满意"),
    3: marked("基本满意"),
    2: marked("不满意"),
    1: marked("非常不满意"),
}
LONGEST: Final = 2_000
"""Characters of the words beside a rating."""


def of_visit(session: Session, key: str) -> VisitRating | None:
    """The rating of a visit, None before there is one."""
    return session.get(VisitRating, key)


def rate(desk: Desk, key: str, score: int, text: str, actor: Actor, now: datetime) -> None:
    """Rate a visit at which the inspectors have arrived. The caller answers for the firm being the visit's own.

    Raises Refused `rating.score`, Conflict `rating.too_early`, `rating.once`.
    """
    with desk.db.write() as session:
        add(here(desk, session, now), key, score, text, actor)


def add(at: Here, key: str, score: int, text: str, actor: Actor) -> None:
    """The same inside the caller's transaction."""
    if score not in SCORES or len(text) > LONGEST:
        raise refuse(
            "rating.score",
            f"评价为 1 至 5 分（收到 {score}），说明不超过 {LONGEST} 字。",
            f"A rating is 1 to 5 (given: {score}), its words at most {LONGEST} characters.",
            "请从五档中选择一档。",
            "Choose one of the five.",
        )
    visit = repository.visit(at.session, key, lock=True)
    if visit.arrived_at is None:
        raise _too_early(key)
    if of_visit(at.session, key) is not None:
        raise _once(key)
    at.session.add(VisitRating(visit=key, score=score, text=text, rated_by=actor.code, at=at.now))
    at.session.flush()
    log_visit(at.desk, at.session, "rated", visit, actor, at.now, f"{score} {text}")


def counts(session: Session, today: date) -> dict[int, int]:
    """How many published visits were rated how, the best first; nothing below the smallest cell."""
    published = (  # asked rating by rating: there are fewer of them than results
        select(VisitCheck.visit)
        .join(PublishedResult, col(PublishedResult.result_id) == col(VisitCheck.key))
        .where(col(VisitCheck.visit) == col(VisitRating.visit), col(PublishedResult.disclosed_on) <= today)
        .exists()
    )
    found = Counter(session.exec(select(VisitRating.score).where(published)))
    return {score: found[score] for score in SCORES} if found.total() >= SMALLEST_CELL else {}


def latest(session: Session, limit: int) -> list[VisitRating]:
    """What was said last, with its words: for those who see everything."""
    query = select(VisitRating).order_by(col(VisitRating.at).desc(), col(VisitRating.visit))
    return list(session.exec(query.limit(limit)))


def _too_early(key: str) -> Conflict:
    return Conflict(
        Problem(
            "rating.too_early",
            "检查人员到场之后才能评价这次检查。",
            "A visit can be rated once the inspectors have arrived.",
            "请在检查之后评价。",
            "Rate it after the visit.",
            {"visit": key},
        )
    )


def _once(key: str) -> Conflict:
    return Conflict(
        Problem(
            "rating.once",
            "这次检查已经评价过，每次检查只能评价一次。",
            "This visit has been rated already; each visit is rated once.",
            "如有其他意见，请对公示结果提出异议，或拨打 12345。",
            "Object to the published result, or call 12345.",
            {"visit": key},
        )
    )
