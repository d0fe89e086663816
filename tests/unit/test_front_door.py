"""The door lists what there is, word for word, and loads nothing heavy to do so."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import typer

from app import cli, front

HEAVY = ("numpy", "ortools", "sqlalchemy", "fastapi", "py_ecc")


def test_the_lines_are_those_of_the_commands() -> None:
    real = typer.main.get_group(cli.app).commands
    assert [(name, command.help) for name, command in real.items()] == list(front.LINES.items())


@pytest.mark.parametrize("arguments", [["--help"], ["verify", "absent.zip"]], ids=("help", "verify"))
def test_nothing_heavy_is_loaded(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom app.front import main\n"
        f"sys.argv = ['app', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('loaded', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded []"


def test_a_room_alone_has_every_command_that_it_has_among_all() -> None:
    code = (
        "import json, typer\nfrom app import front\n"
        "context = typer.Context(typer.main.get_command(front.app))\n"
        "print(json.dumps({name: list(front._loaded(context, name).commands) for name in front.ROOMS}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    whole = typer.main.get_group(cli.app)
    context = typer.Context(whole)
    groups = {name: whole.get_command(context, name) for name in front.ROOMS}
    names = {name: list(getattr(group, "commands", ())) for name, group in groups.items()}
    assert json.loads(done.stdout) == names
    assert all(names.values())


def test_a_chosen_command_answers_its_help() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "log", "--help"], capture_output=True, text=True, check=True
    )
    assert "python -m app log" in done.stdout
    assert "fsck" in done.stdout
