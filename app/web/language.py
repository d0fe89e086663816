"""The two languages of every page: Chinese, whose text is the key, and English under `/en` (gettext).

The English catalogue is read from its `.po` file once, in memory; no compiled file is kept.
"""

from __future__ import annotations

import gettext
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final, Literal

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from fastapi import Request

Language = Literal["zh", "en"]

LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
TAGS: Final[dict[Language, str]] = {"zh": "zh-CN", "en": "en"}
"""BCP 47 tags for `lang`, `hreflang` and Content-Language."""

LOCALE: Final = Path(__file__).parent / "locale"


def catalogue(language: Language) -> Path:
    """Where a language's messages stand."""
    return LOCALE / language / "LC_MESSAGES" / "messages.po"


@cache
def translations(language: Language) -> gettext.NullTranslations:
    """The language's messages; Chinese has none, its text is the key."""
    if language == "zh":
        return gettext.NullTranslations()
    with catalogue(language).open("rb") as file:
        messages = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def translate(language: Language, text: str) -> str:
    """`text` in the language, or unchanged where the catalogue lacks it."""
    return translations(language).gettext(text) if text else ""


def marked(text: str) -> str:
    """Mark a text for translation where it is shown later; gives it back unchanged."""
    return text


def language_of_path(path: str) -> Language:
    """English under `/en`, Chinese everywhere else."""
    return "en" if path == "/en" or path.startswith("/en/") else "zh"


def language_of(request: Request) -> Language:
    """The language that a request's address asks for."""
    return language_of_path(request.url.path)


def neutral(path: str) -> str:
    """A path without its language."""
    return path.removeprefix("/en") or "/" if language_of_path(path) == "en" else path


def localized(path: str, language: Language) -> str:
    """A neutral path in a language."""
    return path if language == "zh" else "/en/" if path == "/" else f"/en{path}"
