"""The auditors' page: is the log what was signed, did every draw obey its rules, and what deserves a look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, Response
from sqlmodel import Session, col, select
from starlette.background import BackgroundTask

from app.audit import job
from app.audit.anomalies import USUAL
from app.audit.names import LINES, RULES
from app.audit.package import package_name, write_package
from app.audit.schemas import Line, Report
from app.db.database import Database
from app.disclosure.api import bundle_directory
from app.disclosure.repository import released
from app.http.access import ActorDep
from app.http.dependencies import NowDep, WholeDatabaseDep
from app.ledger import checkpoints, keys
from app.ledger.tables import LogCosignature
from app.ledger.tree import entry_count
from app.office.local import FormPage
from app.office.result_pages import OUTCOMES
from app.rounds.tables import Round
from app.web.addresses import LanguageDep, in_both_languages
from app.web.language import marked
from app.web.responses import HEADERS, PRIVATE

router = APIRouter(include_in_schema=False)
STAGES = {
    "": marked("等待开始"),
    "log": marked("日志条目"),
    "tables": marked("状态表"),
    "rounds": marked("批次"),
    "draws": marked("抽取规则"),
    "anomalies": marked("异常线索"),
}
BROKEN_FIRST = 300
"""So many rules of rounds are listed, broken ones first."""


@dataclass(frozen=True)
class Audit(FormPage):
    """The auditors' page."""

    template = "audit.html"
    db: Database

    def context(self) -> Mapping[str, object]:
        """The log's newest checkpoint, the newest audit, and what can be taken along."""
        with self.db.read() as session:
            done, running = job.newest(session, "done"), job.newest(session, "running")
            report = job.report_of(done) if done else None
            return {
                "checkpoint": None,
                **signed(session, self.now),
                "done": done,
                "running": running,
                "report": report,
                "lines": summary(report) if report else [],
                "listed": listed(report) if report else [],
                "names": LINES,
                "rules": RULES,
                "outcomes": OUTCOMES,
                "limits": asdict(USUAL),
                "stages": STAGES,
                "rounds": [row.round_id for row in _rounds(session) if released(row)],
            }


def signed(session: Session, now: datetime) -> Mapping[str, object]:
    """The newest checkpoint, its age in minutes, who cosigned it, and how much of the log it does not hold."""
    newest = checkpoints.latest(session)
    if newest is None:
        return {"newest": None}
    query = select(LogCosignature).where(LogCosignature.size == newest.size)
    return {
        "newest": newest,
        "minutes": max(0, int((now - newest.at).total_seconds() // 60)),
        "cosigned": list(session.exec(query.order_by(col(LogCosignature.name)))),
        "witnesses": len(keys.witnesses(session)),
        "unsigned": entry_count(session) - newest.size,
    }


def _rounds(session: Session) -> Iterator[Round]:
    yield from session.exec(select(Round).order_by(col(Round.created_at).desc(), col(Round.round_id)))


def summary(report: Report) -> list[tuple[str, int, int]]:
    """(code, rounds in which it holds, rounds) of each rule."""
    by_code = {code: [line for line in report.lines if line.code == code] for code in LINES}
    return [(code, sum(line.holds for line in rows), len(rows)) for code, rows in by_code.items()]


def listed(report: Report) -> list[Line]:
    """Rules of rounds, those that are broken first, else the newest rounds first."""
    newest_first = report.lines[::-1]
    return sorted(newest_first, key=lambda line: line.holds)[:BROKEN_FIRST]


def _audit(
    request: Request, db: WholeDatabaseDep, language: LanguageDep, now: NowDep, actor: ActorDep
) -> Audit:
    return Audit(request, language, now, actor, db)


AuditDep = Annotated[Audit, Depends(_audit)]


@in_both_languages(router, "/staff/audit")
def audit_page(page: AuditDep) -> Response:
    """The log, the rules, the anomalies."""
    return page.page()


@in_both_languages(router, "/staff/audit", post=True)
def begin_audit(page: AuditDep) -> Response:
    """Ask for an audit, done beside the service; the one under way where there is one."""
    return page.done(lambda: job.ask(page.db, page.now), "/staff/audit#progress")


@in_both_languages(router, "/staff/audit/stop", post=True)
def stop_audit(page: AuditDep) -> Response:
    """Stop the audit that is under way."""
    return page.done(lambda: job.stop(page.db, page.now), "/staff/audit")


@router.get("/staff/audit/packages/{round_id}")
def package_file(
    db: WholeDatabaseDep, round_id: str, directory: Annotated[Path, Depends(bundle_directory)]
) -> Response:
    """A released round's verification package."""
    path = write_package(db, round_id, directory)
    return FileResponse(
        path,
        media_type="application/zip",
        filename=package_name(round_id),
        headers={**HEADERS, "Cache-Control": PRIVATE},
        background=BackgroundTask(path.unlink, missing_ok=True),
    )
