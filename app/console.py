"""What commands show a person: progress bars, tables, and refusals with their remedy."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from app.errors import Problem
from optimizer.progress import Progress, Silent

screen = Console(stderr=True)
"""People's output goes to standard error, so that standard output stays JSON where it is asked for."""

STAGES = {
    "city": "合成城市 city",
    "import": "导入名录 import",
    "tag": "监管标记 tag",
    "freeze": "冻结 freeze",
    "draw": "抽取 draw",
    "pack": "合并入户 pack",
    "trial": "估算 estimate",
    "probabilities": "概率 probabilities",
    "bundle": "证据包 bundle",
}


class BarProgress:
    """Progress as bars, one a stage."""

    def __init__(self, bars: Bars) -> None:
        self._bars, self._tasks = bars, dict[str, Any]()

    def step(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Move the stage's bar."""
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(STAGES.get(stage, stage), total=total or None)
        self._bars.update(self._tasks[stage], completed=done, total=total or None, note=note)


@contextmanager
def progress(quiet: bool) -> Iterator[Progress]:
    """Bars on the screen while the block runs; nothing where nobody watches."""
    if quiet or not screen.is_terminal:
        yield Silent()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
    )
    bars = Bars(*columns, console=screen)
    with bars:
        yield BarProgress(bars)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table; numbers to the right."""
    shown = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        numeric = bool(rows) and all(
            isinstance(row[number], int | float) and not isinstance(row[number], bool) for row in rows
        )
        shown.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        shown.add_row(*map(_cell, row))
    screen.print(shown)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def say(text: str) -> None:
    """One line for people."""
    screen.print(text, highlight=False)


def emit(value: Mapping[str, Any]) -> None:
    """The result as one JSON object on the last line of standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def warning(problem: Problem) -> None:
    """What is allowed and yet likely not meant, in both languages, with its remedy."""
    _problem("[bold yellow]!", problem)


def _problem(mark: str, problem: Problem) -> None:
    screen.print(f"{mark} {problem.code}[/]", highlight=False)
    for text in (problem.zh, problem.remedy_zh, problem.en, problem.remedy_en):
        if text:
            screen.print(f"  {text}", highlight=False, markup=False)


def refusal(problem: Problem, as_json: bool = False) -> None:
    """A refusal in both languages, with its remedy; as JSON on standard output too where that was asked for."""
    _problem("[bold red]✗", problem)
    if as_json:
        said = {field.name: getattr(problem, field.name) for field in fields(problem)}
        emit({"problem": {**said, "params": dict(problem.params)}})
