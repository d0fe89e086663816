"""A real list of firms instead of the synthetic city: what the list lacks is made by a rule that is stated here.

Credit class: SHA-256 of `credit/<target id>`, its first 32 bits read as a fraction, against the shares of a city
like Urumqi (A 48.6 %, B 41.5 %, C 6.4 %, D 3.5 %). Inspectors, leave and recusals: as in the synthetic city, as many
as the plan's expected checks ask for. Places: what the importer finds in the addresses.
"""

from __future__ import annotations

import csv
import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path

from sqlmodel import select

from app.db.database import Database
from app.demo import people
from app.demo.plan import expected_checks
from app.registers import catalogue, repository
from app.registers.tables import Target

SHARES = (("A", 0.486), ("B", 0.415), ("C", 0.064), ("D", 0.035))
_LIMITS = tuple(accumulate(share for _, share in SHARES))
_EVERY = 53


def credit_of(target_id: str) -> str:
    """The class that the rule gives to a target."""
    head = hashlib.sha256(f"credit/{target_id}".encode()).digest()[:4]
    place = bisect_right(_LIMITS, int.from_bytes(head, "big") / 2**32)
    return SHARES[min(place, len(SHARES) - 1)][0]


def write_departments(directory: Path) -> Path:
    """The departments' list."""
    rows = ((code, row["zh"], row["en"], row["role"]) for code, row in catalogue.departments().items())
    return _write(directory / "departments.csv", ("部门编号", "部门名称", "部门英文名称", "职能领域"), rows)


def write_companions(db: Database, directory: Path, size: str, seed: int, today: date) -> tuple[Path, ...]:
    """Lists of classes, inspectors, leave and recusals for the targets that `db` holds, tagged already."""
    with db.read() as session:
        query = select(Target.target_id).where(Target.status == "active").order_by(Target.target_id)
        ids = list(session.exec(query))
        rules = repository.rules_of(session, ids)
    held = Counter((tuple(rules[target_id]), credit_of(target_id)) for target_id in ids)
    roster = people.Roster(seed, today)
    officers = list(roster.officers(people.numbers(expected_checks(size, held))))
    since = (today - timedelta(days=60)).isoformat()
    credit = ((target_id, credit_of(target_id), since, "合成规则") for target_id in ids)
    return (
        _write(directory / "credit.csv", ("对象编号", "信用风险分类", "分类日期", "来源"), credit),
        _write(directory / "inspectors.csv", people.INSPECTORS, (officer.row for officer in officers)),
        _write(directory / "leave.csv", people.LEAVE, roster.leave(officers)),
        _write(directory / "recusals.csv", people.RECUSALS, roster.recusals(officers, ids[::_EVERY])),
    )


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path
