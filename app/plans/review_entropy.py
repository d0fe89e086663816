"""The rules that a plan's sources of public entropy obey."""

from __future__ import annotations

from collections.abc import Iterator

from app.errors import Problem
from app.plans.limits import Limits
from app.plans.sayings import broken
from app.plans.schemas import PlanDocument, Source
from scheduler.entropy.witness_digits import FEWEST


def problems(document: PlanDocument, limits: Limits) -> Iterator[Problem]:
    """What is wrong with `entropy` and `entropy_seats`. Without the latter no seats are drawn."""
    if not document.entropy:
        yield broken("no_entropy", "公共随机", "entropy", "entropy", {})
    sources = (*document.entropy, *document.entropy_seats)
    yield from _twice(sources)
    for source in sources:
        if source.kind == "witness_digits" and source.digits < FEWEST:
            said = {"value": source.digits, "least": FEWEST}
            yield broken("few_digits", f"来源 {source.id}", f"source {source.id}", "digits", said)
    first = document.entropy_seats[:1]
    if document.schedule.seat_draw == "observable" and not (first and first[0].kind != "lottery_issue"):
        yield broken("coins_source", "人员抽签的公共随机", "entropy_seats", "entropy_seats", {})
    if document.demo:
        if any(source.kind != "demo" for source in sources):
            yield broken("demo_mixed", "公共随机", "entropy", "entropy", {})
        return
    for field, zh, part in (
        ("entropy", "公共随机", document.entropy),
        ("entropy_seats", "人员抽签的公共随机", document.entropy_seats),
    ):
        bits = sum(source.bits for source in part)
        if part and bits < limits.entropy_bits:
            yield broken("entropy_small", zh, field, field, {"bits": bits, "least": limits.entropy_bits})


def _twice(sources: tuple[Source, ...]) -> Iterator[Problem]:
    """No id twice, and no lottery issue or drand round that is fixed twice."""
    ids: set[str] = set()
    fixed: set[tuple[str, str, str]] = set()
    for source in sources:
        place = source.chain if source.kind == "drand" else source.game
        same = (source.kind, place, source.issue)
        if source.id in ids or (source.issue and same in fixed):
            yield broken(
                "source_twice", f"来源 {source.id}", f"source {source.id}", "entropy", {"value": source.id}
            )
        ids.add(source.id)
        fixed.add(same)
