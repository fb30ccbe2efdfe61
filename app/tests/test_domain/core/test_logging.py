import errno
import json
import logging
import os
import stat
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr, ValidationError

from app.core import logging as app_logging
from app.core.config import Environment, Settings
from app.core.logging import configure, get_logger, request_context
from app.tests.support.logs import logging_of_its_own


@pytest.fixture(autouse=True)
def _logging_of_its_own() -> Iterator[None]:
    with logging_of_its_own():
        yield


def settings(tmp_path: Path, **changes: Any) -> Settings:
    return Settings(**{"env": Environment.PRODUCTION, "data_dir": tmp_path, "_env_file": None, **changes})


def lines(tmp_path: Path) -> list[dict[str, Any]]:
    text = (tmp_path / "logs" / "pastis.log").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_is_json_in_the_file(tmp_path: Path) -> None:
    configure(settings(tmp_path))
    get_logger("app.test").warning("disk almost full", free=3)
    (line,) = lines(tmp_path)
    assert (line["level"], line["logger"], line["event"], line["free"]) == (
        "warning",
        "app.test",
        "disk almost full",
        3,
    )
    assert line["timestamp"].endswith("+00:00")


def test_configure_again_moves_the_loggers_that_modules_keep(tmp_path: Path) -> None:
    logger = get_logger("app.test")
    for name in ("first", "first", "second"):
        configure(settings(tmp_path / name))
        logger.info(name)
    assert [line["event"] for line in lines(tmp_path / "first")] == ["first", "first"]
    assert [line["event"] for line in lines(tmp_path / "second")] == ["second"]
    bridges = [h for h in logging.getLogger().handlers if isinstance(h, app_logging._Bridge)]
    assert len(bridges) == 1


def test_the_level_is_kept(tmp_path: Path) -> None:
    configure(settings(tmp_path, log_level="warning"))
    get_logger("a").info("no")
    get_logger("a").error("yes")
    logging.getLogger("uvicorn.error").info("no")
    assert [line["event"] for line in lines(tmp_path)] == ["yes"]


def test_the_standard_library_goes_the_same_way(tmp_path: Path) -> None:
    logging.getLogger("uvicorn").addHandler(logging.StreamHandler())
    configure(settings(tmp_path))
    logging.getLogger("uvicorn.error").info("Started %s", "server")
    logging.getLogger("uvicorn.error").log(55, "odd level")
    logging.getLogger("pymongo.topology").info("chatter")
    logging.getLogger("pymongo").error("lost", exc_info=OSError("no route"))
    first, odd, lost = lines(tmp_path)
    assert (first["event"], first["logger"], first["level"]) == ("Started server", "uvicorn", "info")
    assert odd["level"] == "critical"
    assert "OSError: no route" in lost["exception"]
    assert not logging.getLogger("uvicorn").handlers


def test_uvicorn_does_not_write_its_own_line_a_request(tmp_path: Path) -> None:
    configure(settings(tmp_path))
    access = logging.getLogger("uvicorn.access")
    assert not access.hasHandlers()
    access.info("GET / 200")
    assert lines(tmp_path) == []


def test_secrets_are_dropped_at_any_depth(tmp_path: Path) -> None:
    configure(settings(tmp_path))
    get_logger("a").info(
        "login",
        password="hunter2",
        accessToken="hunter2",
        headers=[{"Authorization": "hunter2", "set-cookie": "hunter2", "accept": "json"}],
        database={"client_secret": "hunter2", "api-key": "hunter2", "name": "pastis"},
        hidden=SecretStr("hunter2"),
        idempotency_key="k",
    )
    (line,) = lines(tmp_path)
    assert "hunter2" not in json.dumps(line)
    assert (line["headers"], line["database"]) == ([{"accept": "json"}], {"name": "pastis"})
    assert line["idempotency_key"] == "k"


def test_every_line_of_a_request_carries_its_context(tmp_path: Path) -> None:
    configure(settings(tmp_path))
    context = {"request_id": "abc"}
    token = request_context.set(context)
    context["actor"] = "me"
    get_logger("a").info("in")
    request_context.reset(token)
    get_logger("a").info("out")
    inside, outside = lines(tmp_path)
    assert (inside["request_id"], inside["actor"]) == ("abc", "me")
    assert "request_id" not in outside


class Form(BaseModel):
    age: int


def failure() -> Exception:
    try:
        try:
            Form.model_validate({"age": "hunter2"})
        except ValidationError as error:
            raise RuntimeError("cannot read the form") from error
    except RuntimeError as error:
        return error
    raise AssertionError


def test_an_exception_that_quotes_its_input_loses_its_text(tmp_path: Path) -> None:
    configure(settings(tmp_path))
    get_logger("a").error("defect", exc_info=failure())
    get_logger("a").error("defect", exc_info=ExceptionGroup("several", [failure(), ValueError("plain")]))
    try:
        dict[str, int]()["visible"]
    except KeyError:
        get_logger("a").exception("defect")
    chained, group, plain = lines(tmp_path)
    assert "hunter2" not in json.dumps([chained, group])
    assert "in failure" in chained["exception"]
    assert "RuntimeError" in chained["exception"]
    assert "KeyError: 'visible'" in plain["exception"]


def test_no_exception_is_no_traceback(tmp_path: Path) -> None:
    configure(settings(tmp_path))
    get_logger("a").error("calm", exc_info=True)
    assert "exception" not in lines(tmp_path)[0]


def test_odd_values_are_written_anyway(tmp_path: Path) -> None:
    configure(settings(tmp_path))
    get_logger("a").info("odd", surrogate="\ud800", huge=2**80, path=Path("x"), keys={(1, 2): 3})
    (line,) = lines(tmp_path)
    assert (line["surrogate"], line["huge"], line["path"]) == ("\ud800", 2**80, "x")


def test_a_value_cannot_start_a_line(tmp_path: Path) -> None:
    configure(settings(tmp_path))
    get_logger("a").info("one", value='\n{"event": "forged"}\r\n')
    assert [line["event"] for line in lines(tmp_path)] == ["one"]


def test_development_has_a_readable_console(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(settings(tmp_path, env=Environment.DEVELOPMENT))
    get_logger("app.test").info("hello", password="hunter2", number=7)
    console = capsys.readouterr().err
    assert "hello" in console
    assert "number=7" in console
    assert "hunter2" not in console
    assert lines(tmp_path)[0]["event"] == "hello"


def test_a_terminal_has_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", terminal)
    configure(settings(tmp_path))
    get_logger("app.test").info("hello")
    assert "\x1b[" in terminal.getvalue()


def test_a_container_has_json_on_stdout_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(settings(tmp_path, log_file=Path("-"), env=Environment.DEVELOPMENT))
    get_logger("app.test").info("hello")
    output = capsys.readouterr()
    assert json.loads(output.out)["event"] == "hello"
    assert output.err == ""
    assert not (tmp_path / "logs").exists()


def test_the_file_and_its_folder_are_private(tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        configure(settings(tmp_path / "new"))
    finally:
        os.umask(former)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").rglob("*")}
    assert modes == {tmp_path / "new/logs": 0o700, tmp_path / "new/logs/pastis.log": 0o640}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_the_file_rotates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_logging, "_FILE_BYTES", 2_000)
    path = tmp_path / "elsewhere" / "my.log"
    configure(settings(tmp_path, log_file=path))
    for number in range(200):
        get_logger("a").info("line", number=number)
    assert len(list(path.parent.iterdir())) == 6
    assert path.stat().st_size <= 2_000


class _FullDisk(StringIO):
    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_fails_no_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pastis.log"
    configure(settings(tmp_path, log_file=path))
    [(_, file)] = app_logging._outlet._ends
    assert isinstance(file, app_logging._LogFile)
    whole, file._file = file._file, _FullDisk()  # type: ignore[assignment]
    get_logger("a").info("lost")
    assert "No space left on device" in capsys.readouterr().err
    file._file = whole
    get_logger("a").info("kept")
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == ["kept"]


def test_a_rollover_that_fails_stops_no_later_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(app_logging, "_FILE_BYTES", 500)
    path = tmp_path / "pastis.log"
    configure(settings(tmp_path, log_file=path))

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(app_logging._LogFile, "rotate", refuse)
        for number in range(20):
            get_logger("a").info("lost or kept", number=number)
    assert "No space left on device" in capsys.readouterr().err
    get_logger("a").info("after")
    assert json.loads(path.read_text().splitlines()[-1])["event"] == "after"
