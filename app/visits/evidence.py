"""Photos and files of a visit: what they are is told from their bytes, their size and dimensions are limited."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from app.errors import Refused, refuse

MOST_PIXELS: Final = 60_000_000
MOST_SIDE: Final = 12_000
_JPEG_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Markers that begin a frame and tell its size (T.81 table B.1)."""


@dataclass(frozen=True, slots=True)
class Sniffed:
    """A file's media type and, of a picture, its width and height in pixels."""

    media_type: str
    width: int | None = None
    height: int | None = None


def sniff(data: bytes, most_bytes: int) -> Sniffed:
    """What a file is by its contents: JPEG, PNG or PDF. Raises Refused `evidence.*` for all else."""
    if not data or len(data) > most_bytes:
        raise _bad_size(len(data), most_bytes)
    if data.startswith(b"%PDF-"):
        return Sniffed("application/pdf")
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _within(Sniffed("image/png", *_png_size(data)))
    if data.startswith(b"\xff\xd8\xff"):
        return _within(Sniffed("image/jpeg", *_jpeg_size(data)))
    raise _bad_type()


def _png_size(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR" or len(data) < 24 or not data.endswith(b"IEND\xaeB`\x82"):
        raise _bad_type()
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int]:
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return width, height
        if marker in (0xD9, 0xDA):
            break
        place += 2 if 0xD0 <= marker <= 0xD7 else 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    raise _bad_type()


def _within(found: Sniffed) -> Sniffed:
    width, height = found.width or 0, found.height or 0
    if not 0 < width <= MOST_SIDE or not 0 < height <= MOST_SIDE or width * height > MOST_PIXELS:
        raise refuse(
            "evidence.dimensions",
            f"图片为 {width}×{height} 像素，每边须在 1 至 {MOST_SIDE} 之间，总数不超过 {MOST_PIXELS:,}。",
            f"The picture has {width}×{height} pixels; each side is 1 to {MOST_SIDE}, {MOST_PIXELS:,} in all at most.",
            "请用普通相机设置重新拍摄。",
            "Take it again with an ordinary camera setting.",
            width=width,
            height=height,
        )
    return found


def _bad_size(size: int, most: int) -> Refused:
    return refuse(
        "evidence.size",
        f"文件为 {size} 字节，须在 1 至 {most} 之间。",
        f"The file has {size} bytes; it may have 1 to {most}.",
        "请压缩后再上传，或分成几份。",
        "Compress it, or send it in parts.",
        size=size,
        limit=most,
    )


def _bad_type() -> Refused:
    return refuse(
        "evidence.type",
        "文件内容不是完整的 JPEG、PNG 图片或 PDF（以内容为准，不看扩展名）。",
        "By its contents the file is no whole JPEG or PNG picture and no PDF; its name does not count.",
        "请上传照片或 PDF。",
        "Send a photo or a PDF.",
    )
