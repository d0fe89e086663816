"""Importing the curve library must not lift Python's recursion limit: deep JSON would then crash the process."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
before = sys.getrecursionlimit()
import app.main
from optimizer.errors import Refused
from scheduler.entropy import drand
try:
    drand.verified_randomness(drand.QUICKNET, drand.Beacon(1, "00" * 48))
except Refused as refused:
    assert refused.problem.code == "entropy.drand_point"
assert any(name.startswith("py_ecc.") for name in sys.modules)
assert sys.getrecursionlimit() == before, sys.getrecursionlimit()
import json
try:
    json.loads("[" * 100_000)
except RecursionError:
    sys.exit(0)
sys.exit(3)
"""


def test_deep_json_is_an_error_and_no_crash() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
