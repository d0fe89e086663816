"""`python -m app`: the door. Only the command that is chosen is loaded, so that help and `verify` are there at once."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Final

import typer
from typer._click import Command, Context
from typer.core import TyperCommand, TyperGroup

from app import console
from app.errors import Refused
from scheduler import verifier

INTERRUPTED = 130
"""Exit status after Ctrl+C (128 + SIGINT)."""
WITHOUT_DATABASE = ("db", "demo", "log", "verify")
LINES: Final = {
    "demo": "演示：合成城市、导入、抽取、合并入户、派员、公开并核验 · a city and one round, on a simulated clock.",
    "serve": "启动服务，含计算进程与时钟 · serve, with worker and clock inside.",
    "openapi": "输出 OpenAPI 文档 · print the OpenAPI document.",
    "db": "数据库：备份与升级 · the database: back-up and upgrade",
    "register": "名录库 Registers: import, show.",
    "plan": "抽查计划 Plans: save, check, publish.",
    "calendar": "工作日历 The working-day calendar.",
    "round": "批次：查看、审批、公共随机、作废 · rounds: look, approve, feed entropy, void",
    "visit": "检查：通知、到场、登记、复核、公示 · visits: notice, arrival, record, review, disclosure",
    "export": "导出已公开的批次 · Export released rounds",
    "estimate": "由公示结果作抽样推断 · What the samples prove",
    "log": "日志：检查点、证明、见证、密钥 · the log: checkpoints, proofs, witnesses, keys",
    "people": "账户、角色、令牌、访问记录 · accounts, roles, tokens, access record",
}
"""The commands of `app.cli`, in the order of the help, and the line that each has there."""
ROOMS: Final = {
    "serve": "app.serving",
    "db": "app.db.commands",
    "register": "app.registers.commands",
    "people": "app.people.commands",
}
"""What one room makes alone: nothing of other rooms, half the time to load."""


class Door(TyperGroup):
    """The commands by their lines; the room of one, or the whole of `app.cli`, is loaded where it is run."""

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002 - the base class asks for it
        """Names as the help shows them."""
        return [*self.commands, *LINES]

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """A command to be listed: its name and line, nothing to run."""
        if cmd_name in LINES:
            return TyperCommand(cmd_name, help=LINES[cmd_name])
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """A command to be run."""
        name, command, rest = super().resolve_command(ctx, args)
        if name in LINES:
            with _uncollected():
                command = _loaded(ctx, name)
        return name, command, rest


@contextmanager
def _uncollected() -> Iterator[None]:
    """Loading drops next to nothing, so nothing is looked through for garbage meanwhile, nor what was loaded later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _loaded(ctx: Context, name: str) -> Command | None:
    """The real command behind a line; tables refer to each other, so all of them are there before one is used."""
    if name in ROOMS:
        from app.db.tables import import_all

        import_all()
        room: Command = typer.main.get_command(import_module(ROOMS[name]).commands)
        room.name = name
        return room
    from app.cli import app as rooms

    return typer.main.get_group(rooms).get_command(ctx, name)


app = typer.Typer(
    cls=Door,
    help="双随机、一公开：可证明、不可重抽、一次进门 · Double Random: provable draws, fewest visits",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def before(context: typer.Context) -> None:
    """Bring the database up to date before any command that uses it."""
    if context.invoked_subcommand not in WITHOUT_DATABASE:
        from app.db.database import Database
        from app.db.migrations import upgrade
        from app.settings import settings

        db = Database(settings().url())
        upgrade(db)
        db.close()


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(help="round-….zip 或 auditor-….zip")],
    firm: Annotated[Path | None, typer.Option(help="企业自证文件 · a firm's OPENING.json")] = None,
    key: Annotated[list[str] | None, typer.Option(help="日志公钥 · the log's public key")] = None,
    seen: Annotated[Path | None, typer.Option(help="曾见检查点 · a checkpoint kept from before")] = None,
    proof: Annotated[Path | None, typer.Option(help="两者间的一致性证明 · the proof between the two")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """核验证据包：0 全部一致，1 有步骤不符，2 无法读取 · verify a bundle."""
    given = [("--firm", firm), ("--seen", seen), ("--proof", proof), *(("--key", vkey) for vkey in key or ())]
    arguments = [str(bundle), *(text for name, value in given if value for text in (name, str(value)))]
    arguments += ["--json"] if as_json else []
    raise typer.Exit(verifier.main(arguments))


def main() -> None:
    """Run a command; a refusal is said with its remedy and exits with 1."""
    try:
        app()
    except Refused as refused:
        console.refusal(refused.problem, as_json="--json" in sys.argv)
        raise SystemExit(1) from None
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            console.say("已中断，做完的已保存 · interrupted; what was finished is kept")
        raise
