"""Every text has its English, and addresses keep their language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from app.web.language import (
    catalogue,
    language_of_path,
    localized,
    neutral,
    translate,
)

APP = Path(__file__).parents[3] / "app"
JINJA = {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def texts_shown() -> set[str]:
    found: set[str] = set()
    for path in APP.rglob("*.py"):
        rows = extract_from_file("python", str(path), keywords={"marked": None})
        found |= {str(row[1]) for row in rows}
    for path in (APP / "web" / "templates").glob("*.html"):
        rows = extract_from_file("jinja2.ext:babel_extract", str(path), options=JINJA)
        found |= {str(row[1]) for row in rows}
    return found


def english() -> dict[str, str]:
    with catalogue("en").open("rb") as file:
        messages = read_po(file, locale="en")
    return {str(message.id): str(message.string) for message in messages if message.id}


def test_every_text_has_its_english_and_none_is_left_over() -> None:
    shown, known = texts_shown(), english()
    assert len(shown) > 150
    assert sorted(shown - set(known)) == []
    assert sorted(set(known) - shown) == []


def test_english_is_english_and_keeps_the_placeholders() -> None:
    for chinese, text in english().items():
        assert text
        assert not re.search(r"[\u4e00-\u9fff。，、；：（）]", text), text
        assert sorted(PLACEHOLDER.findall(chinese)) == sorted(PLACEHOLDER.findall(text)), chinese


def test_chinese_is_its_own_key() -> None:
    assert translate("zh", "六个步骤") == "六个步骤"
    assert translate("en", "六个步骤") == "The six steps"
    assert translate("en", "无此文") == "无此文"
    assert translate("en", "") == ""


@pytest.mark.parametrize(("path", "english_path"), [("/", "/en/"), ("/rounds/a", "/en/rounds/a")])
def test_addresses_change_language_and_back(path: str, english_path: str) -> None:
    assert localized(path, "en") == english_path
    assert neutral(english_path) == path
    assert localized(path, "zh") == neutral(path) == path


@pytest.mark.parametrize(
    ("path", "language"), [("/en", "en"), ("/en/", "en"), ("/entries", "zh"), ("/", "zh")]
)
def test_only_the_segment_en_is_english(path: str, language: str) -> None:
    assert language_of_path(path) == language
