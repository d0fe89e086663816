"""The entries that a round leaves in the log: plan, period, sequence and round in clear, never personal data."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.rounds.tables import Round

OFFICIAL = ZoneInfo("Asia/Shanghai")


def stamp(moment: datetime) -> str:
    """Official time to the second, RFC 3339."""
    return moment.astimezone(OFFICIAL).isoformat(timespec="seconds")


def entry_of(row: Round, kind: str, role: str, now: datetime, digest: str, **more: Any) -> dict[str, Any]:
    """One log entry about a round; `digest` is what docs/bundle.md says for its type."""
    return {
        "type": kind,
        "subject": row.round_id,
        "at": stamp(now),
        "actor_role": role,
        "digest": digest,
        "plan": row.plan,
        "period": row.period,
        "sequence": row.sequence,
        "round_id": row.round_id,
        **more,
    }
