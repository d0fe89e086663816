"""Seat classes and groups: seats that are alike, and inspectors who are alike. docs/lottery.md, 3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.seats.network import IntArray, SeatNetwork, seat_network
from scheduler.lottery.roster import Inspector
from scheduler.lottery.seats import Eligibility, Seat


@dataclass(frozen=True, slots=True)
class SeatClass:
    """The seats of one date with the same eligible inspectors, ascending."""

    class_id: str
    date: str
    seats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Inspectors whom nothing distinguishes in this round, ascending by code."""

    group_id: str
    members: tuple[str, ...]
    cap: int
    weight: int


@dataclass(frozen=True, slots=True, eq=False)
class SeatClasses:
    """Classes and groups in order, and the eligible pairs as positions, ascending by class, then group."""

    classes: tuple[SeatClass, ...]
    groups: tuple[Group, ...]
    arc_class: IntArray
    arc_group: IntArray


def seat_classes(
    seats: Iterable[Seat],
    eligibility: Eligibility,
    weights: Mapping[str, int],
    apart: bool = False,
) -> SeatClasses:
    """Put seats into classes and inspectors into groups; `weights` default to 1000. Seats ascend by id.

    `apart` keeps every seat and every inspector alone, as an observable draw wants them.
    """
    found: dict[tuple[str, int, str], list[str]] = {}
    for seat in seats:
        key = (seat.date, eligibility.mask(seat), seat.seat_id if apart else "")
        found.setdefault(key, []).append(seat.seat_id)
    rows = sorted(found.items(), key=lambda row: (row[0][0], row[1][0].encode()))
    classes: list[SeatClass] = []
    in_date: dict[str, int] = {}
    for (date, _, _), ids in rows:
        in_date[date] = in_date.get(date, 0) + 1
        classes.append(SeatClass(f"{date}/{in_date[date]:04d}", date, tuple(ids)))
    matrix = _matrix([mask for (_, mask, _), _ in rows], len(eligibility.inspectors))
    groups, first = _groups(matrix, eligibility.inspectors, weights, apart)
    arc_class, arc_group = np.nonzero(matrix[:, first])
    return SeatClasses(tuple(classes), groups, arc_class, arc_group)


def _matrix(masks: list[int], inspectors: int) -> npt.NDArray[np.uint8]:
    """Masks as a 0/1 matrix, (classes, inspectors)."""
    width = (inspectors + 7) // 8
    packed = b"".join(mask.to_bytes(width, "little") for mask in masks)
    rows = np.frombuffer(packed, dtype=np.uint8).reshape(len(masks), width)
    return np.unpackbits(rows, axis=1, count=inspectors, bitorder="little")


def _groups(
    matrix: npt.NDArray[np.uint8],
    inspectors: tuple[Inspector, ...],
    weights: Mapping[str, int],
    apart: bool,
) -> tuple[tuple[Group, ...], IntArray]:
    """Join inspectors with equal columns, cap and weight; also the first inspector of each group, as positions."""
    columns = np.packbits(matrix, axis=0).T.copy()
    joined: dict[tuple[bytes, int, int, int], list[int]] = {}
    for place in np.flatnonzero(matrix.any(axis=0)).tolist():
        item = inspectors[place]
        key = (columns[place].tobytes(), item.cap, weights.get(item.code, 1000), place if apart else 0)
        joined.setdefault(key, []).append(place)
    groups = tuple(
        Group(f"G{number:04d}", tuple(inspectors[place].code for place in places), cap, weight)
        for number, ((_, cap, weight, _), places) in enumerate(joined.items(), start=1)
    )
    first = np.array([places[0] for places in joined.values()], dtype=np.int64)
    return groups, first


def network_of(shape: SeatClasses, caps: Sequence[int] | None = None) -> SeatNetwork:
    """The classes and groups as a network; `caps`, one a group, stand in for the groups' own."""
    dates = sorted({item.date for item in shape.classes})
    index = {date: place for place, date in enumerate(dates)}
    return seat_network(
        [len(group.members) for group in shape.groups],
        [group.cap for group in shape.groups] if caps is None else caps,
        [group.weight for group in shape.groups],
        [len(item.seats) for item in shape.classes],
        [index[item.date] for item in shape.classes],
        shape.arc_class,
        shape.arc_group,
    )
