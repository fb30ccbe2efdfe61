"""Copies of a workspace that was made once, through the API: the same documents under other ids, later.

Each test begins with a workspace of its own, which takes some twenty requests to make.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from odmantic import Model

from app.core.documents import Doc
from app.core.log import Event, Head
from app.core.security import new_token, token_hash
from app.models.memberships import Membership
from app.models.projects import Project
from app.models.sessions import Session
from app.models.statuses import Status
from app.models.users import User
from app.models.workspaces import Workspace as WorkspaceModel
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok
from app.tests.support.factories import Workspace, found_workspace
from app.utils.ids import new_id

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_IN_WORKSPACE = (Membership, Project, Status, Event)


@dataclass(frozen=True)
class Template:
    workspace: Workspace
    docs: Mapping[type[Model], list[Doc]]
    made_at: datetime


_TEMPLATES: dict[str, Template] = {}
"""By database: each worker has one."""


async def copy_workspace(services: Services, anonymous: Client) -> Workspace:
    name = services.database.name
    if name not in _TEMPLATES:
        _TEMPLATES[name] = await _template(services, anonymous)
    template = _TEMPLATES[name]
    copy = _Copy(template, services.clock.now() - template.made_at)
    docs = {model: [copy.of(doc) for doc in found] for model, found in template.docs.items()}
    tokens = {doc["user_id"]: _new_login(doc) for doc in docs[Session]}
    await asyncio.gather(
        *(services.database.collection(model).insert_many(found) for model, found in docs.items())
    )
    return await _workspace(copy, docs, tokens, anonymous)


async def _template(services: Services, anonymous: Client) -> Template:
    workspace = await found_workspace(services, anonymous)
    users = [user.id for user in workspace.users.values()]
    queries: dict[type[Model], Doc] = {
        User: {"_id": {"$in": users}},
        Session: {"user_id": {"$in": users}},
        WorkspaceModel: {"_id": workspace.id},
        Head: {"_id": workspace.id},
        **{model: {"workspace_id": workspace.id} for model in _IN_WORKSPACE},
    }
    docs = {
        model: await services.database.collection(model).find(query).to_list()
        for model, query in queries.items()
    }
    return Template(workspace, docs, services.clock.now())


class _Copy:
    """Replaces every id by one of its own, in the same order, and moves every time."""

    def __init__(self, template: Template, later: timedelta) -> None:
        self.template = template
        self._later = later
        found = sorted(set(_ID.findall(repr(template.docs))))
        self._ids = dict(zip(found, sorted(new_id() for _ in found), strict=True))
        self.slug = f"fluid-{self.text(template.workspace.id)[-12:]}"

    def of(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.of(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.of(item) for item in value]
        if isinstance(value, datetime):
            return value + self._later
        return self.text(value) if isinstance(value, str) else value

    def text(self, value: str) -> str:
        if value == self.template.workspace.slug:
            return self.slug
        return _ID.sub(lambda found: self._ids.get(found[0], found[0]), value)


def _new_login(session: Doc) -> str:
    """Give a copied login tokens of its own."""
    token = new_token()
    session |= {"access_hash": token_hash(token), "refresh_hash": token_hash(new_token())}
    return token


async def _workspace(
    copy: _Copy, docs: Mapping[type[Model], list[Doc]], tokens: Mapping[str, str], anonymous: Client
) -> Workspace:
    base = f"/api/v1/workspaces/{copy.slug}"
    former = copy.template.workspace
    users = {doc["_id"]: User(id=doc.pop("_id"), **doc) for doc in (dict(one) for one in docs[User])}
    roles = {role: users[copy.text(user.id)] for role, user in former.users.items()}
    clients = {role: anonymous.as_(tokens[user.id]) for role, user in roles.items()}
    api = clients["owner"].at(base)
    return Workspace(
        id=copy.text(former.id),
        slug=copy.slug,
        api=api,
        admin=clients["admin"].at(base),
        member=clients["member"].at(base),
        stranger=clients["stranger"].at(base),
        users=roles,
        membership_ids={role: copy.text(id_) for role, id_ in former.membership_ids.items()},
        project=ok(await api.get("/projects/FLUID")),
        statuses={name: copy.text(id_) for name, id_ in former.statuses.items()},
    )
