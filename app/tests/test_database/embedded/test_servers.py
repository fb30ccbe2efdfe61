"""Which server is chosen, how it serves, and the folders that it refuses."""

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from app.core.database import embedded_servers
from app.core.database.embedded import open_embedded
from app.core.database.embedded_locks import EmbeddedDatabaseError
from app.core.database.embedded_servers import Server, find_servers
from app.tests.test_database.embedded.conftest import connected


def found(kind: str) -> Server:
    server = next((server for server in find_servers([]) if server.kind == kind), None)
    if server is None:
        pytest.skip(f"no {kind} on this machine")
    return server


def fake_mongod(folder: Path, version: str) -> Path:
    program = folder / "mongod"
    program.write_text(f"#!/bin/sh\necho 'db version v{version}'\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("kind", ["mongod", "secantus"])
def test_each_server_takes_transactions_and_keeps_data_and_port(data_dir: Path, kind: str) -> None:
    server = found(kind)
    with open_embedded(data_dir, servers=[server]) as first, connected(first.url) as client:
        assert first.kind == kind
        assert server.title in first.line
        assert "\n" not in first.line
        with client.start_session() as session, session.start_transaction():
            client.test.notes.insert_one({"text": "kept"}, session=session)
    with open_embedded(data_dir, servers=[server]) as second, connected(second.url) as client:
        assert second.url == first.url
        assert [note["text"] for note in client.test.notes.find()] == ["kept"]


def test_the_server_listens_on_this_machine_only(data_dir: Path) -> None:
    with open_embedded(data_dir) as database, socket.socket() as probe:
        probe.settimeout(2)
        port = int(database.url.split(":")[2].split("/")[0])
        assert probe.connect_ex(("127.0.0.2", port)) != 0
        assert os.getsid(int((data_dir / "database" / "server.pid").read_text())) != os.getsid(0)
    assert stat.S_IMODE((data_dir / "database").stat().st_mode) == 0o700


def test_a_taken_port_is_replaced_and_the_data_stay(data_dir: Path) -> None:
    with open_embedded(data_dir) as database, connected(database.url) as client:
        client.test.notes.insert_one({"text": "kept"})
    port = json.loads((data_dir / "database" / "engine.json").read_text())["port"]
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", port))
        with open_embedded(data_dir) as database, connected(database.url) as client:
            assert f":{port}" not in database.url
            assert client.test.notes.count_documents({"text": "kept"}) == 1


def test_a_folder_keeps_the_kind_of_server_that_made_it(data_dir: Path) -> None:
    mongod, secantus = found("mongod"), found("secantus")
    with open_embedded(data_dir, servers=[secantus]):
        pass
    with pytest.raises(EmbeddedDatabaseError, match=r"made by secantus .* Install that server again"):
        open_embedded(data_dir, servers=[mongod])
    with open_embedded(data_dir, servers=[mongod, secantus]) as database:
        assert database.kind == "secantus"


def test_a_folder_of_a_later_mongod_is_refused(data_dir: Path) -> None:
    folder = data_dir / "database"
    folder.mkdir()
    record = {"kind": "mongod", "created_by": "99.0.1", "title": "", "replica_set": "pastis", "port": 1}
    (folder / "engine.json").write_text(json.dumps(record))
    with pytest.raises(EmbeddedDatabaseError, match=r"made by mongod 99\.0\.1"):
        open_embedded(data_dir)


def test_mongod_reads_its_own_and_the_previous_major_version() -> None:
    seven = Server("mongod", "", Path("mongod"), "7.0.2")
    readable = {
        version: seven.can_open("mongod", version) for version in ("5.0.1", "6.0.5", "7.1.0", "8.0.0")
    }
    assert readable == {"5.0.1": False, "6.0.5": True, "7.1.0": True, "8.0.0": False}
    assert not seven.can_open("secantus", "7.0.2")


@pytest.mark.parametrize("text", [None, "not JSON", '{"kind": "mongod"}', "[]"])
def test_data_of_unknown_origin_are_refused(data_dir: Path, text: str | None) -> None:
    folder = data_dir / "database"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "WiredTiger").touch()
    if text is not None:
        (folder / "engine.json").write_text(text)
    with pytest.raises(EmbeddedDatabaseError, match="unknown which server made"):
        open_embedded(data_dir)


def test_without_any_server_the_error_says_what_to_do(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(embedded_servers, "_WHEELS", ("no-such-package",))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(EmbeddedDatabaseError) as refused:
        open_embedded(data_dir)
    text = str(refused.value)
    for part in (
        "no mongod on PATH",
        "no-such-package",
        "secantusd-py",
        "PASTIS_DATABASE_URL",
        "pip install",
    ):
        assert part in text


def test_a_server_that_dies_at_once_is_reported_with_its_last_words(data_dir: Path) -> None:
    program = data_dir / "dying"
    program.write_text("#!/bin/sh\necho 'no room on the disk' >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(EmbeddedDatabaseError, match=r"it stopped: no room on the disk.*server\.log"):
        open_embedded(data_dir, servers=[Server("mongod", "", program, "6.0.5")])


def test_mongod_on_path_comes_first_if_it_is_new_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = fake_mongod(tmp_path, "8.0.4")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    first = next(find_servers([]))
    assert (first.program, first.version) == (program, "8.0.4")

    fake_mongod(tmp_path, "5.0.9")
    refused: list[str] = []
    assert program not in [server.program for server in find_servers(refused)]
    assert refused[0] == "the mongod on PATH is 5.0.9, older than 6.0"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "#!/bin/sh\necho 'libcurl.so.4: cannot open' >&2\necho more >&2\nexit 127\n",
            "libcurl.so.4: cannot open",
        ),
        ("#!/bin/sh\nexit 127\n", "exit code 127, and no word"),
        ("#!/bin/sh\n", "exit code 0, and no word"),
        ("#!/no/such/loader\n", "No such file or directory"),
    ],
)
def test_a_mongod_that_does_not_run_is_passed_over_and_the_reason_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str
) -> None:
    fake_mongod(tmp_path, "8.0.4").write_text(text)
    beside = tmp_path / "beside"
    beside.mkdir()
    shutil.copy("/bin/sh", beside / "secantusd-py")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(beside / "python"))
    monkeypatch.setattr(embedded_servers, "_WHEELS", ())
    refused: list[str] = []
    (server,) = find_servers(refused)
    assert refused == [f"the mongod on PATH does not run here: {reason}"]
    assert server.kind == "secantus"
    assert server.origin == f"(SecantusDB, as {refused[0]})"


def test_a_mongod_that_hangs_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(command: object, **options: float) -> None:
        raise subprocess.TimeoutExpired("mongod", options["timeout"])

    fake_mongod(tmp_path, "8.0.4")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(subprocess, "run", hang)
    refused: list[str] = []
    list(find_servers(refused))
    assert refused[0] == "the mongod on PATH does not run here: no answer in 10 s"


def test_secantus_is_found_on_path_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "secantusd-py"
    shutil.copy("/bin/sh", program)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setattr(metadata, "version", _no_package)
    monkeypatch.setenv("PATH", str(tmp_path))
    server = list(find_servers([]))[-1]
    assert (server.program, server.version) == (program, "of unknown version")


def _no_package(name: str) -> str:
    raise metadata.PackageNotFoundError(name)


def test_finding_a_server_imports_none() -> None:
    code = (
        "import sys; from app.core.database.embedded_servers import find_servers; list(find_servers([])); "
        "sys.exit(any(name.split('.')[0] in {'fiftyone', 'secantus'} for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_windows_is_told_to_bring_its_own_database(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(EmbeddedDatabaseError, match="PASTIS_DATABASE_URL"):
        open_embedded(data_dir)


def test_a_folder_that_cannot_be_written_is_reported(data_dir: Path) -> None:
    (data_dir / "file").touch()
    with pytest.raises(EmbeddedDatabaseError, match="Cannot write the database folder"):
        open_embedded(data_dir / "file")
