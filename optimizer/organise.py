"""A plan as an authority asks for it: packed, what its entries cost shown, visits kept apart above the price."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import replace

from optimizer.model import PackingProblem, Parameters, Plan
from optimizer.price import curve, separate
from optimizer.progress import Progress, Silent, Watch
from optimizer.solve import pack


def organise(
    problem: PackingProblem,
    parameters: Parameters,
    executor: Executor | None = None,
    progress: Progress | None = None,
    watch: Watch | None = None,
) -> Plan:
    """`pack`, with the curve of entries against inspector-days in the report; then `parameters.price_milli` is kept to.

    Raises what `pack` and `separate` raise.
    """
    told = progress or Silent()
    fewest = pack(problem, parameters, executor, told, watch)
    told.step("price", 0, 1)
    points = curve(problem, parameters, fewest)
    plan = fewest
    if parameters.price_milli is not None:
        plan = separate(problem, parameters, fewest, parameters.price_milli)
    told.step("price", 1, 1)
    return replace(plan, report=replace(plan.report, curve=points))
