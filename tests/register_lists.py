"""Lists of targets as files, and what importing them told."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

from app.db.database import Database
from app.registers import service, uscc
from app.registers.schemas import ImportReport

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


HEADER = ["企业名称", "统一社会信用代码", "注册日期", "企业类型", "经营范围", "地区", "注册地址"]


CODE = "91650102228742107R"


def code(number: int) -> str:
    return uscc.make(f"91650102M{number:08d}")


def row(number: int, address: str = "乌鲁木齐市天山区中山路1号") -> list[str]:
    return [f"企业{number}", code(number), "2013-05-07", "有限责任公司", "食品销售", "乌鲁木齐", address]


def write(path: Path, rows: list[list[str]], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def load(db: Database, path: Path, register: str | None = None, now: datetime = NOW) -> ImportReport:
    return service.import_file(db, path, register, now=now, folder=path.parent / "imports")


def tally(report: ImportReport) -> tuple[int, int, int, int, int]:
    assert report.rows == report.added + report.changed + report.unchanged + report.refused
    return report.rows, report.added, report.changed, report.unchanged, report.refused


def refused_rows(report: ImportReport) -> list[dict[str, str]]:
    with Path(report.refusals_file).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
