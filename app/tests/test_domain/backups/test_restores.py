"""A restore writes nothing before all is found good, only into an empty database, and may be interrupted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.models.migrations import MIGRATIONS
from app.models.users import User
from app.services.backups import (
    BackupError,
    UnfinishedRestoreError,
    queries,
    refuse_unfinished,
    restores,
    verify_all,
)
from app.services.bootstrap import Services
from app.tests.support.backups import KEY, archive, back_up, everything, restore
from app.tests.support.clients import ok
from app.tests.support.factories import Workspace

pytestmark = pytest.mark.anyio


@pytest.fixture
async def target(services: Services, workspace: Workspace, tmp_path: Path) -> Path:
    """A full backup and an increment."""
    task = await workspace.task()
    await back_up(services, archive(tmp_path, KEY))
    await workspace.comment(task)
    ok(await workspace.api.patch(f"/tasks/{task['id']}", {"title": "Changed"}))
    await back_up(services, archive(tmp_path, KEY))
    return tmp_path


async def collections(services: Services) -> list[str]:
    found: list[str] = await services.database.engine.database.list_collection_names()
    return found


def file_of(target: Path, number: int, ending: str) -> Path:
    (found,) = (target / f"{number:06}").rglob(f"*{ending}")
    return found


def contents(target: Path) -> list[bytes]:
    return [path.read_bytes() for path in target.rglob("*") if path.is_file()]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


HARM: dict[str, Callable[[Path], object]] = {
    "a changed file": lambda target: flip(file_of(target, 1, "-tasks")),
    "a cut file": lambda target: cut(file_of(target, 2, "-events")),
    "a missing file": lambda target: file_of(target, 1, "-events").unlink(),
    "a missing manifest": lambda target: file_of(target, 1, "manifest").unlink(),
    "a changed manifest": lambda target: flip(file_of(target, 2, "manifest")),
    "an empty file": lambda target: file_of(target, 2, "-users").write_bytes(b""),
    "files that changed places": lambda target: file_of(target, 1, "-users").write_bytes(
        file_of(target, 2, "-users").read_bytes()
    ),
    "the manifest of another backup": lambda target: file_of(target, 2, "manifest").write_bytes(
        file_of(target, 1, "manifest").read_bytes()
    ),
}


@pytest.mark.parametrize("harm", list(HARM))
async def test_what_was_changed_is_not_restored(target: Path, copy: Services, harm: str) -> None:
    HARM[harm](target)
    with pytest.raises(BackupError):
        verify_all(archive(target, KEY))
    with pytest.raises(BackupError):
        await restore(copy, archive(target, KEY))
    assert await collections(copy) == []


async def test_it_takes_the_key(target: Path, copy: Services) -> None:
    for key, words in ((None, "PASTIS_BACKUP_KEY"), (KEY + b"!", "another key")):
        with pytest.raises(BackupError, match=words):
            await restore(copy, archive(target, key))
    assert await collections(copy) == []
    assert not any(b"workspaces" in content for content in contents(target))


async def test_a_full_database_is_left_alone(target: Path, services: Services) -> None:
    before = await everything(services.database)
    with pytest.raises(BackupError, match="not empty"):
        await restore(services, archive(target, KEY))
    assert await everything(services.database) == before


async def test_a_database_that_was_only_made_ready_is_empty(target: Path, copy: Services) -> None:
    await copy.prepare()
    assert (await restore(copy, archive(target, KEY))).good


STEPS = ("insert", "replace", "store", "forget", "end")


@pytest.mark.parametrize("step", STEPS)
async def test_an_interrupted_restore_is_run_again(
    target: Path, services: Services, copy: Services, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(queries, step, killed)
        with pytest.raises(KeyboardInterrupt):
            await restore(copy, archive(target, KEY))
    with pytest.raises(UnfinishedRestoreError, match="again"):
        await copy.prepare()
    assert (await restore(copy, archive(target, KEY))).good
    await refuse_unfinished(copy.database)
    assert await everything(copy.database) == await everything(services.database)


async def test_what_is_not_there_is_told(target: Path, copy: Services, tmp_path_factory: Any) -> None:
    with pytest.raises(BackupError, match="no backup 3"):
        await restore(copy, archive(target, KEY), number=3)
    with pytest.raises(BackupError, match="no backup"):
        await restore(copy, archive(tmp_path_factory.mktemp("nothing")))
    with pytest.raises(BackupError, match="no workspace nobody"):
        await restore(copy, archive(target, KEY), seqs={"nobody": 1})
    assert await collections(copy) == []


async def test_a_newer_version_made_it(target: Path, copy: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restores, "MIGRATIONS", MIGRATIONS[:-1])
    with pytest.raises(BackupError, match="newer"):
        await restore(copy, archive(target, KEY))


async def test_counts_are_held_against_the_manifest(
    target: Path, copy: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = queries.replace

    async def replace(database: Any, collection: str, docs: Any) -> None:
        await quick(database, collection, docs[:-1] if collection == User.__collection__ else docs)

    monkeypatch.setattr(queries, "replace", replace)
    restored = await restore(copy, archive(target, KEY))
    assert restored.miscounted == ["users: 3 in the place of 4"]
    assert not restored.good
