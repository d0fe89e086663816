"""Plans by command, in the embedded database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.db.database import Database
from app.errors import Refused
from app.plans.commands import calendar_commands, commands
from app.plans.example import EXAMPLE
from app.registers.tables import CheckItem, Department, Inspector, SupervisionRule
from app.settings import settings

NOW = datetime(2026, 11, 20, tzinfo=UTC)
Run = Callable[..., Any]


@pytest.fixture
def run(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a command with --json over a database with what the example names; gives its object."""
    with sqlite_database.write() as session:
        session.add_all([Department(code="SC", name_zh="市场监管"), Department(code="XF", name_zh="消防")])
        session.flush()
        session.add(SupervisionRule(code="SC-food", department="SC"))
        for code in ("SC-FOOD-01", "XF-FIRE-01"):
            session.add(
                CheckItem(
                    code=code,
                    version=1,
                    title_zh=code,
                    department=code[:2],
                    status="published",
                    changed_at=NOW,
                )
            )
    monkeypatch.setenv("DATABASE_URL", sqlite_database.url)
    settings.cache_clear()

    def call(*arguments: str, exit_code: int = 0) -> Any:
        chosen = calendar_commands if arguments[0] == "calendar" else commands
        result = CliRunner().invoke(chosen, [*arguments[1:], "--json"])
        if isinstance(result.exception, Refused):
            raise result.exception
        assert result.exit_code == exit_code, result.output
        return json.loads(result.stdout.splitlines()[-1])

    yield call
    settings.cache_clear()


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    """The example as a JSON file."""
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(EXAMPLE, ensure_ascii=False), "utf-8")
    return path


def test_from_file_to_publication(run: Run, plan_file: Path) -> None:
    assert run("plan", "check", str(plan_file))["problems"] == []
    assert run("plan", "create", str(plan_file))["status"] == "draft"
    assert run("plan", "publish", "food-2027")["status"] == "published"
    (line,) = run("plan", "list")["plans"]
    assert (line["code"], line["tasks"]) == ("food-2027", 1)
    assert run("plan", "show", "food-2027")["document"]["tasks"][0]["task_id"] == "food"
    plan_file.write_text(json.dumps(EXAMPLE | {"title_zh": "修订"}), "utf-8")
    assert run("plan", "create", "--revise", str(plan_file))["version"] == 2
    assert run("plan", "withdraw", "food-2027")["status"] == "withdrawn"


def test_a_plan_is_warned_of_departments_that_could_send_nobody(
    run: Run, plan_file: Path, sqlite_database: Database
) -> None:
    def officer(code: str, expires: date) -> Inspector:
        return Inspector(
            code=code,
            department=code[:2],
            name=code,
            certificate_no=code,
            certificate_expires=expires,
            lead=True,
        )

    def warned() -> list[tuple[str, str]]:
        found = run("plan", "check", str(plan_file))
        assert found["problems"] == []
        return [(warning["code"], warning["params"]["department"]) for warning in found["warnings"]]

    with sqlite_database.write() as session:
        session.add_all(officer(code, date(2199, 1, 1)) for code in ("SC1", "SC2", "XF1"))
        session.add(officer("XF2", date(2020, 1, 1)))
    assert warned() == [("plan.no_crew", "XF")]
    with sqlite_database.write() as session:
        session.add(officer("XF3", date(2199, 1, 1)))
    assert warned() == []


def test_a_broken_plan_is_listed_and_refused(run: Run, plan_file: Path) -> None:
    plan_file.write_text(json.dumps(EXAMPLE | {"privacy": "open", "entropy": []}), "utf-8")
    found = run("plan", "check", str(plan_file), exit_code=1)
    assert [problem["code"] for problem in found["problems"]] == ["plan.open_internal", "plan.no_entropy"]
    run("plan", "create", str(plan_file))
    with pytest.raises(Refused) as caught:
        run("plan", "publish", "food-2027")
    assert caught.value.problem.params["broken"] == 2


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("plan.json", b"{", "plan.file"),
        ("plan.json", b"[]", "plan.file"),
        ("plan.toml", b"code = ", "plan.file"),
        ("plan.toml", "title = '计划'".encode("gb18030"), "plan.file"),
        ("plan.toml", b"code = 'x'", "plan.unreadable"),
    ],
)
def test_files_that_are_no_plan(run: Run, tmp_path: Path, name: str, content: bytes, code: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Refused) as caught:
        run("plan", "create", str(path))
    assert caught.value.problem.code == code


def test_limits_and_the_calendar(run: Run, tmp_path: Path) -> None:
    assert run("plan", "limit") == {"general_ratio_ppm": 300_000, "entropy_bits": 64}
    assert run("plan", "limit", "entropy_bits", "128")["entropy_bits"] == 128
    assert run("calendar", "show", "2026")["confirmed"]
    path = tmp_path / "2027.toml"
    path.write_text('year = 2027\nconfirmed = true\nholidays = { 2027-01-01 = "元旦" }\n', "utf-8")
    assert run("calendar", "put", str(path))["holidays"] == {"2027-01-01": "元旦"}
    assert run("calendar", "show", "2027")["confirmed"]
