"""The merged checklist and the result codes: each question once, nothing by default."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.errors import Refused
from app.registers.tables import CheckItem
from app.visits import codes, states
from app.visits.checklist import Shared, merged, of_department, shared_questions
from scheduler.estimates.observations import RESULTS
from scheduler.replacement import CHINESE, Handling, Reason, handling


def item(code: str, department: str, content: str) -> CheckItem:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return CheckItem(
        code=code, version=2, title_zh=code, content=content, department=department, changed_at=at
    )


def test_a_question_that_several_items_ask_is_asked_once_for_all_their_departments() -> None:
    catalogue = {
        f"{i.code}@2": i
        for i in (item("xf-1", "xf", "甲？"), item("yj-1", "yj", "乙？"), item("yj-2", "yj", ""))
    }
    shared = [Shared("exits", "出口？", "Exits?", ("xf-*", "yj-1")), Shared("none", "无", "None", ("sw-*",))]
    found = merged({"yj": ["yj-1@2", "yj-2@2"], "xf": ["xf-1@2"]}, catalogue, shared)
    assert [(q.code, q.departments) for q in found] == [
        ("exits", ("xf", "yj")), ("xf-1", ("xf",)), ("yj-1", ("yj",)), ("yj-2", ("yj",)),
    ]  # fmt: skip
    assert found[0].items == ("xf-1@2", "yj-1@2")
    assert [q.zh for q in found[1:]] == ["甲？", "乙？", "yj-2"]
    kept = [q.to_json() for q in found]
    assert [q["code"] for q in of_department(kept, "xf")] == ["exits", "xf-1"]


def test_packaged_questions_have_codes_of_their_own() -> None:
    names = [question.code for question in shared_questions()]
    assert len(names) == len(set(names)) > 3


def test_the_codes_are_those_that_estimates_know_and_the_closed_list_replaces() -> None:
    assert {code.zh for code in codes.RESULTS.values()} == set(RESULTS)
    assert sum(code.public for code in codes.RESULTS.values()) == 8
    for code in codes.RESULTS.values():
        if code.replaced_as:
            reason = Reason(code.replaced_as)
            assert CHINESE[reason] == code.zh
            assert handling(reason) is Handling.REPLACE
    assert codes.RESULTS["not_contacted"].attempts == 2


@pytest.mark.parametrize("read", [codes.result, codes.disposition, codes.change])
def test_no_code_is_guessed(read: object) -> None:
    assert callable(read)
    for wrong in ("", "normal", "正常", "NO_PROBLEM"):
        with pytest.raises(Refused) as refused:
            read(wrong)
        assert refused.value.problem.remedy_en


def test_every_state_but_the_last_ones_leads_on_and_none_skips_review() -> None:
    for state in states.STATES:
        ends = state in (states.WITHDRAWN, states.REPLACED, states.VOID)
        assert bool(states.legal_steps(state, False)) is not ends
    assert states.legal_steps(states.RECORDED, False) == ("review", "return", "void")
    assert states.legal_steps(states.REVIEWED, True) == ("return", "legal_review", "void")
    assert states.legal_steps(states.REVIEWED, False) == ("return", "disclose", "void")
