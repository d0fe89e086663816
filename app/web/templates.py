"""Jinja2 as every room's pages use it: autoescaped, undefined names are errors, one environment per language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Final, Self
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.web.language import LANGUAGES, TAGS, Language, localized, neutral, translations
from app.web.static import address

TEMPLATES: Final = Path(__file__).parent / "templates"
OFFICIAL: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page stands: its language, what it links to, and the same page in each language.

    `alternates`: (BCP 47 tag, address) pairs. `home` is None in a static export, which has no other pages.
    """

    language: Language
    stylesheet: str
    icon: str
    home: str | None
    alternates: tuple[tuple[str, str], ...]

    @classmethod
    def served(cls, path: str, language: Language, query: str = "") -> Self:
        """A page of the running service at `path`, with its query kept in the other language's address."""
        bare, tail = neutral(path), f"?{query}" if query else ""
        return cls(
            language,
            address("style.css"),
            address("icon.svg"),
            localized("/", language),
            tuple((TAGS[other], localized(bare, other) + tail) for other in LANGUAGES),
        )

    @property
    def tag(self) -> str:
        """The page's own language tag."""
        return TAGS[self.language]

    @property
    def other(self) -> tuple[str, str]:
        """Tag and address of the page in the other language."""
        return next(pair for pair in self.alternates if pair[0] != self.tag)

    def link(self, path: str) -> str:
        """A neutral path of the running service, in the page's language."""
        return localized(path, self.language)


def render(template: str, place: Place, context: Mapping[str, object]) -> str:
    """A page's HTML."""
    return _environment(place.language).get_template(template).render({**context, "place": place})


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    environment.filters |= {
        "number": number,
        "moment": moment,
        "share": share,
        "hours": hours,
        "clock": clock,
        "tidy": tidy,
    }
    environment.globals["static"] = address
    environment.filters["listed"] = partial(listed, language=language)
    return environment


def listed(values: Iterable[str], language: Language) -> str:
    """Several names as one text: 、 between them in Chinese, commas in English."""
    return ("、" if language == "zh" else ", ").join(values)


def number(value: float) -> str:
    """A count with thousands separated; a fraction with one decimal."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def tidy(value: float) -> str:
    """A number with at most four decimals and no needless zeros: 0.5, 3, 1,200."""
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def moment(value: datetime | str) -> str:
    """Official time to the minute, `2027-03-01 10:00`."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at.astimezone(OFFICIAL).strftime("%Y-%m-%d %H:%M")


def share(value: float) -> str:
    """A ratio in per cent with two significant decimals at most: 0.03 → `3%`, 0.0324 → `3.24%`."""
    return f"{100 * value:.2f}".rstrip("0").rstrip(".").replace("-", "−") + "%"


def hours(minutes: int) -> str:
    """Minutes as hours, one decimal."""
    return f"{minutes / 60:,.1f}"


def clock(minute: int) -> str:
    """A minute after midnight as `09:30`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"
