"""Files of backups are private, whole or not counted, and trouble with their place is told."""

import stat
from pathlib import Path

import pytest

from app.services.backups.envelope import BackupError
from app.services.backups.stores import Folder, store_at


def write(folder: Folder, name: str, content: bytes) -> None:
    with folder.writing(name) as add:
        add(content)


def test_files_and_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "backups")
    write(folder, "000001/run/tasks", b"tasks")
    assert folder.create("000001/manifest", b"{}")
    for path in [tmp_path / "backups", *(tmp_path / "backups").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert folder.names() == ["000001/manifest", "000001/run/tasks"]
    assert b"".join(folder.reading("000001/run/tasks")) == b"tasks"


def test_what_is_there_is_never_replaced(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folder.create("manifest", b"one")
    assert not folder.create("manifest", b"two")
    assert (tmp_path / "manifest").read_bytes() == b"one"
    assert folder.names() == ["manifest"]
    with pytest.raises(BackupError, match="File exists"):
        write(folder, "manifest", b"three")


def test_empty_folders_go_with_their_last_file(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    write(folder, "1/run/tasks", b"")
    write(folder, "1/run/users", b"")
    folder.delete("1/run/tasks")
    assert folder.names() == ["1/run/users"]
    folder.delete("1/run/users")
    assert list(tmp_path.iterdir()) == []
    folder.delete("1/run/users")


def test_trouble_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(BackupError, match="file"):
        write(Folder(tmp_path / "file"), "tasks", b"")
    with pytest.raises(BackupError, match="No such file"):
        list(Folder(tmp_path).reading("tasks"))
    assert Folder(tmp_path / "nothing").names() == []
    assert isinstance(store_at(str(tmp_path)), Folder)
