"""Keys of a trial draw (试抽): a draw whose numbers can belong to no round, whatever its noise."""

from __future__ import annotations

from typing import Final

from optimizer.errors import refuse
from scheduler.encoding import lp
from scheduler.seed import SECRET_SIZE, RoundKeys
from scheduler.suite import Suite

LABEL: Final = "DR1/trial"
"""Stands where a round's seed has `DR1/ikm`, and again in each key: no seed of section 3 has it in either place."""


def trial_keys(suite: Suite, noise: bytes) -> RoundKeys:
    """Keys from 32 random bytes that nobody keeps. No manifest, secret or public value goes in: none can be tried.

    Raises Refused `trial.noise` for noise of another size.
    """
    if len(noise) != SECRET_SIZE:
        raise refuse(
            "trial.noise",
            f"试抽的随机数有 {len(noise)} 字节，应为 {SECRET_SIZE} 字节。",
            f"A trial's noise has {len(noise)} bytes where {SECRET_SIZE} are needed.",
            "请每次由操作系统的随机源重新生成。",
            "Make it anew each time from the operating system's generator.",
        )
    prk = suite.mac(noise, lp(LABEL))
    names = ("numbers", "sizes", "inspectors", "seal")
    return RoundKeys(suite, prk, *(suite.mac(prk, lp(LABEL, name)) for name in names))
