"""`python -m app round …`: look at rounds, answer what they wait for, void them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

import typer

from app import console
from app.db.database import Database
from app.errors import refuse
from app.people.alone import before_accounts
from app.rounds import (
    advance,
    entropy,
    expiry,
    packing_commands,
    repository,
    seats_commands,
    service,
    voiding,
)
from app.rounds.log import stamp
from app.rounds.schemas import RoundOut
from app.rounds.tables import Round
from app.rounds.vault import Vault, new_secret
from app.settings import settings
from scheduler.seed import commitment
from scheduler.suite import suite as suite_named

commands = typer.Typer(
    help="批次：查看、审批、公共随机、作废 · rounds: look, approve, feed entropy, void", no_args_is_help=True
)
commands.command("absence")(seats_commands.absence)
commands.command("seat-tree")(seats_commands.seat_tree)
for command in (
    packing_commands.explain,
    packing_commands.move,
    packing_commands.replan,
    packing_commands.stop,
    packing_commands.visits,
):
    commands.command(command.__name__)(command)

RoundId = Annotated[str, typer.Argument(help="批次编号 · round id")]
AsJson = Annotated[bool, typer.Option("--json", help="末行输出 JSON · one JSON object as the last line")]


def _database() -> Database:
    return Database(settings().url())


def _show(db: Database, row: Round, as_json: bool) -> None:
    with db.read() as session:
        times = sorted(
            repository.times(session, row.round_id).values(), key=lambda time: (time.at, time.stage)
        )
        awaited = expiry.awaited(session, row)
    shown = RoundOut.of(row, times)
    if as_json:
        console.emit(shown.model_dump(mode="json"))
        return
    done = [(time.stage, stamp(time.at), round(time.seconds, 2)) for time in times]
    console.table(f"{row.round_id} · {row.status}", ("阶段 stage", "时间 at", "秒 seconds"), done)
    if row.waiting_for:
        console.say(f"等待 waiting for: {row.waiting_for}{f' ({awaited})' if awaited else ''}")
    if row.problem:
        console.say(f"{row.problem.get('zh', row.problem['code'])}\n{row.problem.get('en', '')}")


@commands.command("list")
def list_rounds(as_json: AsJson = False) -> None:
    """列出批次 · list rounds, newest first."""
    with _database().read() as session:
        rows = repository.newest(session)
    if as_json:
        console.emit({"rounds": [RoundOut.of(row, []).model_dump(mode="json") for row in rows]})
        return
    cells = [(row.round_id, row.stage, row.status, row.waiting_for or "", row.assurance) for row in rows]
    console.table(
        "批次 rounds", ("编号 id", "阶段 stage", "状态 status", "等待 waits for", "可信级别 assurance"), cells
    )


@commands.command("show")
def show(round_id: RoundId, as_json: AsJson = False) -> None:
    """查看一个批次 · show one round."""
    db = _database()
    _show(db, service.get(db, round_id), as_json)


@commands.command("approve")
@before_accounts
def approve(
    round_id: RoundId,
    by: Annotated[str, typer.Option(help="审批人 · who approves")],
    as_json: AsJson = False,
) -> None:
    """审批已冻结的批次 · approve a frozen round and its small strata by name."""
    db = _database()
    _show(db, service.approve(db, round_id, by, datetime.now(UTC)), as_json)


@commands.command("entropy")
@before_accounts
def give_entropy(
    round_id: RoundId,
    source: Annotated[str, typer.Option(help="随机源编号 · source id")],
    value: Annotated[
        str, typer.Option(help="公共随机值；留空且为 drand 时自动获取 · value; empty fetches drand")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """录入公共随机（报数、开奖号码、drand 签名）· give the public value of a source."""
    db = _database()
    if not value:
        planned, announced = service.source_of(db, round_id, source)
        value = entropy.fetched(settings().drand_url, planned, announced)
    _show(db, service.supply(db, round_id, source, value, datetime.now(UTC)), as_json)


@commands.command("secret")
def make_secret(
    round_id: Annotated[
        str, typer.Argument(help="计划-期次-序号，批次尚未建立也可 · <plan>-<period>-<sequence>")
    ],
    party: Annotated[str, typer.Option(help="承诺方 · party")],
    suite: Annotated[str, typer.Option(help="DR1-HMAC-SHA256 / DR1-HMAC-SM3")] = "DR1-HMAC-SHA256",
) -> None:
    """为一方生成秘密与承诺：承诺交服务，秘密自己保管 · make a party's secret and the commitment to hand in."""
    secret = new_secret()
    digest = commitment(suite_named(suite), round_id, party, secret).hex()
    console.emit({"round_id": round_id, "party": party, "commitment": digest, "secret": secret.hex()})


def _secret(text: str) -> bytes:
    digits = text.strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise refuse(
            "deposit.form",
            "秘密应为 64 位十六进制数字。",
            "A secret is 64 hexadecimal digits.",
            "请原样粘贴 round secret 当初给出的 secret。",
            "Paste the `secret` that `round secret` gave, as it is.",
        )
    return bytes.fromhex(digits)


@commands.command("deposit")
def deposit(
    round_id: RoundId,
    party: Annotated[str, typer.Option(help="承诺方 · party")],
    secret: Annotated[str, typer.Option(prompt=True, hide_input=True, help="64 位十六进制 · 64 hex digits")],
) -> None:
    """提交一方的秘密 · deposit a party's secret after the manifest is logged."""
    db = _database()
    service.deposit(db, Vault(settings().data_dir), round_id, party, _secret(secret), datetime.now(UTC))
    console.say(f"{party}：已核对并登记 · checked and receipted")


@commands.command("void")
@before_accounts
def void(
    round_id: RoundId,
    reason: Annotated[str, typer.Option(help="、".join(voiding.VOID_REASONS))],
    by: Annotated[str, typer.Option(help="提出人 · who asks")],
    confirmed_by: Annotated[str, typer.Option(help="确认人（须为另一人）· who confirms, another person")],
    as_json: AsJson = False,
) -> None:
    """作废批次：须有原因代码和两人；已抽取的结果一并公布 · void a round; a result that was drawn is published."""
    db, vault = _database(), Vault(settings().data_dir)
    row = voiding.void(db, vault, round_id, reason, by, confirmed_by, datetime.now(UTC))
    _show(db, row, as_json)


@commands.command("retry")
def retry(round_id: RoundId, as_json: AsJson = False) -> None:
    """重试被拒绝的步骤 · try a refused stage again after its cause was mended."""
    db = _database()
    _show(db, advance.retry(db, round_id, datetime.now(UTC)), as_json)
