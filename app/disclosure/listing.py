"""The published list of a released round: who was drawn, by which draws, for which departments, when. Allow-listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlmodel import Session

from app.disclosure import repository
from app.disclosure.bundle import public_file
from app.disclosure.facts import names_in
from app.disclosure.spreadsheets import Row
from app.web.language import Language, marked

COLUMNS: Final = (
    marked("对象代码"),
    marked("名称"),
    marked("抽取"),
    marked("部门"),
    marked("事项"),
    marked("检查日期"),
    marked("检查编号"),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn target as the public sees it.

    `dates` is empty where none of its checks found a place, and in a void round.
    """

    target_id: str
    name: str
    draws: tuple[str, ...]
    departments: tuple[str, ...]
    items: tuple[str, ...]
    dates: tuple[str, ...]
    visits: tuple[str, ...]

    def row(self) -> Row:
        """Cells in the order of `COLUMNS`; several values are parted by one space."""
        several = (self.draws, self.departments, self.items, self.dates, self.visits)
        return (self.target_id, self.name, *(" ".join(values) for values in several))


def drawn_list(session: Session, round_id: str, language: Language) -> list[Drawn]:
    """Everybody drawn, ascending by id; of a void round without the visits, which nobody makes.

    What is absent or not yet public raises `round.not_public`.
    """
    names = repository.public_site_names(session, round_id)
    departments = names_in(language, repository.department_names(session))
    if repository.is_void(repository.released_round(session, round_id)):
        return _drawn_in_vain(session, round_id, names, departments)
    visits = public_file(session, round_id, "visits.json")
    checks: dict[str, list[dict[str, list[str]]]] = {}
    for check in visits["checks"]:
        checks.setdefault(check["target_id"], []).append(check)
    entries: dict[str, list[dict[str, str]]] = {}
    for visit in visits["visits"]:
        entries.setdefault(visit["target_id"], []).append(visit)
    return [
        Drawn(
            target_id=target_id,
            name=names.get(target_id, ""),
            draws=_distinct(draw for check in own for draw in check["draws"]),
            departments=_distinct(departments.get(str(c["department"]), str(c["department"])) for c in own),
            items=_distinct(item for check in own for item in check["items"]),
            dates=_distinct(visit["date"] for visit in entries.get(target_id, ())),
            visits=_distinct(visit["visit_id"] for visit in entries.get(target_id, ())),
        )
        for target_id, own in sorted(checks.items())
    ]


def _drawn_in_vain(
    session: Session, round_id: str, names: Mapping[str, str], departments: Mapping[str, str]
) -> list[Drawn]:
    """A void round's result: whom each draw selected, for which departments and items."""
    draws: dict[str, list[dict[str, Any]]] = {}
    for draw in public_file(session, round_id, repository.MANIFEST)["draws"]:
        for target_id in selected(public_file(session, round_id, f"results/{draw['draw_id']}.json")):
            draws.setdefault(target_id, []).append(draw)
    return [
        Drawn(
            target_id=target_id,
            name=names.get(target_id, ""),
            draws=_distinct(draw["draw_id"] for draw in own),
            departments=_distinct(
                departments.get(code, code)
                for draw in own
                for code in draw.get("departments", [draw["department"]])
            ),
            items=_distinct(item for draw in own for item in draw.get("items", ())),
            dates=(),
            visits=(),
        )
        for target_id, own in sorted(draws.items())
    ]


def selected(result: Mapping[str, Any]) -> list[str]:
    """Ids that a public result file lists as drawn, sealed or open."""
    if "strata" not in result:
        return list(result["selected"])
    return [row["target_id"] for stratum in result["strata"] for row in stratum["selected"]]


def found(rows: Sequence[Drawn], wanted: str, draw: str) -> list[Drawn]:
    """Rows whose code or name contains `wanted` (whatever the case) and that `draw` drew; empty texts match all."""
    needle = wanted.strip().casefold()
    return [
        row
        for row in rows
        if (not draw or draw in row.draws)
        and (not needle or needle in row.target_id.casefold() or needle in row.name.casefold())
    ]


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))
