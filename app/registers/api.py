"""Registers over HTTP: imports, targets, departments, inspectors, check items and joint proposals."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response, UploadFile, status
from fastapi.responses import FileResponse
from fastapi.routing import APIRoute

from app.errors import NotFound, Problem, refuse
from app.http.dependencies import DatabaseDep, NowDep
from app.http.schemas import ProblemOut
from app.registers import repository, service
from app.registers.schemas import (
    Condition,
    DepartmentOut,
    ImportOut,
    ImportReport,
    InspectorOut,
    ItemIn,
    ItemMove,
    ItemOut,
    ItemStatus,
    JointPage,
    Register,
    TargetOut,
    TargetPage,
)
from app.settings import Settings

ERRORS: dict[int | str, dict[str, Any]] = {
    404: {"model": ProblemOut},
    409: {"model": ProblemOut},
    422: {"model": ProblemOut},
}
_MEGABYTE = 1 << 20
_FORM_OVERHEAD = 64 << 10

Limit = Annotated[int, Query(ge=1, le=500)]
After = Annotated[int, Query(ge=0, description="`next` of the page before")]


class BoundedRoute(APIRoute):
    """Refuses a request by its declared length, before its body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The usual handler behind the check."""
        handler = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            _check_length(request)
            return await handler(request)

        return bounded


def _check_length(request: Request) -> None:
    settings: Settings = request.app.state.settings
    declared = request.headers.get("content-length", "")
    if request.method in ("GET", "HEAD"):
        return
    if not declared.isdecimal() or int(declared) > settings.upload_limit_mb * _MEGABYTE + _FORM_OVERHEAD:
        raise refuse(
            "request.too_large",
            f"请求没有说明长度，或超过 {settings.upload_limit_mb} MB。",
            f"The request doesn't state its length or is larger than {settings.upload_limit_mb} MB.",
            "拆分或压缩（.gz）文件，或用命令 register import 导入。",
            "Split or compress (.gz) the file, or use the command `register import`.",
            limit_mb=settings.upload_limit_mb,
        )


router = APIRouter(prefix="/registers", tags=["registers"], route_class=BoundedRoute)


@router.get("")
def get_counts(db: DatabaseDep) -> dict[str, int]:
    """How many rows each register has."""
    with db.read() as session:
        return repository.counts(session)


@router.post("/{register}/imports", status_code=status.HTTP_201_CREATED, responses=ERRORS)
def import_list(
    register: Register, file: UploadFile, request: Request, response: Response, db: DatabaseDep, now: NowDep
) -> ImportReport:
    """Import a list: CSV (UTF-8 or GB18030, also gzip) or XLSX. Good rows go in, each refused one is reported."""
    settings: Settings = request.app.state.settings
    name = Path(file.filename or "upload").name[:120]
    with NamedTemporaryFile(prefix="upload-") as copy:
        shutil.copyfileobj(file.file, copy)
        copy.flush()
        report = service.import_file(
            db, Path(copy.name), register, now=now, folder=settings.data_dir / "imports", file_name=name
        )
    response.headers["Location"] = f"/api/v1/registers/imports/{report.id}/refusals"
    return report


@router.get("/imports")
def list_imports(db: DatabaseDep) -> list[ImportOut]:
    """The newest imports and their counts."""
    with db.read() as session:
        return [ImportOut.model_validate(row) for row in repository.last_imports(session)]


@router.get("/imports/{number}/refusals", responses=ERRORS)
def get_refusals(number: int, db: DatabaseDep) -> FileResponse:
    """Refused rows of an import as CSV: row, field, value, rule, reason and remedy."""
    record = service.import_record(db, number)
    path = Path(record.refusals_file)
    if not path.is_file():
        raise NotFound(
            Problem(
                "import.no_file",
                f"第 {number} 次导入的拒收清单已不在。",
                f"The refusals of import {number} are no longer here.",
                "重新导入该文件。",
                "Import the file again.",
            )
        )
    return FileResponse(path, media_type="text/csv; charset=utf-8", filename=path.name)


@router.get("/targets", responses=ERRORS)
def list_targets(
    db: DatabaseDep,
    district: Annotated[str, Query(description="GB/T 2260 code", examples=["650102"])] = "",
    kind: Literal["", "firm", "sole_trader", "project", "product", "premises"] = "",
    target_status: Annotated[str, Query(alias="status")] = "active",
    trade: str = "",
    name: Annotated[str, Query(description="part of the name", max_length=100)] = "",
    after: After = 0,
    limit: Limit = 50,
) -> TargetPage:
    """Targets, page by page. The credit class is internal and never shown."""
    condition = Condition(
        districts=(district,) if district else (),
        kinds=(kind,) if kind else (),
        trades=(trade,) if trade else (),
        name_any=(name,) if name else (),
    )
    with db.read() as session:
        rows = repository.targets(session, condition, target_status, after, limit)
    following = rows[-1].id if len(rows) == limit else None
    return TargetPage(items=[TargetOut.model_validate(row) for row in rows], next=following)


@router.get("/targets/{target_id}", responses=ERRORS)
def get_target(target_id: str, db: DatabaseDep) -> TargetOut:
    """One target by its id."""
    with db.read() as session:
        row = repository.target(session, target_id)
    if row is None:
        raise NotFound(
            Problem(
                "target.unknown",
                f"名录库中没有对象 {target_id}。",
                f"The register has no target {target_id}.",
                "检查编号。",
                "Check the id.",
            )
        )
    return TargetOut.model_validate(row)


@router.get("/departments")
def list_departments(db: DatabaseDep) -> list[DepartmentOut]:
    """Departments with their certified officers and supervision rules."""
    with db.read() as session:
        found = repository.departments(session)
    return [
        DepartmentOut(
            code=row.code,
            name_zh=row.name_zh,
            name_en=row.name_en,
            role=row.role,
            inspectors=officers,
            rules=rules,
        )
        for row, officers, rules in found
    ]


@router.get("/inspectors")
def list_inspectors(db: DatabaseDep, department: str = "") -> list[InspectorOut]:
    """Certified officers by code; no private data."""
    with db.read() as session:
        rows = repository.inspectors(session, [department] if department else None)
    return [InspectorOut.model_validate(row) for row in rows]


@router.get("/items")
def list_items(
    db: DatabaseDep,
    item_status: Annotated[ItemStatus | None, Query(alias="status")] = None,
    department: str = "",
) -> list[ItemOut]:
    """Check items, all versions."""
    with db.read() as session:
        rows = repository.items(session, item_status, department or None)
    return [ItemOut.model_validate(row) for row in rows]


@router.post("/items", status_code=status.HTTP_201_CREATED, responses=ERRORS)
def create_item(body: ItemIn, db: DatabaseDep, now: NowDep) -> ItemOut:
    """A new version of a check item, as a draft."""
    return service.create_item(db, body, now=now)


@router.post("/items/{code}/versions/{version}/transitions", responses=ERRORS)
def move_item(code: str, version: int, body: ItemMove, db: DatabaseDep, now: NowDep) -> ItemOut:
    """One step: draft → reviewed → published → withdrawn. An illegal one is refused (409) and names the legal ones."""
    return service.move_item(db, code, version, body.to, now=now)


@router.get("/joint-proposals")
def list_joint_proposals(db: DatabaseDep, after: After = 0, limit: Limit = 50) -> JointPage:
    """Targets under two or more departments, with each department's rules and reasons."""
    return service.joint_proposals(db, after, limit)
