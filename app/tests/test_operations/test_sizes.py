"""The sizes that the contributors' page promises, in lines. There are no exceptions; split what has grown."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FILES = sorted(
    path
    for folder in ("app", "benchmarks", "chaos", "clients", "model", "mutation")
    for path in (ROOT / folder).rglob("*.py")
)


def file_limit(path: Path) -> int:
    if path == ROOT / "app" / "api" / "deps.py":
        return 200
    return 500 if "tests" in path.parts else 400


def function_limit(path: Path) -> int:
    return 15 if path.is_relative_to(ROOT / "app" / "api" / "v1" / "endpoints") else 50


def too_long(path: Path) -> Iterator[str]:
    text = path.read_text("utf-8")
    if len(text.splitlines()) > file_limit(path):
        yield f"{path.relative_to(ROOT)} is longer than {file_limit(path)} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > function_limit(path):
                yield f"{path.relative_to(ROOT)}: {node.name} has {length} lines of {function_limit(path)}"


def test_nothing_has_grown_too_long() -> None:
    assert [found for path in FILES for found in too_long(path)] == []


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("app/api/deps.py", "\n" * 201, ["app/api/deps.py is longer than 200 lines"]),
        ("app/tests/test_it.py", "\n" * 500, []),
        ("app/core/it.py", "\n" * 401, ["app/core/it.py is longer than 400 lines"]),
        (
            "app/api/v1/endpoints/it.py",
            "class A:\n async def get():\n" + "  pass\n" * 15,
            ["app/api/v1/endpoints/it.py: get has 16 lines of 15"],
        ),
    ],
)
def test_what_is_too_long_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, found: list[str]
) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert list(too_long(path)) == found
