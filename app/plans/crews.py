"""Whether each department of a plan could send a crew from the roster as it stands. Pure.

Warnings, not refusals: what counts is the roster on the day of the freeze, and a plan is made long before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.errors import Problem
from app.plans.catalogue import Catalogue, ItemFacts
from app.plans.schemas import PlanDocument


@dataclass(frozen=True, slots=True)
class Officer:
    """An active officer whose certificate is valid."""

    department: str
    lead: bool
    specialties: frozenset[str]


def warnings(document: PlanDocument, known: Catalogue, officers: Sequence[Officer]) -> Iterator[Problem]:
    """What keeps a department from sending a crew, departments ascending."""
    wanted: dict[str, list[ItemFacts]] = {}
    for task in document.tasks:
        for item in (known.items[code] for code in task.items if code in known.items):
            for department in item.departments & {task.department, *task.partners}:
                wanted.setdefault(department, []).append(item)
    for department, items in sorted(wanted.items()):
        own = [officer for officer in officers if officer.department == department]
        yield from _missing(department, items, own)


def _missing(department: str, items: Sequence[ItemFacts], own: Sequence[Officer]) -> Iterator[Problem]:
    needed = max(item.officers for item in items)
    if len(own) < needed or not any(officer.lead for officer in own):
        leads = sum(officer.lead for officer in own)
        yield Problem(
            "plan.no_crew",
            f"部门 {department} 的名册中，证件有效的在岗执法人员 {len(own)} 人，其中可任组长 {leads} 人；"
            f"一个班组需 {needed} 人，其中 1 人可任组长。照此抽出的检查都排不上。",
            f"department {department} has {len(own)} active officers with a valid certificate, {leads} of them leads; "
            f"a crew takes {needed}, one of them a lead. No check drawn for it could be scheduled.",
            "请在冻结前导入该部门的执法人员名录（执法证号、证件有效期、可任组长）。",
            "Import the department's officers before the freeze (code, certificate's expiry, lead).",
            {"department": department},
        )
    for specialty in sorted({name for item in items for name in item.specialties}):
        if not any(specialty in officer.specialties for officer in own):
            yield _nobody(department, specialty)


def _nobody(department: str, specialty: str) -> Problem:
    return Problem(
        "plan.no_specialist",
        f"部门 {department} 的名册中没有具备“{specialty}”专业的执法人员；需要该专业的检查都排不上。",
        f"department {department} has no officer with specialty {specialty}: none of its checks finds a day.",
        "请在名录的“专业”一栏登记具备该专业的人员，或改用不要求该专业的事项。",
        "Enter who has it in the roster's column 专业, or use items that do not ask for it.",
        {"department": department, "specialty": specialty},
    )
