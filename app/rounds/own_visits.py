"""What a department's own people may change of a plan: visits in which nobody but their department takes part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.db.scope import Scope
from app.errors import Forbidden, Problem, Refused, refuse
from app.http.access import all_departments_needed
from app.rounds.changing import Asked, Move

Files = tuple[dict[str, Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Own:
    """Whose visits (`scope` of one department), in which plan; `districts`: the district of every target."""

    scope: Scope
    files: Files
    districts: Mapping[str, str]

    def require(self, visit_id: str) -> None:
        """Refuse a visit with other departments (`change.joint`), and one without ours as if there were none."""
        visit = next((row for row in self.files[0]["visits"] if row["visit_id"] == visit_id), None)
        there = self._departments([] if visit is None else visit["checks"])
        if visit is None or self.scope.department not in there or not self._here(visit["target_id"]):
            raise _absent(visit_id)
        if len(there) > 1:
            raise _joint(visit_id)

    def require_alone(self, event: Mapping[str, Any]) -> None:
        """Refuse a change that touches another department's visit beside the one that was asked for."""
        before = {row["visit_id"]: row for row in self.files[0]["visits"]}
        touched = [row["checks"] for row in event["visits"]]
        touched += [before[row["visit_id"]]["checks"] for row in event["visits"] if row["visit_id"] in before]
        touched += [before[visit_id]["checks"] for visit_id in event["cancelled"]]
        touched.append([row["check_id"] for row in event["unscheduled"]])
        if any(self._departments(checks) - {self.scope.department} for checks in touched):
            raise _others()

    def told(self, refused: Refused, visit_id: str) -> Refused:
        """A refusal as it may be told: one that names something else than the visit asked for says only that."""
        target = next(row["target_id"] for row in self.files[0]["visits"] if row["visit_id"] == visit_id)
        named = [
            str(value) for name, value in refused.problem.params.items() if name in ("subject", "target")
        ]
        own = all(name in (visit_id, target) or name.startswith(f"{target}/") for name in named)
        return refused if own else _others()

    def _departments(self, checks: Iterable[str]) -> set[str]:
        of = {row["check_id"]: str(row["department"]) for row in self.files[0]["checks"]}
        return {of[name] for name in checks}

    def _here(self, target_id: str) -> bool:
        return self.scope.districts is None or self.districts.get(target_id) in self.scope.districts


def own_move(asked: Asked) -> Move:
    """The one move that a department's people may ask for. Raises Forbidden `access.all_departments` for all else."""
    if asked.move is None or asked != Asked(asked.reason, asked.move):
        raise all_departments_needed()
    return asked.move


def _absent(visit_id: str) -> Refused:
    return refuse(
        "change.visit",
        f"“{visit_id}”没有此次入户，或不属于您的部门。",
        f"“{visit_id}”: no such visit, or it is not your department's.",
        "请核对编号和日期；已过去的不能改动。",
        "Check the id and the date; what is over cannot change.",
        subject=visit_id,
    )


def _joint(visit_id: str) -> Forbidden:
    return Forbidden(
        Problem(
            "change.joint",
            f"入户 {visit_id} 有其他部门参加，不能由一个部门改期。",
            f"Other departments take part in visit {visit_id}: one department alone does not move it.",
            "请联合检查的各部门商定后，由不限部门的协调员调整。",
            "Agree with them, and ask a coordinator of all departments to move it.",
            {"visit": visit_id},
        )
    )


def _others() -> Forbidden:
    return Forbidden(
        Problem(
            "change.others",
            "这样调整会牵动其他部门的入户，不能由一个部门作出。",
            "This change would move visits of other departments, so one department alone does not make it.",
            "请改选其他日期，或由不限部门的协调员调整。",
            "Choose another day, or ask a coordinator of all departments.",
        )
    )
