"""A valid request for every route, and what it leaves behind.

A route that is not known here fails the tests that ask something of all routes.
"""

import inspect
import itertools
from collections.abc import Callable
from typing import Any

import anyio

from app.models.confirmations import Purpose
from app.models.grants import ProjectRole
from app.services.bootstrap import Services
from app.tests.support.archives import issue, lines
from app.tests.support.clients import Answer, Client, ok
from app.tests.support.conventions import digest
from app.tests.support.factories import PASSWORD, Workspace, log_in, make_user
from app.tests.support.openid_provider import OpenIdProvider
from app.tests.support.pictures import a_picture
from app.tests.test_api.core.routes import JSON, Operation
from app.utils.ids import new_id

NEW_PASSWORD = "another horse battery staple"
Values = dict[str, str]
"""What stands in the places of a path, by name."""


class World:
    """A workspace of which any part can be had anew."""

    def __init__(self, services: Services, workspace: Workspace, provider: OpenIdProvider) -> None:
        self.services = services
        self.workspace = workspace
        self.provider = provider
        self.owner = workspace.api.at("")
        self.caller = self.owner
        self.base = f"/api/v1/workspaces/{workspace.id}"
        self.project = "FLUID"
        self.visibility = "workspace"
        self._grantees: dict[str, tuple[str, Client]] = {}
        self._numbers = itertools.count(1)

    def number(self) -> int:
        return next(self._numbers)

    async def made(self, path: str, body: Any, client: Client | None = None) -> str:
        """The id of something new in the workspace."""
        return str(ok(await (client or self.owner).post(self.base + path, body), 201)["id"])

    async def values(self, operation: Operation) -> Values:
        """New things for all places of a route's path."""
        values: Values = {}
        if operation.id in AHEAD:
            await AHEAD[operation.id](self)
        for name in operation.segments:
            place = OWN_PLACES.get((operation.id, name), PLACES[name])
            values[name] = await place(self, values)
        return values

    async def body(self, operation: Operation, values: Values) -> Any:
        """A body that the route accepts, or None where it takes none."""
        if operation.media_type is None:
            return None
        body = BODIES[operation.id](self, values)
        return await body if inspect.isawaitable(body) else body

    async def call(self, operation: Operation, client: Client) -> Answer:
        """A valid request; what it sets going has come to its end."""
        self.caller = client
        values = await self.values(operation)
        body = await self.body(operation, values)
        path = operation.path.format(**values)
        answer = await client.request(operation.method, path, **sent_as(operation, body))
        await self.settled(answer)
        return answer

    async def settled(self, answer: Answer) -> None:
        """Wait for what goes on after the answer."""
        if answer.status_code == 202 and "location" in answer.headers:
            await self.ended(answer.headers["location"])

    async def ended(self, location: str) -> None:
        """Wait for an import."""
        for _ in range(2000):
            if ok(await self.owner.get(location))["state"] != "running":
                return
            await anyio.sleep(0.02)
        raise AssertionError("the import does not end")

    async def former_member(self) -> Client:
        """Somebody who was an admin until now."""
        user = await make_user(self.services, "Jon Hung")
        client = self.owner.as_(await log_in(self.services, user))
        membership = await self.made("/memberships", {"email": user.email, "role": "admin"})
        ok(await client.get(self.base))
        ok(await self.owner.delete(f"{self.base}/memberships/{membership}"))
        return client

    async def grantees(self) -> dict[str, Client]:
        """A guest for each role in projects, who has it in all of this world's."""
        if not self._grantees:
            for role in ProjectRole:
                user = await make_user(self.services, f"Guest who is a {role}")
                membership = await self.made("/memberships", {"email": user.email, "role": "guest"})
                client = self.owner.as_(await log_in(self.services, user))
                self._grantees[role.value] = (membership, client)
            await self.grant(self.project)
        return {role: client for role, (_, client) in self._grantees.items()}

    async def grant(self, project: str) -> None:
        for role, (membership, _) in self._grantees.items():
            body = {"membership_id": membership, "role": role}
            await self.made(f"/projects/{project}/grants", body)

    async def hidden(self) -> "World":
        """The same workspace, where everything of projects is in private ones."""
        world = World(self.services, self.workspace, self.provider)
        world.visibility = "private"
        world._numbers = self._numbers
        world.project = await _project(world, {})
        return world

    async def digest(self) -> str:
        """Changes with every document of the workspace, and of the accounts in it and their logins."""
        return await digest(self.services, self.workspace)


def sent_as(operation: Operation, body: Any) -> dict[str, Any]:
    """How a body travels: the options of the client's request."""
    if body is None:
        return {}
    ways = {JSON: "json", "multipart/form-data": "files", "application/x-www-form-urlencoded": "data"}
    assert operation.media_type is not None
    if operation.media_type.startswith("image/"):
        return {"content": body, "headers": {"Content-Type": operation.media_type}}
    return {ways[operation.media_type]: body}


async def _workspace(world: World, values: Values) -> str:
    return world.workspace.id


async def _project(world: World, values: Values) -> str:
    body = {"key": f"P{world.number()}", "name": "Decapod", "visibility": world.visibility}
    project = await world.made("/projects", body)
    await world.grant(project)
    return project


async def _status(world: World, values: Values) -> str:
    body = {"name": f"Review {world.number()}", "category": "in_progress"}
    return await world.made(f"/projects/{values['project']}/statuses", body)


async def _label(world: World, values: Values) -> str:
    return await world.made("/labels", {"name": f"Label {world.number()}"})


async def _import(world: World, values: Values) -> str:
    files = _archive(world, values)
    run = ok(await world.owner.request("POST", f"{world.base}/imports", files=files), 202)
    await world.ended(f"{world.base}/imports/{run['id']}")
    return str(run["id"])


async def _membership(world: World, values: Values) -> str:
    membership = await world.made("/memberships", {"display_name": "Yura Zenevich"})
    if "team" in values:
        ok(await world.owner.request("PUT", f"{world.base}/teams/{values['team']}/members/{membership}"))
    return membership


async def _team(world: World, values: Values) -> str:
    return await world.made("/teams", {"name": f"Design {world.number()}"})


async def _role(world: World, values: Values) -> str:
    body = {"name": f"Triage {world.number()}", "permissions": ["task:update"]}
    return await world.made("/roles", body)


async def _grant(world: World, values: Values) -> str:
    body = {"membership_id": await _membership(world, {}), "role": "viewer"}
    return await world.made(f"/projects/{values.get('project', world.project)}/grants", body)


async def _session(world: World, values: Values) -> str:
    """Another login of the owner, whom alone it concerns."""
    user = world.workspace.users["owner"]
    tokens = await world.services.sessions.open(user.id, remember_me=False, client="tests")
    return (await world.services.access.identify(tokens.access_token)).session_id


async def _task(world: World, values: Values) -> str:
    return await world.made("/tasks", {"project_id": world.project, "title": "Focus is lost"})


async def _comment(world: World, values: Values) -> str:
    """The member's own, which the admins may change too; the owner's where that one sees nothing."""
    body = {"body": "Fixed in r10241."}
    if world.visibility == "private":
        return await world.made(f"/tasks/{values['task']}/comments", body)
    return await world.made(f"/tasks/{values['task']}/comments", body, world.workspace.member.at(""))


async def _code(world: World, values: Values) -> str:
    return "archived"


async def _seq(world: World, values: Values) -> str:
    """An event that everybody may undo."""
    task = await _task(world, values)
    changed = ok(await world.owner.patch(f"{world.base}/tasks/{task}", {"priority": "high"}))
    return str(changed["version"])


async def _provider(world: World, values: Values) -> str:
    return "tests"


async def _identity(world: World, values: Values) -> str:
    """The owner's."""
    path = "/api/v1/me/identities/tests/finish"
    return str(ok(await world.owner.post(path, await _finish_identity(world, values)))["id"])


async def _pictured(world: World, values: Values) -> str:
    user = await make_user(world.services, "Cindy Li")
    await world.services.avatars.put(user.id, a_picture())
    return await world.made("/memberships", {"email": user.email})


async def _put_avatar(world: World) -> None:
    headers = {"Content-Type": "image/png"}
    ok(await world.caller.request("PUT", "/api/v1/me/avatar", content=a_picture(), headers=headers), 204)


async def _name_other_owners(world: World) -> None:
    """Whoever is the last owner of a workspace cannot leave it."""
    for workspace in ok(await world.caller.get("/api/v1/workspaces"))["items"]:
        user = await make_user(world.services, "Iris Neher")
        body = {"email": user.email, "role": "owner"}
        answer = await world.caller.post(f"/api/v1/workspaces/{workspace['id']}/memberships", body)
        assert answer.status_code in (201, 403), answer.text


OWN_PLACES: dict[tuple[str, str], Callable[[World, Values], Any]] = {
    ("get_membership_avatar", "membership"): _pictured,
}
"""Where a route needs other things than most."""
PLACES: dict[str, Callable[[World, Values], Any]] = {
    "code": _code,
    "comment": _comment,
    "identity": _identity,
    "grant": _grant,
    "import": _import,
    "label": _label,
    "membership": _membership,
    "project": _project,
    "provider": _provider,
    "role": _role,
    "seq": _seq,
    "session": _session,
    "status": _status,
    "task": _task,
    "team": _team,
    "workspace": _workspace,
}


AHEAD: dict[str, Callable[[World], Any]] = {
    "delete_me": _name_other_owners,
    "get_avatar": _put_avatar,
}
"""What must be so before a route can do anything, where its path does not name it."""


async def _refresh(world: World, values: Values) -> dict[str, str]:
    user = world.workspace.users["member"]
    tokens = await world.services.sessions.open(user.id, remember_me=False, client="tests")
    return {"refresh_token": tokens.refresh_token}


async def _rank(world: World, values: Values) -> dict[str, str]:
    return {"after_id": await _task(world, values)}


async def _move_task(world: World, values: Values) -> dict[str, str]:
    return {"project_id": await _project(world, values)}


async def _returned(world: World, path: str) -> dict[str, str]:
    """What a browser brings back from the provider, where somebody new has logged in."""
    started = ok(await world.owner.post(path, {}))
    subject = new_id()
    claims: dict[str, Any] = {"sub": subject, "email": f"{subject}@fluid.example", "email_verified": True}
    returned = world.provider.log_in(started["authorization_url"], **claims)
    return {**returned, "browser_token": started["browser_token"]}


async def _finish_login(world: World, values: Values) -> dict[str, str]:
    return await _returned(world, "/api/v1/auth/oidc/tests/start")


async def _finish_identity(world: World, values: Values) -> dict[str, str]:
    return await _returned(world, "/api/v1/me/identities/tests/start")


async def _confirmation(world: World, purpose: Purpose, subject: str, user_id: str | None) -> str:
    email = f"{new_id()}@fluid.example" if user_id is None or purpose is Purpose.EMAIL_CHANGE else subject
    link = await world.services.confirmations.make(purpose, subject, email, user_id)
    return link.partition("#token=")[2]


async def _registration(world: World, values: Values) -> dict[str, Any]:
    return {
        "token": await _confirmation(world, Purpose.REGISTRATION, new_id(), None),
        "display_name": "Heidi Hazelton",
        "password": NEW_PASSWORD,
        "time_zone": "America/Toronto",
        "locale": "fr",
        "remember_me": True,
    }


async def _password_reset(world: World, values: Values) -> dict[str, str]:
    user = await make_user(world.services, "Heidi Hazelton")
    token = await _confirmation(world, Purpose.PASSWORD_RESET, user.email, user.id)
    return {"token": token, "password": NEW_PASSWORD}


async def _email_change(world: World, values: Values) -> dict[str, str]:
    user = await make_user(world.services, "Heidi Hazelton")
    return {"token": await _confirmation(world, Purpose.EMAIL_CHANGE, user.id, user.id)}


def _archive(world: World, values: Values) -> dict[str, Any]:
    data = lines(issue(f"I{world.number()}-1"))
    return {"file": ("issues.jsonl", data, "application/x-ndjson"), "dry_run": (None, "true")}


def _login(world: World, values: Values) -> dict[str, Any]:
    return {"email": world.workspace.users["owner"].email, "password": PASSWORD, "remember_me": False}


def _token(world: World, values: Values) -> dict[str, str]:
    email = world.workspace.users["owner"].email
    return {"grant_type": "password", "username": email, "password": PASSWORD}


def _create_workspace(world: World, values: Values) -> dict[str, str]:
    slug = f"w{world.number()}-{world.workspace.slug}"
    return {"slug": slug, "name": "Infusion", "description": "In the open."}


def _create_project(world: World, values: Values) -> dict[str, Any]:
    lead = world.workspace.membership_ids["member"]
    return {"key": f"Q{world.number()}", "name": "Engage", "description": "A kiosk.", "lead_id": lead}


def _create_task(world: World, values: Values) -> dict[str, Any]:
    return {
        "project_id": "FLUID",
        "title": "Focus is lost",
        "description": "Steps: press **Escape**.",
        "type": "bug",
        "status_id": world.workspace.statuses["Todo"],
        "priority": "high",
        "label_ids": [],
        "assignee_ids": [world.workspace.membership_ids["member"]],
        "estimate": 3,
        "start_date": "2026-12-01",
        "due_date": "2026-12-18",
    }


def _update_task(world: World, values: Values) -> dict[str, Any]:
    created = _create_task(world, values)
    return {name: value for name, value in created.items() if name not in ("project_id", "status_id")}


async def _batch(world: World, values: Values) -> dict[str, Any]:
    return {
        "operations": [
            {"action": "create", "body": _create_task(world, values)},
            {"action": "update", "task": await _task(world, values), "body": {"priority": "low"}},
            {"action": "trash", "task": await _task(world, values)},
        ]
    }


def _label_body(world: World, values: Values) -> dict[str, str]:
    return {"name": f"Keyboard {world.number()}", "color": "#1f77b4", "description": "Without a mouse."}


async def _create_grant(world: World, values: Values) -> dict[str, str]:
    return {"membership_id": await _membership(world, {}), "role": "viewer"}


def _role_body(world: World, values: Values) -> dict[str, Any]:
    return {"name": f"QA {world.number()}", "description": "", "permissions": ["comment:create"]}


def _team_body(world: World, values: Values) -> dict[str, Any]:
    members = [world.workspace.membership_ids["member"]]
    return {"name": f"Team {world.number()}", "description": "Of old.", "member_ids": members}


BODIES: dict[str, Callable[[World, Values], Any]] = {
    "batch_tasks": _batch,
    "confirm_email_change": _email_change,
    "confirm_password_reset": _password_reset,
    "confirm_registration": _registration,
    "create_comment": lambda world, values: {"body": "Fixed on main."},
    "create_email_change": lambda world, values: {"email": f"{new_id()}@fluid.example"},
    "create_grant": _create_grant,
    "create_import": _archive,
    "create_label": _label_body,
    "create_login": _login,
    "create_membership": lambda world, values: {"display_name": "Heidi Hazelton", "role": "member"},
    "create_password_reset": lambda world, values: {"email": world.workspace.users["owner"].email},
    "create_project": _create_project,
    "create_reauthentication": lambda world, values: {"password": PASSWORD},
    "create_registration": lambda world, values: {"email": f"{new_id()}@fluid.example", "locale": "fr"},
    "create_role": _role_body,
    "create_status": lambda world, values: {"name": f"QA {world.number()}", "category": "in_progress"},
    "create_task": _create_task,
    "create_team": _team_body,
    "create_token": _token,
    "create_workspace": _create_workspace,
    "finish_identity": _finish_identity,
    "finish_oidc_login": _finish_login,
    "move_status": lambda world, values: {"after_id": None},
    "move_task": _move_task,
    "rank_task": _rank,
    "refresh_login": _refresh,
    "start_identity": lambda world, values: {"redirect_uri": "http://localhost:8001/back"},
    "start_oidc_login": lambda world, values: {"remember_me": True, "redirect_uri": None},
    "update_avatar": lambda world, values: a_picture(),
    "update_comment": lambda world, values: {"body": "Fixed on main, see r10241."},
    "update_grant": lambda world, values: {"role": "commenter"},
    "update_label": _label_body,
    "update_me": lambda world, values: {"display_name": "Justin", "time_zone": "UTC", "locale": None},
    "update_membership": lambda world, values: {"display_name": "Yura", "role": "member"},
    "update_password": lambda world, values: {"current_password": PASSWORD, "password": NEW_PASSWORD},
    "update_project": lambda world, values: {"name": "Decapod 2", "description": "", "lead_id": None},
    "update_role": _role_body,
    "update_status": lambda world, values: {"name": f"In QA {world.number()}"},
    "update_task": _update_task,
    "update_team": _team_body,
    "update_workspace": lambda world, values: {"name": "Fluid", "description": "Inclusive design."},
}
