"""One trade, one handbook (一业一册): everything a trade may be checked for, by whom, from the published check items.

Supervision rules that ask the same of a target are one trade; rules that ask for nothing but the kind of target apply
to every trade and stand at the end of each handbook.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from sqlmodel import Session, col, select

from app.disclosure import facts, repository
from app.disclosure.views import Context, newest_checkpoint
from app.errors import NotFound, Problem
from app.http.dependencies import WholeDatabaseDep
from app.registers.tables import CheckItem, SupervisionRule
from app.web.addresses import LanguageDep, in_both_languages, place_of
from app.web.language import Language, marked
from app.web.responses import page
from app.web.templates import render

METHODS: Final = {
    "on_site": marked("现场检查"),
    "paper": marked("书面检查"),
    "online": marked("网络监测"),
    "sampling": marked("抽样检验"),
}
KINDS: Final = {"key": marked("重点事项"), "general": marked("一般事项")}
COMMON: Final = frozenset({"kinds"})
"""Fields of a condition that do not make a trade."""
FIRM: Final = "firm"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Chapter:
    """What one department may check, and why the trade is its business."""

    department: str
    reason: str
    items: tuple[CheckItem, ...]


@dataclass(frozen=True, slots=True)
class Handbook:
    """A trade; `id` is the code of its first rule. `common`: what every trade may be checked for."""

    id: str
    title: str
    chapters: tuple[Chapter, ...]
    common: tuple[Chapter, ...]

    @property
    def count(self) -> int:
        """Different items in all."""
        return len({item.code for chapter in (*self.chapters, *self.common) for item in chapter.items})


@in_both_languages(router, "/handbook")
def handbooks_page(request: Request, db: WholeDatabaseDep, language: LanguageDep) -> Response:
    """All trades."""
    with db.read() as session:
        context = {"checkpoint": newest_checkpoint(session), "books": handbooks(session, language)}
    return page(request, render("handbooks.html", place_of(request, language), context), language)


@in_both_languages(router, "/handbook/{trade}")
def handbook_page(
    request: Request, db: WholeDatabaseDep, language: LanguageDep, trade: Annotated[str, Path(max_length=64)]
) -> Response:
    """One trade on one page, to be printed."""
    with db.read() as session:
        context = view(session, trade, language)
    return page(request, render("handbook.html", place_of(request, language), context), language)


def view(session: Session, trade: str, language: Language) -> Context:
    """Raises NotFound `handbook.absent`."""
    book = next((one for one in handbooks(session, language) if one.id == trade), None)
    if book is None:
        raise _absent(trade)
    return {
        "checkpoint": newest_checkpoint(session),
        "book": book,
        "english": language == "en",
        "methods": METHODS,
        "kinds": KINDS,
    }


def handbooks(session: Session, language: Language) -> list[Handbook]:
    """Every trade with published items, by the code of its first rule."""
    rules = session.exec(
        select(SupervisionRule).where(col(SupervisionRule.active)).order_by(col(SupervisionRule.code))
    ).all()
    items = _published(session)
    names = facts.names_in(language, repository.department_names(session))
    common = [rule for rule in rules if _is_common(rule)]
    trades: dict[str, list[SupervisionRule]] = {}
    for rule in rules:
        if not _is_common(rule):
            trades.setdefault(json.dumps(rule.condition, sort_keys=True), []).append(rule)
    if common and not trades:
        trades[""] = common
        common = []
    shared = _chapters(common, items, names, language)
    found = [
        Handbook(own[0].code, _title(own[0], language), _chapters(own, items, names, language), shared)
        for own in trades.values()
    ]
    return [one for one in found if one.chapters]


def _is_common(rule: SupervisionRule) -> bool:
    kinds = rule.condition.get("kinds") or [FIRM]
    asked = {name for name, value in rule.condition.items() if value}
    return asked <= COMMON and isinstance(kinds, list) and FIRM in kinds


def _title(rule: SupervisionRule, language: Language) -> str:
    """The trade that the rule names first, and what makes it a matter of supervision."""
    trades = rule.condition.get("trades")
    first = str(trades[0]) if isinstance(trades, list) and trades else ""
    reason = _reason(rule, language)
    return f"{first} · {reason}" if first and not first.isdigit() and language == "zh" else reason


def _published(session: Session) -> dict[str, CheckItem]:
    """The version in force of each item, by code."""
    query = select(CheckItem).where(CheckItem.status == "published")
    return {
        row.code: row for row in session.exec(query.order_by(col(CheckItem.code), col(CheckItem.version)))
    }


def _chapters(
    rules: Iterable[SupervisionRule], items: dict[str, CheckItem], names: dict[str, str], language: Language
) -> tuple[Chapter, ...]:
    found = [
        Chapter(
            names.get(rule.department, rule.department),
            _reason(rule, language),
            tuple(items[code] for code in rule.items if code in items),
        )
        for rule in rules
    ]
    return tuple(chapter for chapter in found if chapter.items)


def _reason(rule: SupervisionRule, language: Language) -> str:
    return (language == "en" and rule.reason_en) or rule.reason_zh or rule.code


def _absent(trade: str) -> NotFound:
    return NotFound(
        Problem(
            "handbook.absent",
            f"没有行业手册 {trade}。",
            f"There is no handbook {trade}.",
            "请从手册列表进入。",
            "Start from the list of handbooks.",
            {"trade": trade},
        )
    )
