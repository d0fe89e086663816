"""Rows of the smaller registers: departments, inspectors, their leave and recusals, check items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, SQLModel

from app.db.bulk import upsert
from app.errors import Refused
from app.registers import gazetteer
from app.registers.loaders import Record, TableLoader, fingerprint, unknown_targets, wanted_target
from app.registers.repository import ITEM
from app.registers.values import Cells, bad

METHODS: Mapping[str, str] = {
    "现场检查": "on_site", "现场": "on_site", "实地检查": "on_site", "实地核查": "on_site", "书面": "paper",
    "书面检查": "paper", "网络监测": "online", "网络检查": "online", "抽样检测": "sampling",
    "抽样检验": "sampling", "抽检": "sampling",
    "on_site": "on_site", "paper": "paper", "online": "online", "sampling": "sampling",
}  # fmt: skip
ITEM_KINDS: Mapping[str, str] = {
    "重点": "key", "重点检查事项": "key", "重点事项": "key", "一般": "general", "一般检查事项": "general",
    "一般事项": "general", "key": "key", "general": "general",
}  # fmt: skip
ROLES: Mapping[str, str] = {
    "执法人员": "officer", "正式": "officer", "officer": "officer", "辅助人员": "assistant", "协管": "assistant",
    "assistant": "assistant", "专家": "expert", "expert": "expert",
}  # fmt: skip
_ITEM_COLUMNS = (
    "code", "title_zh", "title_en", "content", "procedure", "method", "legal_basis", "kind", "department", "partners",
    "minutes", "officers", "specialties", "cap",
)  # fmt: skip


class Directory:
    """Departments by code and by name, so that a list may name either."""

    def __init__(self, session: Session) -> None:
        table = SQLModel.metadata.tables["department"].c
        self._codes: dict[str, str] = {}
        for code, name in session.execute(select(table.code, table.name_zh)):
            self._codes[code] = self._codes[name] = code

    def find(self, cells: Cells, name: str, text: str) -> str:
        """A department's code, or a refusal that names those there are."""
        code = self._codes.get(text) or self._codes.get(text.lower()) or self._codes.get(text.upper())
        if code is None:
            listed = "、".join(sorted(set(self._codes.values()))[:30]) or "（无）"
            raise bad(
                cells.column(name), text, "department.unknown", f"没有部门“{text}”", f"there is no department {text}",
                f"先导入部门名录，或改用：{listed}", f"Import departments first, or use: {listed}",
            )  # fmt: skip
        return code


def known_inspectors(session: Session) -> set[str]:
    """Codes of all inspectors."""
    return set(session.execute(select(SQLModel.metadata.tables["inspector"].c.code)).scalars())


def _inspector(cells: Cells, known: set[str]) -> str:
    cells.needed("inspector")
    code = cells.identifier("inspector")
    if code not in known:
        raise bad(
            cells.column("inspector"), code, "inspector.unknown",
            "名录库中没有该执法人员", "the roster has no such inspector",
            "先导入执法人员名录。", "Import the roster first.",
        )  # fmt: skip
    return code


class DepartmentLoader(TableLoader):
    """部门名录."""

    def __init__(self) -> None:
        super().__init__("department", ("code", "name_zh", "name_en", "role", "active"), ("code",))

    def begin(self, session: Session) -> None:
        """Departments refer to nothing."""

    def parse(self, cells: Cells) -> Record:
        """Codes are taken as they are written."""
        values = (
            cells.needed("code"),
            cells.needed("name_zh"),
            cells.text("name_en"),
            cells.text("role"),
            True,
        )
        return self.record(values)


class InspectorLoader(TableLoader):
    """执法检查人员: only a certified officer counts at a visit, and only with a certificate that has an end."""

    def __init__(self) -> None:
        columns = (
            "code", "department", "name", "certificate_no", "certificate_expires", "specialties", "district",
            "officer", "lead", "cap", "active",
        )  # fmt: skip
        super().__init__("inspector", columns, ("code",))

    def begin(self, session: Session) -> None:
        """Departments."""
        self._departments = Directory(session)

    def parse(self, cells: Cells) -> Record:
        """Read one inspector."""
        cells.needed("code")
        code = cells.identifier("code")
        officer = cells.choice("role", ROLES, "officer") == "officer"
        expires = cells.date("certificate_expires")
        if officer and expires is None:
            raise bad(
                cells.column("certificate_expires"), "", "inspector.no_expiry",
                "执法人员没有证件有效期", "the officer's certificate has no day of expiry",
                "补上证件有效期；辅助人员请注明人员类型。", "Supply it; mark assistants and experts as such.",
            )  # fmt: skip
        department = self._departments.find(cells, "department", cells.needed("department"))
        values = (
            code, department, cells.needed("name"), cells.text("certificate_no") or code, expires,
            cells.words("specialties"), self._district(cells), officer, self._lead(cells, officer),
            cells.number("cap", 0, 10_000) or 0, cells.flag("active", True),
        )  # fmt: skip
        return self.record(values)

    @staticmethod
    def _lead(cells: Cells, officer: bool) -> bool:
        """A list without such a column says nothing against any officer; in one with it, who is not marked may not."""
        return cells.flag("lead", officer and "lead" not in cells.header.columns)

    def _district(self, cells: Cells) -> str:
        text = cells.text("district")
        code = gazetteer.district_code(text) if text else ""
        if code is None:
            raise bad(
                cells.column("district"), text, "inspector.unknown_district",
                f"不认识区县“{text}”", f"no district {text}",
                "写区县名称或六位代码，或留空。", "Give a district's name or six-digit code, or leave it empty.",
            )  # fmt: skip
        return "" if code == gazetteer.CITY else code


class LeaveLoader(TableLoader):
    """请假."""

    def __init__(self) -> None:
        super().__init__(
            "inspector_leave", ("inspector", "start", "end", "reason"), ("inspector", "start", "end")
        )

    def begin(self, session: Session) -> None:
        """Inspectors."""
        self._known = known_inspectors(session)

    def parse(self, cells: Cells) -> Record:
        """Both days are needed, in order."""
        inspector = _inspector(cells, self._known)
        start, end = self._day(cells, "start"), self._day(cells, "end")
        if end < start:
            raise bad(
                cells.column("end"), str(end), "leave.ends_first", f"结束早于开始 {start}", f"it ends before {start}",
                "改正日期。", "Correct the dates.",
            )  # fmt: skip
        return self.record((inspector, start, end, cells.text("reason")))

    def _day(self, cells: Cells, name: str) -> date:
        cells.needed(name)
        day = cells.date(name)
        assert day is not None, "a needed cell that is no date has been refused"
        return day


class RecusalLoader(TableLoader):
    """回避."""

    def __init__(self) -> None:
        super().__init__("recusal", ("inspector", "target_id", "reason"), ("inspector", "target_id"))

    def begin(self, session: Session) -> None:
        """Inspectors; targets are looked up batch by batch."""
        self._known = known_inspectors(session)

    def parse(self, cells: Cells) -> Record:
        """The inspector and the target."""
        return self.record((_inspector(cells, self._known), wanted_target(cells), cells.text("reason")))

    def refusals(self, session: Session, records: Sequence[Record]) -> Mapping[str, Refused]:
        """Targets that are not in the register."""
        return unknown_targets(session, {record.key: record.values[1] for record in records})


class ItemLoader(TableLoader):
    """抽查事项: a row that differs from the newest version corrects it while a draft, else begins a new version."""

    def __init__(self, now: datetime) -> None:
        super().__init__("check_item", _ITEM_COLUMNS, ("code",))
        self._now = now

    def begin(self, session: Session) -> None:
        """Departments."""
        self._departments = Directory(session)

    def parse(self, cells: Cells) -> Record:
        """Read one item. It comes as a draft: review and publication are steps of their own."""
        department = self._departments.find(cells, "department", cells.needed("department"))
        partners = [self._departments.find(cells, "partners", name) for name in cells.words("partners")]
        values: tuple[Any, ...] = (
            cells.label("code"), cells.needed("title_zh"), cells.text("title_en"), cells.text("content"),
            cells.text("procedure"), cells.choice("method", METHODS, "on_site"), cells.text("legal_basis"),
            cells.choice("kind", ITEM_KINDS, "general"), department, partners, cells.number("minutes", 1, 420) or 30,
            cells.number("officers", 2, 20) or 2, cells.words("specialties"), cells.number("cap", 1, 1_000),
        )  # fmt: skip
        return self.record(values)

    def fingerprints(self, session: Session, records: Sequence[Record]) -> Mapping[str, str]:
        """Of the newest versions."""
        rows = self._newest(session, [record.key for record in records])
        return {row[2]: fingerprint(row[2:]) for row in rows}

    def _newest(self, session: Session, codes: Sequence[str]) -> list[Any]:
        newest = select(ITEM.code, func.max(ITEM.version).label("version")).where(ITEM.code.in_(codes))
        last = newest.group_by(ITEM.code).subquery()
        columns = [ITEM[name] for name in _ITEM_COLUMNS]
        joined = (last.c.code == ITEM.code) & (last.c.version == ITEM.version)
        return list(session.execute(select(ITEM.version, ITEM.status, *columns).join(last, joined)))

    def store(self, session: Session, records: Sequence[Record], new: AbstractSet[str]) -> None:  # noqa: ARG002
        """A draft's own version, or the next one."""
        newest = {row[2]: (row[0], row[1]) for row in self._newest(session, [r.key for r in records])}
        columns = ("version", "status", "changed_at", *_ITEM_COLUMNS)
        rows = []
        for record in records:
            version, status = newest.get(record.key, (0, ""))
            rows.append((version if status == "draft" else version + 1, "draft", self._now, *record.values))
        upsert(session, self._table, columns, rows, ("code", "version"))
