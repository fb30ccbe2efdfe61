"""What the documentation says is so: its commands run, its links lead somewhere, its tables are complete."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
import typer.main

from app.cli import cli
from app.core.config import Settings, variable
from app.core.errors import STATUS, ErrorCode, FieldCode
from app.models.grants import ProjectRole
from app.models.memberships import Role
from app.models.permissions import OF_PROJECTS
from app.schemas.tasks import TaskListQuery
from app.services.access import Permission
from app.services.access.rules import IN_PROJECT, OF_WORKSPACE
from app.tests.support.documentation import (
    ROOT,
    DocumentationError,
    Example,
    Reader,
    anchors,
    commands_of,
    examples,
    links,
    match,
    name_of,
    pages,
    read_examples,
    table,
)
from app.utils.ids import new_id

README = ROOT / "README.md"
INDEX = ROOT / "docs" / "README.md"
CONVENTIONS = ROOT / "docs" / "api" / "conventions.md"
# Read on a machine without curl, so that what stands in for it is tried everywhere.
WITHOUT_CURL = "docs/guides/users.md"
FURTHER = [page for page in pages() if page != README and examples(page)]
NO_FLOORS = {"__init__", "__pycache__", "data", "tests"}
KNOWN_HOSTS = {
    *("127.0.0.1:8001", "keepachangelog.com", "semver.org"),
    *("127.0.0.1:5000", "id.fluid.example", "localhost:4318", "localhost:8001", "pastis.example.org"),
}


def program(path: Path, *command: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\nexec " + " ".join(f"'{part}'" for part in command) + ' "$@"\n')
    path.chmod(0o755)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def reader(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Reader]:
    """A newcomer with a clone of their own: Pastis is in .venv/bin, and has a database of its own."""
    url = os.environ["PASTIS_TEST_DATABASE_URL"]
    name = f"docs_{new_id()[-12:]}"
    program(tmp_path / ".venv" / "bin" / "pastis", sys.executable, "-m", "app.cli")
    (tmp_path / "app").symlink_to(ROOT / "app")
    programs = tmp_path / "programs"
    program(programs / "python3", sys.executable)
    if getattr(request, "param", None) == WITHOUT_CURL or shutil.which("curl") is None:
        program(programs / "curl", sys.executable, str(ROOT / "app" / "tests" / "support" / "curl.py"))
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("PASTIS_", "COV_"))},
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "clients" / "python")]),
        "PASTIS_DATABASE_URL": url,
        "PASTIS_DATABASE_NAME": name,
        "PASTIS_DATA_DIR": str(tmp_path / ".pastis"),
    }
    try:
        # Indexes take their time on a busy machine, and the first account is only told where they are quick.
        migrate = [sys.executable, "-m", "app.cli", "db", "migrate"]
        subprocess.run(migrate, cwd=tmp_path, env=environment, capture_output=True, check=True)
        with Reader(tmp_path, environment, free_port()) as found:
            yield found
    finally:
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(url)
        with client:
            client.drop_database(name)


def test_the_tour_is_as_it_says(reader: Reader) -> None:
    reader.follow(README)


@pytest.mark.parametrize(("page", "reader"), [(page, name_of(page)) for page in FURTHER], indirect=["reader"])
def test_the_examples_of_a_page_are_as_it_says(reader: Reader, page: Path) -> None:
    """They go on from the tour, as each page says."""
    reader.follow(README)
    reader.follow(page)


def test_examples_stand_for_what_comes_and_stay_the_same() -> None:
    one, other, shown = new_id(), new_id(), new_id()
    expected = (f'"id": "{shown}"', "...", f'"parent": "{shown}"', "in ... s")
    printed = (f'"id": "{one}"', "a", "b", f'"parent": "{one}"', "in 0.2 s")
    assert match(expected, printed, {}) == {shown: one}
    assert match(expected, printed, {shown: one}) == {shown: one}
    assert match(expected, printed, {shown: other}) is None
    assert match(expected, (*printed[:3], f'"parent": "{other}"', "in 0.2 s"), {}) is None
    assert match(expected, (*printed, "more"), {}) is None
    assert match((), ("something",), {}) is None
    assert match(("2026-11-23T07:05:14.194Z",), ("2030-01-01T00:00:00Z",), {}) == {}


def test_a_block_is_commands_and_what_they_print(tmp_path: Path) -> None:
    page = ROOT / "docs" / "nowhere.md"
    blocks = "```console run\n$ one \\\n>   two\nprinted\n$ three\n```\n```sh\n$ four\n```\n"
    assert read_examples(page, blocks) == [
        Example("docs/nowhere.md:2", "one \\\n  two", ("printed",)),
        Example("docs/nowhere.md:2", "three", ()),
    ]
    with pytest.raises(DocumentationError, match="begins with a command"):
        read_examples(page, "```console run\nprinted\n```\n")


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        found = (page.parent / path).resolve() if path else page
        assert found.is_relative_to(ROOT), target
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def test_every_page_is_in_the_index() -> None:
    linked = {(INDEX.parent / target.partition("#")[0]).resolve() for target in links(INDEX)}
    assert [name_of(page) for page in pages() if page not in linked | {INDEX}] == []


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_pages_name_no_machine_and_no_stranger(page: Path) -> None:
    text = page.read_text()
    assert re.findall(r"(?<![\w./:])/(?:Users|home|mnt|root|srv|tmp|work)/\S*", text) == []
    assert set(re.findall(r"https?://([^/\s,)>`'\"]+)", text)) <= KNOWN_HOSTS
    assert not re.search(r"[ \t]+$", text, re.MULTILINE)


def test_decisions_have_each_a_number_and_say_what_was_rejected() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [record.name[:4] for record in records]
    assert len(set(numbers)) == len(numbers)
    for record in records:
        text = record.read_text()
        assert re.match(r"# \d+\. .+\n", text), record.name
        assert int(text[2:].partition(".")[0]) == int(record.name[:4])
        assert "Rejected" in text, record.name


def test_the_table_of_problems_is_complete() -> None:
    rows = table(CONVENTIONS, "Codes of problems")
    assert {code: int(cells[0]) for code, cells in rows.items()} == {
        code.value: STATUS[code] for code in ErrorCode
    }
    assert list(rows) == sorted(rows)


def test_the_table_of_field_errors_is_complete() -> None:
    assert list(table(CONVENTIONS, "Codes of single values")) == sorted(FieldCode)


def test_the_table_of_filters_is_complete() -> None:
    assert list(table(CONVENTIONS, "Filters of tasks")) == list(TaskListQuery.model_fields)


def test_the_table_of_settings_is_complete() -> None:
    rows = table(ROOT / "docs" / "guides" / "operators.md", "Settings")
    assert rows == {
        variable(name): [default_of(field.default), field.description]
        for name, field in Settings.model_fields.items()
    }


ROLES = (Role.OWNER, Role.ADMIN, Role.MEMBER, Role.GUEST)
PROJECT_ROLES = (
    ProjectRole.LEAD,
    ProjectRole.CONTRIBUTOR,
    ProjectRole.COMMENTER,
    ProjectRole.VIEWER,
)


def test_the_table_of_permissions_is_complete() -> None:
    rows = table(ROOT / "docs" / "guides" / "users.md", "What each role may do")
    assert rows == {
        one.value: ["yes" if one in OF_WORKSPACE[role] else "no" for role in ROLES]
        for one in sorted(Permission)
        if one not in OF_PROJECTS
    }


def test_the_table_of_project_permissions_is_complete() -> None:
    rows = table(ROOT / "docs" / "guides" / "users.md", "What each role may do in a project")
    assert rows == {
        one.value: ["yes" if one in IN_PROJECT[role] else "no" for role in PROJECT_ROLES]
        for one in sorted(OF_PROJECTS)
    }


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_commands_that_pages_name_are_there(page: Path) -> None:
    for words in commands_of(page):
        command: Any = typer.main.get_command(cli)
        for word in words:
            if not hasattr(command, "commands"):
                break
            assert word in command.commands, f"pastis {' '.join(words)}"
            command = command.commands[word]


def test_the_architecture_names_every_floor_and_service() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    floors = {path.stem for path in (ROOT / "app").iterdir() if path.suffix in {"", ".py"}} - NO_FLOORS
    services = {path.stem for path in (ROOT / "app" / "services").iterdir()} - {"__init__", "__pycache__"}
    assert [name for name in sorted(floors) if not re.search(rf"^{name} ", text, re.MULTILINE)] == []
    assert [name for name in sorted(services) if f"`{name}`" not in text] == []


def default_of(value: Any) -> str:
    if value is None or value == []:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
