"""What a record has to have before it is taken: answers, files, attempts at contact, a date to correct by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.errors import Refused, refuse
from app.visits import codes
from app.visits.checklist import of_department
from app.visits.codes import ResultCode
from app.visits.tables import Visit, VisitAnswer, VisitCheck, VisitEvidence

ORDERED = "ordered"
"""The disposition that sets a date."""


@dataclass(frozen=True, slots=True)
class Record:
    """What an inspector says a check came to. Nothing in it has a default."""

    result: str
    disposition: str
    note: str
    rectify_by: date | None


def failed_points(visit: Visit, department: str, answers: Mapping[str, VisitAnswer]) -> list[str]:
    """The department's questions that were answered no, in the checklist's order."""
    asked = [question["code"] for question in of_department(visit.checklist, department)]
    return [code for code in asked if code in answers and answers[code].answer == "no"]


def require_complete(
    visit: Visit,
    check: VisitCheck,
    record: Record,
    answers: Mapping[str, VisitAnswer],
    evidence: Sequence[VisitEvidence],
    today: date,
) -> None:
    """Refuse a record that lacks what its result demands. Raises Refused `record.*`, `result.*`."""
    code = codes.result(record.result)
    codes.disposition(record.disposition)
    own = [row for row in evidence if row.department == check.department]
    _require_answers(visit, check, code, answers)
    _require_points(check, code, failed_points(visit, check.department, answers))
    _require_evidence(check, code, own)
    _require_date(check, code, record, today)


def _require_answers(
    visit: Visit, check: VisitCheck, code: ResultCode, answers: Mapping[str, VisitAnswer]
) -> None:
    open_ = [q["code"] for q in of_department(visit.checklist, check.department) if q["code"] not in answers]
    if code.answers and open_:
        raise _lacks(
            "record.unanswered",
            check,
            f"还有 {len(open_)} 个问题没有回答：{'、'.join(open_[:5])}",
            f"{len(open_)} questions are not answered: {', '.join(open_[:5])}",
            "请逐项填写“是、否、不适用”。",
            "Answer each with yes, no or not applicable.",
        )


def _require_points(check: VisitCheck, code: ResultCode, failed: Sequence[str]) -> None:
    if code.failed and not failed:
        raise _lacks(
            "record.no_point",
            check,
            f"结果为“{code.zh}”，但没有任何问题答“否”",
            f"the result is “{code.en}” but no question is answered no",
            "请在检查表中标明问题所在。",
            "Mark in the checklist what is wrong.",
        )
    if code.code == codes.NO_PROBLEM and failed:
        raise _lacks(
            "record.contradicts",
            check,
            f"结果为“{code.zh}”，但有问题答“否”：{'、'.join(failed[:5])}",
            f"the result is “{code.en}” but questions are answered no: {', '.join(failed[:5])}",
            "请改正答案，或选择相应的结果。",
            "Correct the answers, or choose the result that they call for.",
        )


def _require_evidence(check: VisitCheck, code: ResultCode, own: Sequence[VisitEvidence]) -> None:
    attempts = {row.made_at for row in own if row.kind == "attempt"}
    if len(attempts) < code.attempts:
        raise _lacks(
            "record.attempts",
            check,
            f"“{code.zh}”须有 {code.attempts} 次不同时间联系的证据，现有 {len(attempts)} 次",
            f"“{code.en}” needs evidence of {code.attempts} attempts at different times; there are {len(attempts)}",
            "请为每次联系上传证据（现场照片、信函回执、通话记录等）并注明时间。",
            "Upload a file for each attempt (photo on site, postal receipt, call log), with its time.",
        )
    if len(own) < code.evidence:
        raise _lacks(
            "record.evidence",
            check,
            f"“{code.zh}”须有证据，现有 {len(own)} 份",
            f"“{code.en}” needs evidence; there are {len(own)} files",
            "请上传照片或文件。",
            "Upload a photo or a file.",
        )


def _require_date(check: VisitCheck, code: ResultCode, record: Record, today: date) -> None:
    needed = code.rectification or record.disposition == ORDERED
    if needed and (record.rectify_by is None or record.rectify_by < today):
        raise _lacks(
            "record.rectify_by",
            check,
            "责令改正须写明今日或以后的改正期限",
            "an order to correct names a date from today on",
            "请填写改正期限。",
            "Give the date to correct by.",
        )
    if record.rectify_by is not None and not needed:
        raise _lacks(
            "record.rectify_by",
            check,
            f"结果“{code.zh}”不带改正期限",
            f"the result “{code.en}” has no date to correct by",
            "请删去期限，或选择“责令限期改正”。",
            "Leave the date out, or choose an order to correct.",
        )


def _lacks(code: str, check: VisitCheck, zh: str, en: str, remedy_zh: str, remedy_en: str) -> Refused:
    return refuse(
        code,
        f"检查 {check.key} 的记录不完整：{zh}。",
        f"The record of check {check.key} is not complete: {en}.",
        remedy_zh,
        remedy_en,
        check=check.key,
    )
