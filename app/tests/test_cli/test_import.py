"""`pastis import jira-archive`, inside the test's process and as one that is killed."""

import asyncio
import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pymongo
import pytest
from pymongo.database import Database as Stored
from typer.testing import Result

from app.commands import import_report
from app.core.config import Settings
from app.core.database.engine import Database
from app.core.unit_of_work.abandoned import end_abandoned
from app.models.imports import ImportState
from app.services.imports import ImportOptions, Run, survey, transfer
from app.tests.support.archives import EXCERPT, FULL, excerpt, issue, lines, packed
from app.tests.support.cli import run
from app.utils.ids import new_id

ROOT = Path(__file__).parents[3]
OWNER = "justin@fluid.example"
Documents = Stored[dict[str, Any]]


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[Documents]:
    """A database of its own, with one account."""
    url, name = os.environ["PASTIS_TEST_DATABASE_URL"], f"import_{new_id()[-12:]}"
    monkeypatch.setenv("PASTIS_DATABASE_URL", url)
    monkeypatch.setenv("PASTIS_DATABASE_NAME", name)
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(url, tz_aware=True)
    with client:
        assert run("user", "add", OWNER, "--name", "Justin Obara").exit_code == 0
        yield client[name]
        # A drop waits for the transactions of a process that was killed, for a minute or more.
        asyncio.run(_end_abandoned())
        client.drop_database(name)


async def _end_abandoned() -> None:
    database = Database.connect(Settings())
    await end_abandoned(database)
    await database.close()


def import_(file: Path, *options: str, workspace: str = "Fluid Project") -> Result:
    return run("import", "jira-archive", str(file), "--workspace", workspace, *options)


def archive(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def counts(database: Documents) -> tuple[int, int]:
    return database.tasks.count_documents({}), database.comments.count_documents({})


def test_an_archive_is_imported_with_a_report(database: Documents) -> None:
    result = import_(EXCERPT)
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["Tasks", "42", "0", "0"] in rows
    assert ["Comments", "61", "0", "0"] in rows
    assert "Closed, Duplicate" in result.stdout
    assert "sub-tasks of which the file does not say the parent" in result.stdout
    assert "Imported 42 issues and 61 comments in " in result.stderr
    assert counts(database) == (42, 61)
    workspace = database.workspaces.find_one({})
    assert workspace is not None
    assert (workspace["slug"], workspace["name"]) == ("fluid-project", "Fluid Project")
    event = database.events.find_one({"command": "import.issue"})
    assert event is not None
    assert (event["actor"]["kind"], event["source"]["channel"]) == ("import", "cli")
    stored = database.imports.find_one({})
    assert stored is not None
    assert (stored["state"], stored["created"], stored["filename"]) == ("done", 42, "fluid-excerpt.jsonl")


@pytest.mark.parametrize("name", ["Fluid Project", "fluid-project"])
def test_again_nothing_is_imported(database: Documents, name: str) -> None:
    import_(EXCERPT)
    result = import_(EXCERPT, workspace=name)
    assert result.exit_code == 0
    assert "Imported 0 issues and 0 comments" in result.stderr
    assert "42 issues already there, 0 lines failed." in result.stderr
    assert counts(database) == (42, 61)


def test_a_dry_run_leaves_no_trace(database: Documents) -> None:
    result = import_(EXCERPT, "--dry-run")
    assert result.exit_code == 0
    assert "Would be created" in result.stdout
    assert "Would import 42 issues and 61 comments" in result.stderr
    for name in ("workspaces", "tasks", "events", "imports", "heads", "memberships"):
        assert database[name].count_documents({}) == 0


def test_bad_lines_are_told_and_exit_with_3(database: Documents, tmp_path: Path) -> None:
    file = archive(
        tmp_path / "bad.jsonl.gz", packed(lines(issue("DECA-1"), b"{", issue("DECA-2", created="?")))
    )
    result = import_(file)
    assert result.exit_code == 3
    assert "Line 2: not JSON\nLine 3 (DECA-2): created: not a date and time with an offset\n" in result.stderr
    assert "Imported 1 issue and 0 comments" in result.stderr
    assert counts(database) == (1, 0)


def test_a_report_has_no_tables_of_what_was_not_there(database: Documents, tmp_path: Path) -> None:
    result = import_(archive(tmp_path / "bad.jsonl", lines(b"{", issue("DECA-2", created="?"))))
    assert result.exit_code == 3
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["Tasks", "0", "0", "2"] in rows
    assert "Becomes" not in result.stdout
    assert "Imported 0 issues and 0 comments" in result.stderr
    assert counts(database) == (0, 0)


def test_strict_imports_nothing_and_exits_with_1(database: Documents, tmp_path: Path) -> None:
    file = archive(tmp_path / "bad.jsonl", lines(issue("DECA-1"), b"{"))
    result = import_(file, "--strict")
    assert result.exit_code == 1
    assert "Line 2: not JSON\nNothing was imported: with --strict no line may be bad.\n" in result.stderr
    assert result.stdout == ""  # counts of what was not done would only confuse
    assert counts(database) == (0, 0)


def test_a_damaged_file_exits_with_1(database: Documents, tmp_path: Path) -> None:
    result = import_(archive(tmp_path / "cut.jsonl.gz", packed(EXCERPT.read_bytes())[:-40]))
    assert result.exit_code == 1
    assert "the file is damaged" in result.stderr
    assert counts(database) == (0, 0)


def test_what_stops_an_import_is_told(database: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(survey.LIMITS, "item", 3)
    result = import_(EXCERPT)
    assert result.exit_code == 1
    assert "The import stopped: " in result.stderr


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    result = import_(tmp_path / "none.jsonl")
    assert result.exit_code == 1
    assert "Cannot read" in result.stderr


def test_ctrl_c_is_told_and_exits_with_130(database: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("app.commands.import_run.with_services", interrupt)
    result = import_(EXCERPT)
    assert result.exit_code == 130
    assert "Interrupted. Run the same command again" in result.stderr


def test_it_acts_for_whoever_is_named(database: Documents) -> None:
    import_(EXCERPT)
    assert run("user", "add", "colin@fluid.example", "--name", "Colin").exit_code == 0
    stranger = import_(EXCERPT, "--as", "colin@fluid.example")
    assert stranger.exit_code == 1
    assert "colin@fluid.example is not a member of the workspace fluid-project." in stranger.stderr
    assert import_(EXCERPT, "--as", OWNER).exit_code == 0
    unknown = import_(EXCERPT, "--as", "nobody@fluid.example")
    assert unknown.exit_code == 1
    assert "No active account has the address" in unknown.stderr
    assert import_(EXCERPT, "--as", "colin@fluid.example", workspace="Engage").exit_code == 0
    owner = database.memberships.find_one({"role": "owner", "display_name": "Colin"})
    assert owner is not None
    database.memberships.update_one({"_id": owner["_id"]}, {"$set": {"role": "member"}})
    denied = import_(EXCERPT, "--as", "colin@fluid.example", workspace="Engage")
    assert denied.exit_code == 1
    assert "import:create" in denied.stderr


def test_nobody_acts_who_is_deactivated(database: Documents) -> None:
    import_(EXCERPT)
    assert run("user", "deactivate", OWNER).exit_code == 0
    assert "No owner of the workspace has an active account" in import_(EXCERPT).stderr
    assert "There is no account to act for" in import_(EXCERPT, workspace="Engage").stderr


def test_a_name_must_mean_one_workspace(database: Documents) -> None:
    import_(EXCERPT)
    workspace = database.workspaces.find_one({})
    assert workspace is not None
    database.workspaces.insert_one({**workspace, "_id": new_id(), "slug": "other"})
    assert "More than one workspace is called" in import_(EXCERPT).stderr
    assert "No workspace can be called" in import_(EXCERPT, workspace="???").stderr


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_a_new_workspace_cannot_have_the_slug_of_another(database: Documents, options: list[str]) -> None:
    import_(EXCERPT)
    refused = import_(EXCERPT, *options, workspace="Fluid -- Project")
    assert refused.exit_code == 1
    assert "A workspace with this short name already exists." in refused.stderr
    assert database.workspaces.count_documents({}) == 1


def test_a_report_of_much_is_short(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run("id", ImportOptions("x"), state=ImportState.INTERRUPTED, failed=7)
    import_report.show(run, 1.0)
    assert "... and 7 lines more." in capsys.readouterr().err
    names = [{"name": f"Type {number}", "count": 1} for number in range(9)]
    assert import_report._named(names).endswith("Type 4 1, ...)")


def many(tmp_path: Path, times: int = 40) -> Path:
    """The excerpt so often that there is time to kill its import."""
    data = b""
    for number in range(times):
        for one in excerpt():
            key = one["key"].rpartition("-")
            data += orjson.dumps({**one, "key": f"{key[0]}-{int(key[2]) + 10_000 * number}"}) + b"\n"
    return archive(tmp_path / "many.jsonl", data)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_an_import_that_is_killed_half_way_is_completed_by_the_next(
    database: Documents, tmp_path: Path, number: signal.Signals
) -> None:
    file = many(tmp_path)
    command = [sys.executable, "-m", "app.cli", "import", "jira-archive", str(file), "--workspace", "Fluid"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        while counts(database)[0] < 100 and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(number)
        _, told = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == (-signal.SIGKILL if number is signal.SIGKILL else 130), told
    tasks, comments = counts(database)
    assert 100 <= tasks < 1680
    result = import_(file, workspace="fluid")
    assert result.exit_code == 0, result.output
    assert f"Imported {1680 - tasks:,} issues and {61 * 40 - comments:,} comments" in result.stderr
    assert counts(database) == (1680, 61 * 40)
    assert len(database.tasks.distinct("keys")) == 1680
    # The log has one event an issue, and no hole.
    assert database.events.count_documents({"command": "import.issue"}) == 1680
    head = database.heads.find_one({})
    assert head is not None
    assert database.events.count_documents({}) == head["seq"]


@pytest.mark.timeout(900)
@pytest.mark.skipif(
    not FULL.exists(), reason=f"the real archive is not at {FULL.name}'s place beside the clone"
)
def test_the_whole_real_archive(database: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    given = [orjson.loads(line) for line in gzip.decompress(FULL.read_bytes()).splitlines()]
    result = import_(FULL)
    assert result.exit_code == 0, result.output
    assert counts(database) == (len(given), sum(len(one["comments"]) for one in given)) == (7497, 14680)
    people = {doc["_id"]: doc["display_name"] for doc in database.memberships.find()}
    labels = {doc["_id"]: doc["name"] for doc in database.labels.find()}
    for one in (given[16], given[100], given[1234], given[4321], given[7496]):
        task = database.tasks.find_one({"key": one["key"]})
        assert task is not None
        assert task["title"] == one["summary"].strip()
        assert task["description"] == one["description"].replace("\r\n", "\n").replace("\r", "\n")
        assert task["created_at"] == datetime.fromisoformat(one["created"])
        assert task["updated_at"] == datetime.fromisoformat(one["updated"])
        assert people[task["reporter_id"]] == one["reporter"]
        assert [people[id_] for id_ in task["assignee_ids"]] == [one["assignee"]] * bool(one["assignee"])
        assert [labels[id_] for id_ in task["label_ids"]] == one["components"]
        assert task["external"]["links"] == one["issueLinks"]
        assert task["external"]["attachments"] == one["attachments"]
        for ours, theirs in (("status", "status"), ("fix_versions", "fixVersions"), ("versions", "versions")):
            assert task["external"]["fields"][ours] == one[theirs]
        comments = database.comments.find({"task_id": task["_id"]}).sort([("created_at", 1), ("_id", 1)])
        assert [(people[doc["author_id"]], doc["created_at"]) for doc in comments] == [
            (comment["author"], datetime.fromisoformat(comment["created"])) for comment in one["comments"]
        ]
    monkeypatch.setattr(transfer, "LOOK_UP", 2000)
    again = import_(FULL)
    assert "Imported 0 issues and 0 comments" in again.stderr
    assert counts(database) == (7497, 14680)
