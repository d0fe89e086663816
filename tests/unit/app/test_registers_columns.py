"""Headers: recognised in Chinese and English, refused with the remedy where they can't be."""

from __future__ import annotations

import pytest

from app.errors import Refused
from app.registers.columns import recognise

REAL = ["企业名称", "统一社会信用代码", "注册日期", "企业类型", "经营范围", "地区", "注册地址"]


@pytest.mark.parametrize(
    ("titles", "register"),
    [
        (REAL, "targets"),
        (["name", "code", "address"], "targets"),
        ([" 企业名称（必填）", "统一社会信用代码 ", "联系电话"], "targets"),
        (["对象编号", "对象名称", "对象类型", "区县", "经度", "纬度", "信用风险分类", "行业"], "targets"),
        (["姓名", "执法证号", "证件有效期", "专业", "所属部门", "区县"], "inspectors"),
        (["执法证号", "开始日期", "结束日期", "事由"], "leave"),
        (["执法证号", "统一社会信用代码", "回避事由"], "recusals"),
        (["统一社会信用代码", "信用风险分类"], "credit"),
        (["事项编号", "事项名称", "牵头部门", "检查方式"], "items"),
        (["部门代码", "部门名称"], "departments"),
    ],
)
def test_the_register_is_told_by_the_header(titles: list[str], register: str) -> None:
    assert recognise(titles).register == register


def test_private_columns_are_passed_over_and_named() -> None:
    header = recognise([*REAL, "法定代表人", "联系电话"])
    assert header.ignored == ("法定代表人", "联系电话")
    assert header.columns["address"] == (6, "注册地址")
    assert header.width == 9


@pytest.mark.parametrize(
    ("titles", "register", "code", "names"),
    [
        (["统一社会信用代码", "注册地址"], "targets", "register.missing_column", "企业名称"),
        (["企业名称", "注册地址"], None, "register.missing_column", "统一社会信用代码"),
        ([*REAL, "幸运数字"], None, "register.unknown_column", "幸运数字"),
        ([*REAL, "名称"], None, "register.column_twice", "名称"),
        (REAL, "dragons", "register.unknown", "targets"),
        ([], None, "register.missing_column", ""),
        (["91650102228742107R", "某厂"], None, "register.missing_column", ""),
    ],
)
def test_a_bad_header_is_refused_with_the_remedy(
    titles: list[str], register: str | None, code: str, names: str
) -> None:
    with pytest.raises(Refused) as refused:
        recognise(titles, register)
    problem = refused.value.problem
    assert problem.code == code
    assert names in problem.zh + problem.remedy_zh
    assert problem.remedy_en
