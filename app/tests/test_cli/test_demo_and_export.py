"""`pastis demo` and `pastis export`, on a database of their own."""

import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from app.tests.support import archives
from app.tests.support.cli import run
from app.utils.ids import new_id

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(autouse=True)
def _database_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    url = os.environ["PASTIS_TEST_DATABASE_URL"]
    name = f"cli_{new_id()[-12:]}"
    monkeypatch.setenv("PASTIS_DATABASE_URL", url)
    monkeypatch.setenv("PASTIS_DATABASE_NAME", name)
    yield
    with MongoClient[dict[str, Any]](url) as client:
        client.drop_database(name)


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


def kinds(found: list[dict[str, Any]]) -> Counter[str]:
    return Counter(one["kind"] for one in found[1:])


def test_the_demo_is_made_once_for_a_first_account_and_says_what_to_try() -> None:
    first = run("demo")
    assert first.exit_code == 0, first.output
    assert "First account: admin@pastis.local\nPassword: " in first.stderr
    assert "Imported 42 issues and 61 comments" in first.stderr
    for words in (
        "http://127.0.0.1:8001/docs (Authorize as admin@pastis.local)",
        "/api/v1/workspaces/fluid-demo/tasks?project=FLUID",
        "curl -s ",
    ):
        assert words in first.stdout
    before = run("export", "fluid-demo", "--history").stdout_bytes
    again = run("demo")
    assert again.exit_code == 0, again.output
    assert "First account" not in again.stderr
    assert "Imported 0 issues and 0 comments" in again.stderr
    after = run("export", "fluid-demo", "--history").stdout_bytes
    assert lines(before)[1:] == lines(after)[1:]
    assert "\n1 workspace checked: all good.\n" in run("db", "check").stdout


def test_the_demo_is_made_for_the_account_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASTIS_HOST", "::1")
    password = "correct horse battery staple"
    for name in ("justin", "colin"):
        made = run(
            "user", "add", f"{name}@fluid.example", "--name", name, "--password-stdin", stdin=f"{password}\n"
        )
        assert made.exit_code == 0, made.output
    result = run("demo", "--as", "colin@fluid.example")
    assert result.exit_code == 0, result.output
    assert "http://[::1]:8001/docs (Authorize as colin@fluid.example)" in result.stdout
    found = lines(run("export", "fluid-demo").stdout_bytes)
    owners = [one for one in found[1:] if one.get("role") == "owner"]
    assert [one["display_name"] for one in owners] == ["colin"]
    # The other account is no member of it.
    assert run("demo", "--as", "justin@fluid.example").exit_code == 1


def test_the_demo_needs_an_account_that_is_there() -> None:
    result = run("demo", "--as", "nobody@fluid.example")
    assert result.exit_code == 1
    assert "nobody@fluid.example" in result.stderr
    assert "Traceback" not in result.output


def test_the_demo_brings_the_excerpt_of_the_tests_along() -> None:
    assert (DATA / archives.EXCERPT.name).read_bytes() == archives.EXCERPT.read_bytes()
    assert "BSD 3-Clause License" in (DATA / "LICENSE-fluid-issues.txt").read_text()


def test_an_export_is_the_same_on_standard_output_in_a_file_and_compressed() -> None:
    assert run("demo").exit_code == 0
    result = run("export", "fluid-demo")
    assert result.exit_code == 0, result.output
    plain = lines(result.stdout_bytes)
    assert plain[0]["format"] == "pastis-export"
    assert {kind: count for kind, count in plain[0]["lines"].items() if count} == kinds(plain)
    assert kinds(plain)["task"] == 42
    assert (
        "1 workspace, 23 memberships, 17 labels, 4 projects, 17 statuses, 42 tasks, 61 comments."
        in result.stderr
    )
    for reference in ("fluid-demo", plain[0]["workspace"]["id"]):
        assert run("export", reference, "--output", "fluid.jsonl").exit_code == 0
        assert lines(Path("fluid.jsonl").read_bytes())[1:] == plain[1:]
    assert run("export", "fluid-demo", "--history", "--output", "fluid.jsonl.gz").exit_code == 0
    packed = lines(gzip.decompress(Path("fluid.jsonl.gz").read_bytes()))
    assert kinds(packed)["event"] == packed[0]["seq"]
    assert sorted(path.name for path in Path().glob("fluid*")) == ["fluid.jsonl", "fluid.jsonl.gz"]


def test_an_export_that_fails_leaves_no_file() -> None:
    Path("kept.jsonl").write_text("yesterday's")
    for reference in ("nothing", new_id()):
        result = run("export", reference, "--output", "kept.jsonl")
        assert result.exit_code == 1
        assert "Traceback" not in result.output
    assert Path("kept.jsonl").read_text() == "yesterday's"
    assert not Path("kept.jsonl.part").exists()
    assert run("demo").exit_code == 0
    result = run("export", "fluid-demo", "--output", "nowhere/fluid.jsonl")
    assert result.exit_code == 1
    assert "Cannot write nowhere/fluid.jsonl: No such file or directory." in result.stderr


def test_a_name_that_two_workspaces_have_is_refused() -> None:
    assert run("demo").exit_code == 0
    url, name = os.environ["PASTIS_DATABASE_URL"], os.environ["PASTIS_DATABASE_NAME"]
    with MongoClient[dict[str, Any]](url) as client:
        found = client[name]["workspaces"].find_one({})
        assert found is not None
        client[name]["workspaces"].insert_one({**found, "_id": new_id(), "slug": "one"})
        client[name]["workspaces"].update_one({"_id": found["_id"]}, {"$set": {"slug": "other"}})
    result = run("export", "fluid-demo")
    assert result.exit_code == 1
    assert "More than one workspace is called fluid-demo" in result.stderr
