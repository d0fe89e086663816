"""What a scope rules out is gone before anything is looked for in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.registers.scopes import affirmed, parse, sentences


@pytest.mark.parametrize(
    "scope",
    [
        "化工产品（危险化学品除外）",
        "化工产品(危险化学品、易制毒化学品除外)，建材",
        "化工产品（不含危险化学品）",
        "化工产品（不含危险化学品，易燃易爆品及剧毒品）",
        "化工产品（不包括危险化学品）",
        "化工产品【除危险化学品】",
        "化工产品（除危险化学品外）",
        "除危险化学品外的化工产品",
        "销售危险化学品以外的化工产品",
        "危险化学品除外的化工产品",
        "非危险化学品的化工产品",
        "化工产品，不含危险化学品；建材",
        "石油制品（未经许可的危险化学品不得经营）",
        "危险化学品（限分支机构经营）",
        "（以下仅限分公司经营）：危险化学品、餐饮",
        "（以下项目限分公司经营：危险化学品；餐饮）",
        "危险化学品零售；餐饮（以上仅限分支机构经营）".replace("；", "，"),
        "化工产品（危险化学品除外",
        "具体经营范围以危险化学品经营许可证为准",
        "化工产品（危险化学品（剧毒）除外）",
    ],
)
def test_negated_words_are_gone(scope: str) -> None:
    assert "危险化学品" not in affirmed(scope)


@pytest.mark.parametrize(
    ("scope", "kept"),
    [
        ("预包装食品（保健食品除外）", "预包装食品"),
        ("批发：农药（6类1项：剧毒化学品除外）", "农药"),
        ("住宿；餐饮（限分支机构经营）", "住宿"),
        ("边境小额贸易（具体经营范围以外经贸部门批准证书为准）", "边境小额贸易"),
        ("除尘设备安装及外墙清洗", "除尘设备安装及外墙清洗"),
        ("除四害服务，户外拓展", "户外拓展"),
        ("零售：处方药、非处方药", "非处方药"),
        ("非煤矿山开采", "非煤矿山开采"),
        ("中餐类制售（不含凉菜）", "中餐类制售"),
    ],
)
def test_what_is_affirmed_stays(scope: str, kept: str) -> None:
    assert kept in affirmed(scope)


def test_headings_verbs_and_tails_govern_their_phrases() -> None:
    around = {p.text: p.around for s in sentences("生产、销售:糕点,饮料;电梯的销售、安装") for p in parse(s)}
    assert "生产" in around["糕点"]
    assert "生产" in around["饮料"]
    assert "安装" in around["电梯的销售"]
    assert "生产" not in around["电梯的销售"]


def test_a_new_heading_begins_a_new_sentence() -> None:
    assert sentences("生产:塑料,销售:食品") == ["生产:塑料", "销售:食品"]


@given(st.text(alphabet="危险化学品除外不含（）()，、；。：销售非以限分公司经营 abＡ１", max_size=60))
def test_any_text_is_read_and_nothing_is_invented(scope: str) -> None:
    text = affirmed(scope)
    phrases = [phrase.text for sentence in sentences(text) for phrase in parse(sentence)]
    assert all(phrase in text for phrase in phrases)
