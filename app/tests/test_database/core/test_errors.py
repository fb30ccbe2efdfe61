"""What the driver's exceptions mean."""

import pytest
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    ConnectionFailure,
    CursorNotFound,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
    WTimeoutError,
)

from app.core.database.engine import Database
from app.core.database.errors import (
    UNAVAILABLE_CODES,
    classify,
    duplicate_key,
    is_duplicate_key,
    is_overload,
    is_transient,
    is_unknown_commit,
)
from app.core.errors import ErrorCode
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.factories import make_user


def labelled(error: PyMongoError, label: str) -> PyMongoError:
    error._add_error_label(label)
    return error


def bulk(*codes: int) -> BulkWriteError:
    return BulkWriteError({"writeErrors": [{"code": code, "index": 0} for code in codes]})


@pytest.mark.parametrize(
    "error",
    [
        AutoReconnect("connection closed"),
        ConnectionFailure("refused"),
        NetworkTimeout("timed out"),
        NotPrimaryError("not primary"),
        ServerSelectionTimeoutError("nobody there"),
        ExecutionTimeout("operation exceeded time limit", 50),
        WTimeoutError("waiting for replication timed out", 64),
        WriteConcernError("shutdown in progress", 91),
        ConfigurationError("Sessions are not supported by this MongoDB deployment"),
        *[OperationFailure("no", code) for code in sorted(UNAVAILABLE_CODES)],
    ],
    ids=lambda error: f"{type(error).__name__}-{getattr(error, 'code', None)}",
)
def test_a_database_that_is_away_is_unavailable(error: PyMongoError) -> None:
    found = classify(error)
    assert found is not None
    assert found.code is ErrorCode.DATABASE_UNAVAILABLE


def test_a_process_without_free_connections_is_overloaded() -> None:
    error = WaitQueueTimeoutError("no connection became free")
    found = classify(error)
    assert is_overload(error)
    assert found is not None
    assert found.code is ErrorCode.OVERLOADED


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        ConfigurationError("Unknown option"),
        TimeoutError("not the driver's"),
        InvalidOperation("a bug of ours"),
        OperationFailure("unknown operator", 2),
        OperationFailure("not authorized", 13),
        CursorNotFound("gone", 43),
        DuplicateKeyError("taken", 11000),
        bulk(11000),
    ],
    ids=lambda error: f"{type(error).__name__}-{getattr(error, 'code', None)}",
)
def test_a_mistake_is_not_taken_for_an_outage(error: Exception) -> None:
    assert classify(error) is None


def test_duplicate_keys() -> None:
    assert is_duplicate_key(DuplicateKeyError("taken", 11000))
    assert is_duplicate_key(bulk(11000))
    assert not is_duplicate_key(bulk(112))
    assert not is_duplicate_key(bulk())
    assert not is_duplicate_key(OperationFailure("write conflict", 112))


def test_what_a_duplicate_is_of() -> None:
    details = {"code": 11000, "keyPattern": {"slug": 1}, "keyValue": {"slug": "fluid"}}
    assert duplicate_key(DuplicateKeyError("taken", 11000, details)) == {"slug": "fluid"}
    assert duplicate_key(BulkWriteError({"writeErrors": [{"code": 112}, details]})) == {"slug": "fluid"}
    assert duplicate_key(DuplicateKeyError("taken", 11000)) == {}
    assert duplicate_key(bulk(11000)) == {}


def test_what_may_be_run_again() -> None:
    assert is_transient(labelled(OperationFailure("no such transaction", 251), "TransientTransactionError"))
    assert is_transient(labelled(AutoReconnect("closed"), "TransientTransactionError"))
    assert is_transient(OperationFailure("write conflict", 112))
    assert is_transient(bulk(112))
    assert not is_transient(bulk(11000))
    assert not is_transient(OperationFailure("no such transaction", 251))
    assert not is_transient(labelled(AutoReconnect("closed"), "RetryableWriteError"))
    assert not is_transient(AutoReconnect("closed"))


def test_an_unknown_commit() -> None:
    assert is_unknown_commit(labelled(AutoReconnect("closed"), "UnknownTransactionCommitResult"))
    assert not is_unknown_commit(labelled(AutoReconnect("closed"), "TransientTransactionError"))


@pytest.mark.anyio
async def test_the_real_server_s_conflicts_and_duplicates_are_known(services: Services) -> None:
    database: Database = services.database
    user = await make_user(services)
    users = database.collection(User)
    async with database.session() as first, database.session() as second:
        await database.begin(first)
        await database.begin(second)
        await users.update_one({"_id": user.id}, {"$set": {"display_name": "First"}}, session=first)
        with pytest.raises(OperationFailure) as conflict:
            await users.update_one({"_id": user.id}, {"$set": {"display_name": "Second"}}, session=second)
        assert is_transient(conflict.value)
        assert classify(conflict.value) is None
        await first.abort_transaction()
    with pytest.raises(DuplicateKeyError) as duplicate:
        await database.engine.insert(user)
    assert is_duplicate_key(duplicate.value)
    assert not is_transient(duplicate.value)
    assert (await users.find_one({"_id": user.id}) or {})["display_name"] == user.display_name
