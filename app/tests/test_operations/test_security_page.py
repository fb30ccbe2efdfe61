"""Every attack of docs/security.md has tests that are there, or is said to have nothing to attack."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ROW = re.compile(r"^\| (?P<attack>[^|]+) \| (?P<defence>[^|]+) \| ?(?P<tests>[^|]*)\|$", re.MULTILINE)
ROWS = [row for row in ROW.finditer((ROOT / "docs/security.md").read_text()) if row["attack"] != "The attack"]


def functions_in(path: Path) -> set[str]:
    defined = ast.parse(path.read_text()).body
    return {one.name for one in defined if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["attack"][:50])
def test_its_tests_are_there(row: re.Match[str]) -> None:
    named = re.findall(r"`([^`]+)`", row["tests"])
    assert bool(named) != row["defence"].startswith("not built yet")
    for one in named:
        path, _, test = one.partition("::")
        assert test in functions_in(ROOT / "app/tests" / path), one


def test_every_attack_that_a_test_names_is_on_the_page() -> None:
    page = (ROOT / "docs/security.md").read_text()
    files = (ROOT / "app/tests").rglob("test_*.py")
    attacks = {test for path in files for test in functions_in(path) if test.startswith("test_attack_")}
    assert len(attacks) > 10
    assert {one for one in attacks if one not in page} == set()
