"""The logs: readable on a terminal, JSON lines in a file that rotates or on stdout in a container.

A line says what happened and never what was sent: keys that look like secrets are dropped, and the text
of an exception that quotes its input is left out.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from io import SEEK_END, TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from threading import RLock
from typing import Any, TextIO, cast

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger

from app.core.clock import system_now
from app.core.config import Environment, Settings, make_private

STDOUT = Path("-")
_FILE_BYTES = 10 * 1024 * 1024
_OLD_FILES = 5
_NOISY = ("asyncio", "httpcore2", "httpx2", "pymongo", "python_multipart", "watchfiles")
_SECRET = re.compile(
    r"api[-_]?key|authorization|cookie|credential|csrf|passphrase|passwd|password|private[-_]?key|secret|token"
)
# Their texts quote the values that were refused.
_QUOTING = frozenset({"BulkWriteError", "DuplicateKeyError", "ValidationError", "ValidationException"})

# What every line of the current request carries. One mutable mapping a request, set once: the access line
# and the dependencies that learn the actor and the workspace write into it, which costs nothing here.
request_context: ContextVar[Mapping[str, Any] | None] = ContextVar("request_context", default=None)


def get_logger(name: str) -> FilteringBoundLogger:
    """Give a logger for a module to keep; it follows every later `configure`."""
    return cast("FilteringBoundLogger", structlog.get_logger(logger_name=name))


def log_request(logger: str, context: Mapping[str, Any], **event: Any) -> None:
    """The line that each request leaves, of plain values: what `info` writes, at half its cost."""
    if _outlet.level <= logging.INFO:
        known = {key: value for key, value in {**event, **context}.items() if not _is_secret(key)}
        _outlet.write(**_head("info"), logger=logger, event="request", **known)


def configure(settings: Settings) -> None:
    """Send this process's logs, ours and the standard library's, where the settings say. Idempotent."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    _outlet.open(settings)
    _outlet.level = level
    structlog.configure(
        processors=[_add_request, _finish, _drop_secrets],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _outlet,
        cache_logger_on_first_use=False,  # so that the loggers that modules keep follow
    )
    _capture_standard_logs(level)


def _capture_standard_logs(level: int) -> None:
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, _Bridge)]:
        root.removeHandler(old)
    root.addHandler(_Bridge())
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        # Our line a request replaces uvicorn's, which it does not even build without a handler.
        logging.getLogger(name).propagate = name != "uvicorn.access"
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


class _Bridge(logging.Handler):
    """Passes the records of the standard library's loggers to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        # Where uvicorn tells what is no error too.
        name = "uvicorn" if record.name == "uvicorn.error" else record.name
        get_logger(name).log(level, record.getMessage(), exc_info=record.exc_info)


class _LogFile(RotatingFileHandler):
    """Readable by this account, and by a group that is let into the folder."""

    def __init__(self, path: Path) -> None:
        self._locked = RLock()
        super().__init__(path, maxBytes=_FILE_BYTES, backupCount=_OLD_FILES, encoding="utf-8")

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).touch(mode=0o640)
        self._file = super()._open()
        self._size = self._file.seek(0, SEEK_END)
        return self._file

    def write(self, line: str) -> None:
        """Append a line, at a third of the cost of a record: the disk is not asked for the file's size."""
        with self._locked:
            try:
                if self._size + len(line) >= self.maxBytes:
                    self.doRollover()
                self._size += self._file.write(f"{line}\n")
                self._file.flush()
            except OSError:  # a full disk must not fail the request as well
                self.handleError(logging.makeLogRecord({"msg": line}))


class _Console(logging.StreamHandler[TextIO]):
    """A terminal, or what stands in its place."""

    def write(self, line: str) -> None:
        self.handle(logging.makeLogRecord({"msg": line}))


class _Outlet:
    """Where every line ends; structlog takes it for its logger and calls the method of the level."""

    def __init__(self) -> None:
        self.level = logging.INFO
        self._ends: list[tuple[Callable[[EventDict], str], _LogFile | _Console]] = []

    def open(self, settings: Settings) -> None:
        self.close()
        if settings.log_file == STDOUT:
            self._ends = [(_json, _Console(sys.stdout))]
            return
        path = settings.log_file or settings.data_dir / "logs" / "pastis.log"
        make_private(path.parent)
        self._ends = [(_json, _LogFile(path))]
        if settings.env is Environment.DEVELOPMENT or sys.stderr.isatty():
            pretty = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
            self._ends.append((lambda event: pretty(None, "", dict(event)), _Console(sys.stderr)))

    def close(self) -> None:
        for _, end in self._ends:
            end.close()
        self._ends = []

    def write(self, /, **event: Any) -> None:
        for render, end in self._ends:
            end.write(render(event))

    debug = info = warning = error = critical = write


_outlet = _Outlet()


def _add_request(_: Any, __: str, event: EventDict) -> EventDict:
    context = request_context.get()
    return {**event, **context} if context else event


def _drop_secrets(_: Any, __: str, event: EventDict) -> EventDict:
    return cast("EventDict", _without_secrets(event))


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(item) for key, item in value.items() if not _is_secret(str(key))}
    if isinstance(value, list | tuple):
        return [_without_secrets(item) for item in value]
    return value


@lru_cache(maxsize=1024)
def _is_secret(key: str) -> bool:
    return _SECRET.search(key.lower()) is not None


def _finish(_: Any, level: str, event: EventDict) -> EventDict:
    error = _error(event.pop("exc_info", None))
    if error is not None:
        event["exception"] = describe(error)
    return {**_head(level), "logger": event.pop("logger_name", None), "event": event.pop("event"), **event}


def _head(level: str) -> EventDict:
    return {"timestamp": system_now().isoformat(timespec="milliseconds"), "level": level}


def _error(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    found = exc_info if isinstance(exc_info, tuple) else sys.exc_info() if exc_info else (None, None, None)
    return cast("BaseException | None", found[1])


def describe(error: BaseException) -> str:
    """Give the traceback, without the texts of a chain of which one quotes what it refused."""
    if not any(base.__name__ in _QUOTING for each in _related(error) for base in type(each).__mro__):
        return "".join(traceback.format_exception(error)).rstrip()
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{frames}{type(error).__qualname__} (text left out: it may quote data)"


def _related(error: BaseException) -> Iterator[BaseException]:
    waiting: list[BaseException | None] = [error]
    seen = set[int]()
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]


def _json(event: EventDict) -> str:
    try:
        return orjson.dumps(event, default=str).decode()
    except TypeError:  # a lone surrogate, a huge integer, a key that is no text
        return json.dumps(event, default=str, skipkeys=True)
