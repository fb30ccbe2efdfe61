"""What every route of a kind must do alike, as checks that a test of one route calls."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from odmantic import Model

from app.core.documents import Doc
from app.core.log import Event
from app.models import DOCUMENTS
from app.models.audit import AuditEntry, AuditHead
from app.models.factors import FactorSet
from app.models.identities import Identity, IdentityRequest
from app.models.passkeys import Passkey
from app.models.sessions import Session
from app.models.tokens import ApiToken
from app.models.users import User
from app.models.workspaces import Workspace as WorkspaceModel
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.factories import Workspace

Send = Callable[[Client], Awaitable[Answer]]
"""A request, made by the client that it is given."""
SendWith = Callable[..., Awaitable[Answer]]
"""A request, with the options (`headers`, `params`, `json`) that it is given."""

LAST_USE = {"last_seen_at": 0, "last_address": 0}

OLDER_TESTS = "^[0-9a-f]{8}-"
"""Of ids that are in the order of time; others are hashes and names."""

STRANGERS = (("stranger", 404, "not_found"), ("anonymous", 401, "authentication_required"))
MEMBERS_AND_STRANGERS = (("member", 403, "permission_denied"), *STRANGERS)


def client_of(workspace: Workspace, role: str) -> Client:
    clients = {
        "owner": workspace.api,
        "admin": workspace.admin,
        "member": workspace.member,
        "stranger": workspace.stranger,
        "anonymous": workspace.api.as_(None),
    }
    return clients[role]


async def kept_since(services: Services, id_: str) -> AsyncIterator[tuple[type[Model], str]]:
    """All that the database keeps, as text, without what is older than an id: that is of other tests."""
    for model in DOCUMENTS:
        query = {"_id": {"$not": {"$lt": id_, "$regex": OLDER_TESTS}}}
        yield model, str(await services.database.collection(model).find(query).to_list())


async def stored(services: Services, model: type[Model], id_: str) -> Doc | None:
    """The document as the database has it."""
    return await services.database.collection(model).find_one({"_id": id_})


async def last_event(services: Services, workspace: Workspace) -> Doc:
    found = await services.database.collection(Event).find_one(
        {"workspace_id": workspace.id}, sort=[("seq", -1)]
    )
    assert found is not None
    return found


async def digest(services: Services, workspace: Workspace) -> str:
    """Changes with every document of the workspace, and of the accounts in it and their logins.

    When a login was last used is noted now and then, whatever a test does.
    """
    parts: list[Doc] = [
        {"$unionWith": {"coll": model.__collection__, "pipeline": [{"$match": query}]}}
        for model, query in _belongings(workspace)
    ]
    nothing: Doc = {"$match": {"_id": None}}  # what the parts are added to
    pipeline = [nothing, *parts, {"$unset": [*LAST_USE]}]
    found = await (await services.database.collection(User).aggregate(pipeline)).to_list()
    docs = sorted(orjson.dumps(doc, default=str) for doc in found)
    return hashlib.sha256(b"".join(docs)).hexdigest()


def _belongings(workspace: Workspace) -> Iterator[tuple[type[Model], Doc]]:
    user_ids = {"$in": [user.id for user in workspace.users.values()]}
    for model in DOCUMENTS:
        if model in (AuditEntry, AuditHead):  # written beside the requests, also of those that are refused
            continue
        if model in (User, FactorSet):
            yield model, {"_id": user_ids}
        elif model is ApiToken:
            yield model, {"$or": [{"workspace_id": workspace.id}, {"user_id": user_ids}]}
        elif model in (Identity, IdentityRequest, Passkey, Session):
            yield model, {"user_id": user_ids}
        elif "workspace_id" in model.__odm_fields__ and model is not WorkspaceModel:
            yield model, {"workspace_id": workspace.id}
        else:
            yield model, {"_id": workspace.id}


@asynccontextmanager
async def unchanged(services: Services, *workspaces: Workspace) -> AsyncIterator[None]:
    """Nothing of these workspaces is other after the block than before it."""
    before = [await digest(services, one) for one in workspaces]
    yield
    assert [await digest(services, one) for one in workspaces] == before


async def check_denied(
    services: Services,
    workspace: Workspace,
    send: Send,
    denied: Sequence[tuple[str, int, str]] = MEMBERS_AND_STRANGERS,
) -> None:
    """These roles are refused, and nothing changes."""
    async with unchanged(services, workspace):
        for role, status, code in denied:
            refused(await send(client_of(workspace, role)), status, code)


async def check_replay(services: Services, workspace: Workspace, send: SendWith, other: Doc) -> Any:
    """The same key gives the same answer and does nothing; for another body it is refused.

    Gives the body of the answer.
    """
    headers = {"Idempotency-Key": "the-same-key"}
    first = await send(headers=headers)
    body = ok(first)
    assert "idempotency-replayed" not in first.headers
    async with unchanged(services, workspace):
        second = await send(headers=headers)
        assert (second.status_code, second.content) == (first.status_code, first.content)
        assert second.headers["idempotency-replayed"] == "true"
        for name in ("etag", "location"):
            assert second.headers.get(name) == first.headers.get(name)
        refused(await send(headers=headers, json=other), 422, "idempotency_key_reused")
    return body


async def check_dry_run(services: Services, workspace: Workspace, send: SendWith) -> Any:
    """A trial answers as the real thing does, which then still works, and changes nothing."""
    async with unchanged(services, workspace):
        trial = await send(params={"dry_run": "true"})
        assert trial.is_success, trial.text
    real = await send()
    assert real.status_code == trial.status_code, real.text
    return ok(real)


async def check_preconditions(services: Services, workspace: Workspace, send: SendWith, current: Doc) -> None:
    """Only the present version, or any, may be replaced; 412 tells the present state.

    The last request is a success.
    """
    etag = f'"{current["version"]}"'
    async with unchanged(services, workspace):
        for stale in ('"1"', '"99999999"', f"W/{etag}", '"abc"', '""', f'"{"9" * 40}"', '"1", "2"'):
            problem = refused(await send(headers={"If-Match": stale}), 412, "precondition_failed")
            assert problem["current"] == current
        for malformed in (str(current["version"]), '"1', '"1" "2"', "w/etag", "", '"1",,"2"'):
            refused(await send(headers={"If-Match": malformed}), 422, "invalid_precondition")
    answer = await send(headers={"If-Match": f'"1", {etag}'})
    assert answer.is_success, answer.text


async def check_not_modified(client: Client, path: str, **options: Any) -> None:
    """A read that has not changed since is answered without a body."""
    first = await client.get(path, **options)
    ok(first)
    etag = first.headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = await client.get(path, headers={"If-None-Match": known}, **options)
        assert (answer.status_code, answer.content) == (304, b""), known
        assert answer.headers["etag"] == etag
    for unknown in ('"other"', "", "nonsense"):
        answer = await client.get(path, headers={"If-None-Match": unknown}, **options)
        assert (answer.status_code, answer.content) == (200, first.content), unknown


async def check_pages(client: Client, path: str, other_path: str, **params: Any) -> list[Doc]:
    """A list walked one by one is the whole list; a forged cursor and another list's are refused.

    Gives the items.
    """
    whole = ok(await client.get(path, params=params))
    assert whole["next_cursor"] is None
    items: list[Doc] = whole["items"]
    assert len(items) > 1, "the walk needs several pages"
    walked: list[Doc] = []
    answer = await client.get(path, params={**params, "limit": 1, "count": "true"})
    while True:
        page = ok(answer)
        assert len(page["items"]) == 1
        walked += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            assert "link" not in answer.headers
            break
        assert page["total"] == len(items)
        await _check_forged(client, path, cursor, params)
        refused(await client.get(other_path, params={"cursor": cursor}), 422, "invalid_cursor")
        link = answer.headers["link"]
        assert link.endswith('>; rel="next"')
        answer = await client.at("").get(link[1:].partition(">")[0])
    assert walked == items
    return items


async def _check_forged(client: Client, path: str, cursor: str, params: Doc) -> None:
    swapped = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    for forged in (swapped, cursor + "A", cursor[1:], cursor[::-1], "", "x", "{}", "AAAA" * 30):
        answer = await client.get(path, params={**params, "cursor": forged})
        refused(answer, 422, "invalid_cursor")
