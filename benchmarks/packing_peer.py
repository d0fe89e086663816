"""Teams that stay together against VROOM on one district: `python -m benchmarks.packing_peer --district D5`.

VROOM cannot choose whom a team consists of: it is given teams with the unions of our own and of every visit, more of
each than are needed, and each team that it sends is counted with the officers its visits need, not those it was given.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.packing_city import City, city
from optimizer.instance import entries, instance
from optimizer.model import Parameters
from optimizer.stream import Stream
from optimizer.team_bound import prove
from optimizer.team_phase import EFFORT, by_district, officers_of, team_piece
from optimizer.team_search import TeamSearch
from optimizer.teams import Cast, cast, fill

PEER = Path(sys.prefix) / "peers" / "bin" / "python"
COPIES = 4
ROUNDS = 200


def measure(size: int, seed: int, district: str) -> dict[str, object]:
    """Officers of greedy joining, of our search, of VROOM, and those proven necessary; CPU seconds of each."""
    inst, _ = instance(city(City(size, seed=seed)), Parameters())
    jobs = dict(by_district(inst, entries(inst).jobs))[district]
    given = cast(team_piece(inst, district, jobs, ROUNDS, True))
    begun = time.process_time()
    greedy = fill(given, 40)
    search = TeamSearch(given, Stream(seed))
    own = search.run(greedy, ROUNDS * len(given))
    searched = time.process_time()
    proof = prove(given, search.seen, EFFORT["standard"])
    proven = time.process_time()
    peer = _vroom(given, own)
    return {
        "district": district,
        "visits": len(given),
        "greedy": officers_of(given, greedy),
        "ours": officers_of(given, own),
        "ours_s": round(searched - begun, 1),
        "bound": proof.value,
        "bound_s": round(proven - searched, 1),
        "vroom": officers_of(given, peer.teams),
        "vroom_unassigned": peer.unassigned,
        "vroom_s": round(peer.seconds, 1),
    }


@dataclass(frozen=True, slots=True)
class Peer:
    """What VROOM sent out: the visits of each team, visits left over, CPU seconds."""

    teams: list[list[int]]
    unassigned: int
    seconds: float


def _vroom(given: Cast, own: list[tuple[int, ...]]) -> Peer:
    departments = [{int(d) for d in row.nonzero()[0]} for row in given.officers]
    teams = [tuple(sorted(set().union(*(departments[i] for i in team)))) for team in own]
    singles = [tuple(sorted(row)) for row in departments]
    fleet = sorted(teams + singles + COPIES * sorted(set(teams)))
    asked = {
        "legs": given.legs.tolist(),
        "lengths": given.lengths.tolist(),
        "skills": [sorted(row) for row in departments],
        "fleet": [(list(team), 2 * len(team)) for team in fleet],
        "day": given.day,
        "most": given.most,
    }
    ran = subprocess.run(
        [str(PEER), "-m", "benchmarks.vroom_peer"],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    return Peer(**json.loads(ran.stdout.splitlines()[-1]))


def main() -> None:
    """Parse, measure, print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--district", default="D5")
    given = parser.parse_args()
    print(json.dumps(measure(given.size, given.seed, given.district)))


if __name__ == "__main__":
    main()
