"""A drawn target that is not in the population is replaced by the next backup of its stratum (docs/draw.md, section 8).

The event is kept with the seats' events until the reveal publishes it in events.json, and logged hidden until then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.errors import Conflict, Problem, refuse
from app.ledger import repository as ledger
from app.rounds.log import stamp
from app.rounds.seats import events_of, write_events
from app.rounds.tables import Round
from scheduler.replacement import Replacement, reason_of, replace
from scheduler.seed import RoundKeys


def replace_target(
    session: Session,
    row: Round,
    keys: RoundKeys,
    draw_id: str,
    target: str,
    reason: str,
    evidence_hash: str,
    now: datetime,
) -> Replacement:
    """Replace a target in one draw and log it; gives the event, whose backup is None where none is left.

    Raises Conflict `round.stage` once the round is revealed, Refused `replacement.*`.
    """
    if row.stage != "seated" or row.status != "waiting":
        raise _too_late(row)
    stratum = _stratum(session, row, draw_id, target)
    selected, backups = (_ids(stratum[name]) for name in ("selected", "backups"))
    earlier = _earlier(session, row, draw_id, {*selected, *backups})
    found = replace(target, reason_of(reason), evidence_hash, selected, backups, earlier)
    event = {"at": stamp(now), "type": "replacement", "draw_id": draw_id, **found.to_json()}
    write_events(session, row, keys, [(event, None)], now)
    return found


def _stratum(session: Session, row: Round, draw_id: str, target: str) -> Mapping[str, Any]:
    strata = json.loads(ledger.load(session, row.round_id, f"results/{draw_id}.json"))["strata"]
    for stratum in strata:
        if target in _ids(stratum["selected"]) or target in _ids(stratum["backups"]):
            found: dict[str, Any] = stratum
            return found
    raise refuse(
        "replacement.not_drawn",
        f"对象 {target} 不在抽取 {draw_id} 的名单或候补中。",
        f"Target {target} is neither drawn in {draw_id} nor a backup there.",
        "请核对对象和抽取编号。",
        "Check the target and the draw.",
        target=target,
        draw_id=draw_id,
    )


def _ids(rows: Sequence[Mapping[str, str]]) -> list[str]:
    return [row["target_id"] for row in rows]


def _earlier(session: Session, row: Round, draw_id: str, members: set[str]) -> list[Replacement]:
    """The stratum's replacements so far, in order."""
    return [
        Replacement(event["target"], reason_of(event["reason"]), event["evidence_hash"], event["backup"])
        for event in events_of(session, row.round_id)
        if event["type"] == "replacement" and event["draw_id"] == draw_id and event["target"] in members
    ]


def _too_late(row: Round) -> Conflict:
    return Conflict(
        Problem(
            "round.stage",
            f"批次 {row.round_id} 处于 {row.stage}/{row.status}，只有席位已抽定、等待公开期间可以启用候补。",
            f"Round {row.round_id} is at {row.stage}/{row.status}; backups are called between seats and reveal.",
            "公开之后名单不再变动，请登记为该检查的结果。",
            "After the reveal the list no longer changes: record it as the result of the check.",
            {"round_id": row.round_id, "stage": row.stage, "needed": "seated"},
        )
    )
