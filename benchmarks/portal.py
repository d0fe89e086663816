"""`python -m benchmarks.portal --json`: page weight, requests a second against the health route, search, rates, files.

Everything runs in this process over ASGI: no network is measured. Results are those of `portal_rows`, in a new database
each time (`--url` for another than SQLite). A search is a page as a reader gets it, HTML included.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, cast

from sqlmodel import Session, select

from app.db.database import Database
from app.db.migrations import upgrade
from app.disclosure import result_views
from app.disclosure.datasets import RESULTS
from app.disclosure.open_files import FORMATS, Format, write
from app.estimates.service import plan_sheets
from app.http.in_process import InProcess
from app.http.pagination import Paging
from app.main import create_app
from app.settings import Settings
from app.visits.published import Wanted, Window
from app.visits.tables import PublishedResult
from benchmarks.portal_rows import TODAY, analyze, fill, fill_draws

SEARCHES: Final = 60
REQUESTS: Final = 200
LIMIT_KB: Final = 60
LIMIT_MS: Final = 50.0
PAGES: Final = ("/", "/results", "/plans", "/results?name=%E5%A4%A9%E5%B1%B1")


def measure(db: Database, folder: Path, count: int) -> dict[str, Any]:
    """Every figure; `count`: results that are published."""
    app = create_app(db, Settings(data_dir=folder), with_clock=False)
    with db.read() as session:
        found: dict[str, Any] = {"results": count, "searches": searches(session)}
        one = session.exec(select(PublishedResult.result_id).limit(1)).one()
    with InProcess(app) as browser:
        found["pages"] = pages(browser, ("/health/live", *PAGES, f"/results/{one}", f"/en/results/{one}"))
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024
    return found


def pages(browser: InProcess, paths: Sequence[str]) -> dict[str, dict[str, float]]:
    """Each page's weight and requests a second, as shares too of what the first path's rate is made anew."""
    found = {path: _page(browser, path) for path in paths}
    health = found[paths[0]]["made_anew_per_s"]
    for figures in found.values():
        for how in ("kept", "made_anew"):
            figures[f"{how}_share_of_health"] = round(figures[f"{how}_per_s"] / health, 3)
    return found


def _page(browser: InProcess, path: str) -> dict[str, float]:
    """As kept for all readers, and as made anew: an address that nobody asked for before is kept for nobody."""
    answer = browser.get(path)
    assert answer.status_code == 200, path
    unasked = (f"{path}{'&' if '?' in path else '?'}asked={number}" for number in itertools.count())
    return {
        "gzip_kb": round(len(gzip.compress(answer.content)) / 1_024, 1),
        "kept_per_s": round(rate(lambda: browser.get(path)), 1),
        "made_anew_per_s": round(rate(lambda: browser.get(next(unasked))), 1),
    }


def estimates(db: Database) -> dict[str, float]:
    """Processor seconds of estimating the plan anew from all its results: reading them, and every table of rates."""
    started = time.process_time()
    with db.read() as session:
        sheets = list(plan_sheets(session, "annual"))
    return {"cpu_s": round(time.process_time() - started, 1), "tables": len(sheets)}


def exports(url: str, folder: Path) -> dict[str, dict[str, float]]:
    """Each form written by a process of its own: processor seconds, megabytes, peak beside one that writes none."""
    found = {}
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for form in ("", *FORMATS):
            found[form or "nothing written"] = pool.apply(_exported, (url, str(folder), form))
    return found


def _exported(url: str, folder: str, form: str) -> dict[str, float]:
    db, path = Database(url), Path(folder) / f"results.{form}"
    started = time.process_time()
    if form:
        with db.read() as session:
            rows = RESULTS.rows(session, Window(TODAY), None)
            write(path, cast("Format", form), RESULTS.title, RESULTS.names, rows)
    peak = _peak_mb()
    size = path.stat().st_size / 1e6 if form else 0.0
    return {"cpu_s": round(time.process_time() - started, 1), "mb": round(size, 1), "peak_mb": round(peak)}


def _peak_mb() -> float:
    """This process's own peak: Linux hands `ru_maxrss` on to the processes that one starts."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1_024


def rate(ask: Callable[[], object]) -> float:
    """Requests a second of processor time, one after the other, over at most `REQUESTS`; the first is not counted."""
    ask()
    started, done = time.process_time(), 0
    while done < REQUESTS and time.process_time() - started < 3:
        ask()
        done += 1
    return done / (time.process_time() - started)


def searches(session: Session) -> dict[str, dict[str, float]]:
    """Milliseconds of what the results page asks, by kind of search: medians of wall and processor time, slowest."""
    chosen, window = random.Random(3), Window(TODAY)
    lines = session.exec(select(PublishedResult.name, PublishedResult.code).limit(5_000)).all()
    names = [name for name, _ in chosen.sample(lines, SEARCHES)]
    kinds: dict[str, list[Wanted]] = {
        "whole name": [Wanted(name=name) for name in names],
        "mark (3 characters)": [Wanted(name=name[4:7]) for name in names],
        "2 characters": [Wanted(name=name[5:7]) for name in names],
        "trade (common)": [Wanted(name=name[-6:-4]) for name in names],
        "every name": [Wanted(name="有限公司")] * 5,
        "absent": [Wanted(name="查无此企业")] * 5,
        "code": [Wanted(code=code) for _, code in chosen.sample(lines, SEARCHES)],
        "no filter": [Wanted()] * 5,
    }
    return {kind: _timed(session, window, wanted) for kind, wanted in kinds.items()}


def _timed(session: Session, window: Window, wanted: Sequence[Wanted]) -> dict[str, float]:
    wall, work = [], []
    for one in wanted:
        started, worked = time.perf_counter(), time.process_time()
        result_views.listed(session, window, one, Paging("", 50), "zh")
        wall.append(1_000 * (time.perf_counter() - started))
        work.append(1_000 * (time.process_time() - worked))
    median = statistics.median
    return {
        "wall_ms": round(median(wall), 1),
        "cpu_ms": round(median(work), 1),
        "max_ms": round(max(wall), 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=int, default=100_000)
    parser.add_argument("--url", default="", help="an empty database; default: a new SQLite file")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        db = Database(given.url or f"sqlite:///{folder / 'portal.db'}")
        upgrade(db)
        fill(db, given.results)
        fill_draws(db, given.results)
        analyze(db)
        found = measure(db, folder, given.results)
        found["estimates"] = estimates(db)
        found["exports"] = exports(db.url, folder)
        db.close()
    if given.json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for key, value in found.items():
        print(key, json.dumps(value, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
