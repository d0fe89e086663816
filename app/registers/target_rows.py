"""A row of the target register: from cells to what is stored, its place and its fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.registers import gazetteer
from app.registers.tables import CREDIT_CLASSES
from app.registers.values import Cells, bad

COLUMNS = (
    "target_id", "kind", "name", "code", "enterprise_type", "scope", "trade", "district", "district_source", "address",
    "longitude_e6", "latitude_e6", "place_source", "registered_on", "status", "closed_weekdays", "people_cap",
)  # fmt: skip
KINDS: Mapping[str, str] = {
    "企业": "firm", "公司": "firm", "法人": "firm", "个体工商户": "sole_trader", "个体户": "sole_trader",
    "个体": "sole_trader", "项目": "project", "工程": "project", "产品": "product",
    "场所": "premises", "经营场所": "premises", "单位": "firm", "firm": "firm",
    "sole_trader": "sole_trader", "project": "project", "product": "product", "premises": "premises",
}  # fmt: skip
STATUSES: Mapping[str, str] = {
    "存续": "active", "在业": "active", "开业": "active", "正常": "active", "在营": "active", "登记成立": "active",
    "存续（在营、开业、在册）": "active", "存续(在营、开业、在册)": "active", "迁入": "active",
    "注销": "cancelled", "吊销": "revoked", "吊销，未注销": "revoked", "撤销": "revoked", "迁出": "moved_out",
    "停业": "closed", "歇业": "closed", "active": "active", "cancelled": "cancelled", "revoked": "revoked",
    "moved_out": "moved_out", "closed": "closed",
}  # fmt: skip
CLASSES: Mapping[str, str] = {name: name for name in CREDIT_CLASSES} | {f"{c}类": c for c in CREDIT_CLASSES}
WEEKDAYS: Mapping[str, int] = {
    name: number
    for number, names in enumerate(("一", "二", "三", "四", "五", "六", "日天"), 1)
    for character in names
    for name in (f"周{character}", f"星期{character}", str(number))
}
CHINA = ((73, 136), (3, 54))
CITY_BOX = ((86_600_000, 89_000_000), (42_700_000, 44_200_000))
"""Longitude and latitude of the city's extremes, rounded outwards (e6 degrees)."""


NOWHERE = (0, 0, "estimated")
"""The place of a target outside the city whose list gives none: nobody travels there, so nothing is guessed."""


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """What is stored of one row (`values` in the order of `COLUMNS`), its credit class, and its fingerprint."""

    key: str
    fingerprint: str
    values: tuple[Any, ...]
    credit: str
    since: date | None
    outside: bool


def parse(cells: Cells, today: date) -> TargetRecord:
    """Read one row. Raises `Refused` with the field, the value, the rule and the remedy."""
    code = cells.credit_code()
    target_id = cells.target_id() or code
    if not target_id:
        raise bad(
            cells.column("code"), "", "target.no_identity",
            "既没有统一社会信用代码，也没有对象编号", "it has neither a credit code nor a 对象编号 (target_id)",
            "补上其中之一；没有代码的对象（项目、产品等）用对象编号。",
            "Supply one; projects and products take a target_id.",
        )  # fmt: skip
    name = cells.needed("name")
    enterprise_type = cells.text("enterprise_type")
    kind = cells.choice("kind", KINDS, _kind(enterprise_type, code))
    address = cells.text("address")
    district, district_source = _district(cells, address, code)
    longitude, latitude, place_source = _place(cells, district, address, target_id)
    status = cells.choice("status", STATUSES, "active") if district else "outside"
    credit = cells.choice("credit", CLASSES, "")
    since = cells.date("credit_since")
    values = (
        target_id, kind, name, code, enterprise_type, cells.text("scope"), cells.text("trade"), district,
        district_source, address, longitude, latitude, place_source, _registered(cells, today), status,
        _weekdays(cells), cells.number("people_cap", 1, 10_000),
    )  # fmt: skip
    text = repr((values, credit, since))
    fingerprint = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return TargetRecord(target_id, fingerprint, values, credit, since, not district)


def _kind(enterprise_type: str, code: str) -> str:
    """Sole traders are told by their type or by a code that begins with 92 (GB 32100, table of categories)."""
    return "sole_trader" if "个体" in enterprise_type or code.startswith("92") else "firm"


def _district(cells: Cells, address: str, code: str) -> tuple[str, str]:
    given = cells.text("district")
    if not given:
        region = cells.text("region")
        named = gazetteer.district_code(region) if region else None
        if named and named != gazetteer.CITY:
            return named, "given"
        return gazetteer.locate(address, code, region)
    found = gazetteer.district_code(given)
    if found is None:
        listed = "、".join(f"{area.name_zh} {area.code}" for area in gazetteer.districts())
        raise bad(
            cells.column("district"), given, "target.unknown_district", f"不认识区县“{given}”", f"no district {given}",
            f"可用：{listed}；或留空，由地址推定。", f"Known: {listed}; or leave it empty: the address tells.",
        )  # fmt: skip
    return found, "given"


def _place(cells: Cells, district: str, address: str, target_id: str) -> tuple[int, int, str]:
    """The place given, else the gazetteer's or an estimate. Given places in the city must lie in its box."""
    if not (cells.raw("longitude") or cells.raw("latitude")):
        if not district:
            return NOWHERE
        return gazetteer.place(district, address, "" if address else target_id)
    longitude = cells.degrees_e6("longitude", *CHINA[0])
    latitude = cells.degrees_e6("latitude", *CHINA[1])
    if longitude is None or latitude is None:
        raise _half_a_place(cells)
    (west, east), (south, north) = CITY_BOX
    if district and not (west <= longitude <= east and south <= latitude <= north):
        raise bad(
            cells.column("longitude"), f"{cells.raw('longitude')}, {cells.raw('latitude')}", "place.outside_city",
            "坐标不在本市范围内，而地址在本市", "the place lies outside the city, the address inside",
            "改正坐标，或两者都留空由地址估计。", "Correct them, or leave both empty to have the place estimated.",
        )  # fmt: skip
    return longitude, latitude, "given"


def _half_a_place(cells: Cells) -> Exception:
    return bad(
        cells.column("longitude"), f"{cells.raw('longitude')}, {cells.raw('latitude')}", "place.half",
        "经度和纬度只给了一个", "only one of longitude and latitude is given",
        "两者都给出或都留空。", "Give both or neither.",
    )  # fmt: skip


def _registered(cells: Cells, today: date) -> date | None:
    day = cells.date("registered_on")
    if day and day > today:
        raise bad(
            cells.column("registered_on"), day.isoformat(), "target.registered_in_future",
            f"注册日期晚于今天 {today}", f"it was registered after today, {today}",
            "改正日期。", "Correct the date.",
        )  # fmt: skip
    return day


def _weekdays(cells: Cells) -> list[int]:
    words = cells.words("closed_weekdays") if cells.raw("closed_weekdays") else []
    unknown = [word for word in words if word not in WEEKDAYS]
    if unknown:
        raise bad(
            cells.column("closed_weekdays"), unknown[0], "value.bad_weekday", "不是星期几", "it is no day of the week",
            "写成“周一”至“周日”或 1–7，用分号隔开。", "Write 周一 to 周日 or 1 to 7, separated by semicolons.",
        )  # fmt: skip
    return sorted({WEEKDAYS[word] for word in words})
