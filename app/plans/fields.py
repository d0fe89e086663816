"""Types of a plan's fields: codes, names, ratios and spans of time, as planners write them."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from app.http.faults import InvalidValueError
from scheduler.encoding import text_fault

PPM = 1_000_000
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,4})?\s*[%‰]", re.ASCII)


class Model(BaseModel):
    """Base of every part of a plan: frozen, and a field that nobody knows is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_max_length=4000)


def _text(value: str) -> str:
    """NFC text without controls, format characters or outer blanks: it enters the manifest as it stands."""
    fault = text_fault(value)
    if fault is not None:
        raise InvalidValueError(*fault)
    return value


def _ratio(value: Any) -> Any:
    """`"3 %"` and `"5 ‰"` to parts per million, exactly; whole numbers are parts per million already."""
    if isinstance(value, bool | float):
        raise InvalidValueError(
            "比例须为百万分之几的整数，或 “3 %” 这样的文字",
            'a ratio is a whole number of parts per million, or text such as "3 %"',
        )
    if not isinstance(value, str):
        return value
    if not _PERCENT.fullmatch(value.strip()):
        raise InvalidValueError(
            f"{value!r} 不是比例；请写 30000（百万分之几）或 “3 %”",
            f'{value!r} is no ratio; write 30000 (parts per million) or "3 %"',
        )
    try:
        number = Decimal(value.strip()[:-1].strip())
    except InvalidOperation as error:
        raise InvalidValueError(f"{value!r} 不是比例", f"{value!r} is no ratio") from error
    ppm = number * (10_000 if value.strip().endswith("%") else 1_000)
    if ppm != int(ppm):
        raise InvalidValueError(f"{value!r} 细于百万分之一", f"{value!r} is finer than one part per million")
    return int(ppm)


def _off(value: Any) -> Any:
    """`"off"` says none, in formats that have no null (TOML)."""
    return None if value == "off" else value


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    """A list of names holds each once."""
    doubled = sorted({value for value in values if values.count(value) > 1})
    if doubled:
        raise InvalidValueError(f"重复列出：{'、'.join(doubled)}", f"named twice: {', '.join(doubled)}")
    return values


Code = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._-]{1,64}$")]
RegisterCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z._:-]{1,64}$")]
Text = Annotated[str, StringConstraints(max_length=400), AfterValidator(_text)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=400), AfterValidator(_text)]
Codes = Annotated[tuple[Code, ...], AfterValidator(_distinct)]
RegisterCodes = Annotated[tuple[RegisterCode, ...], AfterValidator(_distinct)]
Texts = Annotated[tuple[Title, ...], AfterValidator(_distinct)]
Ratio = Annotated[int, BeforeValidator(_ratio)]
OptionalRatio = Annotated[int | None, BeforeValidator(lambda value: _ratio(_off(value)))]
OptionalCount = Annotated[int | None, BeforeValidator(_off)]


class Span(Model):
    """A time after the freeze: `hours`, or `working_days` (the freeze's own day isn't counted; ends at 18:00)."""

    hours: int | None = Field(default=None, ge=1, le=24 * 366)
    working_days: int | None = Field(default=None, ge=1, le=500)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.hours is None) == (self.working_days is None):
            raise InvalidValueError(
                "hours 与 working_days 须且只须写一项", "give either `hours` or `working_days`"
            )
        return self
