"""Limits that an authority sets on its planners: data with a default, changed by `plan limit`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """`general_ratio_ppm`: the largest ratio of a general item (一般事项); key items (重点事项) have none.

    `entropy_bits`: what the public sources of one lottery must hold together (assurance level 2 asks for 64).
    """

    general_ratio_ppm: int = 300_000
    entropy_bits: int = 64
