"""Forms as PDF through Typst; a font with Chinese characters has to be there, and its absence is refused clearly."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Final

import typst

from app.errors import Problem, Unavailable
from app.visits.forms import Form
from app.visits.visit_code import qr_svg

_TEMPLATE: Final = Path(__file__).parent / "data" / "form.typ"
FONTS: Final = (
    "Noto Sans CJK SC",
    "Noto Serif CJK SC",
    "Source Han Sans SC",
    "Source Han Serif SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
)
"""Families with Chinese characters, the one to use first."""


@cache
def font() -> str:
    """The family that forms are set in. Raises Unavailable `form.font` where the machine has none."""
    known = set(typst.Fonts().families())
    found = next((family for family in FONTS if family in known), None)
    if found is None:
        raise Unavailable(
            Problem(
                "form.font",
                "本机没有中文字体，不能生成 PDF 文书。",
                "This machine has no font with Chinese characters, so no PDF form can be made.",
                "请安装：apt-get install fonts-noto-cjk，然后重新启动服务。网页版文书不受影响。",
                "Run apt-get install fonts-noto-cjk and start the service again. HTML forms are not affected.",
                {"wanted": FONTS[0]},
            )
        )
    return found


def pdf(form: Form, code_address: str) -> bytes:
    """A form as PDF, the same bytes each time; `code_address`: what the QR leads to, where the form shows one."""
    shown = qr_svg(code_address) if form.qr and code_address else ""
    inputs = {"form": json.dumps(asdict(form), ensure_ascii=False), "qr": shown, "font": font()}
    made = typst.compile(_TEMPLATE.read_bytes(), format="pdf", sys_inputs=inputs, timestamp=0)
    assert isinstance(made, bytes)
    return made
