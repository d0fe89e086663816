"""The result of a round as JSON: the sealed array of section 6 and the bundle's files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scheduler.encoding import Json
from scheduler.probability import as_text
from scheduler.selection import Drawn, DrawResult, StratumResult


def result_json(results: Iterable[DrawResult]) -> list[Json]:
    """The array that is sealed: draws ascending by `draw_id` bytes, strata in canonical order."""
    ordered = sorted(results, key=lambda result: result.draw_id.encode())
    return [
        {"draw_id": result.draw_id, "strata": [_stratum(item) for item in result.strata]}
        for result in ordered
    ]


def full_result_file(result: DrawResult) -> dict[str, Json]:
    """`results/<draw_id>.json` in an open round and in the auditor's copy: with numbers and cut-offs."""
    strata: list[Json] = []
    for item in result.strata:
        shown: dict[str, Json] = {
            "cutoff": None if item.cutoff is None else str(item.cutoff),
            "selected": _with_numbers(item.selected),
            "backups": _with_numbers(item.backups),
        }
        strata.append({**_stratum(item), **shown})
    return {"draw_id": result.draw_id, "strata": strata}


def public_result_file(result: DrawResult) -> dict[str, Json]:
    """`results/<draw_id>.json` in a sealed round's public copy: the drawn in id order, nothing else."""
    ids = result.selected_ids
    return {"draw_id": result.draw_id, "n": len(ids), "selected": ids}


def _with_numbers(drawn: Sequence[Drawn]) -> list[Json]:
    return [{"target_id": item.target_id, "u": str(item.u)} for item in drawn]


def _stratum(result: StratumResult) -> dict[str, Json]:
    found: dict[str, Json] = {
        "stratum": result.stratum,
        "N": result.rows,
        "n": result.n,
        "pi_cond": as_text(result.pi_cond),
        "pi_design": as_text(result.pi_design),
        "selected": [item.target_id for item in result.selected],
        "backups": [item.target_id for item in result.backups],
    }
    if result.parts is not None:
        split = result.parts
        found |= {"N0": split.rows0, "N1": split.rows1, "n0": split.n0, "n1": split.n1}
        found |= {"pi_design0": as_text(split.pi_design0), "pi_design1": as_text(split.pi_design1)}
    return found
