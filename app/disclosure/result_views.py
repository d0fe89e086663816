"""What the pages of published results show: lines that `published_results` gives, with the names of their codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlmodel import Session, col, select

from app.disclosure import facts, repository
from app.disclosure.views import Context, newest_checkpoint
from app.http.pagination import Paging
from app.registers.gazetteer import district_name, districts
from app.registers.tables import CheckItem
from app.rounds.tables import Round
from app.visits import codes, published, rating
from app.visits.published import Wanted, Window
from app.visits.tables import PublishedResult
from app.web.language import Language, marked

KINDS: Final = {
    "drawn": marked("抽中检查"),
    "replacement": marked("备选替换"),
    "recheck": marked("整改复查"),
}
VERSIONS: Final = {
    "original": marked("首次公示"),
    "correction": marked("已更正"),
    "withdrawal": marked("已撤销公示"),
}
OBJECTIONS: Final = {
    "open": marked("已提出，尚在答复期内"),
    "upheld": marked("已答复：异议成立"),
    "rejected": marked("已答复：异议不成立"),
}


def listed(session: Session, window: Window, wanted: Wanted, paging: Paging, language: Language) -> Context:
    """A page of lines; `next`: the cursor of the page after it, None at the end."""
    rows = published.published_results(session, window, wanted, paging)
    following = paging.page(rows, lambda row: (row.checked_on, row.result_id), lambda row: row.result_id).next
    return {
        **_names(session, language),
        "checkpoint": newest_checkpoint(session),
        "rows": rows[: paging.limit],
        "next": following,
        "summary": published.summary(session, window, wanted),
        "scores": rating.NAMES,
        "districts": [(area.code, district_name(area.code, language == "en")) for area in districts()],
    }


def one(session: Session, window: Window, result_id: str, language: Language) -> Context:
    """A line with its basis. Raises NotFound `result.not_public`."""
    line = published.one_result(session, window, result_id)
    row = session.get_one(Round, line.round_id)
    rules = repository.manifest(session, row)
    return {
        **_names(session, language),
        "checkpoint": newest_checkpoint(session),
        "line": line,
        "round_title": facts.title_in(language, rules or {}, line.round_id),
        "draws": _draw_titles(rules or {}, line, language),
        "items": _basis(session, line, language),
        "proof": repository.released(row),
    }


def _names(session: Session, language: Language) -> dict[str, object]:
    """Names of all codes that a line holds, in the page's language."""
    english = language == "en"
    tables = {"results": codes.RESULTS, "dispositions": codes.DISPOSITIONS, "changes": codes.CHANGES}
    named = {
        table: {code: row.en if english else row.zh for code, row in rows.items()}
        for table, rows in tables.items()
    }
    return {
        **named,
        "departments": facts.names_in(language, repository.department_names(session)),
        "district_names": {area.code: district_name(area.code, english) for area in districts()},
        "kinds": KINDS,
        "versions": VERSIONS,
        "objections": OBJECTIONS,
    }


def _draw_titles(rules: Mapping[str, object], line: PublishedResult, language: Language) -> list[str]:
    draws = rules.get("draws", ())
    assert isinstance(draws, list | tuple)
    titles = {draw["draw_id"]: facts.title_in(language, draw, draw["draw_id"]) for draw in draws}
    return [titles.get(draw, draw) for draw in line.draws]


def _basis(session: Session, line: PublishedResult, language: Language) -> list[tuple[str, str, str]]:
    """(code and version, title, legal basis) of each item, by the version that was in force."""
    wanted = col(CheckItem.code).in_([item.partition("@")[0] for item in line.items])
    known = {f"{row.code}@{row.version}": row for row in session.exec(select(CheckItem).where(wanted))}
    return [
        (item, (language == "en" and row.title_en) or row.title_zh, row.legal_basis)
        if (row := known.get(item))
        else (item, item, "")
        for item in line.items
    ]
