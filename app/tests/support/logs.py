"""The process's logging, which every command configures and tests share."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from app.core import logging as app_logging


@contextmanager
def logging_of_its_own() -> Iterator[None]:
    """Begin and end as a process that has configured no logging: no stream of another test is written to."""
    _forget()
    try:
        yield
    finally:
        _forget()


def _forget() -> None:
    app_logging._outlet.close()
    structlog.reset_defaults()
    root = logging.getLogger()
    root.handlers[:] = [one for one in root.handlers if not isinstance(one, app_logging._Bridge)]
    root.setLevel(logging.WARNING)
    for name in ("uvicorn.access", *app_logging._NOISY):
        logging.getLogger(name).propagate = True
        logging.getLogger(name).setLevel(logging.NOTSET)
