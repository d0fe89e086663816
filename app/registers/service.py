"""Use cases of the registers: import a list, move a check item through its life, propose joint checks."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlmodel import Session

from app.db.database import Database
from app.errors import Conflict, NotFound, Problem, Refused
from app.http.etag import Guard, unguarded
from app.http.pagination import FIRST_PAGE, Page, Paging
from app.ledger import repository as ledger
from app.registers import importing, listing, repository
from app.registers.repository import OFFICIAL_ZONE
from app.registers.schemas import ImportReport, ItemIn, ItemOut, JointProposal
from app.registers.tables import CheckItem, RegisterImport
from app.settings import settings
from optimizer.progress import Progress, Silent

STEPS = {
    "draft": ("reviewed",),
    "reviewed": ("published", "draft"),
    "published": ("withdrawn",),
    "withdrawn": (),
}
"""Legal steps of an item's version. A review may send it back; what is published can only be withdrawn."""
_COUNTS = ("rows", "added", "changed", "unchanged", "refused", "normalised", "outside")


def import_file(
    db: Database,
    path: Path,
    register: str | None = None,
    *,
    now: datetime,
    progress: Progress | None = None,
    folder: Path | None = None,
    file_name: str | None = None,
) -> ImportReport:
    """Import a list (CSV, gzip, XLSX) into a register; None: the register that its header tells.

    Every row is counted once as added, changed, unchanged or refused. The refused ones stand in `refusals_file`,
    under `folder` (the data folder's `imports`). Batches are transactions of their own; the import is then put on
    record and in the log. Refused as a whole: an unreadable file, an unknown or missing column.
    """
    where = (folder or settings().data_dir / "imports").resolve()
    today = now.astimezone(OFFICIAL_ZONE).date()
    report, digest = importing.run(db, path, register, now, today, where, progress or Silent())
    counts: dict[str, int] = {name: getattr(report, name) for name in _COUNTS}
    with db.write() as session:
        at = ledger.moment(session, now, report.seconds["total"])
        record = RegisterImport(
            register_name=report.register_name,
            file_name=file_name or path.name,
            file_sha256=digest,
            counts=counts,
            refusals_file=report.refusals_file,
            at=at,
        )
        session.add(record)
        session.flush()
        report.id = record.id or 0
        entry = {
            "type": "register.imported",
            "subject": f"register:{report.register_name}",
            "actor_role": "operator",
            "digest": digest,
            "counts": counts,
        }
        ledger.append(session, entry, at)
    return report


def preview_file(db: Database, path: Path, register: str, *, now: datetime, folder: Path) -> ImportReport:
    """What importing a list now would do: the same report, and nothing is stored, logged or put on record.

    The reports of rows are left in `folder`. Refused as a whole as by `import_file`.
    """
    today = now.astimezone(OFFICIAL_ZONE).date()
    report, _ = importing.run(db, path, register, now, today, folder, Silent(), store=False)
    return report


def import_record(db: Database, number: int) -> RegisterImport:
    """An import on record. Raises NotFound `import.unknown`."""
    with db.read() as session:
        record = session.get(RegisterImport, number)
    if record is None:
        raise NotFound(
            Problem(
                "import.unknown",
                f"没有第 {number} 次导入。",
                f"There is no import {number}.",
                "查看导入列表。",
                "See the list of imports.",
            )
        )
    return record


def create_item(db: Database, given: ItemIn, *, now: datetime, guard: Guard = unguarded) -> ItemOut:
    """A new version of an item, as a draft; a draft that is there already is replaced, if `guard` lets it.

    Refused with `item.in_review` while a version is reviewed and not yet published.
    """
    with db.write() as session:
        _department(session, given.department)
        newest = repository.item(session, given.code, lock=True)
        if newest is not None and newest.status == "reviewed":
            raise _conflict(
                "item.in_review",
                f"事项 {given.code} 第 {newest.version} 版已审核、尚未公布，不能修改。",
                f"Version {newest.version} of item {given.code} is reviewed: it can't be changed.",
                "先公布它，或退回草稿。",
                "Publish it, or send it back to draft.",
            )
        if newest is not None and newest.status == "draft":
            guard(ItemOut.model_validate(newest))
            for name, value in given.model_dump().items():
                setattr(newest, name, value)
            item = newest
        else:
            version = 1 if newest is None else newest.version + 1
            item = CheckItem(**given.model_dump(), version=version, status="draft", changed_at=now)
        item.changed_at = now
        session.add(item)
        session.flush()
        return ItemOut.model_validate(item)


def move_item(
    db: Database, code: str, version: int, to: str, *, now: datetime, guard: Guard = unguarded
) -> ItemOut:
    """Take a version one legal step further. Publishing one withdraws the version published before it.

    `guard` sees the version as it stands, under its lock. Refused with `item.unknown` or `item.illegal_step`.
    """
    with db.write() as session:
        item = repository.item(session, code, version, lock=True)
        if item is None:
            raise _no_item(code, version)
        guard(ItemOut.model_validate(item))
        if to not in STEPS[item.status]:
            raise _illegal(item, to)
        if to == "published":
            _supersede(session, item, now)
        item.status, item.changed_at = to, now
        entry = {
            "type": f"item.{to}",
            "subject": f"item:{code}",
            "actor_role": "operator",
            "digest": "",
            "version": version,
        }
        ledger.append(session, entry, now)
        session.flush()
        return ItemOut.model_validate(item)


def get_item(db: Database, code: str, version: int) -> ItemOut:
    """A version of an item. Raises NotFound `item.unknown`."""
    with db.read() as session:
        item = repository.item(session, code, version)
        if item is None:
            raise _no_item(code, version)
        return ItemOut.model_validate(item)


def _no_item(code: str, version: int) -> NotFound:
    return NotFound(
        Problem(
            "item.unknown",
            f"没有事项 {code} 第 {version} 版。",
            f"There is no version {version} of item {code}.",
            "检查编号和版本。",
            "Check code and version.",
        )
    )


def _supersede(session: Session, item: CheckItem, now: datetime) -> None:
    for older in repository.versions(session, item.code):
        if older.status == "published":
            older.status, older.changed_at = "withdrawn", now


def _illegal(item: CheckItem, to: str) -> Refused:
    ahead = "、".join(STEPS[item.status]) or "（无）"
    return _conflict(
        "item.illegal_step",
        f"事项 {item.code} 第 {item.version} 版处于 {item.status}，不能变为 {to}；可以变为：{ahead}。",
        f"Version {item.version} of item {item.code} is {item.status} and can't become {to}; it may become: "
        f"{', '.join(STEPS[item.status]) or 'nothing'}.",
        "按 草稿→审核→公布→撤下 的顺序办理；已公布的内容要改，建立新版本。",
        "Go draft, reviewed, published, withdrawn; to change what is published make a new version.",
    )


def _department(session: Session, code: str) -> None:
    if code not in {row.code for row, _, _ in repository.departments(session)}:
        raise Refused(
            Problem(
                "department.unknown",
                f"没有部门 {code}。",
                f"There is no department {code}.",
                "先导入部门名录。",
                "Import the departments first.",
                {"department": code},
            )
        )


def _conflict(code: str, zh: str, en: str, remedy_zh: str, remedy_en: str) -> Conflict:
    return Conflict(Problem(code, zh, en, remedy_zh, remedy_en))


def joint_proposals(db: Database, paging: Paging = FIRST_PAGE) -> Page[JointProposal]:
    """Targets under two or more departments, by key, with each department's reasons."""
    with db.read() as session:
        return listing.joint_proposals(session, paging)
