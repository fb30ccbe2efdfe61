"""What a client keeps on disk: whole or not at all, in order, for nobody else."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from pastis_client import FileStore, MemoryStore, Store

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return MemoryStore() if request.param == "memory" else FileStore(tmp_path / "deep" / "state")


async def test_what_was_saved_last_is_there(store: Store) -> None:
    assert await store.load("fluid/queue") is None
    value: dict[str, Any] = {"title": "é\u2028", "items": [1, None]}
    await store.save("fluid/queue", value)
    await store.save("fluid", 3)
    value["items"].append(2)
    assert await store.load("fluid/queue") == {"title": "é\u2028", "items": [1, None]}
    assert await store.load("fluid") == 3
    await store.save("fluid/queue", None)
    assert await store.load("fluid/queue") is None


def files_below(folder: Path) -> dict[str, int]:
    """Every file and folder, and who may do what with it."""
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in folder.rglob("*")}


async def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "state")
    await store.save("../tokens", "secret")
    assert files_below(tmp_path) == {"state": 0o700, "state/..%2Ftokens.json": 0o600}


async def test_a_save_that_fails_leaves_the_former_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(tmp_path)
    await store.save("tokens", "former")

    def full(_: int) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            await store.save("tokens", "new")
    assert await store.load("tokens") == "former"
    assert files_below(tmp_path) == {"tokens.json": 0o600}


async def test_a_save_whose_caller_gave_up_does_not_outlast_the_next(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    for number in range(20):
        given_up = asyncio.create_task(store.save("queue", [0] * 20_000))
        await asyncio.sleep(0)
        given_up.cancel()
        await store.save("queue", number)
        assert await store.load("queue") == number
