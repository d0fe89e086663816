"""What the API says of estimates."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

By = Literal["district", "trade", "kind"]
"""What a table may be by: columns that are no secret."""


class Remark(BaseModel):
    """What has to be known beside a rate."""

    code: str
    zh: str
    en: str


class EstimateOut(BaseModel):
    """A rate of non-compliance with its interval; figures are null where they are withheld, `suppressed` says why.

    `findings` of `n` observed; `missing` of them gave no answer and stay in the denominator. `rate_high` is the rate
    had all of those had a finding; `bound_low` and `bound_high` are the limits of both.
    """

    plan: str
    draw_id: str
    item: str = Field(description="code of the check item; empty: anything found")
    round_id: str = Field(description="empty: the plan's rounds together")
    by: str
    value: str = Field(
        description="of the attribute; empty: all, *: several small ones together, ?: not on record"
    )
    n: int | None
    findings: int | None
    missing: int | None
    rate: float | None
    low: float | None = Field(description="lower end of the 95 % interval")
    high: float | None
    rate_high: float | None
    bound_low: float | None
    bound_high: float | None
    method: Literal["exact", "wilson", "census", "none"]
    step: float | None = Field(description="to which rates of a sealed round are rounded, ends outwards")
    suppressed: Literal["", "small", "complementary", "posterior", "coarse"]
    notes: list[Remark]
    others: int = Field(
        description="published re-checks and for-cause checks of the draw, which count nowhere"
    )
    demo: bool


class Estimates(BaseModel):
    """Rates of one plan; `made_at`: up to when results are taken into account."""

    plan: str
    made_at: datetime | None
    estimates: list[EstimateOut]


COLUMNS = tuple(name for name in EstimateOut.model_fields if name != "notes")
"""Columns of the CSV."""


def row(cell: EstimateOut) -> list[Any]:
    """A line of the CSV."""
    return ["" if (value := getattr(cell, name)) is None else value for name in COLUMNS]
