"""The package by itself: it needs nothing of the server, and its guide is true."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pastis_client.ids import new_id

from app.models.users import User
from app.tests.support.factories import PASSWORD
from app.utils.ids import is_id

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "clients" / "python"


def blocks() -> list[str]:
    """The Python of the guide."""
    return re.findall(
        r"^```python\n(.*?)^```$", (PACKAGE / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )


def test_its_wheel_is_typed_and_works_without_the_server(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", tmp_path, PACKAGE], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("pastis_client-*.whl")
    assert "pastis_client/py.typed" in zipfile.ZipFile(wheel).namelist()
    program = f"import sys; sys.path.insert(0, {str(wheel)!r}); import pastis_client; "
    program += "print(pastis_client.__file__, {'app', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == f"{wheel}/pastis_client/__init__.py set()\n"


def test_ids_are_those_of_the_server() -> None:
    made = [new_id() for _ in range(100)]
    assert all(is_id(one) for one in made)
    assert len(set(made)) == len(made)


@pytest.mark.anyio
async def test_the_calls_of_the_guide_are_as_it_says(url: str, user: User) -> None:
    printed: list[str] = []
    names: dict[str, Any] = {"print": lambda *words: printed.append(" ".join(map(str, words)))}
    slug = f'"guide-{new_id()[-12:]}"'
    block = blocks()[0].replace('"fluid"', slug)
    exec(block.partition("asyncio.run")[0], names)
    await names["main"](url, user.email, PASSWORD)
    assert printed == ["FLUID-1 urgent Focus is lost", "precondition_failed 4"]


def test_the_guide_is_python() -> None:
    for block in blocks():
        compile(block, "README.md", "exec")
