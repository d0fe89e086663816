"""Strict reading of the objects in a manifest: a missing key or a wrong type is refused by its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from optimizer.errors import Refused, refuse
from scheduler.encoding import Json


@dataclass(frozen=True, slots=True)
class Reader:
    """An object of the manifest and where it stands in it. Every method raises Refused `manifest.key`."""

    value: Mapping[str, Json]
    place: str

    @classmethod
    def over(cls, value: Json, place: str) -> Reader:
        """Begin at `value`, which has to be an object."""
        if not isinstance(value, Mapping):
            raise _wrong(place, "对象", "an object")
        return cls(value, place)

    def __contains__(self, key: str) -> bool:
        """Tell whether the key is there."""
        return key in self.value

    def _get(self, key: str) -> Json:
        if key not in self.value:
            raise _wrong(f"{self.place}.{key}", "必填的键", "a mandatory key")
        return self.value[key]

    def text(self, key: str) -> str:
        """Text at `key`."""
        found = self._get(key)
        if not isinstance(found, str):
            raise _wrong(f"{self.place}.{key}", "文本", "text")
        return found

    def integer(self, key: str) -> int:
        """Integer at `key`."""
        found = self._get(key)
        if isinstance(found, bool) or not isinstance(found, int):
            raise _wrong(f"{self.place}.{key}", "整数", "an integer")
        return found

    def integer_or_null(self, key: str) -> int | None:
        """Integer or null at `key`, which has to be there."""
        return None if self._get(key) is None else self.integer(key)

    def _array(self, key: str) -> list[Json]:
        found = self._get(key)
        if not isinstance(found, list | tuple):
            raise _wrong(f"{self.place}.{key}", "数组", "an array")
        return list(found)

    def texts(self, key: str) -> tuple[str, ...]:
        """Array of text at `key`."""
        found = self._array(key)
        texts = tuple(item for item in found if isinstance(item, str))
        if len(texts) != len(found):
            raise _wrong(f"{self.place}.{key}", "文本数组", "an array of text")
        return texts

    def object(self, key: str) -> Reader:
        """Object at `key`."""
        return Reader.over(self._get(key), f"{self.place}.{key}")

    def object_or_null(self, key: str) -> Reader | None:
        """Object or null at `key`, which has to be there."""
        return None if self._get(key) is None else self.object(key)

    def objects(self, key: str) -> list[Reader]:
        """Array of objects at `key`."""
        return [
            Reader.over(item, f"{self.place}.{key}[{index}]") for index, item in enumerate(self._array(key))
        ]

    def rest(self, *known: str) -> dict[str, Json]:
        """The keys that are not `known`: allowed, kept, hashed."""
        return {key: item for key, item in self.value.items() if key not in known}


def _wrong(place: str, zh: str, en: str) -> Refused:
    return refuse(
        "manifest.key",
        f"承诺书的 {place} 缺失或不是{zh}。",
        f"{place} is missing or is not {en}.",
        "请按规范补全或改正。",
        "Supply or correct it as the specification says.",
        place=place,
    )
