"""Importing the curve library must not lift Python's recursion limit: deep JSON would then crash the process."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
before = sys.getrecursionlimit()
import app.main
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
