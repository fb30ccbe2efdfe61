"""Where a client keeps what must outlive it: tokens, replicas, and commands that wait."""

import asyncio
import json
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote


class Store(Protocol):
    """Named JSON values. `save` returns once the value is safe; no `load` ever sees a part of it."""

    async def load(self, name: str) -> Any:
        """The value last saved, or None."""

    async def save(self, name: str, value: Any) -> None:
        """Replace the value."""


class MemoryStore:
    """Keeps values as long as the process lives."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    async def load(self, name: str) -> Any:
        return json.loads(self._values.get(name, "null"))

    async def save(self, name: str, value: Any) -> None:
        self._values[name] = json.dumps(value)


class FileStore:
    """Keeps each value in a JSON file of one folder, which only its owner can read.

    A kill at any moment leaves the former value or the new one. One process at a time uses a folder.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        # One after the other: a save whose caller was cancelled must not end after the next one.
        self._thread = ThreadPoolExecutor(1)

    async def load(self, name: str) -> Any:
        return await self._in_thread(self._read, self._path(name))

    async def save(self, name: str, value: Any) -> None:
        await self._in_thread(self._write, self._path(name), value)

    async def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def _path(self, name: str) -> Path:
        return self._folder / f"{quote(name, safe='')}.json"

    def _read(self, path: Path) -> Any:
        return json.loads(path.read_text("utf-8")) if path.exists() else None

    def _write(self, path: Path, value: Any) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, written = tempfile.mkstemp(dir=self._folder)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(value, file)
                file.flush()
                os.fsync(file.fileno())
            Path(written).replace(path)
        except BaseException:
            Path(written).unlink()
            raise
        self._sync_folder()

    def _sync_folder(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
