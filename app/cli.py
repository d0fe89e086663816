"""`python -m app …`: every command of every room, and those that need several of them; `front` opens the door."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app import console
from app.audit import commands as audit_commands
from app.db import commands as db_commands
from app.db.database import Database
from app.db.migrations import upgrade
from app.demo import commands as demo_commands
from app.disclosure import commands as disclosure_commands
from app.disclosure import push_commands, seat_commands
from app.disclosure.site import write_site
from app.errors import Problem, Refused
from app.estimates import commands as estimates_commands
from app.executors import solving
from app.ledger import commands as ledger_commands
from app.ledger import repository as ledger
from app.main import create_app
from app.people import commands as people_commands
from app.people.alone import before_accounts, require_no_accounts
from app.plans import commands as plans_commands
from app.plans import service as plans
from app.registers import commands as registers_commands
from app.rounds import commands as rounds_commands
from app.rounds import service as rounds
from app.rounds.advance import Clock
from app.rounds.fsck import check_all
from app.rounds.tables import Round
from app.rounds.trial_commands import trial_of
from app.rounds.vault import Vault
from app.rounds.worker import SystemClock
from app.serving import serve
from app.settings import settings
from app.visits import commands as visits_commands
from app.whole_round import SimulatedClock, Trip, answers, carry, finish, show_summary

app = typer.Typer(
    help="双随机、一公开：可证明、不可重抽、一次进门 · Double Random: provable draws, fewest visits",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(db_commands.commands, name="db")
app.add_typer(registers_commands.commands, name="register")
app.add_typer(plans_commands.commands, name="plan")
app.add_typer(plans_commands.calendar_commands, name="calendar")
app.add_typer(rounds_commands.commands, name="round")
app.add_typer(visits_commands.commands, name="visit")
app.add_typer(disclosure_commands.commands, name="export")
push_commands.add_to(disclosure_commands.commands)
app.add_typer(estimates_commands.commands, name="estimate")
app.add_typer(ledger_commands.commands, name="log")
app.add_typer(people_commands.commands, name="people")
rounds_commands.commands.command("seats")(seat_commands.seats)
plans_commands.commands.command("trial")(trial_of)
app.command("demo")(demo_commands.demo)
app.command()(serve)


@ledger_commands.commands.command("fsck")
def fsck(
    as_json: Annotated[bool, typer.Option("--json", help="末行输出 JSON · JSON as the last line")] = False,
) -> None:
    """由日志和存档重新推导各表，指出不符的表和行 · derive every state table again; 1 where one differs."""
    with ledger_commands.database().read() as session:
        found = list(check_all(session, Vault(settings().data_dir)))
    if as_json:
        console.emit({"ok": not found, "findings": [asdict(finding) for finding in found]})
    else:
        for finding in found:
            console.say(str(finding))
        console.say("不符 differences: " + str(len(found)))
    raise typer.Exit(1 if found else 0)


ledger_commands.commands.command("anomalies")(audit_commands.anomalies)


def _pairs(given: list[str]) -> list[tuple[str, str]]:
    pairs = []
    for text in given:
        name, mark, value = text.partition("=")
        if not mark:
            raise typer.BadParameter(f"{text!r}：写作 来源=值 · write SOURCE=VALUE")
        pairs.append((name, value))
    return pairs


@rounds_commands.commands.command("run")
@before_accounts
def run_round(
    plan: Annotated[str, typer.Argument(help="计划编号 · plan code")],
    period: Annotated[
        str, typer.Option(help="期次，计划写明时可省 · period, where the plan names none")
    ] = "",
    entropy: Annotated[
        list[str] | None,
        typer.Option("--entropy", help="来源=值，按顺序两次取用 · SOURCE=VALUE, in order of use"),
    ] = None,
    approved_by: Annotated[str, typer.Option(help="审批人 · approver")] = "",
    out: Annotated[Path, typer.Option(help="证据包目录 · where the bundles go")] = Path("var/bundles"),
    commitments: Annotated[
        list[str] | None, typer.Option("--commitment", help="方=承诺 · PARTY=COMMITMENT of an outside party")
    ] = None,
    simulate: Annotated[
        bool, typer.Option(help="模拟时钟直至公开，仅限演示随机源的计划 · simulated clock, demo entropy only")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="末行输出 JSON · JSON as the last line")] = False,
) -> None:
    """运行一个批次：冻结、抽取、合并、派员、公开 · run a plan's round; a second try is refused and names the first."""
    started = time.perf_counter()
    db = Database(settings().url())
    document = plans.in_force(db, plan)
    if simulate and not document.demo:
        raise _not_a_demo(plan)
    clock = SimulatedClock(_latest(db)) if simulate else SystemClock()
    row = rounds.create(
        db, plan, period or rounds.named_period(document), clock.now(), _pairs(commitments or [])
    )
    _carry(db, row, clock, _pairs(entropy or []), approved_by, out, as_json, started)


@rounds_commands.commands.command("resume")
def resume_round(
    round_id: Annotated[str, typer.Argument(help="批次编号 · round id")],
    entropy: Annotated[
        list[str] | None,
        typer.Option("--entropy", help="来源=值，按顺序两次取用 · SOURCE=VALUE, in order of use"),
    ] = None,
    approved_by: Annotated[str, typer.Option(help="审批人 · approver")] = "",
    out: Annotated[Path, typer.Option(help="证据包目录 · where the bundles go")] = Path("var/bundles"),
    simulate: Annotated[
        bool, typer.Option(help="模拟时钟直至公开，仅限演示随机源的计划 · simulated clock, demo entropy only")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="末行输出 JSON · JSON as the last line")] = False,
) -> None:
    """继续未完成或中断的批次 · carry on an unfinished round, an interrupted one too; nothing is done twice."""
    started = time.perf_counter()
    db = Database(settings().url())
    if approved_by or entropy:
        require_no_accounts(db)
    row = rounds.get(db, round_id)
    if simulate and not row.demo:
        raise _not_a_demo(row.plan)
    clock = SimulatedClock(_latest(db)) if simulate else SystemClock()
    _carry(db, row, clock, _pairs(entropy or []), approved_by, out, as_json, started)


@rounds_commands.commands.command("pack")
def pack_round(
    round_id: Annotated[str, typer.Argument(help="批次编号 · round id")],
    as_json: Annotated[bool, typer.Option("--json", help="末行输出 JSON · JSON as the last line")] = False,
) -> None:
    """排定抽中对象的检查，或显示已排定的结果 · pack a drawn round, or show how it was packed."""
    started, vault = time.perf_counter(), Vault(settings().data_dir)
    with closing(Database(settings().url())) as db, solving(settings()) as executor:
        row = rounds.get(db, round_id)
        with console.progress(as_json) as progress:
            lease = settings().lease_seconds
            trip = Trip(
                db, vault, Path("var/bundles"), progress, executor, until="packed", lease_seconds=lease
            )
            if row.stage == "drawn" and row.status == "running":
                row = carry(trip, row, lambda _: False)
            summary = finish(trip, row, {}, started)
    show_summary(summary, as_json)


def _latest(db: Database) -> datetime:
    """A simulated clock begins now, or where an earlier simulation left the log: its times never go back."""
    with db.read() as session:
        return max(datetime.now(UTC), ledger.last_time(session) or datetime.min.replace(tzinfo=UTC))


def _carry(
    db: Database,
    row: Round,
    clock: Clock,
    values: list[tuple[str, str]],
    approved_by: str,
    out: Path,
    as_json: bool,
    started: float,
) -> None:
    """Carry a round as far as it goes and say what it came to."""
    vault, lease = Vault(settings().data_dir), settings().lease_seconds
    with solving(settings()) as executor, console.progress(as_json) as progress:
        trip = Trip(
            db, vault, out, progress, executor, clock, approved_by=approved_by or None, lease_seconds=lease
        )
        row = carry(trip, row, answers(trip, values))
        summary = finish(trip, row, {}, started)
    show_summary(summary, as_json)


def _not_a_demo(plan: str) -> Refused:
    return Refused(
        Problem(
            "round.simulated_clock",
            f"计划 {plan} 使用真实随机源，不能用模拟时钟。",
            f"Plan {plan} uses real entropy; a simulated clock is for demonstrations only.",
            "去掉 --simulate，批次会等待各截止时间。",
            "Leave out --simulate; the round then waits for its times.",
            {"plan": plan},
        )
    )


@disclosure_commands.commands.command("site")
def export_site(
    out: Annotated[Path, typer.Option(help="输出目录，须为空 · an empty folder to write to")],
    as_json: Annotated[bool, typer.Option("--json", help="末行输出 JSON · JSON as the last line")] = False,
) -> None:
    """整个公开门户的静态副本 · The whole public portal as a folder for any file server."""
    if out.exists() and any(out.iterdir()):
        raise _not_empty(out)
    db = Database(settings().url())
    upgrade(db)
    made = write_site(create_app(db, settings(), with_clock=False), out)
    db.close()
    if as_json:
        console.emit(asdict(made))
    else:
        console.say(f"{out}  {made.pages} 页 pages, {made.files} 个文件 files")


def _not_empty(out: Path) -> Refused:
    return Refused(
        Problem(
            "site.not_empty",
            f"目录 {out} 不是空的。",
            f"The folder {out} is not empty.",
            "请指定一个空目录，以免旧文件混入。",
            "Give an empty folder, so that no old file stays among the new ones.",
            {"out": str(out)},
        )
    )


@app.command("openapi")
def openapi() -> None:
    """输出 OpenAPI 文档 · print the OpenAPI document."""
    db = Database(settings().url())
    console.emit(create_app(db, settings(), with_clock=False).openapi())
