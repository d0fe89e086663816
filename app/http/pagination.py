"""Lists by the page: one shape, one opaque cursor, whatever is listed.

A cursor holds the sort key of the last row shown, so a page costs the same however far it lies, and rows added or
removed meanwhile neither repeat nor skip another.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import Select, literal, tuple_
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session

from app.db.types import UTCDateTime
from app.errors import Refused, refuse

T = TypeVar("T")
Row = TypeVar("Row")
MOST = 500


class Page(BaseModel, Generic[T]):
    """One page of a list. `next` goes into `cursor` for the page after it; null at the end."""

    items: list[T]
    next: str | None = Field(default=None, description="cursor of the page after this one; null at the end")


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page is asked for: up to `limit` rows after what `cursor` points at (empty: from the start)."""

    cursor: str = ""
    limit: int = 50

    def rows(
        self,
        session: Session,
        query: Select[Any],
        keys: Sequence[Any],
        *,
        newest: bool = False,
    ) -> list[Any]:
        """The page's rows and one more if there are any: ordered by `keys`, unique together, never null.

        `newest`: descending. Raises Refused `cursor.invalid` for a cursor of another list.
        """
        if self.cursor:
            last = tuple_(*(_literal(v, k) for v, k in zip(self.key(len(keys)), keys, strict=True)))
            query = query.where(tuple_(*keys) < last if newest else tuple_(*keys) > last)
        order = [key.desc() if newest else key for key in keys]
        return list(session.execute(query.order_by(*order).limit(self.limit + 1)))

    def page(
        self, rows: Sequence[Row], key: Callable[[Row], tuple[Any, ...]], shape: Callable[[Row], T]
    ) -> Page[T]:
        """The page that `rows` (one more than `limit`, if there are more) make; `key`: a row's sort key."""
        shown = rows[: self.limit]
        following = encode(key(shown[-1])) if len(rows) > self.limit else None
        return Page[T](items=[shape(row) for row in shown], next=following)

    def key(self, length: int) -> list[Any]:
        """The sort key that the cursor holds. Raises Refused `cursor.invalid` unless it has `length` parts."""
        values = decode(self.cursor)
        if len(values) != length:
            raise _invalid()
        return values


FIRST_PAGE = Paging()


def encode(key: tuple[Any, ...]) -> str:
    """A sort key as a cursor: base64url of JSON; days and times as ISO text."""
    plain = [value.isoformat() if isinstance(value, date) else value for value in key]
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str) -> list[Any]:
    """The sort key of a cursor. Raises Refused `cursor.invalid`."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise _invalid() from None
    if not isinstance(values, list) or not all(_plain(value) for value in values):
        raise _invalid()
    return values


def _plain(value: object) -> bool:
    if isinstance(value, str):
        return "\0" not in value and value.isprintable()
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63


def _literal(value: Any, key: ColumnElement[Any]) -> ColumnElement[Any]:
    wanted = datetime if isinstance(key.type, UTCDateTime) else key.type.python_type
    if wanted is datetime and isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise _invalid() from None
        if value.tzinfo is None:
            raise _invalid()
    elif wanted is date and isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise _invalid() from None
    if not isinstance(value, wanted):
        raise _invalid()
    return literal(value, key.type)


def _invalid() -> Refused:
    return refuse(
        "cursor.invalid",
        "翻页标记 cursor 不是本列表给出的。",
        "The cursor was not given by this list.",
        "请原样使用上一页的 next，或去掉 cursor 从头开始。",
        "Use `next` of the page before as it is, or leave the cursor out to begin again.",
        field="cursor",
    )


def _paging(
    cursor: Annotated[
        str, Query(max_length=1000, description="`next` of the page before; empty: the first")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=MOST, description="rows on a page")] = 50,
) -> Paging:
    return Paging(cursor, limit)


PagingDep = Annotated[Paging, Depends(_paging)]
