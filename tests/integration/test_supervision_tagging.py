"""Tagging on both databases: complete, idempotent, incremental, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, SQLModel, col, select

from app.db.bulk import upsert
from app.db.database import Database
from app.http.pagination import Paging
from app.registers import listing, repository, service
from app.registers.supervision import TagReport, load_catalogue, tag
from app.registers.tables import CheckItem, Department, Supervision, SupervisionRule
from optimizer.progress import Silent
from tests.register_lists import HEADER, code, row, write

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
COLUMNS = (
    "target_id", "kind", "name", "code", "enterprise_type", "scope", "trade", "district", "district_source", "address",
    "longitude_e6", "latitude_e6", "place_source", "status", "closed_weekdays", "digest", "changed_at",
)  # fmt: skip
SCOPES = {
    "T1": "住宿，餐饮服务",
    "T2": "化工产品（危险化学品除外）",
    "T3": "销售：汽油、柴油",
    "T4": "建材",
}


class StopError(Exception):
    """What the caller raises to stop."""


class Stopping:
    """Progress that stops the work."""

    def step(self, stage: str, done: int, total: int, note: str = "") -> None:
        raise StopError


def _put(session: Session, scopes: dict[str, str], at: datetime, status: str = "active") -> None:
    rows: list[tuple[object, ...]] = [
        (
            target_id, "firm", f"{target_id}公司", "", "", scope, "", "650102", "given", "", 87_600_000, 43_800_000,
            "given", status, [], "", at,
        )
        for target_id, scope in scopes.items()
    ]  # fmt: skip
    upsert(session, SQLModel.metadata.tables["target"], COLUMNS, rows, ("target_id",))


@pytest.fixture
def filled(database: Database) -> Database:
    """The shipped catalogue and four targets."""
    load_catalogue(database, NOW)
    with database.write() as session:
        _put(session, SCOPES, NOW)
    return database


def _tags(db: Database) -> dict[str, set[str]]:
    with db.read() as session:
        found = repository.rules_of(session, list(SCOPES))
    return {target: set(rules) for target, rules in found.items()}


def _tag(db: Database, hours: int = 1) -> TagReport:
    return tag(db, Silent(), NOW + timedelta(hours=hours))


def _departments(rules: Sequence[str] | set[str]) -> set[str]:
    return {rule.split("-")[0] for rule in rules}


def test_targets_are_tagged_with_departments_and_reasons(filled: Database) -> None:
    report = _tag(filled)
    tags = _tags(filled)
    assert _departments(tags["T1"]) == {"scjg", "xf", "wj", "ga", "cg", "rs", "hb"}
    assert tags["T2"] == tags["T4"] == {"scjg-disclosure"}
    assert {"yj-fuel", "sw-fuel", "ss-fuel", "xf-fuel", "scjg-fuel"} <= tags["T3"]
    assert report.targets == 4
    assert report.tagged == 4
    assert report.joint == 2
    assert report.pairs == report.added == sum(map(len, tags.values()))
    assert report.by_department["scjg"] == 4
    assert report.by_department["yj"] == 1


def test_joint_proposals_name_departments_and_reasons(filled: Database) -> None:
    _tag(filled)
    with filled.read() as session:
        page = listing.joint_proposals(session, Paging(limit=10))
    assert [proposal.target_id for proposal in page.items] == ["T1", "T3"]
    reasons = {s.department: s.reasons_zh for s in page.items[0].supervisors}
    assert reasons["ga"] == ["旅馆业属特种行业"]


def test_tagging_twice_changes_nothing(filled: Database) -> None:
    first, second = _tag(filled, 1), _tag(filled, 2)
    assert second.targets == 0
    assert (second.added, second.removed) == (0, 0)
    assert second.by_department == first.by_department
    assert second.pairs == first.pairs


def test_only_changed_targets_are_looked_at_again(filled: Database) -> None:
    _tag(filled, 1)
    with filled.write() as session:
        _put(session, {"T1": "建材"}, NOW + timedelta(hours=2))
    report = _tag(filled, 3)
    assert report.targets == 1
    assert report.added == 0
    assert report.removed > 5
    assert _tags(filled)["T1"] == {"scjg-disclosure"}


class TagsMeanwhile:
    """Progress of an import during which somebody tags, after its first batch."""

    def __init__(self, db: Database) -> None:
        self.db, self.reports = db, list[TagReport]()

    def step(self, stage: str, done: int, total: int, note: str = "") -> None:
        if stage == "import" and not self.reports:
            self.reports.append(_tag(self.db, 1))


def test_an_import_that_outlasts_a_tagging_is_tagged_whole(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows say when it began, which is before the tagging that could not see the later ones."""
    monkeypatch.setattr("app.registers.importing.BATCH", 2)
    load_catalogue(database, NOW)
    path = write(tmp_path / "list.csv", [HEADER, *(row(number) for number in range(6))])
    meanwhile = TagsMeanwhile(database)
    service.import_file(database, path, now=NOW, progress=meanwhile, folder=tmp_path)
    looked_at = [report.targets for report in (*meanwhile.reports, _tag(database, 2), _tag(database, 3))]
    with database.read() as session:
        tags = repository.rules_of(session, [code(number) for number in range(6)])
    assert looked_at == [2, 4, 0]
    assert all("scjg-disclosure" in rules for rules in tags.values())


def test_what_is_being_written_when_a_tagging_begins_is_not_missed(filled: Database) -> None:
    """It waits for what is not committed yet; one that did not would neither see the row nor look at it again."""
    _tag(filled, 1)
    with ThreadPoolExecutor(1) as pool:
        with filled.write() as session:
            _put(session, {"T4": SCOPES["T1"]}, NOW)
            tagging = pool.submit(_tag, filled, 2)
            wait([tagging], timeout=0.5)
        tagging.result()
    _tag(filled, 3)
    assert _tags(filled)["T4"] == _tags(filled)["T1"]


def test_many_changes_are_looked_at_as_one(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of more targets than are held in memory are not told: every target is looked at."""
    monkeypatch.setattr("app.registers.supervision_rows.MANY", 1)
    _tag(filled, 1)
    with filled.write() as session:
        _put(session, {"T1": "建材", "T3": "建材"}, NOW)
    assert _tag(filled, 2).targets == 4
    assert _tags(filled)["T3"] == {"scjg-disclosure"}


def test_another_rule_set_looks_at_everything(filled: Database) -> None:
    _tag(filled, 1)
    with filled.write() as session:
        rule = session.exec(
            select(SupervisionRule).where(col(SupervisionRule.code) == "scjg-disclosure")
        ).one()
        rule.active = False
        session.add(rule)
    report = _tag(filled, 2)
    assert report.targets == 4
    assert report.removed == 4
    assert _tags(filled)["T2"] == set()


def test_targets_that_left_lose_their_tags(filled: Database) -> None:
    _tag(filled, 1)
    with filled.write() as session:
        _put(session, {"T3": SCOPES["T3"]}, NOW + timedelta(hours=2), status="cancelled")
    assert _tag(filled, 3).by_department.get("yj") is None
    assert _tags(filled)["T3"] == set()


def test_stopped_tagging_leaves_nothing(filled: Database) -> None:
    with pytest.raises(StopError):
        tag(filled, Stopping(), NOW)
    with filled.read() as session:
        assert session.exec(select(Supervision)).first() is None
    assert _tag(filled, 1).targets == 4


def test_catalogue_is_loaded_once(database: Database) -> None:
    first, second = load_catalogue(database, NOW), load_catalogue(database, NOW + timedelta(days=1))
    assert first.departments == 20
    assert first.items >= 120
    assert (second.departments, second.items, second.rules) == (0, 0, 0)
    with database.read() as session:
        items = session.exec(select(CheckItem)).all()
    assert {(item.version, item.status) for item in items} == {(1, "published")}


def test_what_the_authority_switched_off_stays_off(database: Database) -> None:
    load_catalogue(database, NOW)
    with database.write() as session:
        for model, code in ((Department, "fg"), (SupervisionRule, "ss-export")):
            row = session.get(model, code)
            assert row is not None
            row.active = False
            if isinstance(row, SupervisionRule):
                row.reason_zh = "过时的理由"
            session.add(row)
    assert load_catalogue(database, NOW).rules == 1
    with database.read() as session:
        rule, department = session.get(SupervisionRule, "ss-export"), session.get(Department, "fg")
    assert rule is not None
    assert department is not None
    assert not rule.active
    assert rule.reason_zh != "过时的理由"
    assert not department.active
