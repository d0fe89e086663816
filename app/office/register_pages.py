"""Registers: what they hold, imports on record, and a new list: first what it would do, row by row, then the import."""

from __future__ import annotations

import csv
import hashlib
import shutil
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import Response

from app.db.database import Database
from app.errors import Conflict, Problem, Refused
from app.http.access import ActorDep
from app.http.dependencies import DatabaseDep, NowDep, WholeDatabaseDep
from app.office.local import Line, back, shown
from app.registers import jobs, repository, service
from app.registers.schemas import ImportReport, Register
from app.web.addresses import LanguageDep, in_both_languages
from app.web.language import Language, marked

router = APIRouter(include_in_schema=False)

SHOWN: Final = 50
KEPT_SECONDS: Final = 24 * 3600
"""How long a list that was looked at waits for its confirmation."""
LOOK: Final = ".look"
"""Ending of such a list's file: a worker's own uploads have none."""
NAMES: Final[dict[Register, str]] = {
    "targets": marked("检查对象"),
    "departments": marked("部门"),
    "inspectors": marked("执法检查人员"),
    "leave": marked("请假"),
    "recusals": marked("回避"),
    "items": marked("抽查事项"),
    "credit": marked("信用风险分类"),
}

OTHERS: Final = {"supervision": marked("监管标记")}
"""What is on record beside lists: tags made from rules."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do. `token`: the waiting file's name; `sha256`: that it is still the one looked at."""

    report: ImportReport
    register: Register
    token: str
    sha256: str
    file_name: str
    refused: list[dict[str, str]]
    notes: list[dict[str, str]]


@in_both_languages(router, "/staff/registers")
def registers_page(request: Request, db: DatabaseDep, language: LanguageDep, actor: ActorDep) -> Response:
    """Registers with their rows, and the newest imports."""
    return _page(request, db, language, actor)


def _page(
    request: Request,
    db: Database,
    language: Language,
    actor: ActorDep,
    preview: Preview | None = None,
    refused: Refused | None = None,
) -> Response:
    with db.read() as session:
        context = {
            "checkpoint": None,
            "counts": repository.counts(session),
            "imports": repository.last_imports(session),
        }
    more = {"names": NAMES, "all_names": NAMES | OTHERS, "preview": preview, "who": actor, "most": SHOWN}
    return shown(request, language, "registers.html", {**context, **more}, refused)


@in_both_languages(router, "/staff/registers/preview", post=True)
def preview_list(
    request: Request,
    whole: WholeDatabaseDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
    kind: Annotated[Register, Form()],
    file: Annotated[UploadFile, File()],
) -> Response:
    """What importing the list would add, change and refuse. Nothing is stored but the file itself, for a day."""
    upload = jobs.place_for(request.app.state.settings.data_dir).with_suffix(LOOK)
    _forget_old(upload.parent)
    with upload.open("wb") as copy:
        shutil.copyfileobj(file.file, copy)
    name = Path(file.filename or "upload").name[:120]
    try:
        found = _preview(whole, upload, kind, name, now)
    except Refused as refused:
        upload.unlink(missing_ok=True)
        return _page(request, whole, language, actor, refused=refused)
    return _page(request, whole, language, actor, found)


def _preview(db: Database, upload: Path, register: Register, name: str, now: NowDep) -> Preview:
    with TemporaryDirectory(prefix="preview-") as folder:
        report = service.preview_file(db, upload, register, now=now, folder=Path(folder))
        refused, notes = (_first(Path(path)) for path in (report.refusals_file, report.notes_file))
    return Preview(report, register, upload.stem, _digest(upload), name, refused, notes)


def _first(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(islice(csv.DictReader(file), SHOWN))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _forget_old(folder: Path) -> None:
    """Lists that were looked at and never confirmed."""
    for path in folder.glob(f"*{LOOK}"):
        if time.time() - path.stat().st_mtime > KEPT_SECONDS:
            path.unlink(missing_ok=True)


@in_both_languages(router, "/staff/registers/imports", post=True)
def confirm_import(
    request: Request,
    whole: WholeDatabaseDep,
    language: LanguageDep,
    now: NowDep,
    actor: ActorDep,
    kind: Annotated[Register, Form()],
    token: Annotated[str, Form(pattern=r"^[0-9a-f]{32}$")],
    sha256: Annotated[str, Form(pattern=r"^[0-9a-f]{64}$")],
    file_name: Line,
) -> Response:
    """Import the list that was looked at; a long one in the background."""
    settings = request.app.state.settings
    upload = jobs.place_for(settings.data_dir).with_name(token + LOOK)
    try:
        if not upload.is_file() or _digest(upload) != sha256:
            raise _gone()
        if upload.stat().st_size > settings.import_inline_kb << 10:
            jobs.enqueue(whole, upload.rename(upload.with_suffix("")), kind, file_name, now)
        else:
            folder = settings.data_dir / "imports"
            service.import_file(whole, upload, kind, now=now, folder=folder, file_name=file_name)
            upload.unlink(missing_ok=True)
    except Refused as refused:
        return _page(request, whole, language, actor, refused=refused)
    return back("/staff/registers#imports", language)


def _gone() -> Conflict:
    return Conflict(
        Problem(
            "import.gone",
            "预览的文件已不在本机，没有导入。",
            "The list that was looked at is no longer here; nothing was imported.",
            "请重新选择文件并预览。",
            "Choose the file again and look at what it would do.",
        )
    )
