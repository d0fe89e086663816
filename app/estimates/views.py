"""What the pages and the API of estimates show: sheets as they are kept, by filters that stand in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from app.disclosure import facts
from app.disclosure import repository as disclosed
from app.disclosure.views import Context, newest_checkpoint
from app.errors import NotFound, Problem
from app.estimates import repository
from app.estimates.observing import UNKNOWN
from app.estimates.schemas import EstimateOut, Estimates
from app.estimates.service import OTHER
from app.estimates.tables import EstimateSheet
from app.registers.gazetteer import district_name, districts
from app.web.forest import Interval, forest
from app.web.grids import Tile, tile_map
from app.web.language import Language, marked, translate
from app.web.picture import Picture
from app.web.templates import share

ATTRIBUTES: Final = {
    "district": marked("区县"),
    "trade": marked("行业"),
    "kind": marked("对象类型"),
    "credit": marked("信用风险分类（内部）"),
}
SUPPRESSED: Final = {
    "small": marked("样本过少，不公布"),
    "complementary": marked("不公布：否则可推算出其他小样本分组"),
    "posterior": marked("不公布：否则可推断内部属性"),
    "coarse": marked("不公布：否则会透露单个对象的内部分类"),
}
METHODS: Final = {
    "exact": marked("精确（超几何分布）"),
    "wilson": marked("Wilson 区间（有效样本量）"),
    "census": marked("全部检查"),
    "none": "—",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Filters; empty ones ask for the newest plan, all its rounds, all its draws, anything found, by district."""

    plan: str = ""
    round_id: str = ""
    draw: str = ""
    item: str = ""
    by: str = ""

    def address(self) -> dict[str, str]:
        """The filters that ask something, as the address has them."""
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in pairs if value}


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table: the cell, its name, and where more about it stands."""

    name: str
    cell: Mapping[str, Any]
    draw_id: str = ""
    is_whole: bool = False


def estimates_page(session: Session, asked: Asked, language: Language, *, internal: bool = False) -> Context:
    """All draws of a plan side by side, or one of them by an attribute. Raises NotFound `estimates.absent`."""
    known = repository.plans(session)
    context: dict[str, object] = {
        "checkpoint": newest_checkpoint(session),
        "asked": asked.address(),
        "plans_named": [(plan, plan) for plan, _ in known],
        "attributes": ATTRIBUTES,
        "suppressed": SUPPRESSED,
        "methods": METHODS,
        "internal": internal,
        "lines": [],
    }
    if not known:
        return context
    plan = _plan(known, asked)
    sheets = _sheets(session, plan, asked, internal)
    departments = facts.names_in(language, disclosed.department_names(session))
    lines = _lines(sheets, asked, language)
    newest = sheets[-1].about
    return context | {
        "plan": plan,
        "made_at": dict(known)[plan],
        "lines": lines,
        "rounds_named": _rounds(sheets),
        "draws": _draws(session, plan, language),
        "items": _items(session, plan, asked, language),
        "by": sheets[0].by,
        "by_choices": repository.attributes_of(session, plan, asked.draw, internal=internal) if asked.draw else [],
        "about": newest,
        "department": departments.get(newest["department"], newest["department"]),
        "frame_rows": sum(rows for name, _, rows in newest["rounds"] if asked.round_id in ("", name)),
        "others": sum(sheet.about["others"] for sheet in sheets),
        "sealed": any(sheet.about["sealed"] for sheet in sheets) and not sheets[0].internal,
        "demo": any(sheet.about["demo"] for sheet in sheets),
        "pictures": _pictures(lines, sheets[0].by if asked.draw else "", language),
        "steps": sorted({line.cell["step"] for line in lines if line.cell["step"]}),
    }  # fmt: skip


def estimates_json(session: Session, asked: Asked) -> Estimates:
    """The same for programs: every round and all together, unless one round is asked for."""
    known = repository.plans(session)
    if not known:
        if asked.plan:
            raise _absent(asked)
        return Estimates(plan="", made_at=None, estimates=[])
    plan = _plan(known, asked)
    found = [
        EstimateOut(
            plan=plan, draw_id=sheet.draw_id, item=sheet.item, by=sheet.by, others=sheet.about["others"],
            demo=sheet.about["demo"],
            **{name: cell[name] for name in cell if name in EstimateOut.model_fields},
        )
        for sheet in _sheets(session, plan, asked, internal=False)
        for cell in sheet.cells
        if asked.round_id in ("", cell["round_id"]) and (asked.draw or not cell["value"])
    ]  # fmt: skip
    return Estimates(plan=plan, made_at=dict(known)[plan], estimates=found)


def _plan(known: Sequence[tuple[str, datetime]], asked: Asked) -> str:
    if asked.plan and asked.plan not in dict(known):
        raise _absent(asked)
    return asked.plan or known[0][0]


def _sheets(session: Session, plan: str, asked: Asked, internal: bool) -> list[EstimateSheet]:
    """The draw's sheet, or of each draw the one of anything found. Raises NotFound where there is none."""
    wanted = {"draw_id": asked.draw} if asked.draw else {}
    sheets = repository.sheets(
        session,
        plan,
        asked.by or "district",
        internal=internal,
        item=asked.item if asked.draw else "",
        **wanted,
    )
    known = {name for sheet in sheets for name, _, _ in sheet.about["rounds"]}
    if not sheets or (asked.round_id and asked.round_id not in known):
        raise _absent(asked)
    return sheets


def _lines(sheets: Sequence[EstimateSheet], asked: Asked, language: Language) -> list[Line]:
    english = language == "en"
    if not asked.draw:
        return [
            Line(sheet.about["title"][english], cell, sheet.draw_id)
            for sheet in sheets
            for cell in sheet.cells
            if not cell["value"] and cell["round_id"] == asked.round_id
        ]
    (sheet,) = sheets
    cells = [cell for cell in sheet.cells if cell["round_id"] == asked.round_id]
    ordered = sorted(
        cells, key=lambda cell: (not cell["value"], cell["value"] in (OTHER, UNKNOWN), cell["value"])
    )
    return [
        Line(value_name(sheet.by, cell["value"], language), cell, is_whole=not cell["value"])
        for cell in ordered
    ]


def value_name(by: str, value: str, language: Language) -> str:
    """A value of an attribute in words."""
    words = {"": marked("合计"), OTHER: marked("其他（样本较少的合并）"), UNKNOWN: marked("未登记")}
    if value in words:
        return translate(language, words[value])
    return district_name(value, language == "en") if by == "district" else value


def rate_text(cell: Mapping[str, Any]) -> str:
    """`8% (5%–13%)`, or a dash where it is withheld."""
    if cell["rate"] is None:
        return "—"
    return f"{_percent(cell['rate'])} ({_percent(cell['low'])}–{_percent(cell['high'])})"


def _percent(rate: float) -> str:
    return share(round(rate, 3))


def _pictures(lines: Sequence[Line], by: str, language: Language) -> list[Picture]:
    return [_forest(lines, language), *([_map(lines, language)] if by == "district" else [])]


def _map(lines: Sequence[Line], language: Language) -> Picture:
    """Districts as tiles, the darker the higher the rate."""
    title = translate(language, marked("各区县的不合规率"))
    description = translate(
        language,
        marked(
            "每块一个区县，位置大致如实，颜色越深比率越高；空白的不公布。颜色相近的区县未必有差别，请看区间。"
        ),
    )
    told = {line.cell["value"]: line.cell["rate"] for line in lines}
    tiles = [
        Tile(
            district_name(area.code, language == "en"),
            area.longitude_e6,
            area.latitude_e6,
            "—" if (rate := told.get(area.code)) is None else _percent(rate),
            rate,
        )
        for area in districts()
    ]
    header = (translate(language, marked("区县")), translate(language, marked("不合规率")))
    rows = tuple((tile.label, tile.note) for tile in tiles)
    return Picture(title, description, tile_map("map", title, description, tiles), header, rows)


def _forest(lines: Sequence[Line], language: Language) -> Picture:
    whole = next((line.cell["rate"] for line in lines if line.is_whole), None)
    rows = [
        Interval(line.name, rate_text(cell), cell["rate"], cell["low"], cell["high"],
                 (cell["bound_low"], cell["bound_high"]) if cell["missing"] else None)
        if (cell := line.cell)["rate"] is not None
        else Interval(line.name, "—")
        for line in lines
    ]  # fmt: skip
    title = translate(language, marked("不合规率与 95% 区间"))
    description = translate(
        language,
        marked(
            "圆点为估计值，横线为区间，浅色为无应答者可能造成的上下界，红线为合计；没有横线的分组不公布。"
        ),
    )
    header = (translate(language, marked("分组")), translate(language, marked("不合规率（区间）")))
    table = tuple((row.label, row.note) for row in rows)
    return Picture(title, description, forest("rates", title, description, rows, whole), header, table)


def _rounds(sheets: Sequence[EstimateSheet]) -> list[tuple[str, str]]:
    """(round, period) of all rounds, the newest first."""
    found = {name: period for sheet in sheets for name, period, _ in sheet.about["rounds"]}
    return list(reversed(found.items()))


def _draws(session: Session, plan: str, language: Language) -> list[tuple[str, str]]:
    sheets = repository.sheets(session, plan, "district", item="")
    return [(sheet.draw_id, sheet.about["title"][language == "en"]) for sheet in sheets]


def _items(session: Session, plan: str, asked: Asked, language: Language) -> list[tuple[str, str]]:
    if not asked.draw:
        return []
    sheets = repository.sheets(session, plan, "district", draw_id=asked.draw)
    return [(sheet.item, sheet.about["item_title"][language == "en"]) for sheet in sheets if sheet.item]


def _absent(asked: Asked) -> NotFound:
    return NotFound(
        Problem(
            "estimates.absent",
            f"没有符合条件的估计：{asked.address()}。",
            f"There are no estimates for {asked.address()}.",
            "请核对计划、批次、抽取、事项和分组；批次公开后才有估计。",
            "Check plan, round, draw, item and grouping. There are estimates once a round is revealed.",
            dict(asked.address()),
        )
    )
