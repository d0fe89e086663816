"""Open data for everybody: the page, the files of the hour, and the rows that changed since a day."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, BinaryIO, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response, StreamingResponse

from app.db.database import Database
from app.disclosure import open_data
from app.disclosure.datasets import DATASETS, Dataset
from app.disclosure.open_files import FORMATS, MEDIA, Format, pieces, write
from app.disclosure.result_pages import WindowDep
from app.disclosure.views import newest_checkpoint
from app.errors import NotFound, Problem
from app.http.dependencies import DatabaseDep, NowDep, WholeDatabaseDep
from app.visits.published import Window
from app.web.addresses import LanguageDep, in_both_languages, place_of
from app.web.responses import HEADERS, PUBLIC, disposition, page
from app.web.templates import render

router = APIRouter(include_in_schema=False)
PIECE: Final = 64 << 10
"""Bytes of a workbook that are read and sent at a time."""


@in_both_languages(router, "/data")
def data_page(request: Request, db: DatabaseDep, language: LanguageDep) -> Response:
    """What there is, what it means, and how to check it."""
    with db.read() as session:
        checkpoint = newest_checkpoint(session)
    context = {
        "checkpoint": checkpoint,
        "datasets": list(DATASETS.values()),
        "formats": FORMATS,
        "dictionary": open_data.dictionary()["codes"],
        "english": language == "en",
    }
    return page(request, render("data.html", place_of(request, language), context), language)


@router.get("/data/{name}")
def data_file(
    request: Request,
    db: DatabaseDep,
    whole: WholeDatabaseDep,
    window: WindowDep,
    now: NowDep,
    name: str,
    since: Annotated[date | None, Query(description="rows that changed on this day or later")] = None,
) -> Response:
    """A file of the open data; with `since` the rows of `results` that changed, as they are now."""
    if name not in (*open_data.file_names(), open_data.MANIFEST):
        raise _absent(name)
    if since is not None:
        return _changed(db, name, window, since)
    folder = open_data.current(whole, request.app.state.settings.data_dir, window, now)
    headers = {**HEADERS, "Cache-Control": PUBLIC}
    return FileResponse(folder / name, media_type=open_data.media_type(name), filename=name, headers=headers)


def _changed(db: Database, name: str, window: Window, since: date) -> Response:
    ident, _, form = name.partition(".")
    wanted: Format | None = next((one for one in FORMATS if one == form), None)
    dataset = DATASETS.get(ident)
    if dataset is None or wanted is None or not dataset.since:
        raise _absent(name)
    headers = {
        **HEADERS,
        "Cache-Control": PUBLIC,
        "Content-Disposition": disposition(f"since-{since}-{name}"),
    }
    if wanted == "xlsx":
        return _workbook(db, dataset, window, since, headers)
    body = _streamed(db, dataset, wanted, window, since)
    return StreamingResponse(body, media_type=MEDIA[wanted], headers=headers)


def _streamed(db: Database, dataset: Dataset, form: Format, window: Window, since: date) -> Iterator[bytes]:
    with db.read() as session:
        yield from pieces(form, dataset.names, dataset.rows(session, window, since))


def _workbook(
    db: Database, dataset: Dataset, window: Window, since: date, headers: dict[str, str]
) -> Response:
    """Written whole before it is sent, for its length is told; it lies on the disk, never in memory."""
    with tempfile.TemporaryDirectory() as folder, db.read() as session:
        path = Path(folder) / "changed.xlsx"
        write(path, "xlsx", dataset.title, dataset.names, dataset.rows(session, window, since))
        headers |= {"Content-Length": str(path.stat().st_size)}
        written = path.open("rb")
    return StreamingResponse(_sent(written), media_type=MEDIA["xlsx"], headers=headers)


def _sent(written: BinaryIO) -> Iterator[bytes]:
    """A file without a name any more: its room on the disk is free again once it is closed."""
    with written:
        yield from iter(partial(written.read, PIECE), b"")


def _absent(name: str) -> NotFound:
    return NotFound(
        Problem(
            "data.absent",
            f"没有数据文件 {name[:100]}，或它不能按日期取用。",
            f"There is no data file {name[:100]}, or it cannot be asked by date.",
            "文件名见 /data；只有 results 可以带 since。",
            "/data lists the files; only `results` takes `since`.",
            {"name": name[:100]},
        )
    )
