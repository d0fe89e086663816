"""What a plan says: its tasks, caps, sources of entropy, deadlines and schedule. The words planners write.

Shape is checked here; whether the plan may be published (catalogue, limits, caps, order of deadlines) is checked
by `app.plans.review`, which names the rule and the remedy.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Literal, Self

from pydantic import Field, model_validator

from app.http.faults import InvalidValueError
from app.plans.fields import (
    Code,
    Codes,
    Model,
    OptionalCount,
    OptionalRatio,
    Ratio,
    RegisterCode,
    RegisterCodes,
    Span,
    Text,
    Texts,
    Title,
)
from app.registers.schemas import Condition
from optimizer.model import Parameters

SourceKind = Literal["witness_digits", "lottery_issue", "drand", "demo"]
Suite = Literal["DR1-HMAC-SHA256", "DR1-HMAC-SM3"]
CheckKind = Literal["daily", "individual", "special"]
_ISSUES = {"lottery_issue": re.compile(r"20[0-9]{5}"), "drand": re.compile(r"[1-9][0-9]{0,15}")}
COMBINATIONS = {"ssq": 17_721_088, "dlt": 21_425_712}
"""Outcomes of a draw: 双色球 C(33,6)·16, 大乐透 C(35,5)·C(12,2)."""
MAINNET = "8990e7a9aaed2ffed73dbd7092123d6f289930540d7251336225dc172e51b2ce"
QUICKNET = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"


class Source(Model):
    """One source of public entropy. `issue`: the lottery issue or drand round, where the plan itself fixes it."""

    id: Code
    kind: SourceKind
    title: Text = ""
    digits: int = Field(default=20, ge=1, le=200, description="decimal digits that witnesses call")
    game: Literal["ssq", "dlt"] = "ssq"
    chain: str = Field(default=QUICKNET, description="drand chain hash: quicknet's or the main network's")
    issue: Text = ""

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.chain not in (QUICKNET, MAINNET):
            raise InvalidValueError(
                f"chain 只能是 {QUICKNET}（quicknet）或 {MAINNET}",
                f"chain is one of {QUICKNET} (quicknet) and {MAINNET}",
            )
        pattern = _ISSUES.get(self.kind)
        if self.issue and (pattern is None or not pattern.fullmatch(self.issue)):
            raise InvalidValueError(
                "issue 须为彩票期号（如 2027001）或 drand 轮次号",
                "issue is a lottery issue such as 2027001, or the number of a drand round",
            )
        return self

    @property
    def bits(self) -> int:
        """What nobody could know before the freeze, in whole bits; entropy made for a demonstration has none."""
        outcomes: dict[SourceKind, int] = {
            "witness_digits": 10**self.digits,
            "lottery_issue": COMBINATIONS[self.game],
            "drand": 1 << 256,
            "demo": 1,
        }
        return outcomes[self.kind].bit_length() - 1

    @property
    def encoding(self) -> Literal["utf8", "hex"]:
        """How the value's text becomes bytes: drand's randomness is hexadecimal, all else is text."""
        return "hex" if self.kind == "drand" else "utf8"


class Task(Model):
    """One draw of the plan: whom, for what, how many. `task_id` is the `draw_id` of every round's manifest."""

    task_id: Code
    title_zh: Title
    title_en: Text = ""
    department: RegisterCode
    partners: RegisterCodes = Field(
        default=(), description="further departments that check what this task selects"
    )
    rules: RegisterCodes = Field(
        default=(), description="supervision rules whose targets are the population; none: all"
    )
    items: RegisterCodes = Field(
        default=(), description="check items, by code; their published version is used"
    )
    directed: bool = Field(default=False, description="a lottery within conditions declared here, beforehand")
    condition: Condition | None = Field(default=None, description="whom a directed draw is among")
    strata_by: Texts = ("credit",)
    ratios: dict[Code, Ratio] = Field(default_factory=dict, description="ppm per credit class")
    default_ratio: Ratio = Field(default=30_000, description="ppm of classes that `ratios` doesn't name")
    rounding: Literal["ceil", "systematic"] = "ceil"
    min: int = 1
    max: OptionalCount = None
    cooldown: OptionalRatio = Field(
        default=None, description="ppm: a recently visited target's chance; null or off"
    )
    look_back_days: int = Field(default=365, ge=1, le=3660)
    stream: Literal["round", "own"] = "round"
    backups: int = Field(default=0, ge=0, le=10_000)

    @property
    def departments(self) -> tuple[str, ...]:
        """All departments that check what this task selects, its own first."""
        return (self.department, *self.partners)


class Cap(Model):
    """No target is checked more than `max` times in the window, counted per department, per item, or in entries.

    `window_days` null: the calendar year. `subjects`: the departments or items it binds, none for each of them.
    """

    code: Code
    scope: Literal["department", "item", "target"]
    max: int = Field(ge=0)
    subjects: RegisterCodes = ()
    window_days: OptionalCount = Field(default=None, ge=1, le=3660)
    kinds: tuple[CheckKind, ...] = ("daily",)
    exemptions: Codes = Field(
        default=("complaint", "hand_down", "recheck", "at_firms_request", "urgent_by_law"),
        description="reason codes of checks that don't count",
    )
    basis: Text = Field(default="", description="the provision that sets it")


class Deadlines(Model):
    """Counted from the freeze of each round. Past `entropy` or `sealed_result` a round is void."""

    entropy: Span = Span(hours=72)
    sealed_result: Span = Span(hours=96)
    reveal: Span = Span(working_days=60)


class Packing(Model):
    """`optimizer.model.Parameters` as the plan sets them, with the bounds that make sense."""

    profile: Literal["fast", "standard"] = "fast"
    seed: int = Field(default=1, ge=0, lt=2**31)
    day_start: int = Field(default=600, ge=0, lt=1440, description="minute of the day work begins")
    day_minutes: int = Field(default=420, ge=30, le=720)
    max_entries: int = Field(default=6, ge=1, le=20)
    speed_m_per_min: int = Field(default=500, ge=50, le=2000)
    detour_permille: int = Field(default=1300, ge=1000, le=3000)
    parking_min: int = Field(default=5, ge=0, le=60)
    price_milli: OptionalCount = Field(
        default=None,
        ge=0,
        le=1_000_000,
        description="thousandths of an inspector-day that an avoided entry may cost; null: whatever it costs",
    )

    def parameters(self) -> Parameters:
        """The solver's parameters."""
        return Parameters(**self.model_dump())


class Schedule(Model):
    """The days of visits: `days` working days, the first one `first_working_day` working days after the freeze."""

    first_working_day: int = Field(default=8, ge=1, le=250)
    days: int = Field(default=20, ge=1, le=250)
    packing: Packing = Packing()
    seat_draw: Literal["halvings", "observable"] = Field(
        default="halvings",
        description="observable: up to 200 seats, picked by ten public coins; docs/lottery.md 10",
    )


class PlanDocument(Model):
    """A whole plan. Either `recurrence` makes its rounds, or `period` names the one round asked for by hand."""

    code: Code
    title_zh: Title
    title_en: Text = ""
    period: Code | None = None
    recurrence: Text | None = Field(
        default=None, description="e.g. `quarterly working-day 3 09:00`; see docs/plans.md"
    )
    starts_on: date = Field(ge=date(2004, 1, 1), lt=date(2200, 1, 1))
    ends_on: date | None = None
    privacy: Literal["sealed", "open"] = "sealed"
    suite: Suite = "DR1-HMAC-SHA256"
    tasks: tuple[Task, ...]
    caps: tuple[Cap, ...] = ()
    people_per_visit: OptionalCount = Field(default=None, ge=2, description="heads at one visit at most")
    entropy: tuple[Source, ...]
    entropy_seats: tuple[Source, ...] = Field(default=(), description="empty: no seats are drawn")
    deadlines: Deadlines = Deadlines()
    schedule: Schedule = Schedule()
    risk_limit_ppm: Ratio = Field(
        default=600_000, description="largest posterior of a class that may be shown"
    )

    @model_validator(mode="after")
    def _period_or_recurrence(self) -> Self:
        if (self.period is None) == (self.recurrence is None):
            raise InvalidValueError(
                "recurrence（自动建批次）与 period（手工建一个批次）须且只须写一项",
                "give either `recurrence` (rounds by themselves) or `period` (one round by hand)",
            )
        return self

    @property
    def demo(self) -> bool:
        """True where the entropy is made for a demonstration: assurance is then 0 and every page says so."""
        return any(source.kind == "demo" for source in (*self.entropy, *self.entropy_seats))

    def task(self, task_id: str) -> Task:
        """The task of that id (KeyError if there is none)."""
        return {task.task_id: task for task in self.tasks}[task_id]


class PlanOut(Model):
    """A plan as shown: what is stored about it, and its document."""

    code: str
    version: int
    title_zh: str
    title_en: str
    status: str
    digest: str
    recurrence: str | None
    starts_on: date
    created_at: datetime
    published_at: datetime | None
    document: PlanDocument


class PublicationIn(Model):
    """Why this version replaces the one before; asked for wherever there is one, and published."""

    reason: Text = ""


class PlanLine(Model):
    """A plan in a list."""

    code: str
    version: int
    title_zh: str
    title_en: str
    status: str
    recurrence: str | None
    starts_on: date
    tasks: int
    published_at: datetime | None


class CalendarYearIn(Model):
    """A year of the calendar as edited: holidays, make-up days, whether it is the State Council's word."""

    year: int = Field(ge=2000, le=2200)
    holidays: dict[date, Text] = Field(default_factory=dict)
    makeup: dict[date, Text] = Field(default_factory=dict)
    confirmed: bool = False
    source: Text = ""
