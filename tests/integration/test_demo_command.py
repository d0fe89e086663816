"""The demo as it is tried from outside: its pinned keys on the last line, its bundles verified from inside."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.disclosure.log_kinds import KINDS

PINNED = {
    "targets", "departments", "inspectors", "drawn", "checks", "entries", "entries_alone", "inspector_days",
    "inspector_days_alone", "inspector_days_bound", "unscheduled", "assurance", "seconds", "peak_mb", "bundle",
    "verified",
}  # fmt: skip


STORY = "year" if os.environ.get("TRIALS") == "full" else "results"
REVEALED = {"year": 3, "results": 1}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m app …` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A finished demo of size S and its JSON."""
    out = tmp_path_factory.mktemp("demo")
    done = run("demo", "--size", "S", "--no-serve", "--out", str(out), "--json", "--story", STORY)
    assert done.returncode == 0, done.stderr
    return out, json.loads(done.stdout.splitlines()[-1])


def test_the_summary_has_the_pinned_keys_and_says_that_it_proves_nothing(
    demo: tuple[Path, dict[str, Any]],
) -> None:
    summary = demo[1]
    assert summary.keys() >= PINNED
    assert summary["seconds"]["total"] > 0
    assert summary["assurance"] == 0
    assert summary["verified"] is True
    assert summary["unscheduled"] == 0


def test_every_target_is_entered_once_and_no_bound_is_beaten(demo: tuple[Path, dict[str, Any]]) -> None:
    summary = demo[1]
    assert summary["entries"] == summary["entries_bound"] == summary["drawn"] < summary["entries_alone"]
    assert summary["entries_alone"] == summary["checks"]
    assert summary["inspector_days_bound"] <= min(summary["inspector_days"], summary["inspector_days_alone"])


def test_both_bundles_lie_there_and_verify_until_a_byte_is_changed(demo: tuple[Path, dict[str, Any]]) -> None:
    out, summary = demo
    public = Path(summary["bundle"])
    assert public == next(out.glob("round-*.zip"))
    assert run("verify", str(public)).returncode == 0
    assert run("verify", str(next(out.glob("auditor-*.zip")))).returncode == 0
    data = bytearray(public.read_bytes())
    data[len(data) // 2] ^= 1
    changed = out / "changed.zip"
    changed.write_bytes(data)
    done = run("verify", str(changed))
    assert done.returncode == 1
    assert "FAIL" in done.stdout
    changed.write_bytes(b"no zip")
    assert run("verify", str(changed)).returncode == 2


def test_the_demo_empties_no_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("keep me")
    done = run("demo", "--size", "S", "--no-serve", "--out", str(tmp_path))
    assert done.returncode == 1
    assert "demo.folder" in done.stderr
    assert (tmp_path / "letters.txt").read_text() == "keep me"


def test_its_pages_have_something_true_to_show(demo: tuple[Path, dict[str, Any]]) -> None:
    """Late results, corrections, withdrawals, re-checks, replacements, ratings, people nobody could contact; rates."""
    db = sqlite3.connect(demo[0] / "double-random.db")

    def count(query: str) -> int:
        (found,) = db.execute(f"SELECT count(*) FROM {query}").fetchone()
        return int(found)

    assert count("round WHERE stage = 'revealed'") == REVEALED[STORY]
    assert count("round WHERE status = 'void' AND stage = 'drawn'") == (STORY == "year")
    assert count("published_result") > 0.8 * demo[1]["checks"] * REVEALED[STORY]
    for query in (
        "published_result WHERE NOT on_time",
        "published_result WHERE result = 'not_contacted'",
        "visit_version WHERE kind = 'correction'",
        "visit_version WHERE kind = 'withdrawal'",
        "visit_check WHERE state = 'replaced'",
        "visit WHERE kind = 'recheck' AND arrived_at IS NOT NULL",
        "visit WHERE kind = 'replacement' AND arrived_at IS NOT NULL",
        "visit_rating WHERE score < 5 AND text <> ''",
        "estimate_sheet",
    ):
        assert count(query) > 0, query
    db.close()


def test_each_kind_of_entry_in_its_log_has_a_name(demo: tuple[Path, dict[str, Any]]) -> None:
    db = sqlite3.connect(demo[0] / "double-random.db")
    kinds = {kind for (kind,) in db.execute("SELECT DISTINCT type FROM log_entry")}
    db.close()
    assert len(kinds) > 25
    assert kinds - set(KINDS) == set()
