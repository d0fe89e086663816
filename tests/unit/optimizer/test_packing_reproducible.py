"""The same problem gives the same plan: rows shuffled, any number of workers, any hash seed."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from app.processes import pool
from benchmarks.packing_city import City, city
from optimizer.model import PackingProblem, Parameters, Plan
from optimizer.solve import pack

WANTED = City(70, 12, 5, "forbidden")
ROOT = Path(__file__).parents[3]
SCRIPT = """
import hashlib
from app.processes import pool
from benchmarks.packing_city import City, city
from optimizer.model import Parameters
from optimizer.solve import pack
print(hashlib.sha256(repr(pack(city(City(70, 12, 5, "forbidden")), Parameters())).encode()).hexdigest())
"""


def digest(plan: Plan) -> str:
    return hashlib.sha256(repr(plan).encode()).hexdigest()


@pytest.fixture(scope="module")
def problem() -> PackingProblem:
    return city(WANTED)


@pytest.fixture(scope="module")
def plain(problem: PackingProblem) -> str:
    return digest(pack(problem, Parameters()))


@pytest.mark.parametrize("seed", [1, 2])
def test_rows_in_any_order(problem: PackingProblem, plain: str, seed: int) -> None:
    rng = random.Random(seed)
    lists = {name: list(getattr(problem, name)) for name in ("checks", "sites", "departments", "forbidden")}
    for rows in lists.values():
        rng.shuffle(rows)
    shuffled = PackingProblem(problem.days, *(tuple(rows) for rows in lists.values()))
    assert digest(pack(shuffled, Parameters())) == plain


@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_workers(problem: PackingProblem, plain: str, workers: int) -> None:
    with ThreadPoolExecutor(workers) as threads:
        assert digest(pack(problem, Parameters(), threads)) == plain
    with pool(workers) as processes:
        assert digest(pack(problem, Parameters(), processes)) == plain


@pytest.mark.parametrize("hash_seed", range(4))
def test_any_hash_seed(plain: str, hash_seed: int) -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert run.stdout.strip() == plain


def test_another_seed_may_give_another_plan_and_says_so(problem: PackingProblem, plain: str) -> None:
    other = pack(problem, replace(Parameters(), seed=2))
    assert digest(other) != plain
    assert other.report.parameters.seed == 2
    assert other.report.reproducible
