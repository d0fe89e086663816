"""Names of columns, Chinese and English, and how a list's header is recognised.

A column that is known but never stored (telephones, legal representatives, serial numbers …) is passed over and
named in the report. A column that is not known at all, or a mandatory one that is missing, refuses the file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import refuse

_REMARK = re.compile(r"[(\[【][^)\]】]*[)\]】]|[*:\s]")
_ENGLISH = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Layout:
    """A register's columns: field → the names it goes by (the first is shown), and what can't be done without.

    `needed` lists alternatives: of each group one column must be there.
    """

    register: str
    title_zh: str
    fields: dict[str, tuple[str, ...]]
    needed: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Header:
    """A recognised header: field → (column index, its name in the file); columns passed over; how many there are."""

    register: str
    columns: dict[str, tuple[int, str]]
    ignored: tuple[str, ...]
    width: int


_TARGET_ID = ("对象编号", "检查对象编号", "对象标识", "target_id")
_CODE = (
    "统一社会信用代码", "社会信用代码", "信用代码", "统一信用代码", "统一社会信用代码/注册号", "code", "uscc",
    "unified_social_credit_code", "credit_code",
)  # fmt: skip
_CREDIT = ("信用风险分类", "信用风险等级", "信用等级", "风险分类", "信用分类", "credit", "credit_class")
_SINCE = ("分类日期", "起始日期", "评定日期", "生效日期", "since", "credit_since")
_INSPECTOR = (
    "执法证号",
    "执法证件号",
    "证件号",
    "执法人员编号",
    "人员编号",
    "工号",
    "inspector",
    "inspector_code",
    "code",
)
_DEPARTMENT = (
    "所属部门",
    "部门",
    "执法部门",
    "单位",
    "所属单位",
    "执法单位",
    "department",
    "department_code",
)
_DISTRICT = ("区县", "所属区县", "行政区", "行政区划", "所在区县", "辖区", "区（县）", "district")
_REASON = ("事由", "原因", "理由", "reason")

LAYOUTS: tuple[Layout, ...] = (
    Layout(
        "targets",
        "检查对象名录库",
        {
            "name": (
                "企业名称",
                "对象名称",
                "检查对象名称",
                "市场主体名称",
                "单位名称",
                "名称",
                "主体名称",
                "name",
            ),
            "code": _CODE,
            "target_id": _TARGET_ID,
            "kind": ("对象类型", "检查对象类型", "对象类别", "kind"),
            "registered_on": ("注册日期", "成立日期", "登记日期", "registered_on", "registration_date"),
            "enterprise_type": (
                "企业类型",
                "主体类型",
                "市场主体类型",
                "公司类型",
                "enterprise_type",
                "type",
            ),
            "scope": ("经营范围", "业务范围", "scope", "business_scope"),
            "region": ("地区", "所属地区", "所属城市", "城市", "region", "city"),
            "district": _DISTRICT,
            "address": (
                "注册地址",
                "住所",
                "地址",
                "经营场所",
                "经营地址",
                "住所(经营场所)",
                "详细地址",
                "address",
            ),
            "longitude": ("经度", "longitude", "lon", "lng"),
            "latitude": ("纬度", "latitude", "lat"),
            "trade": ("行业", "行业类别", "行业名称", "所属行业", "trade", "industry"),
            "credit": _CREDIT,
            "credit_since": _SINCE,
            "status": ("登记状态", "经营状态", "企业状态", "状态", "status"),
            "closed_weekdays": ("休息日", "每周休息", "closed_weekdays"),
            "people_cap": ("人数上限", "进场人数上限", "people_cap"),
        },
        (("name",), ("code", "target_id")),
    ),
    Layout(
        "inspectors",
        "执法检查人员名录库",
        {
            "code": _INSPECTOR,
            "name": ("姓名", "人员姓名", "name"),
            "department": _DEPARTMENT,
            "certificate_no": ("证书编号", "证件编号", "certificate_no"),
            "certificate_expires": (
                "证件有效期",
                "有效期至",
                "证件有效期至",
                "执法证有效期",
                "有效期",
                "certificate_expires",
                "expires",
            ),
            "specialties": ("专业", "专长", "专业特长", "specialties", "specialty"),
            "district": _DISTRICT,
            "role": ("人员类型", "人员类别", "role"),
            "lead": ("可任组长", "组长", "lead"),
            "cap": ("任务上限", "每轮上限", "cap"),
            "active": ("在岗", "在职", "active"),
        },
        (("code",), ("department",), ("name",)),
    ),
    Layout(
        "leave",
        "请假名单",
        {
            "inspector": _INSPECTOR,
            "start": ("开始日期", "请假开始", "起始日期", "start"),
            "end": ("结束日期", "请假结束", "截止日期", "end"),
            "reason": _REASON,
        },
        (("inspector",), ("start",), ("end",)),
    ),
    Layout(
        "recusals",
        "回避名单",
        {
            "inspector": _INSPECTOR[:-1],
            "target_id": _TARGET_ID,
            "code": _CODE,
            "reason": ("回避事由", *_REASON),
        },
        (("inspector",), ("target_id", "code")),
    ),
    Layout(
        "items",
        "抽查事项清单",
        {
            "code": ("事项编号", "事项编码", "事项代码", "抽查事项编号", "item", "code"),
            "title_zh": ("事项名称", "抽查事项", "抽查事项名称", "检查事项", "title_zh", "title"),
            "title_en": ("事项英文名称", "title_en"),
            "content": ("检查内容", "抽查内容", "content"),
            "procedure": ("检查流程", "检查步骤", "procedure"),
            "method": ("检查方式", "抽查方式", "检查方法", "method"),
            "legal_basis": ("检查依据", "法律依据", "抽查依据", "legal_basis"),
            "kind": ("事项类别", "事项类型", "kind"),
            "department": ("牵头部门", "检查主体", "抽查主体", "发起部门", *_DEPARTMENT),
            "partners": ("配合部门", "参与部门", "partners"),
            "minutes": ("现场时长", "检查时长", "时长", "minutes"),
            "officers": ("所需人数", "执法人员数", "officers"),
            "specialties": ("所需专业", "专业要求", "specialties"),
            "cap": ("年度上限", "每年上限", "cap"),
        },
        (("code",), ("title_zh",), ("department",)),
    ),
    Layout(
        "credit",
        "信用风险分类",
        {
            "target_id": _TARGET_ID,
            "code": _CODE,
            "credit": _CREDIT,
            "since": _SINCE,
            "source": ("来源", "分类来源", "source"),
        },
        (("target_id", "code"), ("credit",)),
    ),
    Layout(
        "departments",
        "部门名录",
        {
            "code": ("部门编号", "部门代码", "department", "code"),
            "name_zh": ("部门名称", "name_zh", "name"),
            "name_en": ("部门英文名称", "name_en"),
            "role": ("职能领域", "role"),
        },
        (("code",), ("name_zh",)),
    ),
)

_NEVER_STORED = frozenset(
    re.findall(
        r"\S+",
        """序号 编号 备注 联系人 联系电话 联系方式 电话 手机 手机号 手机号码 邮箱 电子邮箱 法定代表人 法人 法人代表
        负责人 经营者 身份证号 身份证号码 注册资本 登记机关 所属省份 省份 省 市 邮编 邮政编码 网址 核准日期 注册号
        组织机构代码 英文名 曾用名 人员规模 参保人数 性别 职务 no id remark remarks note notes phone telephone mobile
        email contact legal_representative registered_capital""",
    )
)


def plain(title: str) -> str:
    """A column's name for comparison: NFKC, without remarks in brackets, blanks and case."""
    text = unicodedata.normalize("NFKC", title).strip().lower()
    bare = _REMARK.sub("", text) or text
    return _ENGLISH.sub("_", text).strip("_") if text.isascii() else bare


def _names(layout: Layout) -> dict[str, str]:
    return {plain(name): field for field, names in layout.fields.items() for name in names}


def _match(
    layout: Layout, titles: Sequence[str]
) -> tuple[dict[str, tuple[int, str]], list[str], list[str], list[str]]:
    """Columns of the layout, those passed over, those unknown, those given twice."""
    names = _names(layout)
    columns: dict[str, tuple[int, str]] = {}
    ignored: list[str] = []
    unknown: list[str] = []
    twice: list[str] = []
    for index, title in enumerate(titles):
        field = names.get(plain(title))
        if field is None:
            (ignored if not title.strip() or plain(title) in _NEVER_STORED else unknown).append(title)
        elif field in columns:
            twice.append(title)
        else:
            columns[field] = (index, title.strip())
    return columns, [title for title in ignored if title.strip()], unknown, twice


def _missing(layout: Layout, columns: dict[str, tuple[int, str]]) -> list[str]:
    return [
        layout.fields[group[0]][0] for group in layout.needed if not any(field in columns for field in group)
    ]


def recognise(titles: Sequence[str], register: str | None = None) -> Header:
    """The header of a list of `register`, or of the register whose columns it has.

    Refused: an unknown register, a mandatory column that is missing, a column unknown or given twice.
    """
    layouts = [layout for layout in LAYOUTS if register in (None, layout.register)]
    if not layouts:
        raise refuse(
            "register.unknown",
            f"没有名为 {register} 的名录。",
            f"There is no register named {register}.",
            "可用：" + "、".join(layout.register for layout in LAYOUTS),
            "Known: " + ", ".join(layout.register for layout in LAYOUTS),
        )
    best = min(layouts, key=lambda layout: _distance(layout, titles))
    columns, ignored, unknown, twice = _match(best, titles)
    if missing := _missing(best, columns):
        raise _no_column(best, missing[0], titles)
    if unknown or twice:
        raise _odd_column(best, (unknown or twice)[0], bool(unknown))
    return Header(best.register, columns, tuple(ignored), len(titles))


def _distance(layout: Layout, titles: Sequence[str]) -> tuple[int, int, int]:
    """Missing mandatory columns first, then unknown ones, then the fewest recognised."""
    columns, _, unknown, twice = _match(layout, titles)
    return len(_missing(layout, columns)), len(unknown) + len(twice), -len(columns)


def _no_column(layout: Layout, missing: str, titles: Sequence[str]) -> Exception:
    known = next(names for names in layout.fields.values() if names[0] == missing)
    return refuse(
        "register.missing_column",
        f"{layout.title_zh}缺少必需的列“{missing}”；第一行是：{'、'.join(titles)[:120]}。",
        f"The list of {layout.register} lacks the column {missing}; its first row is: {', '.join(titles)[:120]}.",
        f"第一行应为列名；请加上“{missing}”列（也可写作 {'、'.join(known[1:])}），或用 --register 指明名录。",
        f"Row 1 must hold column names; add {missing} (or {', '.join(known[1:])}), or name the --register.",
        column=missing,
        row=1,
    )


def _odd_column(layout: Layout, title: str, unknown: bool) -> Exception:
    names = "、".join(names[0] for names in layout.fields.values())
    what_zh, what_en = ("不认识", "is unknown") if unknown else ("出现了两次", "is there twice")
    return refuse(
        "register.unknown_column" if unknown else "register.column_twice",
        f"{layout.title_zh}的列“{title}”{what_zh}。",
        f"Column {title} of the list of {layout.register} {what_en}.",
        f"改名或删除该列；可用的列：{names}。",
        f"Rename or remove it; known columns: {names}.",
        column=title,
        row=1,
    )
