"""The replay law: a snapshot and the events since make the later snapshot; walked back, the earlier one."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy

from app.core.database.engine import Database
from app.core.documents import Doc, public
from app.core.log import Event, Head
from app.models import ENTITIES

State = dict[tuple[str, str], Doc]


async def snapshot(database: Database, workspace_id: str) -> State:
    """Every document of a workspace, of every kind, as clients see it."""
    return {
        (kind, doc["_id"]): public(model, doc)
        for kind, model in ENTITIES.items()
        for doc in await database.collection(model).find({"workspace_id": workspace_id}).to_list()
    }


async def events_after(database: Database, workspace_id: str, seq: int = 0) -> list[Doc]:
    query = {"workspace_id": workspace_id, "seq": {"$gt": seq}}
    return await database.collection(Event).find(query).sort("seq").to_list()


async def head(database: Database, workspace_id: str) -> int:
    found = await database.collection(Head).find_one({"_id": workspace_id})
    return 0 if found is None else int(found["seq"])


def replay(state: Mapping[tuple[str, str], Doc], events: Iterable[Doc]) -> State:
    """The state that a client has who holds `state` and applies the events. Strict: nothing is guessed."""
    now: State = deepcopy(dict(state))
    for event in events:
        for op in event["ops"]:
            key = (op["kind"], op["id"])
            assert op["version"] == event["seq"]
            if op["verb"] == "create":
                assert key not in now, f"{key} was there already"
                now[key] = deepcopy(op["set"])
            elif op["verb"] == "delete":
                assert now.pop(key) == op["before"], f"{key} was not what the log says"
            else:
                _check_known(now[key], op["before"])
                now[key] = {**now[key], **deepcopy(op["set"])}
    return now


def walk_back(state: Mapping[tuple[str, str], Doc], events: Sequence[Doc]) -> State:
    """The state before the events, from the one after them: what an as-of read does."""
    then: State = deepcopy(dict(state))
    for event in reversed(events):
        for op in reversed(event["ops"]):
            key = (op["kind"], op["id"])
            if op["verb"] == "create":
                assert then.pop(key) == op["set"], f"{key} is not what the log says"
            elif op["verb"] == "delete":
                assert key not in then, f"{key} is there still"
                then[key] = deepcopy(op["before"])
            else:
                _check_known(then[key], op["set"])
                then[key] = {**then[key], **deepcopy(op["before"])}
    return then


def _check_known(doc: Doc, fields: Doc) -> None:
    known = {name: doc.get(name) for name in fields}
    assert known == fields, f"{doc['id']} has {known}, the log says {fields}"
