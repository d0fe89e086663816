"""Use cases of disclosure: both copies of a round's bundle, and a firm's opening of its leaf."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlmodel import Session

from app.db.database import Database
from app.disclosure import repository
from app.disclosure.bundle import bundle_files
from app.disclosure.container import write_bundle
from app.disclosure.repository import Copy, document
from app.errors import refuse
from app.ledger import repository as ledger
from scheduler.frame import Frame
from scheduler.suite import suite


@dataclass(frozen=True, slots=True)
class Bundles:
    """Where the two copies of a round's bundle were written."""

    public: Path
    auditor: Path


def write_bundles(db: Database, round_id: str, directory: Path) -> Bundles:
    """Write `round-<id>.zip` and `auditor-<id>.zip` into `directory`; the same bytes each time.

    Raises Conflict `bundle.before_reveal` until the round is revealed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    public, auditor = directory / bundle_name(round_id), directory / f"auditor-{round_id}.zip"
    copies: tuple[tuple[Path, Copy], ...] = ((public, "public"), (auditor, "auditor"))
    with db.read() as session:
        for path, copy in copies:
            write_bundle(path, copy, round_id, bundle_files(session, round_id, copy))
    return Bundles(public, auditor)


def bundle_name(round_id: str) -> str:
    """File name of the public copy."""
    return f"round-{round_id}.zip"


def public_bundle(db: Database, round_id: str, directory: Path) -> Path:
    """The public copy for a download, made on the first request and kept under a digest of what it is made from.

    What is absent or not yet public raises `round.not_public`.
    """
    with db.read() as session:
        repository.released_round(session, round_id)
        folder = directory / repository.origin(session, round_id)[:32]
        path = folder / bundle_name(round_id)
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_bundle(path, "public", round_id, bundle_files(session, round_id, "public"))
    return path


def firm_opening(db: Database, round_id: str, draw_id: str, target_id: str) -> dict[str, Any]:
    """A firm's OPENING.json: shows that it was in the frozen frame, and whether it was drawn; never its class.

    Raises `round.not_public` before the reveal, `opening.open_round` where the frame itself is public,
    `opening.no_draw`, `frame.no_target`.
    """
    with db.read() as session:
        return opening_of(session, round_id, draw_id, target_id)


def opening_of(session: Session, round_id: str, draw_id: str, target_id: str) -> dict[str, Any]:
    """`firm_opening` within a session."""
    repository.released_round(session, round_id)
    rules = document(ledger.load(session, round_id, repository.MANIFEST))
    draw = _sealed_draw(rules, round_id, draw_id)
    frame = Frame.from_tsv(ledger.load(session, round_id, f"frames/{draw_id}.tsv"))
    salt = bytes.fromhex(document(ledger.load(session, round_id, repository.REVEAL))["k_salt"])
    drawn = target_id in _drawn(session, round_id, draw_id)
    found = frame.opening(suite(rules["suite"]), draw_id, draw["internal"], salt, target_id)
    return {
        "round_id": round_id,
        "draw_id": draw_id,
        "index": found.index,
        "blind": found.blind.hex(),
        "public_cells": list(found.public_cells),
        "inner_hash": found.inner_hash.hex(),
        "path": [sibling.hex() for sibling in found.path],
        "drawn": drawn,
    }


def _drawn(session: Session, round_id: str, draw_id: str) -> set[str]:
    result = document(ledger.load(session, round_id, f"results/{draw_id}.json"))
    return {row["target_id"] for stratum in result["strata"] for row in stratum["selected"]}


def _sealed_draw(rules: dict[str, Any], round_id: str, draw_id: str) -> dict[str, Any]:
    found: dict[str, Any] | None = next((d for d in rules["draws"] if d["draw_id"] == draw_id), None)
    if found is None:
        raise refuse(
            "opening.no_draw",
            f"批次 {round_id} 没有抽取 {draw_id}。",
            f"Round {round_id} has no draw {draw_id}.",
            "请从批次页面的抽取列表中选取编号。",
            "Take an id from the list of draws on the round's page.",
            round_id=round_id,
            draw_id=draw_id,
        )
    if rules["privacy"] == "open":
        raise refuse(
            "opening.open_round",
            f"批次 {round_id} 是公开批次，名录整体公开，不需要单户证明。",
            f"Round {round_id} is open: its frames are public, so no firm needs an opening.",
            "请在公开归档的 frames 目录中直接查找。",
            "Look the firm up in the public bundle's frames.",
            round_id=round_id,
        )
    return found
