"""The door lists what there is, word for word, and loads nothing heavy to do so."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import typer

from app import cli, front

HEAVY = ("numpy", "ortools", "sqlalchemy", "fastapi", "py_ecc")
NOT_SERVED = ("app.demo", "app.cli", "py_ecc", "ortools.sat")
"""What a server can do without until somebody asks for it: it is ready the sooner after it was killed."""


def test_the_lines_are_those_of_the_commands() -> None:
    real = typer.main.get_group(cli.app).commands
    assert [(name, command.help) for name, command in real.items()] == list(front.LINES.items())


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [(["--help"], HEAVY), (["verify", "absent.zip"], HEAVY), (["serve", "--help"], NOT_SERVED)],
    ids=("help", "verify", "serve"),
)
def test_nothing_heavy_is_loaded(arguments: list[str], unwanted: tuple[str, ...]) -> None:
    code = (
        "import sys\nfrom app.front import main\n"
        f"sys.argv = ['app', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('loaded', [name for name in {unwanted!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded []"


def test_a_room_alone_has_every_command_that_it_has_among_all() -> None:
    code = (
        "import json, typer\nfrom app import front\n"
        "context = typer.Context(typer.main.get_command(front.app))\n"
        "rooms = {name: front._loaded(context, name) for name in front.ROOMS}\n"
        "print(json.dumps({name: list(getattr(room, 'commands', [room.help])) for name, room in rooms.items()}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    whole = typer.main.get_group(cli.app)
    context = typer.Context(whole)
    groups = {name: whole.get_command(context, name) for name in front.ROOMS}
    names = {name: list(getattr(group, "commands", [group and group.help])) for name, group in groups.items()}
    assert json.loads(done.stdout) == names
    assert all(names.values())


def test_a_chosen_command_answers_its_help() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "log", "--help"], capture_output=True, text=True, check=True
    )
    assert "python -m app log" in done.stdout
    assert "fsck" in done.stdout
