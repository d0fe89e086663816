"""The synthetic city: same seed, same bytes; valid codes; shares as stated; a plan that betrays no class."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from stdnum.cn import uscc

from app.demo import people
from app.demo.city import SIZES, CityFiles, write_city
from app.demo.plan import demo_plan, minutes_of, tasks
from app.demo.targets import CLASSES, DISTRICT_SHARES, KINDS, City
from app.plans.schemas import PlanDocument
from app.registers import catalogue, gazetteer
from scheduler.disclosure_risk import disclosure_risk
from scheduler.manifest import Cooldown, DrawSpec, Rule, StratumRule
from scheduler.population import Membership

TODAY = date(2026, 3, 2)
SEED = 2026
Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> CityFiles:
    """The small city."""
    return write_city(tmp_path_factory.mktemp("city"), "S", SEED, TODAY)


def _read(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_same_seed_same_bytes(city: CityFiles, tmp_path: Path) -> None:
    again = write_city(tmp_path / "again", "S", SEED, TODAY)
    other = write_city(tmp_path / "other", "S", SEED + 1, TODAY)
    for first, second in zip(city.paths, again.paths, strict=True):
        assert first.read_bytes() == second.read_bytes()
    assert other.targets.read_bytes() != city.targets.read_bytes()


def test_counts_are_those_of_the_files(city: CityFiles) -> None:
    for path in city.paths:
        assert city.counts[path.stem] == len(_read(path))
    assert sum(city.dirt.values()) == SIZES["S"] // 97


def test_codes_are_valid_but_for_the_dirt(city: CityFiles) -> None:
    codes = [row["统一社会信用代码"] for row in _read(city.targets) if row["统一社会信用代码"].isascii()]
    codes = [code for code in codes if code]
    wrong = [code for code in codes if not uscc.is_valid(code)]
    damaged = sum(city.dirt.get(sort, 0) for sort in ("check_character", "short_code"))
    assert len(wrong) == damaged
    assert max(Counter(codes).values()) <= 2


def test_shares_of_a_larger_city() -> None:
    rows = [row for row, _ in City("M", SEED, TODAY).rows(20_000)]
    kinds = Counter(KINDS[row.kind] for row in rows)
    assert kinds["firm"] / 20_000 == pytest.approx(0.36, abs=0.01)
    assert set(kinds) == set(KINDS.values())
    classes = Counter(row.credit for row in rows)
    for name, share in zip(CLASSES, (0.486, 0.415, 0.064, 0.035), strict=True):
        assert classes[name] / 20_000 == pytest.approx(share, abs=0.01)
    named = Counter(row.district for row in rows if row.district)
    total = sum(DISTRICT_SHARES.values())
    for code, share in DISTRICT_SHARES.items():
        part = named[gazetteer.district_name(code)] / named.total()
        assert part == pytest.approx(share / total, abs=0.012)
    placed = sum(bool(row.longitude) for row in rows) / 20_000
    assert placed == pytest.approx(0.875, abs=0.01)
    assert any("除外" in row.scope for row in rows)


def test_places_lie_in_their_district(city: CityFiles) -> None:
    areas = {area.name_zh: area for area in gazetteer.districts()}
    for row in _read(city.targets):
        if row["经度"] and row["区县"] in areas and float(row["经度"]) > 80:
            area = areas[row["区县"]]
            east = (float(row["经度"]) - area.longitude_e6 / 1e6) * 80_312
            north = (float(row["纬度"]) - area.latitude_e6 / 1e6) * 111_320
            assert (east * east + north * north) ** 0.5 <= area.radius_m


def test_roster_shares() -> None:
    counts = dict.fromkeys(catalogue.departments(), 120)
    officers = list(people.Roster(SEED, TODAY).officers(counts))
    rows = [dict(zip(people.INSPECTORS, officer.row, strict=True)) for officer in officers]
    real = [row for row in rows if row["人员类型"] == "执法人员"]
    assert len(real) == 2_400
    expired = sum(date.fromisoformat(row["证件有效期"]) < TODAY for row in rows)
    away = sum(officer.on_leave for officer in officers)
    assert (expired + away) / len(rows) == pytest.approx(0.08, abs=0.015)
    several = sum("；" in row["专业"] for row in rows) / len(rows)
    assert several == pytest.approx(0.15, abs=0.04)
    assert len({row["执法证号"] for row in rows}) == len(rows)
    for row in rows:
        assert set(filter(None, row["专业"].split("；"))) <= set(catalogue.specialties())


def test_officers_follow_the_expected_checks() -> None:
    numbers = people.numbers({"scjg": 1_000.0})
    assert numbers["scjg"] == 62
    assert numbers["fg"] == people.LEAST
    assert set(numbers) == set(catalogue.departments())


@pytest.mark.parametrize("size", ["S", "M", "L"])
def test_plan_is_a_plan_of_existing_rules_and_items(size: str) -> None:
    document = PlanDocument.model_validate(demo_plan(size))
    assert len({task.department for task in document.tasks}) >= 12
    assert [task.task_id for task in document.tasks] == sorted(task.task_id for task in document.tasks)
    for task in tasks(size):
        assert set(task["rules"]) <= set(catalogue.rules()), task["task_id"]
        assert set(task["items"]) <= set(catalogue.items()), task["task_id"]
        assert task["department"] in catalogue.departments()
        assert 10 <= minutes_of(task) <= 120, task["task_id"]
        assert set(task["ratios"]) == set(CLASSES)
        if any(catalogue.items()[item]["kind"] == "general" for item in task["items"]):
            assert max(task["ratios"].values()) <= 300_000, task["task_id"]


def _specs(size: str) -> list[DrawSpec]:
    return [
        DrawSpec(
            task["task_id"], task["department"], ("target_id", "credit", "recent"), ("credit",), None, "00" * 32, 1,
            "00" * 32, ("credit",), Rule(task["default_ratio"], 0, None, "systematic"),
            tuple(StratumRule((c,), Rule(r, 0, None, "systematic")) for c, r in sorted(task["ratios"].items())),
            Cooldown(task["cooldown"]), task["stream"], task["backups"],
        )
        for task in tasks(size)
    ]  # fmt: skip


def _population(size: str, count: int) -> Counter[tuple[Membership, ...]]:
    wanted = [(task["task_id"], frozenset(task["rules"])) for task in tasks(size)]
    found: Counter[tuple[Membership, ...]] = Counter()
    for row, rules in City(size, SEED, TODAY).rows(count):
        if row.status == "存续":
            credit = (row.credit,)
            found[
                tuple(Membership(i, credit, "0", credit) for i, w in wanted if not w.isdisjoint(rules))
            ] += 1
    return found


@pytest.mark.parametrize(("size", "count"), [("S", 2_000), ("M", 60_000)])
def test_the_plan_betrays_no_class(size: str, count: int) -> None:
    report = disclosure_risk(_specs(size), _population(size, count))
    assert report.worst is not None
    assert not report.refused


def test_small_city_draws_a_round_worth_seeing(city: CityFiles) -> None:
    assert 150 <= city.checks["scjg"] <= 250
    assert sum(checks > 1 for checks in city.checks.values()) >= 12
