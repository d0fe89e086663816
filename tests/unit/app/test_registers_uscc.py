"""GB 32100-2015 against python-stdnum, which was written from the standard independently."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc as oracle

from app.registers import uscc

characters = st.sampled_from(uscc.ALPHABET)
digits = st.text("0123456789", min_size=6, max_size=6)
bodies = st.tuples(
    st.text(characters, min_size=2, max_size=2), digits, st.text(characters, min_size=9, max_size=9)
).map("".join)


@given(bodies)
def test_check_character_agrees_with_the_oracle(body: str) -> None:
    code = uscc.make(body)
    assert uscc.check_character(body) == oracle.calc_check_digit(body)
    assert uscc.is_valid(code)


@given(bodies, st.integers(0, 17), characters)
def test_any_single_wrong_character_is_caught(body: str, place: int, other: str) -> None:
    code = uscc.make(body)
    wrong = code[:place] + other + code[place + 1 :]
    assert uscc.is_valid(wrong) == (wrong == code)


@given(st.text(alphabet=uscc.ALPHABET + "IOSVZ-", min_size=16, max_size=19))
def test_arbitrary_text_is_judged_as_the_oracle_judges_it(text: str) -> None:
    if "-" not in text:
        assert uscc.is_valid(text) == oracle.is_valid(text)


@pytest.mark.parametrize("code", ["91650102228742107R", "916501007296715277"])
def test_codes_of_real_firms(code: str) -> None:
    assert uscc.is_valid(code) == oracle.is_valid(code)


def test_a_real_code_is_valid_and_its_full_width_form_is_not() -> None:
    assert uscc.is_valid("91650102228742107R")
    assert not uscc.is_valid("９1650102228742107R")
    assert not uscc.is_valid("91650102228742107r")
