"""The frozen roster: inspectors by code, their leave and their recusals. Names stay outside; a lottery knows codes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from optimizer.errors import refuse
from scheduler.encoding import canonical_json
from scheduler.suite import Suite


@dataclass(frozen=True, slots=True)
class Inspector:
    """One officer. `certificate_expires` is the last good day; `cap` is the most seats in one round."""

    code: str
    department: str
    district: str
    certificate_expires: str
    specialties: tuple[str, ...]
    lead: bool
    cap: int


@dataclass(frozen=True, slots=True)
class Leave:
    """Days on which an inspector is away, both ends included. In JSON `from` and `to`."""

    code: str
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Recusal:
    """A conflict of interest that bars an inspector from a target."""

    code: str
    target_id: str


@dataclass(frozen=True, slots=True)
class Roster:
    """What the manifest freezes about inspectors."""

    inspectors: tuple[Inspector, ...]
    leave: tuple[Leave, ...] = ()
    recusals: tuple[Recusal, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give roster.json, each list ascending."""
        return {
            "inspectors": [
                _inspector_json(item) for item in sorted(self.inspectors, key=lambda i: _bytes(i.code))
            ],
            "leave": sorted(
                ({"code": item.code, "from": item.start, "to": item.end} for item in self.leave),
                key=lambda row: (_bytes(row["code"]), row["from"], row["to"]),
            ),
            "recusals": sorted(
                ({"code": item.code, "target_id": item.target_id} for item in self.recusals),
                key=lambda row: (_bytes(row["code"]), _bytes(row["target_id"])),
            ),
        }

    def roster_hash(self, suite: Suite) -> bytes:
        """H of the canonical JSON, 32 bytes."""
        return suite.hash(canonical_json(self.to_json()))

    def checked(self) -> Roster:
        """Give the roster itself, if it obeys the rules.

        Raises:
            Refused: a code twice, a negative cap, a date that is none, leave or recusal of an unknown code.
        """
        known = Counter(item.code for item in self.inspectors)
        for code, times in known.items():
            if times > 1:
                raise _bad(
                    "roster.duplicate", code, "在名录中出现多次", "stands in the roster more than once"
                )
        for item in self.inspectors:
            if item.cap < 0:
                raise _bad("roster.cap", item.code, "的工作量上限为负", "has a negative workload cap")
        _check_dates((item.code, item.certificate_expires) for item in self.inspectors)
        _check_dates((item.code, day) for item in self.leave for day in (item.start, item.end))
        for code in [item.code for item in self.leave] + [item.code for item in self.recusals]:
            if code not in known:
                raise _bad(
                    "roster.unknown_code",
                    code,
                    "有请假或回避但不在名录中",
                    "has leave or a recusal but is not listed",
                )
        return self


def _inspector_json(item: Inspector) -> dict[str, Any]:
    return {
        "code": item.code,
        "department": item.department,
        "district": item.district,
        "certificate_expires": item.certificate_expires,
        "specialties": sorted(set(item.specialties), key=_bytes),
        "lead": item.lead,
        "cap": item.cap,
    }


def _check_dates(dated: Iterable[tuple[str, str]]) -> None:
    for code, text in dated:
        try:
            sound = date.fromisoformat(text).isoformat() == text
        except ValueError:
            sound = False
        if not sound:
            raise _bad(
                "roster.bad_date", code, f"的日期“{text}”无效", f"has the date {text!r}, which is none"
            )


def _bad(code: str, inspector: str, zh: str, en: str) -> Exception:
    return refuse(
        code,
        f"执法人员 {inspector} {zh}。",
        f"Inspector {inspector} {en}.",
        "请在名录库中更正后重新冻结。",
        "Correct the register of inspectors and freeze again.",
        inspector=inspector,
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8")
