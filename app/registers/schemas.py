"""What goes in and out of the registers: conditions of a draw, population rows, import reports, items."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Register = Literal["targets", "departments", "inspectors", "leave", "recusals", "items", "credit"]
ItemStatus = Literal["draft", "reviewed", "published", "withdrawn"]


class Condition(BaseModel):
    """Population condition of a directed draw, declared beforehand; an empty field asks nothing.

    Fields are joined by "and", values within a field by "or". Keywords are looked for as written, case and all:
    `scope_any` in the business scope, `name_any` in the name; `keywords_any` in either; `…_none` must be absent.
    `types` are looked for inside the enterprise type, so `有限责任公司` also takes `有限责任公司 国有企业`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    trades: tuple[str, ...] = ()
    districts: tuple[str, ...] = Field(default=(), description="Codes of GB/T 2260, e.g. 650102.")
    kinds: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    keywords_any: tuple[str, ...] = ()
    keywords_none: tuple[str, ...] = ()
    scope_any: tuple[str, ...] = ()
    scope_none: tuple[str, ...] = ()
    name_any: tuple[str, ...] = ()
    name_none: tuple[str, ...] = ()
    registered_from: date | None = None
    registered_until: date | None = None


class PopulationRow(NamedTuple):
    """A target of a frame, before the freeze; `credit` is empty where no class is known."""

    target_id: str
    credit: str
    district: str
    trade: str
    kind: str


class SiteRow(NamedTuple):
    """A drawn target as packing and notices see it. Metres from the city's origin; weekdays 1 (Monday) to 7."""

    district: str
    east_m: int
    north_m: int
    estimated: bool
    closed_weekdays: tuple[int, ...]
    people_cap: int | None
    name: str
    code: str
    address: str


class ImportReport(BaseModel):
    """What an import did. rows = added + changed + unchanged + refused; `outside` and `normalised` are among them.

    `refusals_file`: a CSV with row number, field, value, rule and remedy of every refused row. `notes_file`: the
    same for rows that went in normalised or that lie outside the city.
    """

    id: int = Field(default=0, description="Under which number the import is on record.")
    register_name: str = Field(serialization_alias="register")
    rows: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    normalised: int = 0
    outside: int = 0
    ignored_columns: list[str] = Field(default_factory=list)
    refusals_file: str = ""
    notes_file: str = ""
    seconds: dict[str, float] = Field(default_factory=dict)


class ImportOut(BaseModel):
    """An import as it stands on record."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    register_name: str = Field(serialization_alias="register")
    file_name: str
    file_sha256: str
    counts: dict[str, int]
    at: datetime


class TargetOut(BaseModel):
    """A target as the API shows it: never its credit class."""

    model_config = ConfigDict(from_attributes=True)

    target_id: str
    kind: str
    name: str
    code: str
    enterprise_type: str
    trade: str
    district: str
    district_source: str
    address: str
    longitude_e6: int | None = Field(
        description="Millionths of a degree; null outside the city, if not given."
    )
    latitude_e6: int | None
    place_source: str
    registered_on: date | None
    status: str

    @model_validator(mode="after")
    def _no_place_nowhere(self) -> Self:
        if self.longitude_e6 == self.latitude_e6 == 0:
            self.longitude_e6 = self.latitude_e6 = None
        return self


class DepartmentOut(BaseModel):
    """A department and how much it has: certified officers, targets under its supervision."""

    code: str
    name_zh: str
    name_en: str
    role: str
    inspectors: int
    rules: int


class InspectorOut(BaseModel):
    """An inspector without private data: neither name nor certificate number."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    department: str


class ItemIn(BaseModel):
    """A new version of a check item, or the correction of its draft."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(pattern=r"^[0-9A-Za-z._:-]{1,64}$", examples=["SC-FOOD-01"])
    title_zh: str = Field(min_length=1, examples=["食品经营监督检查"])
    title_en: str = ""
    content: str = ""
    procedure: str = ""
    method: Literal["on_site", "paper", "online", "sampling"] = "on_site"
    legal_basis: str = ""
    kind: Literal["key", "general"] = "general"
    department: str
    partners: list[str] = Field(default_factory=list)
    minutes: int = Field(default=30, ge=1, le=420)
    officers: int = Field(default=2, ge=2, le=20)
    specialties: list[str] = Field(default_factory=list)
    cap: int | None = Field(default=None, ge=1)


class ItemOut(ItemIn):
    """A version of a check item."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)

    version: int
    status: ItemStatus
    changed_at: datetime


class ItemMove(BaseModel):
    """The step that a version of an item is to take."""

    to: ItemStatus = Field(examples=["reviewed"])


class Supervisor(BaseModel):
    """A department that supervises a target, by which rules and why."""

    department: str
    rules: list[str]
    reasons_zh: list[str]
    reasons_en: list[str]


class JointProposal(BaseModel):
    """A target under two or more departments: to be checked in one visit, for the reasons given."""

    target_id: str
    name: str
    district: str
    supervisors: list[Supervisor]
