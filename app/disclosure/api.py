"""The disclosure API: the public bundle and the results of a round, once it is revealed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse, Response
from sqlmodel import Session

from app.db.database import Database
from app.disclosure import facts, repository
from app.disclosure.bundle import public_file
from app.disclosure.listing import COLUMNS, Drawn, drawn_list
from app.disclosure.schemas import DrawnTarget, DrawResult, Results
from app.disclosure.service import public_bundle
from app.disclosure.spreadsheets import excel_csv, plain_csv
from app.http.dependencies import DatabaseDep
from app.http.openapi import problems
from app.http.problem import wants_english
from app.settings import Settings
from app.web.language import Language, translate
from app.web.responses import HEADERS, PUBLIC, conditional, download

router = APIRouter(prefix="/rounds", tags=["disclosure"])

NOT_PUBLIC = problems(404, 422)


def bundle_directory(request: Request) -> Path:
    """Where public bundles are kept once made."""
    configured = request.app.state.settings
    if not isinstance(configured, Settings):
        raise TypeError("the application was made without settings")
    return configured.data_dir / "bundles"


@router.get(
    "/{round_id}/bundle",
    response_class=FileResponse,
    responses={**NOT_PUBLIC, 200: {"content": {"application/zip": {}}, "description": "The public copy."}},
)
def bundle(
    db: DatabaseDep, round_id: str, directory: Annotated[Path, Depends(bundle_directory)]
) -> FileResponse:
    """The public copy of the round's bundle: `python -I verify.py` inside it checks every step."""
    path = public_bundle(db, round_id, directory)
    headers = {**HEADERS, "Cache-Control": PUBLIC}
    return FileResponse(path, media_type="application/zip", filename=path.name, headers=headers)


@router.get(
    "/{round_id}/results",
    response_model=Results,
    responses={**NOT_PUBLIC, 200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def results(
    request: Request,
    db: DatabaseDep,
    round_id: str,
    format_: Annotated[Literal["json", "csv", "excel"], Query(alias="format")] = "json",
) -> Response:
    """Whom the round drew: JSON, plain CSV (UTF-8, LF), or CSV for Excel (BOM, CRLF, formulas defused)."""
    language: Language = "en" if wants_english(request) else "zh"
    if format_ == "json":
        return conditional(request, results_json(db, round_id, language), "application/json", PUBLIC)
    body = results_csv(db, round_id, language, for_excel=format_ == "excel")
    return download(request, body, "text/csv; charset=utf-8", f"results-{round_id}.csv")


def results_json(db: Database, round_id: str, language: Language) -> bytes:
    """The results as JSON. What is absent or not yet public raises `round.not_public`."""
    with db.read() as session:
        row = repository.released_round(session, round_id)
        answer = Results(
            round_id=round_id,
            assurance=row.assurance,
            demo=row.demo,
            void=repository.void_reason(row),
            draws=_draws(session, round_id, language),
            targets=[
                DrawnTarget.model_validate(asdict(item)) for item in drawn_list(session, round_id, language)
            ],
        )
    return answer.model_dump_json().encode()


def results_csv(db: Database, round_id: str, language: Language, *, for_excel: bool) -> bytes:
    """The published list as CSV. What is absent or not yet public raises `round.not_public`."""
    with db.read() as session:
        rows = [Drawn.row(item) for item in drawn_list(session, round_id, language)]
    header = [translate(language, column) for column in COLUMNS]
    return excel_csv(header, rows) if for_excel else plain_csv(header, rows)


def _draws(session: Session, round_id: str, language: Language) -> list[DrawResult]:
    rules = public_file(session, round_id, repository.MANIFEST)
    files = {
        draw["draw_id"]: public_file(session, round_id, f"results/{draw['draw_id']}.json")
        for draw in rules["draws"]
    }
    departments = {draw["draw_id"]: draw["department"] for draw in rules["draws"]}
    return [
        DrawResult(
            draw_id=draw.draw_id,
            title=draw.title,
            department=departments[draw.draw_id],
            frame_rows=draw.rows,
            n=draw.drawn or 0,
        )
        for draw in facts.draws(rules, files, {}, language)
    ]
