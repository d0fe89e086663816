"""What every picture is drawn with: a grid 360 units wide, colours, words that are cut where they do not fit.

A phone shows the grid at full size; colours are presentation attributes, which the pages' content-security policy
allows and a saved file keeps.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Final

from markupsafe import Markup

WIDTH: Final = 360
INK: Final = "#16212b"
QUIET: Final = "#5b6873"
ACCENT: Final = "#0b4a8f"
PALE: Final = "#b9c6d3"
SAVED: Final = "#6f93bb"
RULE: Final = "#b3261e"
BAND: Final = "#f0cfcb"
GRID: Final = "#dde3e9"
WARNING: Final = "#8a5300"
PAPER: Final = "#ffffff"

TEXT: Final = 12
SMALL: Final = 10
_FULL_WIDTH: Final = 0x2E80
"""Code points from here on (CJK) are as wide as the type is high."""


def text_width(words: str, size: float) -> float:
    """An estimate, good for choosing where to cut: CJK is as wide as high, other letters 0.56 of that."""
    return sum(size if ord(character) >= _FULL_WIDTH else size * 0.56 for character in words)


def fitted(words: str, room: float, size: float) -> str:
    """As much of the words as there is room for."""
    if text_width(words, size) <= room:
        return words
    while words and text_width(words + "…", size) > room:
        words = words[:-1]
    return words.rstrip() + "…"


def canvas(ident: str, title: str, description: str, height: float) -> ET.Element:
    """An empty picture with its title and description for a screen reader."""
    svg = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {exact(height)}",
            "role": "img",
            "aria-labelledby": f"{ident}-title {ident}-desc",
            "font-size": str(TEXT),
        },
    )
    ET.SubElement(svg, "title", {"id": f"{ident}-title"}).text = title
    ET.SubElement(svg, "desc", {"id": f"{ident}-desc"}).text = description
    return svg


def label_above(svg: ET.Element, y: float, label: str, note: str) -> None:
    """A row's label at the left and its note at the right, both above what they are about."""
    room = WIDTH - text_width(note, TEXT) - 12
    text(svg, 0, y, fitted(label, room, TEXT), "start", TEXT, INK, label)
    text(svg, WIDTH, y, note, "end", TEXT, QUIET)


def text(
    svg: ET.Element, x: float, y: float, words: str, anchor: str, size: float, fill: str, whole: str = ""
) -> None:
    """Words at a place; `whole`: what they were cut from, told where a pointer rests."""
    attributes = {
        "x": exact(x),
        "y": exact(y),
        "text-anchor": anchor,
        "font-size": exact(size),
        "fill": fill,
    }
    element = ET.SubElement(svg, "text", attributes)
    element.text = words
    if whole and whole != words:
        ET.SubElement(element, "title").text = whole


def rect(svg: ET.Element, x: float, y: float, width: float, height: float, fill: str) -> None:
    """A filled rectangle; a negative width is none."""
    attributes = {
        "x": exact(x),
        "y": exact(y),
        "width": exact(max(width, 0)),
        "height": exact(height),
        "fill": fill,
    }
    ET.SubElement(svg, "rect", attributes)


def exact(value: float) -> str:
    """A coordinate to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def watermarked(svg: Markup, words: str) -> Markup:
    """The picture with words across it, readable through and through, for what must not be taken for the real thing."""
    height = float(svg.split('viewBox="', 1)[1].split('"', 1)[0].split()[3])
    size = min(30, 0.9 * WIDTH / text_width(words, 1))
    mark = Markup(
        '<text x="{x}" y="{y}" text-anchor="middle" font-size="{size}" font-weight="700" fill="{fill}" '
        'fill-opacity="0.3" transform="rotate(-10 {x} {y})">{words}</text></svg>'
    ).format(x=WIDTH // 2, y=exact(height / 2), size=exact(size), fill=RULE, words=words)
    return Markup(svg.removesuffix("</svg>")) + mark  # noqa: S704  a picture of ours, made of escaped words


def markup(svg: ET.Element) -> Markup:
    """The finished picture."""
    return Markup(ET.tostring(svg, encoding="unicode"))  # noqa: S704  ElementTree escapes every text and attribute


def circle(svg: ET.Element, x: float, y: float, radius: float, fill: str) -> None:
    """A filled circle."""
    attributes = {"cx": exact(x), "cy": exact(y), "r": exact(radius), "fill": fill}
    ET.SubElement(svg, "circle", attributes)
