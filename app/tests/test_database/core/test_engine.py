"""The engine over the driver: what ODMantic gives on top, and what is refused."""

import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from pydantic import SecretStr
from pymongo.errors import DuplicateKeyError, OperationFailure, ServerSelectionTimeoutError

from app.core.clock import system_now
from app.core.config import Settings
from app.core.database.engine import YIELD_EVERY, Database, unhurried
from app.core.documents import Doc
from app.models import DOCUMENTS
from app.models.labels import Label
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.commands import watched
from app.tests.support.factories import make_user
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


@pytest.fixture
def database(services: Services) -> Database:
    return services.database


@pytest.fixture
async def people(services: Services) -> list[User]:
    """Three accounts of a name that no other test has."""
    name = f"Anastasia {new_id()}"
    return [await make_user(services, name) for _ in range(3)]


def of(people: list[User]) -> Doc:
    return {"display_name": people[0].display_name}


async def test_what_may_take_its_time_has_no_timeout(test_settings: Settings) -> None:
    async with watched(test_settings) as (database, commands):
        await database.collection(Label).find_one({})
        await database.create_indexes([Label])
        with unhurried():
            await database.collection(Label).find_one({})
    bounded = ["maxTimeMS" in command for command in commands.take()]
    assert bounded == [True, False, False]


async def test_find_gives_instances(database: Database, people: list[User]) -> None:
    found = await database.engine.find(User, of(people), sort=User.id)
    assert found == people
    assert all(one.created_at.tzinfo is not None for one in found)
    assert [
        one.id for one in await database.engine.find(User, of(people), sort=User.id, skip=1, limit=1)
    ] == [people[1].id]
    assert await database.engine.find(User, {"display_name": new_id()}) == []


async def test_find_can_be_iterated(database: Database, people: list[User]) -> None:
    found = [one.id async for one in database.engine.find(User, of(people), sort=User.id)]
    assert found == [one.id for one in people]


async def test_find_takes_odmantic_s_expressions(database: Database, people: list[User]) -> None:
    found = await database.engine.find(User, User.email == people[1].email)
    assert [one.id for one in found] == [people[1].id]


async def test_a_long_answer_comes_whole(database: Database) -> None:
    workspace_id = new_id()
    count = 2 * YIELD_EVERY + 3
    await database.collection(Label).insert_many(
        [label_doc(workspace_id, f"label {number:03}") for number in range(count)]
    )
    found = await database.engine.find(Label, {"workspace_id": workspace_id}, sort=Label.folded)
    assert [one.name for one in found] == [f"label {number:03}" for number in range(count)]


async def test_find_one(database: Database, people: list[User]) -> None:
    assert await database.engine.find_one(User, {"_id": people[2].id}) == people[2]
    assert await database.engine.find_one(User, {"_id": new_id()}) is None


async def test_insert_writes_a_new_document_only(database: Database, people: list[User]) -> None:
    fresh = people[0].model_copy(update={"id": new_id(), "email": f"{new_id()}@fluid.example"})
    await database.engine.insert(fresh)
    assert await database.engine.find_one(User, {"_id": fresh.id}) == fresh
    for changes in ({"display_name": "Overwritten"}, {"id": new_id(), "display_name": "Second"}):
        with pytest.raises(DuplicateKeyError):
            await database.engine.insert(fresh.model_copy(update=changes))
    assert await database.engine.find_one(User, {"email": fresh.email}) == fresh


@pytest.mark.parametrize("verb", ["save", "save_all", "delete", "remove", "session", "transaction"])
async def test_what_writes_whole_documents_is_refused(
    database: Database, people: list[User], verb: str
) -> None:
    changed = people[0].model_copy(update={"display_name": "Overwritten"})
    with pytest.raises(NotImplementedError):
        getattr(database.engine, verb)(changed)
    assert await database.engine.find_one(User, {"_id": changed.id}) == people[0]


async def test_a_transaction_is_committed_at_the_end_of_its_block(
    database: Database, people: list[User]
) -> None:
    users = database.collection(User)
    async with database.transaction() as session:
        await users.update_one({"_id": people[0].id}, {"$set": {"display_name": "In"}}, session=session)
        assert (await users.find_one({"_id": people[0].id}) or {})["display_name"] != "In"
    assert (await users.find_one({"_id": people[0].id}) or {})["display_name"] == "In"


async def test_a_transaction_is_rolled_back_by_an_exception(database: Database, people: list[User]) -> None:
    users = database.collection(User)
    fresh = people[0].model_copy(update={"id": new_id(), "email": f"{new_id()}@fluid.example"})

    async def fail() -> None:
        async with database.transaction() as session:
            changes = {"$set": {"display_name": "Never"}}
            await users.update_one({"_id": people[0].id}, changes, session=session)
            await database.engine.insert(fresh, session=session)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await database.engine.find_one(User, {"_id": people[0].id}) == people[0]
    assert await database.engine.find_one(User, {"_id": fresh.id}) is None


async def test_a_transaction_reads_one_state(database: Database, people: list[User]) -> None:
    users = database.collection(User)
    async with database.transaction() as session:
        before = await users.find_one({"_id": people[0].id}, session=session)
        await users.update_one({"_id": people[0].id}, {"$set": {"display_name": "Since"}})
        assert await users.find_one({"_id": people[0].id}, session=session) == before


async def test_writes_are_durable_without_asking(database: Database) -> None:
    concern = database.collection(User).write_concern.document
    assert concern == {"w": "majority", "j": True}
    timeout = database.client.options.timeout
    assert timeout is not None
    assert timedelta(seconds=timeout) == timedelta(seconds=5)


async def test_indexes_are_made_once_and_kept(database: Database) -> None:
    async def indexes() -> dict[str, Any]:
        return {
            model.__collection__: await database.collection(model).index_information() for model in DOCUMENTS
        }

    before = await indexes()
    await database.create_indexes(DOCUMENTS)
    await database.create_indexes(DOCUMENTS)
    assert await indexes() == before
    for model in DOCUMENTS:
        declared = {one.document["name"] for one in model.__indexes__()}  # type: ignore[union-attr]
        assert before.get(model.__collection__, {}).keys() - {"_id_"} == declared


async def test_an_index_that_is_declared_otherwise_is_not_replaced_in_silence(
    database: Database,
) -> None:
    scratch = Database(database.client, f"{database.name}_indexes")
    await scratch.create_indexes([Label])
    await scratch.collection(Label).drop_index("labels_by_name")
    await scratch.collection(Label).create_index([("name", 1)], name="labels_by_name")
    with pytest.raises(OperationFailure):
        await scratch.create_indexes([Label])
    await scratch.client.drop_database(scratch.name)


async def test_a_primary_is_ready(database: Database) -> None:
    assert await database.is_ready() is True


@pytest.fixture
async def deaf(test_settings: Settings, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """A database behind a port that accepts connections and never answers; the parameter is its timeout."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        url = f"mongodb://127.0.0.1:{server.getsockname()[1]}/?directConnection=true"
        changes = {"database_url": SecretStr(url), "database_timeout_seconds": getattr(request, "param", 0.3)}
        database = Database.connect(test_settings.model_copy(update=changes))
        yield database
        await database.close()


async def test_a_database_that_does_not_answer_is_not_ready(deaf: Database) -> None:
    assert await deaf.is_ready() is False
    with pytest.raises(ServerSelectionTimeoutError):
        await deaf.engine.find_one(User, {"_id": new_id()})


@pytest.mark.parametrize("deaf", [5.0], indirect=True)
async def test_neither_readiness_nor_closing_waits_for_the_whole_timeout(deaf: Database) -> None:
    begun = monotonic()
    assert await deaf.is_ready(0.1) is False
    await deaf.close()
    assert monotonic() - begun < 2


async def test_connecting_needs_an_address(test_settings: Settings) -> None:
    with pytest.raises(ValueError, match="database_url"):
        Database.connect(test_settings.model_copy(update={"database_url": None}))


def label_doc(workspace_id: str, name: str) -> Doc:
    doc = {"_id": new_id(), "workspace_id": workspace_id, "name": name, "folded": name, "color": "#1f77b4"}
    times = dict.fromkeys(("created_at", "updated_at"), system_now())
    return {**doc, "description": "", "version": 1, **times}
