"""Registers over HTTP: imports, targets, departments, inspectors, check items and joint proposals."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request, Response, UploadFile, status
from fastapi import Path as InPath
from fastapi.responses import FileResponse, JSONResponse

from app.errors import NotFound, Problem
from app.http.dependencies import DatabaseDep, NowDep
from app.http.etag import IfMatchDep, tagged
from app.http.idempotency import IdempotentRoute
from app.http.openapi import problems
from app.http.operations import OperationOut
from app.http.pagination import Page, PagingDep
from app.registers import jobs, listing, repository, service
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
    JointProposal,
    Register,
    TargetOut,
)
from app.settings import Settings

router = APIRouter(prefix="/registers", tags=["registers"], route_class=IdempotentRoute)

Code = Annotated[str, InPath(max_length=64, examples=["SC-FOOD-01"])]
Number = Annotated[int, InPath(ge=1, lt=1 << 31, examples=[1])]
Department = Annotated[str, Query(max_length=32, description="code of a department")]


@router.get("")
def get_counts(db: DatabaseDep) -> dict[str, int]:
    """How many rows each register has."""
    with db.read() as session:
        return repository.counts(session)


@router.post(
    "/{register}/imports",
    status_code=status.HTTP_201_CREATED,
    response_model=ImportReport,
    response_model_exclude={"refusals_file", "notes_file"},
    responses={
        202: {
            "model": OperationOut,
            "description": "A long list: imported in the background, followed there.",
        },
        **problems(422),
    },
)
def import_list(
    register: Register,
    file: UploadFile,
    request: Request,
    response: Response,
    db: DatabaseDep,
    now: NowDep,
    prefer: Annotated[str, Header(max_length=200, description="`respond-async`: in the background")] = "",
) -> Any:
    """Import a list: CSV (UTF-8 or GB18030, also gzip) or XLSX. Good rows go in, each refused one is reported.

    A small list is imported at once (201); a large one, or any with `Prefer: respond-async`, is an operation (202).
    """
    settings: Settings = request.app.state.settings
    name = Path(file.filename or "upload").name[:120]
    upload, waits = jobs.place_for(settings.data_dir), False
    try:
        with upload.open("wb") as copy:
            shutil.copyfileobj(file.file, copy)
        if "respond-async" in prefer or upload.stat().st_size > settings.import_inline_kb << 10:
            operation = jobs.enqueue(db, upload, register, name, now)
            waits = True
            return _accepted(operation)
        report = service.import_file(
            db, upload, register, now=now, folder=settings.data_dir / "imports", file_name=name
        )
    finally:
        if not waits:
            upload.unlink(missing_ok=True)
    response.headers["Location"] = f"/api/v1/registers/imports/{report.id}/refusals"
    return report


def _accepted(operation: Any) -> JSONResponse:
    shown = OperationOut.of(operation).model_dump(mode="json")
    where = {"Location": f"/api/v1/operations/{operation.id}"}
    return JSONResponse(shown, status.HTTP_202_ACCEPTED, where)


@router.get("/imports", responses=problems(422))
def list_imports(db: DatabaseDep, paging: PagingDep, register: Register | None = None) -> Page[ImportOut]:
    """Imports and their counts, the newest first."""
    with db.read() as session:
        return listing.imports(session, paging, register or "")


@router.get(
    "/imports/{number}/refusals",
    response_class=FileResponse,
    responses={200: {"content": {"text/csv": {}}, "description": "CSV."}, **problems(404, 422)},
)
def get_refusals(number: Number, db: DatabaseDep) -> FileResponse:
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


@router.get("/targets", responses=problems(422))
def list_targets(
    db: DatabaseDep,
    paging: PagingDep,
    district: Annotated[
        str, Query(max_length=6, description="GB/T 2260 code", openapi_examples={"one": {"value": "650102"}})
    ] = "",
    kind: Literal["", "firm", "sole_trader", "project", "product", "premises"] = "",
    target_status: Annotated[str, Query(alias="status", max_length=16)] = "active",
    trade: Annotated[str, Query(max_length=16)] = "",
    name: Annotated[str, Query(description="part of the name", max_length=100)] = "",
) -> Page[TargetOut]:
    """Targets, page by page. The credit class is internal and never shown."""
    condition = Condition(
        districts=(district,) if district else (),
        kinds=(kind,) if kind else (),
        trades=(trade,) if trade else (),
        name_any=(name,) if name else (),
    )
    with db.read() as session:
        return listing.targets(session, paging, condition, target_status)


@router.get("/targets/{target_id}", responses=problems(404, 422))
def get_target(
    target_id: Annotated[str, InPath(max_length=128)], db: DatabaseDep, request: Request, response: Response
) -> TargetOut:
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
    return tagged(request, response, TargetOut.model_validate(row))


@router.get("/departments", responses=problems(422))
def list_departments(db: DatabaseDep, paging: PagingDep) -> Page[DepartmentOut]:
    """Departments with their certified officers and supervision rules."""
    with db.read() as session:
        found = repository.departments(session)
    shown = [
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
    return listing.departments(shown, paging)


@router.get("/inspectors", responses=problems(422))
def list_inspectors(db: DatabaseDep, paging: PagingDep, department: Department = "") -> Page[InspectorOut]:
    """Certified officers by code; no private data."""
    with db.read() as session:
        return listing.inspectors(session, paging, department)


@router.get("/items", responses=problems(422))
def list_items(
    db: DatabaseDep,
    paging: PagingDep,
    item_status: Annotated[ItemStatus | None, Query(alias="status")] = None,
    department: Department = "",
) -> Page[ItemOut]:
    """Check items, all versions."""
    with db.read() as session:
        return listing.items(session, paging, item_status, department)


@router.post("/items", status_code=status.HTTP_201_CREATED, responses=problems(409, 412, 422, 428))
def create_item(
    body: ItemIn, db: DatabaseDep, now: NowDep, if_match: IfMatchDep, request: Request, response: Response
) -> ItemOut:
    """A new version of a check item, as a draft. A draft that is there is replaced: that needs If-Match."""
    made = service.create_item(db, body, now=now, guard=if_match)
    response.headers["Location"] = f"/api/v1/registers/items/{made.code}/versions/{made.version}"
    return tagged(request, response, made)


@router.get("/items/{code}/versions/{version}", responses=problems(404, 422))
def get_item(code: Code, version: Number, db: DatabaseDep, request: Request, response: Response) -> ItemOut:
    """A version of a check item."""
    return tagged(request, response, service.get_item(db, code, version))


@router.post("/items/{code}/versions/{version}/transitions", responses=problems(404, 409, 412, 422, 428))
def move_item(
    code: Code,
    version: Number,
    body: ItemMove,
    db: DatabaseDep,
    now: NowDep,
    if_match: IfMatchDep,
    request: Request,
    response: Response,
) -> ItemOut:
    """One step: draft → reviewed → published → withdrawn. An illegal one is refused (409) and names the legal ones."""
    moved = service.move_item(db, code, version, body.to, now=now, guard=if_match)
    return tagged(request, response, moved)


@router.get("/joint-proposals", responses=problems(422))
def list_joint_proposals(db: DatabaseDep, paging: PagingDep) -> Page[JointProposal]:
    """Targets under two or more departments, with each department's rules and reasons."""
    return service.joint_proposals(db, paging)
