"""A target with the backups in it, each a folder of files and a manifest.

```
000001/manifest              written last
000001/<run>/tasks           the files that it names
```
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256

from pydantic import ValidationError

from app.schemas.backups import Backup, BackupFile, Manifest, Part
from app.services.backups.envelope import BackupError, Packer, opened, sealed, unpacked
from app.services.backups.stores import Store
from app.utils.ids import new_id

MANIFEST = "manifest"


class Draft:
    """A backup that is being written; it counts when its manifest is there."""

    def __init__(self, store: Store, key: bytes | None, number: int) -> None:
        self.number = number
        self.files: list[BackupFile] = []
        self._store = store
        self._key = key
        self._run = new_id()
        self._begun: list[str] = []

    @contextmanager
    def file(self, part: Part, collection: str) -> Iterator[Packer]:
        """Documents of one collection; they are on their way to the disk when the block ends."""
        name = f"{_folder(self.number)}/{self._run}/{len(self.files):02}-{collection}"
        self._begun.append(name)
        with self._store.writing(name) as write:
            packer = Packer(write, self._key, name)
            yield packer
            packer.finish()
        self.files.append(
            BackupFile(
                name=name,
                part=part,
                collection=collection,
                documents=packer.documents,
                bytes=packer.bytes,
                sha256=packer.sha256,
            )
        )

    def finish(self, manifest: Manifest) -> None:
        """Raises BackupError where another backup has the number: then this one counts for nothing."""
        name = _manifest(self.number)
        content = sealed(manifest.model_dump_json(indent=1).encode(), self._key, name)
        if not self._store.create(name, content):
            self.discard()
            raise BackupError(
                "Another backup to the same place was faster. It is complete; this one was removed."
            )

    def discard(self) -> None:
        """Remove all that was written, as far as the store lets us: the next run removes what is left."""
        with suppress(BackupError):
            for name in self._begun:
                self._store.delete(name)


class Archive:
    """`key` encrypts what is written, and what is read must be encrypted with it; None for neither."""

    def __init__(self, store: Store, key: bytes | None) -> None:
        self._store = store
        self._key = key

    def backups(self) -> list[Backup]:
        """The complete ones, the oldest first. Raises BackupError where one cannot be read."""
        return [self._read(name) for name in self._store.names() if name.endswith(f"/{MANIFEST}")]

    def _read(self, name: str) -> Backup:
        content = b"".join(self._store.reading(name))
        try:
            manifest = Manifest.model_validate_json(b"".join(opened([content], self._key, name)))
        except ValidationError:
            raise BackupError(f"{name} is damaged, or of a newer version of Pastis.") from None
        if name != _manifest(manifest.number):
            raise BackupError(f"{name} is not in its place.")
        return Backup(manifest=manifest, sha256=sha256(content).hexdigest())

    def draft(self, number: int) -> Draft:
        return Draft(self._store, self._key, number)

    def documents(self, file: BackupFile) -> Iterator[bytes]:
        """The documents of a file, as BSON; when all have come, the file was as its manifest says.

        Raises BackupError where it is missing or was changed.
        """
        seen, size, count = sha256(), 0, 0

        def blocks() -> Iterator[bytes]:
            nonlocal size
            for block in self._store.reading(file.name):
                seen.update(block)
                size += len(block)
                yield block

        for found in unpacked(opened(blocks(), self._key, file.name), file.name):
            count += 1
            yield found
        if (seen.hexdigest(), size, count) != (file.sha256, file.bytes, file.documents):
            raise BackupError(f"{file.name} is not what its manifest says.")

    def sweep(self, backups: Sequence[Backup]) -> None:
        """Remove what runs left that were interrupted: files beside a manifest that it does not name.

        Where there is no manifest, a run may be under way.
        """
        named = {file.name for one in backups for file in one.manifest.files}
        folders = {_folder(one.number): _manifest(one.number) for one in backups}
        for name in self._store.names():
            folder = name.partition("/")[0]
            if folder in folders and name not in named and name != folders[folder]:
                self._store.delete(name)

    def remove(self, backups: Sequence[Backup]) -> None:
        """Delete old backups: the newest of them first, and each manifest before its files.

        So what is left, wherever this is interrupted, is a chain of complete ones.
        """
        for one in reversed(backups):
            self._store.delete(_manifest(one.number))
            for file in one.manifest.files:
                self._store.delete(file.name)


def _folder(number: int) -> str:
    return f"{number:06}"


def _manifest(number: int) -> str:
    return f"{_folder(number)}/{MANIFEST}"
