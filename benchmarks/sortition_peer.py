"""One panel drawn by the `sortition-algorithms` package: a process of its own, because highspy and ortools clash.

Reads one JSON object from standard input, `{"people": {id: kind}, "minimum": {kind: n}, "size", "algorithm"}`, and
prints `{"seconds", "probability": {id: float}}` as its last line (the package prints before it). Needs that package in
the interpreter that runs it.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from importlib import import_module
from typing import Any


def main() -> None:
    """Find the panel's distribution and print each person's probability."""
    asked = json.load(sys.stdin)
    algorithm = asked["algorithm"]
    package = import_module("sortition_algorithms")
    generation = import_module(f"sortition_algorithms.committee_generation.{algorithm}")
    features, people = _tables(package, asked)
    start = time.process_time()
    committees, weights, _ = getattr(generation, f"find_distribution_{algorithm}")(
        features, people, asked["size"], []
    )
    seconds = time.process_time() - start
    chance: Counter[str] = Counter()
    for committee, weight in zip(committees, weights, strict=True):
        for person in committee:
            chance[person] += weight
    print(json.dumps({"seconds": seconds, "probability": dict(chance)}))


def _tables(package: Any, asked: dict[str, Any]) -> tuple[Any, Any]:
    """The package's features (at least so many of each kind) and people."""
    rows = [
        {"feature": "kind", "value": kind, "min": str(least), "max": str(asked["size"])}
        for kind, least in sorted(asked["minimum"].items())
    ]
    read = package.read_in_features(["feature", "value", "min", "max"], rows, asked["size"])
    body = [{"id": person, "kind": kind} for person, kind in sorted(asked["people"].items())]
    settings = package.Settings(id_column="id", columns_to_keep=[])
    people, _ = package.read_in_people(["id", "kind"], body, read[0], settings)
    return read[0], people


if __name__ == "__main__":
    main()
