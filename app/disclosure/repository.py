"""What may be read by whom: the embargo is decided here and nowhere else.

A public seed with a public frame lets anybody compute the drawn list, so before a round is revealed nobody
anonymous gets anything that depends on the draw. What is not there and what is not yet public answer alike.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final, Literal

from sqlmodel import Session, col, select

from app.errors import NotFound, Problem
from app.ledger import repository as ledger
from app.ledger.tables import Artefact
from app.registers.tables import CheckItem, Department
from app.rounds.tables import STAGES, Round, RoundTime

Copy = Literal["public", "auditor"]
Form = Literal["as_kept", "without_salt", "drawn_only"]

_PLANNED: Final = ("visits.json", "schedule.json", "lottery.json")
_ALWAYS: Final = (*_PLANNED, "events.json", "verify.py")
MANIFEST: Final = "manifest.json"
REVEAL: Final = "reveal.json"
ROSTER: Final = "roster.json"
SITES: Final = "internal/sites.json"
PACKING: Final = "internal/packing.json"


def round_of(session: Session, round_id: str) -> Round:
    """A round that exists, or `round.not_public`."""
    row = session.get(Round, round_id)
    if row is None:
        raise not_public(round_id)
    return row


def latest(session: Session, limit: int) -> list[Round]:
    """The newest rounds first."""
    order = (col(Round.created_at).desc(), col(Round.round_id).desc())
    return list(session.exec(select(Round).order_by(*order).limit(limit)))


def times(session: Session, round_id: str) -> dict[str, RoundTime]:
    """When each stage was done."""
    return {row.stage: row for row in session.exec(select(RoundTime).where(RoundTime.round_id == round_id))}


def department_names(session: Session) -> dict[str, tuple[str, str]]:
    """(Chinese, English) name by code."""
    return {row.code: (row.name_zh, row.name_en or row.name_zh) for row in session.exec(select(Department))}


def item_titles(session: Session) -> dict[str, tuple[str, str]]:
    """(Chinese, English) title of check items by `code@version`."""
    rows = session.exec(select(CheckItem.code, CheckItem.version, CheckItem.title_zh, CheckItem.title_en))
    return {f"{code}@{version}": (chinese, english or chinese) for code, version, chinese, english in rows}


def reached(row: Round, stage: str) -> bool:
    """Whether the round has `stage` behind it."""
    return STAGES.index(row.stage) >= STAGES.index(stage)


def released(row: Round) -> bool:
    """Whether the embargo is over: the round is revealed, or void after its draw, which publishes the result."""
    return row.stage == "revealed" or (is_void(row) and reached(row, "drawn"))


def is_void(row: Round) -> bool:
    """Whether the round was voided: nobody is visited for it."""
    return row.status == "void"


def void_reason(row: Round) -> str | None:
    """The reason code of a void, such as `frame_wrong`: who asked and who confirmed is in the log, hashed."""
    return str((row.problem or {}).get("code", "")).removeprefix("void.") if is_void(row) else None


def not_public(round_id: str) -> NotFound:
    """The one answer for what is absent and for what is not yet public."""
    return NotFound(
        Problem(
            "round.not_public",
            f"批次 {round_id} 不存在，或所查内容尚未公开。",
            f"There is no round {round_id}, or what was asked for is not public yet.",
            "请核对批次编号；抽取结果在批次公开后提供。",
            "Check the round's id. Results are given once the round has been revealed.",
            {"round_id": round_id},
        )
    )


def released_round(session: Session, round_id: str) -> Round:
    """A round whose embargo is over, else `round.not_public`."""
    row = round_of(session, round_id)
    if not released(row):
        raise not_public(round_id)
    return row


def document(data: bytes) -> Any:
    """A stored JSON artefact."""
    return json.loads(data)


def manifest(session: Session, row: Round) -> dict[str, Any] | None:
    """The manifest once it is logged: everybody may read the rules before the entropy exists. Else None."""
    if not reached(row, "committed"):
        return None
    data = ledger.find(session, row.round_id, MANIFEST)
    found: dict[str, Any] | None = None if data is None else document(data)
    return found


def forms(session: Session, row: Round, copy: Copy) -> dict[str, Form]:
    """Names of the artefacts in a copy of the round's bundle and the form each has there: an allow-list.

    The table is that of docs/bundle.md; what it does not name is in no copy. A void round's lacks what the void came
    before.
    """
    kept = set(ledger.names(session, row.round_id))
    rules = document(ledger.load(session, row.round_id, MANIFEST))
    draws = [draw["draw_id"] for draw in rules["draws"]]
    hidden = rules["privacy"] == "sealed" and copy == "public"
    found: dict[str, Form] = dict.fromkeys((MANIFEST, *_ALWAYS), "as_kept")
    found[REVEAL] = "without_salt" if copy == "public" else "as_kept"
    found |= {f"results/{draw}.json": "drawn_only" if hidden else "as_kept" for draw in draws}
    if not hidden:
        found |= {f"{folder}/{draw}.tsv": "as_kept" for folder in ("frames", "excluded") for draw in draws}
    if copy == "auditor" and ROSTER in kept:
        found[ROSTER] = "as_kept"
    if is_void(row):
        found = {name: form for name, form in found.items() if name not in _PLANNED or name in kept}
    return found


def origin(session: Session, round_id: str) -> str:
    """A digest of the names and digests of the round's artefacts: what anything made from them alone depends on."""
    query = select(Artefact.name, Artefact.digest).where(Artefact.subject == round_id)
    rows = sorted(f"{name} {digest}" for name, digest in session.exec(query))
    return hashlib.sha256("\n".join([round_id, *rows]).encode()).hexdigest()


def public_site_names(session: Session, round_id: str) -> dict[str, str]:
    """Names of the drawn targets of a released round: of what is known about a site, the name alone is public."""
    released_round(session, round_id)
    data = ledger.find(session, round_id, SITES)
    if data is not None:
        return {key: site["name"] for key, site in document(data).items()}
    drawn = ledger.find(session, round_id, PACKING)
    return {} if drawn is None else {site["target_id"]: site["name"] for site in document(drawn)["sites"]}
