"""Commands beside accounts: what a person answers for is refused at the machine; what runs the machine goes on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel, func, select
from typer.main import get_command

from app import front
from app.cli import app
from app.db.database import Database
from app.people.alone import MARK
from app.settings import settings
from tests.accounts import made

Run = Callable[..., Any]

DECIDED = {
    "round run": ["spring"],
    "round approve": ["spring-2026-Q1-1", "--by", "x"],
    "round entropy": ["spring-2026-Q1-1", "--source", "demo-1", "--value", "00"],
    "round void": ["spring-2026-Q1-1", "--reason", "frame_wrong", "--by", "x", "--confirmed-by", "y"],
    "round stop": ["spring-2026-Q1-1", "--by", "x"],
    "round move": ["spring-2026-Q1-1", "V1", "--to", "2026-03-19", "--reason", "x"],
    "round replan": ["spring-2026-Q1-1", "--cancel", "V1", "--reason", "x"],
    "round absence": ["spring-2026-Q1-1", "P001", "--reason", "sick"],
    "visit notify": ["0" * 20, "--by", "x"],
    "visit arrive": ["0" * 20, "--by", "x"],
    "visit record": ["0" * 20, "--by", "x"],
    "visit review": ["0" * 20, "--by", "x"],
    "visit return": ["0" * 20, "--by", "x"],
    "visit legal-review": ["0" * 20, "--by", "x"],
    "visit disclose": ["0" * 20, "--by", "x"],
    "visit correct": ["0" * 20, "--by", "x"],
    "visit withdraw": ["0" * 20, "--by", "x"],
    "visit replace": ["0" * 20, "--by", "x"],
}
"""What persons answer for; the arguments of those that are run."""
NAMED = {"by", "approved_by", "confirmed_by"}
"""Options that take a person's name."""


def every(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from every(command, f"{name} ")
        else:
            yield before + name, command


def test_whatever_takes_a_persons_name_is_marked() -> None:
    commands = dict(every(get_command(app)))
    marked = {name for name, command in commands.items() if getattr(_called(command), MARK, False)}
    assert marked == set(DECIDED)
    named = {name for name, command in commands.items() if NAMED & {option.name for option in command.params}}
    assert named - marked == {"round resume"}, "refused by itself where it is given a name or a value"


def _called(command: Any) -> Any:
    """The function behind what typer makes of it."""
    found = command.callback
    while not hasattr(found, MARK) and hasattr(found, "__wrapped__"):
        found = found.__wrapped__
    return found


@pytest.fixture
def run(
    city: Database, publish: Callable[..., str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], tmp_path: Path,
) -> Iterator[Run]:  # fmt: skip
    """`python -m app …` in this process, over the small city with a plan; what it says of a refusal.

    A command's process ends with its connections; here they are given back after the test.
    """
    opened: list[Database] = []
    begin = Database.__init__

    def noted(self: Database, url: str) -> None:
        begin(self, url)
        opened.append(self)

    publish()
    monkeypatch.setattr(Database, "__init__", noted)
    monkeypatch.setenv("DATABASE_URL", city.url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    settings.cache_clear()

    def call(name: str, *arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["app", *name.split(), *arguments])
        with pytest.raises(SystemExit):
            front.main()
        told = capsys.readouterr()
        return told.err + told.out

    yield call
    settings.cache_clear()
    for database in opened:
        database.close()


def rows(db: Database) -> dict[str, int]:
    """How many rows each table has."""
    with db.read() as session:
        return {
            name: session.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in SQLModel.metadata.tables.items()
        }


RUN = (
    "round run",
    "round approve",
    "round void",
    "round stop",
    "visit notify",
    "visit review",
    "visit disclose",
)


def test_beside_accounts_they_are_refused_and_change_nothing(run: Run, city: Database) -> None:
    for name in RUN:
        assert "command.accounts" not in run(name, *DECIDED[name]), (
            "control: without accounts they go further"
        )
    made(city, "one", "planner")
    before = rows(city)
    for name in RUN:
        assert "command.accounts" in run(name, *DECIDED[name]), name
    assert "command.accounts" in run("round resume", "spring-2026-Q1-1", "--approved-by", "x")
    assert rows(city) == before
    assert "command.accounts" not in run("round list")
    assert json.loads(run("people list", "--json").splitlines()[-1])["accounts"][0]["login"] == "one"
