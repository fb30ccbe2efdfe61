"""What the driver's exceptions mean for a client; the one place that knows them."""

from collections.abc import Mapping
from typing import Any

from pymongo.errors import (
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    WaitQueueTimeoutError,
)

from app.core.errors import ErrorCode, PastisError

DUPLICATE_KEY = 11000
WRITE_CONFLICT = 112
# Interrupted, shutting down, not primary, out of disk space, exceeded time limit, write concern timed out.
UNAVAILABLE_CODES = frozenset({50, 64, 91, 189, 262, 10107, 11600, 11602, 13388, 13435, 13436, 14031})
SESSIONLESS = "Sessions are not supported"
"""How the driver's message begins, which comes without a code."""


def classify(exc: BaseException) -> PastisError | None:
    """The refusal that a driver's exception stands for, or None where it is none of its kind."""
    if not isinstance(exc, PyMongoError):
        return None
    if is_overload(exc):
        return PastisError(ErrorCode.OVERLOADED)
    if exc.timeout or isinstance(exc, ConnectionFailure) or _unavailable(exc):
        return PastisError(ErrorCode.DATABASE_UNAVAILABLE)
    return None


def is_overload(exc: PyMongoError) -> bool:
    """No connection became free in time: the database may be well, this process is full."""
    return isinstance(exc, WaitQueueTimeoutError)


def is_duplicate_key(exc: PyMongoError) -> bool:
    if isinstance(exc, BulkWriteError):
        return any(error.get("code") == DUPLICATE_KEY for error in exc.details.get("writeErrors", []))
    return isinstance(exc, DuplicateKeyError)


def duplicate_key(exc: PyMongoError) -> Mapping[str, Any]:
    """The field that broke a unique index and its value, as far as the server tells."""
    details: Mapping[str, Any] = getattr(exc, "details", None) or {}
    errors = details.get("writeErrors", [details])
    return next((error.get("keyValue", {}) for error in errors if error.get("code") == DUPLICATE_KEY), {})


def is_transient(exc: PyMongoError) -> bool:
    """The transaction was rolled back through no fault of its own and may be run again."""
    return exc.has_error_label("TransientTransactionError") or is_write_conflict(exc)


def is_write_conflict(exc: PyMongoError) -> bool:
    """Somebody else's transaction has written to the same document, or is about to."""
    if isinstance(exc, BulkWriteError):
        return any(error.get("code") == WRITE_CONFLICT for error in exc.details.get("writeErrors", []))
    return isinstance(exc, OperationFailure) and exc.code == WRITE_CONFLICT


def is_unknown_commit(exc: PyMongoError) -> bool:
    return exc.has_error_label("UnknownTransactionCommitResult")


def _unavailable(exc: PyMongoError) -> bool:
    if isinstance(exc, ConfigurationError):
        # Of a connection made while its server, in a fail-over, was neither primary nor secondary.
        return SESSIONLESS in str(exc)
    return isinstance(exc, OperationFailure) and exc.code in UNAVAILABLE_CODES
