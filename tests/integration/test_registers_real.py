"""The real registry of a city, where the file is at hand: every one of its rows is accounted for.

The path comes from DOUBLE_RANDOM_REGISTRY, else any `urumqi_registry.csv.gz` in a `data` folder beside the project.
"""

from __future__ import annotations

import csv
import gzip
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.db.database import Database
from app.registers import repository, service, uscc
from app.registers.schemas import Condition

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 2, tzinfo=UTC)
ROWS = 29_547


def registry() -> Path | None:
    """Where the file is, if anywhere."""
    given = os.environ.get("DOUBLE_RANDOM_REGISTRY")
    if given:
        return Path(given)
    return next(iter(sorted(ROOT.parent.glob("*/data/urumqi_registry.csv.gz"))), None)


FILE = registry()
pytestmark = pytest.mark.skipif(FILE is None, reason="the real registry is not at hand")


def test_every_row_of_the_real_registry_is_accounted_for(database: Database, tmp_path: Path) -> None:
    assert FILE is not None
    report = service.import_file(database, FILE, now=NOW, folder=tmp_path)
    assert report.rows == ROWS
    assert (report.added, report.changed, report.unchanged, report.refused) == (ROWS, 0, 0, 0)
    assert (report.normalised, report.outside) == (48, 699)
    with database.read() as session:
        found, districts = repository.counts(session), repository.district_counts(session)
        assert found["active"] == sum(districts.values()) == ROWS - report.outside
        assert repository.population_size(session, [], Condition()) == ROWS - report.outside
    assert districts.keys() == {
        f"6501{end}" for end in ("00", "02", "03", "04", "05", "06", "07", "09", "21")
    }
    assert districts["650100"] < 0.004 * ROWS
    again = service.import_file(database, FILE, now=NOW, folder=tmp_path)
    assert (again.added, again.changed, again.unchanged, again.refused) == (0, 0, ROWS, 0)


def test_the_real_codes_are_clean_and_planted_errors_are_found(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """Every hundredth row gets a wrong check character, and exactly those are refused."""
    assert FILE is not None
    with gzip.open(FILE, "rt", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    planted = []
    for number in range(1, len(rows), 100):
        good = rows[number][1]
        assert uscc.is_valid(good)
        rows[number][1] = good[:-1] + ("0" if good[-1] != "0" else "1")
        planted.append(str(number + 1))
    path = tmp_path / "planted.csv"
    with path.open("w", encoding="gb18030", newline="") as out:
        csv.writer(out).writerows(rows)
    report = service.import_file(sqlite_database, path, now=NOW, folder=tmp_path)
    assert report.refused == len(planted)
    assert report.added == ROWS - len(planted)
    with Path(report.refusals_file).open(encoding="utf-8-sig", newline="") as refused:
        lines = list(csv.DictReader(refused))
    assert [line["row"] for line in lines] == planted
    assert {line["rule"] for line in lines} == {"code.check_character"}
