"""Every test can fail: its body, or a helper of the tests that it calls, states an expectation."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
FILES = sorted(TESTS.rglob("*.py"))
EXPECTING = {"raises", "fail", "warns", "checked", "check_json"}
"""Names called that fail a test by themselves: pytest's, checks of ours that raise where a rule is broken, and below
those of Playwright's `expect(…).to_…`."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def called(function: Function) -> set[str]:
    """Names that a function calls, methods by their last part."""
    names = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            names.add(name)
    return names


def states(function: Function) -> bool:
    """Whether a function's own body can fail a test: an assertion, a raise of one, or pytest's."""
    return (
        any(isinstance(node, ast.Assert | ast.Raise) for node in ast.walk(function))
        or bool(called(function) & EXPECTING)
        or any(name.startswith("to_") for name in called(function))
    )


def silent(trees: dict[str, ast.Module]) -> list[str]:
    """Tests without any expectation, helpers followed through the tests' own functions."""
    every = [function for tree in trees.values() for function in functions(tree)]
    stating = {function.name for function in every if states(function)}
    while True:
        more = {f.name for f in every if f.name not in stating and called(f) & stating}
        if not more:
            break
        stating |= more
    return [
        f"{name}::{function.name}"
        for name, tree in trees.items()
        for function in functions(tree)
        if function.name.startswith("test_") and not (states(function) or called(function) & stating)
    ]


def test_every_test_states_something() -> None:
    trees = {str(path.relative_to(TESTS)): ast.parse(path.read_text()) for path in FILES}
    assert silent(trees) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def test_a():\n    f()\n", ["x::test_a"]),
        ("def g():\n    assert 1\ndef test_a():\n    g()\n", []),
        ("def test_a(page):\n    expect(page).to_have_title('t')\n", []),
        ("def test_a():\n    with pytest.raises(ValueError):\n        f()\n", []),
    ],
)
def test_the_scan_notices(code: str, found: list[str]) -> None:
    assert silent({"x": ast.parse(code)}) == found
