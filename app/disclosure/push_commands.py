"""`export platform-add|platforms|push|redeliver|platform-stop`: outside platforms and what was pushed to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer
from sqlmodel import col, select

from app import console
from app.db.database import Database
from app.db.migrations import upgrade
from app.disclosure import push
from app.disclosure.tables import Platform, Receipt
from app.ledger.outbox import private_hosts
from app.rounds.vault import Vault
from app.settings import settings

Code = Annotated[str, typer.Argument(help="平台编号 · the platform's code")]
AsJson = Annotated[bool, typer.Option("--json", help="末行输出 JSON · JSON as the last line")]


def _database() -> Database:
    db = Database(settings().url())
    upgrade(db)
    return db


def platform_add(
    code: Code,
    profile: Annotated[str, typer.Option(help="national | credit | supervision")],
    to: Annotated[str, typer.Option(help="文件夹或 https 地址 · a folder, or an https address")],
    kind: Annotated[str, typer.Option(help="files | http")] = "files",
) -> None:
    """登记外部平台，此后的公示都报送 · Push every disclosure from now on to a platform."""
    hosts, vault = private_hosts(settings()), Vault(settings().data_dir)
    made, secret = push.add(_database(), code, profile, kind, to, hosts, datetime.now(UTC), vault)
    console.say(f"✓ {made.code} {made.kind} {made.address}")
    if secret:
        console.say(f"  签名密钥，仅显示一次 · signing secret, shown once: {secret}")


def platforms(as_json: AsJson = False) -> None:
    """各平台的报送情况 · Platforms, and how many messages each took, waits for or lost."""
    with _database().read() as session:
        rows = session.exec(select(Platform).order_by(col(Platform.code))).all()
        counted = Counter(session.exec(select(Receipt.platform, Receipt.status)).all())
    found = [
        {"code": row.code, "profile": row.profile, "kind": row.kind, "active": row.active}
        | {state: counted[row.code, state] for state in ("waiting", "delivered", "dead")}
        for row in rows
    ]
    if as_json:
        console.emit({"platforms": found})
        return
    for one in found:
        console.say(" ".join(f"{name}={value}" for name, value in one.items()))


def push_now() -> None:
    """立即报送到期的消息 · Send what is due now; the service does so by itself."""
    console.say(str(push.push_all(_database(), settings())))


def redeliver(code: Code) -> None:
    """重新报送已放弃的消息 · Try again what was given up."""
    console.say(str(push.redeliver(_database(), code, datetime.now(UTC))))


def platform_stop(code: Code) -> None:
    """停用平台，回执保留 · Send it nothing more; its receipts stay."""
    push.stop(_database(), code)


def add_to(commands: typer.Typer) -> None:
    """Put these beside the other exports."""
    named: dict[str, Callable[..., None]] = {
        "platform-add": platform_add,
        "platforms": platforms,
        "push": push_now,
        "redeliver": redeliver,
        "platform-stop": platform_stop,
    }
    for name, command in named.items():
        commands.command(name)(command)
