"""`python -m app demo`: a synthetic city lives through one round, and is served."""

from __future__ import annotations

import json
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from enum import StrEnum
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from app import console
from app.db.database import Database
from app.db.migrations import upgrade
from app.demo.city import write_city
from app.demo.plan import demo_plan
from app.plans import service as plans
from app.registers import service as registers
from app.registers.supervision import load_catalogue, tag
from app.rounds import service as rounds
from app.rounds.vault import Vault
from app.serving import serve_database
from app.settings import settings
from app.whole_round import SimulatedClock, Trip, answers, carry, finish, show_summary
from optimizer.progress import Progress

TODAY = datetime(2026, 3, 2, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
"""The simulated morning on which the demo begins: a working day of a confirmed year."""

SEED = 2026
SUMMARY = "summary.json"


class Size(StrEnum):
    """How large a city: 2,000, 60,000 or 530,000 targets."""

    S = "S"
    M = "M"
    L = "L"


def demo(
    size: Annotated[Size, typer.Option(help="S 2,000 · M 60,000 · L 530,000")] = Size.S,
    out: Annotated[Path | None, typer.Option(help="目录，默认 var/demo-规模 · where it is kept")] = None,
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="完成后启动服务 · serve what was made")
    ] = True,
    until: Annotated[str, typer.Option(help="只做到此阶段，如 drawn · stop after this stage")] = "revealed",
    port: Annotated[int, typer.Option(help="端口 · port")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="末行输出 JSON · JSON as the last line")] = False,
) -> None:
    """演示：合成城市、导入、抽取、合并入户、派员、公开并核验 · a city and one round, on a simulated clock."""
    directory = out or settings().data_dir / f"demo-{size.value}"
    summary = _made_before(directory, size) if serve else None
    if summary is None:
        with console.progress(as_json) as progress:
            summary = make(directory, size, until, progress)
    show_summary(summary, as_json)
    if serve:
        url = f"sqlite:///{(directory / 'double-random.db').resolve()}"
        serve_database(url, settings().host, port or settings().port, data_dir=directory)


def _made_before(directory: Path, size: Size) -> dict[str, Any] | None:
    """The summary of a demo that was finished here at the same size."""
    path = directory / SUMMARY
    if not path.exists():
        return None
    summary: dict[str, Any] = json.loads(path.read_text())
    return summary if summary.get("size") == size.value and summary.get("verified") else None


def make(directory: Path, size: Size, until: str, progress: Progress) -> dict[str, Any]:
    """Make the city and its round in `directory`, replacing what was there; the summary of issue figures."""
    started = time.perf_counter()
    if directory.exists():
        shutil.rmtree(directory)
    directory.mkdir(parents=True)
    db = Database(f"sqlite:///{(directory / 'double-random.db').resolve()}")
    upgrade(db)
    seconds = _fill(db, directory, size, progress)
    document = plans.parse_document(demo_plan(size.value))
    plans.create(db, document, TODAY)
    plans.publish(db, document.code, TODAY)
    with ProcessPoolExecutor(settings().workers or None, mp_context=get_context("spawn")) as executor:
        clock = SimulatedClock(TODAY)
        trip = Trip(
            db, Vault(directory), directory, progress, executor, clock, approved_by="演示审批人", until=until
        )
        row = rounds.create(db, document.code, rounds.named_period(document), clock.now())
        row = carry(trip, row, answers(trip))
        summary = {"size": size.value, **finish(trip, row, seconds, started)}
    (directory / SUMMARY).write_text(json.dumps(summary, ensure_ascii=False, indent=1, default=str))
    db.close()
    return summary


def _fill(db: Database, directory: Path, size: Size, progress: Progress) -> dict[str, float]:
    """Make the city's lists, import them through the ordinary importer, and tag who supervises whom."""
    seconds: dict[str, float] = {}
    begun = time.perf_counter()
    city = write_city(directory / "city", size.value, SEED, TODAY.date(), progress)
    seconds["city"] = round(time.perf_counter() - begun, 2)
    begun = time.perf_counter()
    load_catalogue(db, TODAY)
    for path in city.paths:
        registers.import_file(db, path, None, now=TODAY, progress=progress)
    seconds["import"] = round(time.perf_counter() - begun, 2)
    begun = time.perf_counter()
    tag(db, progress, TODAY)
    seconds["tag"] = round(time.perf_counter() - begun, 2)
    return seconds
