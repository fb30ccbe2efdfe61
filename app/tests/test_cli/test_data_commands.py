"""Commands on the data, against the real database."""

import asyncio
import gc
import os
import socket
import warnings
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
from pydantic import SecretStr

from app.core.config import Settings
from app.core.database.engine import Database
from app.core.database.migrations import Migration
from app.core.log import Event, Head
from app.models.migrations import MIGRATIONS
from app.tests.support.cli import run
from app.tests.support.mails import mails_in
from app.utils.ids import new_id

T = TypeVar("T")


@pytest.fixture(autouse=True)
def database_name(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = f"cli_{new_id()[-12:]}"
    url = os.environ["PASTIS_TEST_DATABASE_URL"]
    monkeypatch.setenv("PASTIS_DATABASE_URL", url)
    monkeypatch.setenv("PASTIS_DATABASE_NAME", name)
    yield name
    change(name, lambda database: database.client.drop_database(name))


def change(name: str, work: Callable[[Database], Awaitable[T]]) -> T:
    settings = Settings(
        database_url=SecretStr(os.environ["PASTIS_TEST_DATABASE_URL"]), database_name=name, _env_file=None
    )

    async def main() -> T:
        database = Database.connect(settings)
        found = await work(database)
        await database.close()
        return found

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        found = asyncio.run(main())
        gc.collect()
    return found


def test_accounts_are_made_listed_and_deactivated() -> None:
    made = run("user", "add", "Colin@Fluid.example", "--name", "Colin Clark")
    assert made.exit_code == 0, made.output
    assert "Account: colin@fluid.example" in made.stdout
    assert "Password: " in made.stdout
    again = run("user", "add", "colin@fluid.example", "--name", "Colin Clark")
    assert again.exit_code == 1
    assert "already" in again.stderr
    assert "colin@fluid.example  Colin Clark  active" in run("user", "list").stdout
    assert run("user", "deactivate", "colin@fluid.example").exit_code == 0
    assert "deactivated" in run("user", "list").stdout
    assert run("user", "activate", "colin@fluid.example").exit_code == 0
    assert "deactivated" not in run("user", "list").stdout


def test_passwords_may_come_from_standard_input_and_are_not_shown() -> None:
    password = "correct horse battery staple"
    made = run("user", "add", "a@fluid.example", "--name", "A", "--password-stdin", stdin=f"{password}\n")
    assert made.exit_code == 0, made.output
    assert password not in made.output
    changed = run("user", "password", "a@fluid.example")
    assert changed.exit_code == 0
    assert "Password: " in changed.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["user", "add", "nobody", "--name", "A"], "/email"),
        (["user", "password", "nobody@fluid.example"], "There is no such account.\n"),
        (["user", "reset-factors", "nobody@fluid.example"], "There is no such account.\n"),
        (["user", "deactivate", "nobody@fluid.example"], "There is no such account.\n"),
        (["export", new_id()], "There is no such workspace.\n"),
        (["user", "add", "b@fluid.example", "--name", "B", "--password-stdin"], "/password"),
    ],
)
def test_refusals_say_why(arguments: list[str], words: str) -> None:
    result = run(*arguments, stdin="short\n")
    assert result.exit_code == 1
    assert words in result.stderr
    assert "Traceback" not in result.output


def test_migrate_shows_every_migration_as_done() -> None:
    result = run("db", "migrate")
    assert result.exit_code == 0, result.output
    assert "baseline: done" in result.stdout


def test_migrate_refuses_what_those_who_serve_could_not_bear(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("db", "migrate", "--rolling").exit_code == 0
    breaking = Migration(1_000, "nothing is as it was", lambda *_: asyncio.sleep(0))
    monkeypatch.setattr("app.models.migrations.MIGRATIONS", (*MIGRATIONS, breaking))
    result = run("db", "migrate", "--rolling")
    assert result.exit_code == 1
    assert "could not go on beside these: 1000 (nothing is as it was)" in result.stderr


def test_check_finds_a_head_without_its_log(database_name: str) -> None:
    assert "all good" in run("db", "check").stdout
    head = {"_id": new_id(), "seq": 1, "writes": 1, "floor": 0, "epoch": new_id()}
    change(database_name, lambda database: database.collection(Head).insert_one(head))
    result = run("db", "check")
    assert result.exit_code == 1
    assert "not what its log says" in result.stderr


def test_a_log_is_shortened_by_the_age_of_its_events(database_name: str) -> None:
    assert run("user", "add", "colin@fluid.example", "--name", "Colin Clark").exit_code == 0
    made = run("demo", "--as", "colin@fluid.example")
    assert made.exit_code == 0, made.output
    old = {"$set": {"at": datetime(2020, 1, 1, tzinfo=UTC)}}
    change(database_name, lambda database: database.collection(Event).update_many({"seq": {"$lte": 5}}, old))
    compact = ("db", "compact", "fluid-demo", "--keep-days", "365")
    assert run(*compact, stdin="n\n").exit_code == 1
    assert "5 events deleted." in run(*compact, stdin="y\n").output
    assert "0 events deleted." in run(*compact, "--yes").output
    assert "all good" in run("db", "check").stdout
    assert '"deleted":5' in run("audit", "export", "--kind", "log.shorten").stdout


def test_clients_begin_anew_after_a_restore(database_name: str) -> None:
    head = {"_id": new_id(), "seq": 1, "writes": 1, "floor": 0, "epoch": "former"}
    change(database_name, lambda database: database.collection(Head).insert_one(head))
    assert "The clients of 1 workspace will begin anew." in run("db", "new-epoch").stderr

    async def look(database: Database) -> None:
        (found,) = await database.collection(Head).find({}).to_list()
        assert found["epoch"] != "former"
        assert found == head | {"epoch": found["epoch"]}

    change(database_name, look)


def test_a_database_that_is_away_is_said_clearly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASTIS_DATABASE_URL", "mongodb://127.0.0.1:9/?directConnection=true")
    monkeypatch.setenv("PASTIS_DATABASE_TIMEOUT_SECONDS", "0.3")
    result = run("user", "list")
    assert result.exit_code == 1
    assert "Traceback" not in result.output


def test_an_account_is_deleted() -> None:
    run("user", "add", "colin@fluid.example", "--name", "Colin Clark")
    assert run("user", "delete", "Colin@fluid.example").stdout == "Deleted: colin@fluid.example\n"
    again = run("user", "delete", "colin@fluid.example")
    assert again.exit_code == 1
    assert again.stderr.endswith("There is no such account.\n")
    assert "colin" not in run("user", "list").stdout


def test_a_mail_is_sent_to_see_whether_it_arrives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PASTIS_DATA_DIR", str(tmp_path))
    assert run("mail", "test", "colin@fluid.example").stdout == "Sent to colin@fluid.example.\n"
    (mail,) = mails_in(tmp_path / "mails", "colin@fluid.example")
    assert mail["Subject"] == "A test"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PASTIS_SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("PASTIS_SMTP_PORT", str(closed.getsockname()[1]))
        failed = run("mail", "test", "colin@fluid.example")
    assert failed.exit_code == 1
    assert failed.stderr.endswith("The mail could not be sent: SMTPConnectError\n")
