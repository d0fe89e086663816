"""`python -m app log …`: look at the log, prove it, witness it, change its key."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app import console
from app.db.database import Database
from app.db.migrations import upgrade
from app.ledger import checkpoints, keys, witness
from app.settings import settings
from scheduler.merkle import is_consistent, path_leads_to
from scheduler.notes import Checkpoint, ConsistencyProof, InclusionProof, Note, SignerKey, VerifierKey
from scheduler.suite import SHA256

commands = typer.Typer(
    help="日志：检查点、证明、见证、密钥 · the log: checkpoints, proofs, witnesses, keys",
    no_args_is_help=True,
)

LogKeys = Annotated[
    list[str],
    typer.Option("--log-key", help="日志公钥，可多个 · the log's public key; repeat after a rotation"),
]


def database() -> Database:
    """The service's database, brought up to date."""
    db = Database(settings().url())
    upgrade(db)
    return db


@commands.command("checkpoint")
def show_checkpoint(
    size: Annotated[
        int, typer.Option(help="条数，0 为最新并先签名 · size; 0 signs and shows the newest")
    ] = 0,
) -> None:
    """输出检查点（含联署）· sign what is due, and print the checkpoint with its cosignatures."""
    db = database()
    if not size:
        checkpoints.due(db, settings().data_dir, datetime.now(UTC))
    with db.read() as session:
        typer.echo(checkpoints.cosigned(session, checkpoints.found(session, size or None)), nl=False)


@commands.command("keys")
def show_keys() -> None:
    """输出日志公钥（最后一个有效）与见证人 · print the log's keys, the last one in force, and its witnesses."""
    with database().read() as session:
        found = {
            "log": [key.text for key in keys.announced(session)],
            "witnesses": [key.text for key in keys.witnesses(session)],
        }
    console.emit(found)


@commands.command("proof")
def show_proof(index: Annotated[int, typer.Argument(help="条目序号 · entry's index")]) -> None:
    """输出条目在日志中的证明 · print the tlog-proof of an entry."""
    with database().read() as session:
        row = checkpoints.found(session)
        note = str(checkpoints.cosigned(session, row))
        typer.echo(checkpoints.inclusion(session, index, row, note), nl=False)


@commands.command("consistency")
def show_consistency(
    old: Annotated[int, typer.Argument(help="已见条数 · entries seen before")],
) -> None:
    """输出新检查点延续旧检查点的证明 · print the proof that the newest checkpoint continues an older one."""
    with database().read() as session:
        row = checkpoints.found(session)
        typer.echo(checkpoints.consistency(session, old, row, row.note), nl=False)


@commands.command("verify")
def verify(
    file: Annotated[
        Path, typer.Argument(help="检查点或证明文件 · a checkpoint, tlog-proof or consistency proof")
    ],
    log_key: LogKeys,
    entry: Annotated[Path | None, typer.Option(help="条目原文 · the entry, for a tlog-proof")] = None,
    seen: Annotated[
        Path | None, typer.Option(help="以前保存的检查点 · a checkpoint kept from before")
    ] = None,
) -> None:
    """核对检查点的签名、条目的包含、历史的一致 · check signature, inclusion, consistency; needs no database."""
    trusted = [VerifierKey.parse(text) for text in log_key]
    text = file.read_text(encoding="utf-8")
    good = True
    if text.startswith("old "):
        good = seen is not None and _continues(ConsistencyProof.parse(text), seen, trusted)
        note = Note.parse(ConsistencyProof.parse(text).checkpoint)
    elif text.startswith("c2sp.org/"):
        good = entry is not None and _included(InclusionProof.parse(text), entry.read_bytes())
        note = Note.parse(InclusionProof.parse(text).checkpoint)
    else:
        note = Note.parse(text)
        good = seen is None or _continues(ConsistencyProof(0, (), text), seen, trusted)
    note.require(trusted)
    head = Checkpoint.parse(note.text)
    console.emit({"origin": head.origin, "size": head.size, "root": head.root.hex(), "ok": good})
    raise typer.Exit(0 if good else 1)


def _included(proof: InclusionProof, leaf: bytes) -> bool:
    head = Checkpoint.parse(Note.parse(proof.checkpoint).text)
    return path_leads_to(SHA256, leaf, proof.index, head.size, proof.path, head.root)


def _continues(proof: ConsistencyProof, seen: Path, trusted: list[VerifierKey]) -> bool:
    note = Note.parse(seen.read_text(encoding="utf-8"))
    note.require(trusted)
    old, new = Checkpoint.parse(note.text), Checkpoint.parse(Note.parse(proof.checkpoint).text)
    if old.origin != new.origin or proof.old not in (0, old.size):
        return False
    return is_consistent(SHA256, old.size, new.size, old.root, new.root, proof.path)


@commands.command("rotate-key")
def rotate_key(
    lost: Annotated[
        bool, typer.Option(help="旧密钥已遗失 · the old key is lost; the new one signs alone")
    ] = False,
) -> None:
    """更换签名密钥并记入日志 · put a new signing key in force and log it; the old one signs that checkpoint too."""
    row = checkpoints.rotate(database(), settings().data_dir, datetime.now(UTC), lost=lost)
    typer.echo(row.note, nl=False)


@commands.command("trust")
def trust(
    vkey: Annotated[str, typer.Argument(help="见证人公钥 · the witness's public key")],
    stop: Annotated[bool, typer.Option(help="不再采纳 · keep its cosignatures no longer")] = False,
) -> None:
    """登记见证人并记入日志 · announce in the log whose cosignatures are kept."""
    key, now = VerifierKey.parse(vkey).as_cosigner(), datetime.now(UTC)
    with database().write() as session:
        keys.trust_witness(session, key, now, trusted=not stop)
        checkpoints.make(session, settings().data_dir, now)
    console.say(key.text)


@commands.command("add-cosignature")
def add_cosignature(
    file: Annotated[Path, typer.Argument(help="联署后的检查点 · a cosigned checkpoint")],
) -> None:
    """存入以文件送来的联署 · keep a cosignature that came as a file."""
    with database().write() as session:
        kept = witness.store(session, file.read_text(encoding="utf-8"), datetime.now(UTC))
    console.say("、".join(signature.name for signature in kept))


@commands.command("witness-key")
def witness_key(
    name: Annotated[str, typer.Argument(help="见证人名称，形如 example.gov.cn/w1 · a schema-less URL")],
    key: Annotated[Path, typer.Option(help="密钥文件（新建）· key file to make")],
) -> None:
    """生成见证人密钥，输出其公钥 · make a witness's key and print its public half; needs no database."""
    made = keys.create_file(key, name)
    typer.echo(made.verifier().as_cosigner().text)


@commands.command("witness")
def run_witness(
    source: Annotated[str, typer.Argument(help="服务地址、证据包或证明文件 · address, bundle or proof file")],
    state: Annotated[Path, typer.Option(help="状态文件 · what was cosigned last")],
    key: Annotated[Path, typer.Option(help="见证人密钥文件 · the witness's key file")],
    log_key: LogKeys,
) -> None:
    """核对新检查点延续已见的，才联署 · cosign a checkpoint only if it continues the last one; needs no database.

    联署后的检查点输出到标准输出；来源是服务地址时也送回服务。
    """
    signer = SignerKey.parse(key.read_text(encoding="utf-8"))
    trusted = [VerifierKey.parse(text) for text in log_key]
    with witness.held(state):
        seen = witness.last_seen(state, trusted)
        offered = witness.offered_by(source, seen.size if seen else 0)
        note = witness.cosign(offered, state, signer, trusted, int(time.time()))
    typer.echo(note, nl=False)
    if source.startswith("http"):
        witness.send(source, note)
