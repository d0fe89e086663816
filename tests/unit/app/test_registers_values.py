"""Cells: what is normalised and said, what is refused and how."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Refused
from app.registers import uscc
from app.registers.columns import recognise
from app.registers.values import Cells

CODE = "91650102228742107R"
HEADER = recognise(["企业名称", "统一社会信用代码", "注册日期", "经营范围", "经度", "人数上限", "对象类型"])


def cells(
    name: str = "甲",
    code: str = CODE,
    day: str = "",
    scope: str = "",
    lon: str = "",
    cap: str = "",
    kind: str = "",
) -> Cells:
    return Cells(HEADER, [name, code, day, scope, lon, cap, kind])


def rule(call: object, *args: object) -> str:
    assert callable(call)
    with pytest.raises(Refused) as refused:
        call(*args)
    problem = refused.value.problem
    assert problem.zh
    assert problem.en
    assert problem.remedy_zh
    assert problem.remedy_en
    assert problem.params["field"]
    assert "value" in problem.params
    return problem.code


@pytest.mark.parametrize("value", ["", " ", "N/A", "n/a", "无", "-", "NULL", " N/A "])
def test_words_for_nothing_mean_nothing(value: str) -> None:
    row = cells(scope=value)
    assert row.text("scope") == ""
    assert row.notes == []


def test_full_width_digits_become_digits_and_punctuation_stays() -> None:
    row = cells(name="喀什东路２７号（Ａ座）")
    assert row.text("name") == "喀什东路27号（A座）"
    assert [(note.column, note.rule) for note in row.notes] == [("企业名称", "text.normalised")]


@pytest.mark.parametrize("blank", ["\t", "\n", "\r\n", "\u3000", "\u00a0"])
def test_blanks_of_every_sort_are_one(blank: str) -> None:
    assert cells(name=f"甲{blank}乙").text("name") == "甲 乙"


@pytest.mark.parametrize(
    ("character", "code"),
    [("\u200b", "text.hidden_character"), ("\u202e", "text.hidden_character"), ("\x07", "text.hidden_character"),
     ("\x00", "text.hidden_character"), ("\ufeff", "text.hidden_character"), ("\u2028", "text.hidden_character"),
     ("\ud800", "text.hidden_character"), ("\ufffd", "text.undecodable")],
)  # fmt: skip
def test_unseen_characters_are_refused(character: str, code: str) -> None:
    assert rule(cells(name=f"甲{character}乙").text, "name") == code


def test_private_use_characters_of_old_fonts_are_kept() -> None:
    assert cells(scope="销\ue5d1售").text("scope") == "销\ue5d1售"


@pytest.mark.parametrize(
    "text",
    [
        "91650102228742107r",
        "９１６５０１０２２２８７４２１０７Ｒ",
        " 9165 0102 2287 42107R ",
        "91650102-22874210-7R",
    ],
)
def test_a_code_written_loosely_is_normalised_and_said_so(text: str) -> None:
    row = cells(code=text)
    assert row.credit_code() == CODE
    assert row.notes
    assert row.notes[-1].rule == "code.normalised"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("650100050001234", "code.length"),
        ("91650102228742107", "code.length"),
        ("91650102228742I07R", "code.alphabet"),
        ("9165010222874210７Х", "code.confusable"),
        ("А1650102228742107R", "code.confusable"),
        ("91650102228742108R", "code.check_character"),
        ("916501022287421070", "code.check_character"),
        ("91X50102228742107R", "code.district"),
        ("9165010222874210\u200b7R", "text.hidden_character"),
    ],
)
def test_a_wrong_code_is_refused_with_its_rule(text: str, code: str) -> None:
    assert rule(cells(code=text).credit_code) == code


@given(st.integers(0, 16), st.sampled_from(uscc.ALPHABET))
def test_planted_errors_are_always_found(place: int, other: str) -> None:
    wrong = CODE[:place] + other + CODE[place + 1 :]
    if wrong != CODE:
        assert rule(cells(code=wrong).credit_code) in ("code.check_character", "code.district")


@pytest.mark.parametrize(
    "text",
    [
        "2013-05-07",
        "2013/5/7",
        "2013.05.07",
        "20130507",
        "2013年5月7日",
        "２０１３-05-07",
        "2013-05-07 00:00:00",
    ],
)
def test_dates_in_many_notations(text: str) -> None:
    row = cells(day=text)
    assert row.date("registered_on") == date(2013, 5, 7)
    assert bool(row.notes) == (text != "2013-05-07")


@pytest.mark.parametrize("text", ["2013-02-30", "昨天", "13-5-7", "2013-W01-1", "41401", "0001-01-01"])
def test_no_date_is_refused(text: str) -> None:
    assert rule(cells(day=text).date, "registered_on") == "value.bad_date"


@pytest.mark.parametrize(("text", "e6"), [("87.6168", 87_616_800), ("８７.5", 87_500_000), ("", None)])
def test_degrees(text: str, e6: int | None) -> None:
    assert cells(lon=text).degrees_e6("longitude", 73, 136) == e6


@pytest.mark.parametrize("text", ["43.8", "87,6", "1e2", "NaN", "inf", "200"])
def test_degrees_out_of_range_are_refused(text: str) -> None:
    assert rule(cells(lon=text).degrees_e6, "longitude", 73, 136) == "place.out_of_range"


@pytest.mark.parametrize("text", ["0", "-3", "十", "99999", "1.5", "٣"])
def test_numbers_out_of_range_are_refused(text: str) -> None:
    assert rule(cells(cap=text).number, "people_cap", 1, 1000) == "value.bad_number"


def test_an_unknown_choice_names_the_known_ones() -> None:
    with pytest.raises(Refused) as refused:
        cells(kind="飞船").choice("kind", {"企业": "firm"}, "firm")
    assert "企业" in refused.value.problem.remedy_zh


def test_too_long_a_text_is_refused() -> None:
    assert rule(cells(name="长" * 201).text, "name") == "text.too_long"


def test_a_missing_mandatory_value_is_refused() -> None:
    assert rule(cells(name=" ").needed, "name") == "value.missing"
