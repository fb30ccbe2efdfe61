"""Where backups lie: a folder, or a bucket that speaks S3."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from app.core.config import make_private
from app.services.backups.envelope import BackupError

BLOCK = 1024 * 1024
S3 = "s3://"
Write = Callable[[bytes], object]


class Store(Protocol):
    """Names have slashes. Everything raises BackupError, which says what the place answered."""

    def names(self) -> list[str]:
        """All there is, in order."""

    def writing(self, name: str) -> AbstractContextManager[Write]:
        """A new file, which is there for good when the block ends, and perhaps in part where it fails."""

    def create(self, name: str, content: bytes) -> bool:
        """Write a small file, whole or not at all; False where there is one of that name."""

    def reading(self, name: str) -> Iterator[bytes]:
        """The file, block by block."""

    def delete(self, name: str) -> None: ...


def store_at(target: str) -> Store:
    """The store that an operator names: a folder, or `s3://bucket/prefix`."""
    return Bucket(target) if target.startswith(S3) else Folder(Path(target))


class Folder:
    """Folders and files that nobody but their owner can read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        with _told(self._path):
            found = [one for one in self._path.rglob("*") if one.is_file()]
        return sorted(one.relative_to(self._path).as_posix() for one in found)

    @contextmanager
    def writing(self, name: str) -> Iterator[Write]:
        path = self._path / name
        with _told(path):
            make_private(path.parent)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                yield file.write
                file.flush()
                os.fsync(file.fileno())
            _keep_names(path.parent)

    def create(self, name: str, content: bytes) -> bool:
        draft = f"{name}.{secrets.token_hex(4)}"
        with self.writing(draft) as write:
            write(content)
        path = self._path / name
        with _told(path):
            try:
                # A link appears whole, and never replaces what somebody else was faster with.
                path.hardlink_to(self._path / draft)
            except FileExistsError:
                return False
            finally:
                (self._path / draft).unlink()
            _keep_names(path.parent)
        return True

    def reading(self, name: str) -> Iterator[bytes]:
        path = self._path / name
        with _told(path), path.open("rb") as file:
            while block := file.read(BLOCK):
                yield block

    def delete(self, name: str) -> None:
        path = self._path / name
        with _told(path):
            if not path.exists():
                return
            path.unlink()
            for folder in path.parents[: len(Path(name).parents) - 1]:
                if any(folder.iterdir()):
                    break
                folder.rmdir()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupError(f"{error.filename or path}: {error.strerror or error}.") from error


def _keep_names(folder: Path) -> None:
    """A file is there after a loss of power only when its folder has been written too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Bucket:
    """A prefix in a bucket; credentials and endpoint are what the environment says, as for other tools."""

    def __init__(self, target: str) -> None:
        self._target = target.rstrip("/")
        try:
            from obstore.store import S3Store
        except ImportError:
            raise BackupError("Backups to S3 need a further package: pip install 'pastis[s3]'") from None
        with self._told(target):
            self._store = S3Store.from_url(self._target)

    def names(self) -> list[str]:
        with self._told(""):
            return sorted(str(one["path"]) for some in self._store.list() for one in some)

    @contextmanager
    def writing(self, name: str) -> Iterator[Write]:
        import obstore

        with self._told(name):
            writer = obstore.open_writer(self._store, name)
            yield writer.write
            # Only this makes the parts an object.
            writer.close()

    def create(self, name: str, content: bytes) -> bool:
        from obstore.exceptions import AlreadyExistsError

        with self._told(name):
            try:
                self._store.put(name, content, mode="create")
            except AlreadyExistsError:
                return False
        return True

    def reading(self, name: str) -> Iterator[bytes]:
        with self._told(name):
            for block in self._store.get(name).stream(min_chunk_size=BLOCK):
                yield bytes(block)

    def delete(self, name: str) -> None:
        with self._told(name):
            self._store.delete(name)

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError) as error:
            reason = str(error).splitlines()[0]
            raise BackupError(f"{self._target}/{name}: {reason}") from error
