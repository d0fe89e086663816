"""Commands of the registers: `register import|show|refusals|tag|item`."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app import console
from app.db.database import Database
from app.db.migrations import upgrade
from app.registers import gazetteer, repository, service
from app.registers.schemas import ImportReport
from app.registers.supervision import load_catalogue, tag
from app.settings import settings

commands = typer.Typer(name="register", help="名录库 Registers: import, show.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="one JSON object on the last line of standard output")]
_SHOWN = 20


def open_database() -> Database:
    """The configured database, migrated."""
    database = Database(settings().url())
    upgrade(database)
    return database


@commands.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="名单 CSV, CSV.gz or XLSX", exists=True, dir_okay=False)],
    register: Annotated[
        str | None,
        typer.Option(
            help="targets|inspectors|leave|recusals|items|credit|departments; else told by the header"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """导入名单 Import a list; refused rows are written to a file with their rule and remedy."""
    with console.progress(as_json) as progress:
        report = service.import_file(
            open_database(), file, register, now=datetime.now(UTC), progress=progress
        )
    if as_json:
        console.emit(report.model_dump(mode="json", by_alias=True))
    else:
        _summary(file, report)


def _summary(file: Path, report: ImportReport) -> None:
    rows = [
        ("行 rows", report.rows), ("新增 added", report.added), ("变更 changed", report.changed),
        ("未变 unchanged", report.unchanged), ("拒收 refused", report.refused),
        ("其中已规范 normalised", report.normalised), ("其中市外 outside the city", report.outside),
    ]  # fmt: skip
    console.table(f"{file.name} → {report.register_name}", ("", "行数"), rows)
    if report.ignored_columns:
        console.say(f"未采用的列 columns not stored: {'、'.join(report.ignored_columns)}")
    if report.refused:
        console.say(f"拒收清单 refused rows: {report.refusals_file}")
        _table_of(Path(report.refusals_file), 5)
    if report.normalised or report.outside:
        console.say(f"规范与市外清单 notes: {report.notes_file}")
    console.say(f"✓ {report.seconds['total']} s")


def _table_of(path: Path, limit: int) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [
            (
                row["row"],
                row["field"],
                row["value"][:40],
                row["rule"],
                f"{row['reason_zh']} {row['remedy_zh']}",
            )
            for row, _ in zip(csv.DictReader(file), range(limit), strict=False)
        ]
    console.table(
        "拒收 Refused", ("行 row", "列 field", "值 value", "规则 rule", "原因与办法 reason, remedy"), rows
    )


@commands.command()
def show(as_json: AsJson = False) -> None:
    """查看名录库 Show what the registers hold."""
    with open_database().read() as session:
        counts, districts = repository.counts(session), repository.district_counts(session)
        imports = [
            (row.register_name, row.file_name, row.at, row.counts)
            for row in repository.last_imports(session, 5)
        ]
    if as_json:
        console.emit({"counts": counts, "districts": districts})
        return
    console.table("名录库 Registers", ("", "行数"), list(counts.items()))
    named = [
        (gazetteer.district_name(code), gazetteer.district_name(code, english=True), count)
        for code, count in districts.items()
    ]
    console.table("在营对象 Active targets", ("区县", "district", "targets"), named)
    lines = [
        (name, file, f"{at:%Y-%m-%d %H:%M}", counts["rows"], counts["refused"]) for name, file, at, counts in imports
        if "refused" in counts
    ]  # fmt: skip
    console.table("最近导入 Last imports", ("register", "file", "at (UTC)", "rows", "refused"), lines)


@commands.command()
def refusals(
    number: Annotated[
        int | None, typer.Argument(help="导入编号 number of the import; else the last one")
    ] = None,
) -> None:
    """查看拒收的行 Show the refused rows of an import."""
    database = open_database()
    with database.read() as session:
        last = [row.id for row in repository.last_imports(session, 50) if row.refusals_file]
    if number is None and not last:
        console.say("没有导入记录 nothing has been imported")
        return
    record = service.import_record(database, number if number is not None else last[0] or 0)
    console.say(f"#{record.id} {record.file_name} → {record.register_name}: {record.refusals_file}")
    _table_of(Path(record.refusals_file), _SHOWN)


@commands.command("tag")
def tag_(as_json: AsJson = False) -> None:
    """监管标记 Load the shipped catalogue and tag every target with the rules that it meets."""
    database, now = open_database(), datetime.now(UTC)
    with console.progress(as_json) as progress:
        load_catalogue(database, now)
        report = tag(database, progress, now)
    if as_json:
        console.emit(
            {"targets": report.targets, "tagged": report.tagged, "joint": report.joint, "pairs": report.pairs}
        )
        return
    with database.read() as session:
        names = {row.code: row.name_zh for row, _, _ in repository.departments(session)}
    console.table(
        "监管标记 Tags",
        ("代码 code", "部门 department", "对象数 targets"),
        [(code, names[code], count) for code, count in report.by_department.items()],
    )
    console.say(
        f"✓ {report.tagged:,} 个对象有监管部门 tagged; {report.joint:,} 个涉及两个以上部门 under several"
    )


@commands.command()
def item(
    code: Annotated[str, typer.Argument(help="事项编号")],
    version: Annotated[int, typer.Argument(help="版本")],
    to: Annotated[str, typer.Option(help="reviewed|published|withdrawn|draft")],
    as_json: AsJson = False,
) -> None:
    """办理抽查事项 Take a version of a check item one step further."""
    moved = service.move_item(open_database(), code, version, to, now=datetime.now(UTC))
    if as_json:
        console.emit(moved.model_dump(mode="json"))
    else:
        console.say(f"✓ {moved.code} v{moved.version}: {moved.status}")
