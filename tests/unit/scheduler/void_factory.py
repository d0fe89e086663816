"""Honest rounds that were voided after one of their log entries, as the service publishes them."""

from __future__ import annotations

import hashlib
from typing import Any

from scheduler.encoding import canonical_json
from tests.unit.scheduler.round_factory import Draft

VOIDED_AT = "2027-01-06T09:00:00+08:00"
REASON = "plan_infeasible"
AFTER = ("seal", "plan", "seats")
"""What a round can have behind it when it is voided after its draw."""


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def voided(whole: Draft, after: str) -> Draft:
    """A copy of a whole round, voided when its last step had been `after`."""
    draft = whole.copied()
    rows = draft.docs["log/entries"]
    place = [row["entry"]["type"] for row in rows].index(f"round.{after}") + 1
    came = {row["entry"]["type"] for row in rows[:place]}
    reveal = draft.docs["reveal"]
    reveal["void"] = REASON
    if "round.plan" not in came:
        reveal["plan_commitment"] = None
        for name in ("visits", "schedule", "lottery"):
            del draft.docs[name]
    if "round.seats" not in came:
        reveal |= {"seats_seal": None, "entropy_seats": []}
        if "lottery" in draft.docs:
            draft.docs["lottery"] |= {"assignment": {}, "reserves": {}, "transcript": []}
    event = {"at": VOIDED_AT, "type": "void", "reason": REASON, "by": sha("甲"), "confirmed_by": sha("乙")}
    draft.docs["events"] = [event]
    entry: dict[str, Any] = {**rows[place - 1]["entry"], **event, "type": "round.void"}
    entry["digest"] = sha(canonical_json({"reason": REASON, "round_id": draft.manifest.round_id}).decode())
    last = rows[-1]
    last["entry"]["at"] = VOIDED_AT
    rows[place:] = [{"index": rows[place - 1]["index"] + 1, "entry": entry}, last]
    draft.log_reveal()
    return draft
