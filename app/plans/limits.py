"""Limits that an authority sets on its planners: data with a default, changed by `plan limit`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlmodel import Session, select

from app.db.database import Database
from app.errors import refuse
from app.ledger import repository as ledger
from app.plans.fields import PPM
from app.plans.tables import PlanLimit


@dataclass(frozen=True, slots=True)
class Limits:
    """`general_ratio_ppm`: the largest ratio of a general item (一般事项); key items (重点事项) have none.

    `entropy_bits`: what the public sources of one lottery must hold together (assurance level 2 asks for 64).
    """

    general_ratio_ppm: int = 300_000
    entropy_bits: int = 64


MOST = {"general_ratio_ppm": PPM, "entropy_bits": 256}


def load(session: Session) -> Limits:
    """The authority's limits: what was set, else the defaults."""
    names = {field.name for field in fields(Limits)}
    rows = session.exec(select(PlanLimit))
    return Limits(**{row.name: row.value for row in rows if row.name in names})


def current(database: Database) -> dict[str, int]:
    """The limits by name."""
    with database.read() as session:
        return asdict(load(session))


def put(database: Database, name: str, value: int, basis: str, now: datetime) -> None:
    """Set a limit and log it. Raises Refused `limit.*`."""
    if name not in MOST or not 0 <= value <= MOST[name]:
        listed = ", ".join(f"{known} (0-{most})" for known, most in MOST.items())
        raise refuse(
            "limit.unknown",
            f"没有可设为 {value} 的上限 {name}。",
            f"There is no limit {name} that can be {value}.",
            f"可设：{listed}。",
            f"There are: {listed}.",
            field=name,
            value=value,
        )
    entry = {
        "type": "plan.limit",
        "subject": f"limit:{name}",
        "at": now.isoformat(),
        "actor_role": "planner",
        "value": value,
        "basis": basis,
    }
    with database.write() as session:
        session.merge(PlanLimit(name=name, value=value, basis=basis, changed_at=now))
        ledger.append(session, entry, now)
