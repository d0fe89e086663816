"""What the disclosure API answers with: allow-listed fields only."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class DrawResult(BaseModel):
    """One draw of a released round."""

    draw_id: str
    title: str
    department: str
    frame_rows: int
    n: int = Field(description="targets drawn")


class DrawnTarget(BaseModel):
    """A drawn target. `dates` is empty where none of its checks found a place, or the round is void."""

    target_id: str
    name: str
    draws: list[str]
    departments: list[str]
    items: list[str] = Field(description="check items as `code@version`")
    dates: list[str]
    visits: list[str]


class Results(BaseModel):
    """Whom a released round drew, or would have drawn had it not been voided. Outcomes are not part of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "round_id": "annual-2027-2027-Q1-1",
                    "assurance": 2,
                    "demo": False,
                    "void": None,
                    "draws": [
                        {
                            "draw_id": "market",
                            "title": "登记事项检查",
                            "department": "market",
                            "frame_rows": 29547,
                            "n": 958,
                        }
                    ],
                    "targets": [
                        {
                            "target_id": "91650100MA00000000",
                            "name": "示例商贸有限公司",
                            "draws": ["market"],
                            "departments": ["市场监管局"],
                            "items": ["M-01@1"],
                            "dates": ["2027-03-02"],
                            "visits": ["V00001"],
                        }
                    ],
                }
            ]
        }
    )

    round_id: str
    assurance: int = Field(ge=0, le=2)
    demo: bool = Field(
        description="true where the entropy was made for a demonstration: nothing here has effect"
    )
    void: str | None = Field(description="why the round is void (then nobody is visited for it), else null")
    draws: list[DrawResult]
    targets: list[DrawnTarget]
