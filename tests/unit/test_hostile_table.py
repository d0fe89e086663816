"""docs/hostile.md names a test for each kind of hostile input; each of them has to be there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KINDS = (
    "too large", "too slowly", "size", "zip ratio", "dimensions", "XXE", "symbolic link", "encodings", "NUL",
    "formulas in", "formulas out", "confusables", "full-width", "zero-width", "bidi", "addresses of webhooks",
)  # fmt: skip


def test_every_kind_has_a_test_that_is_there() -> None:
    table = [
        line for line in (ROOT / "docs/hostile.md").read_text("utf-8").splitlines() if line.startswith("| ")
    ][1:]
    assert [kind for kind in KINDS if not any(kind in line.split("|")[1] for line in table)] == []
    for line in table:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", line)
        assert named, line
        for path, name in named:
            assert f"def {name}(" in (ROOT / path).read_text("utf-8"), f"{path}::{name}"
