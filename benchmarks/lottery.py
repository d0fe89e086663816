"""What the seats' lottery costs and how fair it is, beside "shuffle and take the first who can" and a panel package.

`python -m benchmarks.lottery [--json] [--case NAME] [--peer-python PATH]`. Each case runs in a process of its own, so
that `peak_mb` (after probabilities and draw) is its own. Seconds are CPU. Loads are expectations of the inspectors
who may take a seat; the naive peer's are means over its trials, and `naive_empty_seats` is what it leaves empty in a
draw, on average. On panels of one day the peer is `sortition-algorithms` (Nash), run by `--peer-python`, by default
the environment that `make bench` makes beside ours: its solvers can't be loaded beside OR-tools.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.lottery_city import LotteryCity, LotteryShape, empty_report, lottery_city
from optimizer.model import Plan, Route
from scheduler import verifier
from scheduler.encoding import canonical_json
from scheduler.lottery.classes import SeatClasses
from scheduler.lottery.draw import draw_seats, eligible_codes, lottery_json
from scheduler.lottery.plan import LotteryPlan, plan_lottery
from scheduler.lottery.roster import Inspector, Roster
from scheduler.lottery.schedule import routes_json, visits_json
from scheduler.suite import SHA256

_PEERS: Final = Path(sys.prefix) / "peers" / "bin" / "python"
_KEY: Final = bytes(range(32))
_KINDS: Final = ("a", "b", "c", "d", "e")
_CITIES: Final = {
    "20/40": (LotteryShape(1, 20, 20, 5, lead=0.8, specialty=0.4), 1, 200),
    "tight 9/32": (
        LotteryShape(1, 9, 16, 4, leave=0.15, lead=0.7, specialty=0.7, recusal=0.5), 19, 200
    ),
    "300/1,500": (LotteryShape(1, 300, 750, 20, lead=0.4, specialty=0.2, recusal=0.1), 1, 50),
    "3,000/30,000, 20 departments": (LotteryShape(20, 150, 750, 20, lead=0.4, specialty=0.2), 1, 3),
    "3,000/30,000, 1 department": (LotteryShape(1, 3000, 15000, 20, lead=0.4, specialty=0.2), 1, 3),
}  # fmt: skip
_PANELS: Final = {"panel 100/10": (100, 1), "panel 300/40": (300, 4)}


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of the benchmark."""

    case: str
    inspectors: int
    seats: int
    probabilities_s: float
    draw_s: float
    verify_s: float
    peak_mb: int
    min_load: float
    max_load: float
    gini: float
    peer: str
    peer_s: float | None
    peer_gini: float | None
    naive_empty_seats: float | None


def gini(values: Iterable[float]) -> float:
    """The Gini coefficient of loads: 0 if all are equal."""
    ordered = sorted(values)
    total, count = sum(ordered), len(ordered)
    if not total:
        return 0.0
    return sum((2 * place - count + 1) * value for place, value in enumerate(ordered)) / (count * total)


def panel_city(people: int, turns: int) -> LotteryCity:
    """One day, `turns` routes for each of five kinds: half the seats ask for a kind, half for nobody in particular."""
    chance = random.Random(1)
    kinds = chance.choices(_KINDS, [40, 30, 20, 7, 3], k=people)
    day = "2026-03-02"
    roster = Roster(
        tuple(
            Inspector(f"P{number:04d}", "D", "", "2027-01-01", (kind,), True, 1)
            for number, kind in enumerate(kinds)
        )
    )
    routes = tuple(
        Route(f"R{kind}{turn}", "D", "", 0, 2, (kind,), ()) for kind in _KINDS for turn in range(turns)
    )
    return LotteryCity(roster, Plan((), routes, (), empty_report()), (day,))


def measure(case: str, city: LotteryCity) -> tuple[Measured, LotteryPlan]:
    """Plan, draw and verify once; the peer's columns are still empty."""
    start = time.process_time()
    plan = plan_lottery(city.roster, city.plan, city.days)
    planned = time.process_time()
    draw = draw_seats(plan, _KEY)
    drawn = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    published = json.loads(canonical_json(lottery_json(plan, draw, SHA256)))
    files = files_of(plan, published)
    begun = time.process_time()
    verify(files)
    verified = time.process_time() - begun
    loads = expected_loads(plan)
    row = Measured(
        case, len(city.roster.inspectors), len(plan.seats), round(planned - start, 4), round(drawn - planned, 4),
        round(verified, 4), peak, round(min(loads), 4), round(max(loads), 4), round(gini(loads), 4),
        "", None, None, None,
    )  # fmt: skip
    return row, plan


def files_of(plan: LotteryPlan, published: dict[str, Any]) -> verifier.Round:
    """The auditor's copy as the verifier has read it, as far as the seats are concerned."""
    files = verifier.Round(verifier.Archive(b""), None)
    files.copy = "auditor"
    made = {
        "roster": plan.roster.to_json(),
        "visits": {"visits": visits_json(plan.plan, plan.days)},
        "schedule": {"routes": routes_json(plan.plan, plan.days)},
    }
    files.parsed = {
        **json.loads(canonical_json(made)),
        "manifest": {"entropy_seats": ["second"]},
        "lottery": published,
    }
    return files


def verify(files: verifier.Round) -> None:
    """The verifier's checks of eligibility, probabilities and draw; raises `verifier.Wrong` where one fails."""
    verifier.step_lottery(files)
    published = files.json("lottery")
    lots = verifier.Lots(published)
    people, transcript = verifier.halvings(lots, _KEY)
    seated = verifier.deal(lots, people, _KEY)
    if (transcript, seated) != (published["transcript"], published["assignment"]):
        raise verifier.Wrong("the draw differs")
    if verifier.reserves(lots, seated, _KEY) != published["reserves"]:
        raise verifier.Wrong("the reserves differ")
    verifier.check_assignment(lots, seated)


def expected_loads(plan: LotteryPlan) -> list[float]:
    """Each eligible inspector's expected seats."""
    return [
        float(load) for group, load in zip(plan.shape.groups, plan.load, strict=True) for _ in group.members
    ]


def shuffle_and_first(
    shape: SeatClasses, caps: dict[str, int], chance: random.Random
) -> tuple[Counter[str], int]:
    """The common practice: shuffle the roster for each seat's date, take the first who can. Also the empty seats."""
    served: Counter[str] = Counter()
    busy: set[tuple[str, str]] = set()
    empty = 0
    for item, codes in zip(shape.classes, eligible_codes(shape), strict=True):
        chance.shuffle(codes)
        for _ in item.seats:
            found = next((c for c in codes if (item.date, c) not in busy and served[c] < caps[c]), None)
            if found is None:
                empty += 1
            else:
                busy.add((item.date, found))
                served[found] += 1
    return served, empty


def beside_naive(row: Measured, plan: LotteryPlan, trials: int) -> dict[str, Any]:
    """Fill the peer's columns with the naive practice's means."""
    caps = {code: group.cap for group in plan.shape.groups for code in group.members}
    chance = random.Random(1)
    served: Counter[str] = Counter()
    empty = 0
    start = time.process_time()
    for _ in range(trials):
        once, left = shuffle_and_first(plan.shape, caps, chance)
        served.update(once)
        empty += left
    seconds = (time.process_time() - start) / trials
    return asdict(row) | {
        "peer": "shuffle and first feasible",
        "peer_s": round(seconds, 4),
        "peer_gini": round(gini(served[code] / trials for code in caps), 4),
        "naive_empty_seats": round(empty / trials, 4),
    }


def beside_sortition(row: Measured, city: LotteryCity, python: str) -> dict[str, Any]:
    """Fill the peer's columns by the panel package in its own process; they stay empty where it is not installed."""
    asked = {
        "people": {item.code: item.specialties[0] for item in city.roster.inspectors},
        "minimum": dict.fromkeys(_KINDS, len(city.plan.routes) // len(_KINDS)),
        "size": row.seats,
        "algorithm": "nash",
    }
    script = Path(__file__).with_name("sortition_peer.py")
    answer = subprocess.run(
        [python, str(script)], input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    filled = asdict(row) | {"peer": "sortition-algorithms (nash)"}
    if answer.returncode:
        return filled | {"peer": "sortition-algorithms (not installed)"}
    found = json.loads(answer.stdout.splitlines()[-1])
    loads = [found["probability"].get(item.code, 0.0) for item in city.roster.inspectors]
    return filled | {"peer_s": round(found["seconds"], 4), "peer_gini": round(gini(loads), 4)}


def run_case(case: str, python: str) -> dict[str, Any]:
    """Measure one case in this process."""
    if case in _PANELS:
        city = panel_city(*_PANELS[case])
        return beside_sortition(measure(case, city)[0], city, python)
    shape, seed, trials = _CITIES[case]
    row, plan = measure(case, lottery_city(shape, seed))
    return beside_naive(row, plan, trials)


def in_own_process(case: str, python: str) -> dict[str, Any]:
    """Measure one case in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.lottery", "--case", case, "--json", "--peer-python", python]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(answer.stdout)[0])


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as text, one a line."""
    names = list(rows[0])
    cells = [names, *([str(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(names))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells
    )


def main() -> None:
    """Print the table, or the list as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--case", choices=[*_CITIES, *_PANELS])
    parser.add_argument("--peer-python", default=str(_PEERS if _PEERS.exists() else sys.executable))
    asked = parser.parse_args()
    if asked.case:
        rows = [run_case(asked.case, asked.peer_python)]
    else:
        rows = [in_own_process(case, asked.peer_python) for case in (*_CITIES, *_PANELS)]
    print(json.dumps(rows, ensure_ascii=False) if asked.json else table(rows))


if __name__ == "__main__":
    main()
