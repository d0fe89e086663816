"""A released round as a folder: both bundles, results, schedule, calendars, and its page as static HTML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.db.database import Database
from app.disclosure import repository, views
from app.disclosure.api import results_csv
from app.disclosure.pages import calendars_zip
from app.disclosure.service import Bundles, write_bundles
from app.disclosure.spreadsheets import schedule_xlsx
from app.disclosure.views import Download
from app.disclosure.work import work_of
from app.web.language import TAGS, Language, marked
from app.web.static import contents
from app.web.templates import Place, render

_PAGES: dict[Language, str] = {"zh": "index.html", "en": "en.html"}


@dataclass(frozen=True, slots=True)
class Exported:
    """Where the parts of an export were written. `internal` is not for the public; None of a void round."""

    bundles: Bundles
    page: Path
    internal: Path | None


def export_round(db: Database, round_id: str, out: Path) -> Exported:
    """Write `out/round-<id>.zip`, `out/auditor-<id>.zip`, `out/page/` (public), `out/staff/` (internal).

    The last is left out for a void round. Raises Conflict `bundle.before_reveal` until the round is revealed, or void
    after its draw.
    """
    bundles = write_bundles(db, round_id, out)
    page, internal = out / "page", out / "staff"
    _write_page(db, round_id, bundles, page)
    with db.read() as session:
        void = repository.is_void(repository.round_of(session, round_id))
    if void:
        return Exported(bundles, page / _PAGES["zh"], None)
    _write_work(db, round_id, internal)
    return Exported(bundles, page / _PAGES["zh"], internal)


def _write_page(db: Database, round_id: str, bundles: Bundles, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    offered = (
        Download(marked("下载公开归档（ZIP）"), f"../{bundles.public.name}"),
        Download(marked("结果表（Excel）"), "results-excel.csv"),
        Download(marked("结果表（CSV）"), "results.csv"),
    )
    for name in ("style.css", "icon.svg"):
        (folder / name).write_bytes(contents(name))
    (folder / "results.csv").write_bytes(results_csv(db, round_id, "zh", for_excel=False))
    (folder / "results-excel.csv").write_bytes(results_csv(db, round_id, "zh", for_excel=True))
    alternates = tuple((TAGS[language], name) for language, name in _PAGES.items())
    for language, name in _PAGES.items():
        place = Place(language, "style.css", "icon.svg", None, alternates)
        with db.read() as session:
            context = views.round_page(session, round_id, language, offered)
        (folder / name).write_text(render("round.html", place, context), encoding="utf-8", newline="\n")


def _write_work(db: Database, round_id: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with db.read() as session:
        work = work_of(session, round_id, "zh")
    (folder / f"schedule-{round_id}.xlsx").write_bytes(schedule_xlsx(work, "zh"))
    for number, code in enumerate(work.departments(), 1):
        name = f"calendars-{number:02d}-{_plain(code)}.zip"
        (folder / name).write_bytes(calendars_zip(work, work.of(code), "zh"))


def _plain(code: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in code)
