"""`python -m app demo`: a synthetic city lives through one round, and is served."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from app import console
from app.db.database import Database
from app.db.migrations import upgrade
from app.demo.city import write_city
from app.demo.plan import demo_plan
from app.demo.registry import write_companions, write_departments
from app.demo.year import Life, a_year, one_round
from app.errors import refuse
from app.executors import solving
from app.plans import service as plans
from app.plans.schemas import PlanDocument
from app.registers import service as registers
from app.registers.repository import joint_share
from app.registers.supervision import load_catalogue, tag
from app.rounds import service as rounds
from app.rounds.tables import STAGES, Round
from app.rounds.vault import Vault
from app.serving import listen, serve_database
from app.settings import settings
from app.visits.desk import Desk
from app.whole_round import SimulatedClock, Trip, answers, carry, finish, show_summary
from optimizer.progress import Progress

TODAY = datetime(2026, 3, 2, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
"""The simulated morning on which the demo begins: a working day of a confirmed year."""

SEED = 2026
SUMMARY = "summary.json"


class Story(StrEnum):
    """How much is lived through: the draw and its plan alone, the round's visits and results, a year of rounds."""

    ROUND = "round"
    RESULTS = "results"
    YEAR = "year"


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
    registry: Annotated[
        Path | None,
        typer.Option(help="用真实企业名录（CSV/XLSX）代替合成城市 · a real list instead of the city"),
    ] = None,
    story: Annotated[
        Story | None,
        typer.Option(
            help="round 只到公开 · results 含结果（S 并启动服务时默认） · year 一整年 · how much is lived through"
        ),
    ] = None,
    until: Annotated[str, typer.Option(help="只做到此阶段，如 drawn · stop after this stage")] = "revealed",
    port: Annotated[int, typer.Option(help="端口 · port")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="末行输出 JSON · JSON as the last line")] = False,
) -> None:
    """演示：合成城市、导入、抽取、合并入户、派员、公开并核验 · a city and one round, on a simulated clock."""
    if until not in STAGES:
        raise typer.BadParameter(f"{until}: {', '.join(STAGES)}", param_hint="--until")
    directory = out or settings().data_dir / f"demo-{'registry' if registry else size.value}"
    host, at = settings().host, port or settings().port
    if serve:
        listen(host, at).close()  # refused now, not after minutes of work
    told = story or (Story.RESULTS if serve and size is Size.S and registry is None else Story.ROUND)
    summary = _made_before(directory, size, told) if serve and registry is None else None
    if summary is None:
        with console.progress(as_json) as progress:
            summary = make(directory, size, until, progress, registry, told)
    show_summary(summary, as_json)
    if serve:
        console.say(f"http://{host}:{at}/rounds/{summary['round_id']}  演示批次 the demo's round")
        url = f"sqlite:///{(directory / 'double-random.db').resolve()}"
        serve_database(url, host, at, data_dir=directory)


def _made_before(directory: Path, size: Size, story: Story) -> dict[str, Any] | None:
    """The summary of a demo that was finished here at the same size with the same story."""
    path = directory / SUMMARY
    if not path.exists():
        return None
    summary: dict[str, Any] = json.loads(path.read_text())
    same = (summary.get("size"), summary.get("story")) == (size.value, story.value)
    return summary if same and summary.get("verified") else None


def make(
    directory: Path,
    size: Size,
    until: str,
    progress: Progress,
    registry: Path | None = None,
    story: Story = Story.ROUND,
) -> dict[str, Any]:
    """Make the city (or take a real list) and its round in `directory`; returns the round's figures."""
    started = time.perf_counter()
    _clear(directory)
    db = Database(f"sqlite:///{(directory / 'double-random.db').resolve()}")
    upgrade(db)
    seconds = (
        _fill_from(db, directory, size, registry, progress)
        if registry
        else fill(db, directory, size.value, progress)
    )
    document = plans.parse_document(demo_plan(size.value))
    plans.create(db, document, TODAY)
    plans.publish(db, document.code, TODAY)
    with solving(settings()) as executor:
        clock = SimulatedClock(TODAY)
        trip = Trip(
            db, Vault(directory), directory, progress, executor, clock, approved_by="演示审批人", until=until
        )
        row = _lived(trip, clock, document, size, story)
        joint = _joint_share(db)
        told = {"size": size.value, "story": story.value}
        summary = {**told, **joint, **finish(trip, row, seconds, started)}
    (directory / SUMMARY).write_text(json.dumps(summary, ensure_ascii=False, indent=1, default=str))
    db.close()
    return summary


def _lived(trip: Trip, clock: SimulatedClock, document: PlanDocument, size: Size, story: Story) -> Round:
    """The demonstration's first round after as much of its story as was asked for."""
    period = rounds.named_period(document)
    if story is Story.ROUND or trip.until != STAGES[-1]:
        row = rounds.create(trip.db, document.code, period, clock.now())
        return carry(trip, row, answers(trip))
    life = Life(trip, clock, Desk(trip.db, trip.vault), SEED)
    if story is Story.RESULTS:
        return one_round(life, document.code, period)
    return a_year(life, document.code, period, size.value)


def _clear(directory: Path) -> None:
    """Empty the demo's folder; a folder that holds anything else is left alone and refused."""
    held = {path.name for path in directory.iterdir()} if directory.exists() else set()
    if held and "double-random.db" not in held:
        raise refuse(
            "demo.folder",
            f"目录 {directory} 里有别的内容，演示不会清空它。",
            f"The folder {directory} holds something else; the demo does not empty it.",
            "请用 --out 指定一个空目录或以前演示用过的目录。",
            "Give an empty folder, or one that a demo used before, with --out.",
            folder=str(directory),
        )
    if held:
        shutil.rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True)


def _joint_share(db: Database) -> dict[str, Any]:
    """Targets under supervision, and how many of them are under two departments or more."""
    with db.read() as session:
        return dict(zip(("joint", "supervised"), joint_share(session), strict=True))


def _import(db: Database, paths: Iterable[Path], progress: Progress) -> None:
    for path in paths:
        registers.import_file(db, path, None, now=TODAY, progress=progress, folder=path.parent / "imports")


def _fill_from(
    db: Database, directory: Path, size: Size, registry: Path, progress: Progress
) -> dict[str, float]:
    """Import a real list, tag it, and add what it lacks by the rule of `app.demo.registry`."""
    begun = time.perf_counter()
    load_catalogue(db, TODAY)
    lists = directory / "lists"
    _import(db, [write_departments(lists)], progress)
    report = registers.import_file(
        db, registry, "targets", now=TODAY, progress=progress, folder=lists / "imports"
    )
    seconds = {"import": round(time.perf_counter() - begun, 2)}
    begun = time.perf_counter()
    tag(db, progress, TODAY)
    seconds["tag"] = round(time.perf_counter() - begun, 2)
    begun = time.perf_counter()
    _import(db, write_companions(db, lists, size.value, SEED, TODAY.date()), progress)
    seconds["companions"] = round(time.perf_counter() - begun, 2)
    console.say(
        f"{registry.name}: {report.rows} 行 rows = {report.added} 新增 added + {report.changed} 变更 changed + "
        f"{report.unchanged} 未变 unchanged + {report.refused} 拒收 refused; {report.outside} 市外 outside"
    )
    return seconds


def fill(db: Database, directory: Path, size: str, progress: Progress) -> dict[str, float]:
    """Make the city's lists, import them through the ordinary importer, and tag who supervises whom."""
    seconds: dict[str, float] = {}
    begun = time.perf_counter()
    city = write_city(directory / "city", size, SEED, TODAY.date(), progress)
    seconds["city"] = round(time.perf_counter() - begun, 2)
    begun = time.perf_counter()
    load_catalogue(db, TODAY)
    _import(db, city.paths, progress)
    seconds["import"] = round(time.perf_counter() - begun, 2)
    begun = time.perf_counter()
    tag(db, progress, TODAY)
    seconds["tag"] = round(time.perf_counter() - begun, 2)
    return seconds
