"""What is filed when an inspector cannot come after all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from scheduler.lottery.replacement import Reason


@dataclass(frozen=True, slots=True)
class Absence:
    """An inspector, a reason, and either days (both included) or the target of a recusal."""

    inspector: str
    reason: Reason
    start: date | None = None
    end: date | None = None
    target_id: str = ""
