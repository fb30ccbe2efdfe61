"""What stands in the places of a route's path, made anew, and what must be so before it is called."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.tests.support.archives import issue, lines
from app.tests.support.authenticator import Authenticator
from app.tests.support.clients import ok
from app.tests.support.factories import log_in, make_user
from app.tests.support.factors import (
    add_passkey,
    enable_totp,
)
from app.tests.support.pictures import a_picture
from app.utils.ids import new_id

if TYPE_CHECKING:
    from app.tests.test_api.core.world import World

Values = dict[str, str]
"""What stands in the places of a path, by name."""


async def returned(world: "World", path: str) -> dict[str, str]:
    """What a browser brings back from the provider, where somebody new has logged in."""
    started = ok(await world.owner.post(path, {}))
    subject = new_id()
    claims: dict[str, Any] = {"sub": subject, "email": f"{subject}@fluid.example", "email_verified": True}
    returned = world.provider.log_in(started["authorization_url"], **claims)
    return {**returned, "browser_token": started["browser_token"]}


async def finish_identity(world: "World", values: Values) -> dict[str, str]:
    return await returned(world, "/api/v1/me/identities/tests/start")


def archive_body(world: "World", values: Values) -> dict[str, Any]:
    data = lines(issue(f"I{world.number()}-1"))
    return {"file": ("issues.jsonl", data, "application/x-ndjson"), "dry_run": (None, "true")}


async def _workspace(world: "World", values: Values) -> str:
    return world.workspace.id


async def new_project(world: "World", values: Values) -> str:
    body = {"key": f"P{world.number()}", "name": "Decapod", "visibility": world.visibility}
    project = await world.made("/projects", body)
    await world.grant(project)
    return project


async def _status(world: "World", values: Values) -> str:
    body = {"name": f"Review {world.number()}", "category": "in_progress"}
    return await world.made(f"/projects/{values['project']}/statuses", body)


async def _label(world: "World", values: Values) -> str:
    return await world.made("/labels", {"name": f"Label {world.number()}"})


async def _import(world: "World", values: Values) -> str:
    files = archive_body(world, values)
    run = ok(await world.owner.request("POST", f"{world.base}/imports", files=files), 202)
    await world.ended(f"{world.base}/imports/{run['id']}")
    return str(run["id"])


async def new_membership(world: "World", values: Values) -> str:
    membership = await world.made("/memberships", {"display_name": "Yura Zenevich"})
    if "team" in values:
        ok(await world.owner.request("PUT", f"{world.base}/teams/{values['team']}/members/{membership}"))
    return membership


async def _invitation(world: "World", values: Values) -> str:
    return await world.made("/invitations", {"email": f"{new_id()}@fluid.example"})


async def invitation_token(world: "World", values: Values) -> dict[str, str]:
    """Of a workspace where nobody of this one is."""
    client = world.owner.as_(await log_in(world.services, await make_user(world.services)))
    founded = ok(await client.post("/api/v1/workspaces", {"slug": f"i-{new_id()}", "name": "Infusion"}), 201)
    path = f"/api/v1/workspaces/{founded['id']}/invitations"
    return {"token": ok(await client.post(path, {}), 201)["link"].partition("#token=")[2]}


async def _team(world: "World", values: Values) -> str:
    return await world.made("/teams", {"name": f"Design {world.number()}"})


async def _role(world: "World", values: Values) -> str:
    body = {"name": f"Triage {world.number()}", "permissions": ["task:update"]}
    return await world.made("/roles", body)


async def _grant(world: "World", values: Values) -> str:
    body = {"membership_id": await new_membership(world, {}), "role": "viewer"}
    return await world.made(f"/projects/{values.get('project', world.project)}/grants", body)


async def _session(world: "World", values: Values) -> str:
    """Another login of the owner, whom alone it concerns."""
    user = world.workspace.users["owner"]
    tokens = await world.services.sessions.open(user.id, remember_me=False, client="tests")
    return (await world.services.access.identify(tokens.access_token)).credential_id


async def new_task(world: "World", values: Values) -> str:
    return await world.made("/tasks", {"project_id": world.project, "title": "Focus is lost"})


async def _comment(world: "World", values: Values) -> str:
    """The member's own, which the admins may change too; the owner's where that one sees nothing."""
    body = {"body": "Fixed in r10241."}
    if world.visibility == "private":
        return await world.made(f"/tasks/{values['task']}/comments", body)
    return await world.made(f"/tasks/{values['task']}/comments", body, world.workspace.member.at(""))


async def _passkey(world: "World", values: Values) -> str:
    made = await add_passkey(world.caller, Authenticator(), end_other_logins=False)
    return str(made["id"])


async def _code(world: "World", values: Values) -> str:
    return "archived"


async def _seq(world: "World", values: Values) -> str:
    """An event that everybody may undo."""
    task = await new_task(world, values)
    changed = ok(await world.owner.patch(f"{world.base}/tasks/{task}", {"priority": "high"}))
    return str(changed["version"])


async def _shared_project(world: "World", values: Values) -> str:
    project = await new_project(world, values)
    ok(await world.owner.patch(f"{world.base}/projects/{project}", {"visibility": "link"}))
    return project


async def _link(world: "World", values: Values) -> str:
    path = f"/projects/{values.get('project', world.project)}"
    ok(await world.owner.patch(world.base + path, {"visibility": "link"}))
    link = await world.made(f"{path}/links", {"name": "Beta testers", "role": "viewer"})
    if world.visibility != "link":
        ok(await world.owner.patch(world.base + path, {"visibility": world.visibility}))
    return link


async def _token(world: "World", values: Values) -> str:
    """A service account's, or one's own."""
    path = "/api/v1/me/tokens"
    if "membership" in values:
        path = f"{world.base}/memberships/{values['membership']}/tokens"
    client = world.owner if "membership" in values else world.caller
    return str(ok(await client.post(path, {"name": "CI", "scopes": ["task:read"]}), 201)["id"])


async def _service(world: "World", values: Values) -> str:
    return await world.made("/memberships", {"type": "service", "display_name": f"Build {world.number()}"})


async def _provider(world: "World", values: Values) -> str:
    return "tests"


async def _identity(world: "World", values: Values) -> str:
    """The owner's."""
    path = "/api/v1/me/identities/tests/finish"
    return str(ok(await world.owner.post(path, await finish_identity(world, values)))["id"])


async def _pictured(world: "World", values: Values) -> str:
    user = await make_user(world.services, "Cindy Li")
    await world.services.avatars.put(user.id, a_picture())
    return await world.made("/memberships", {"email": user.email})


async def _put_avatar(world: "World") -> None:
    headers = {"Content-Type": "image/png"}
    ok(await world.caller.request("PUT", "/api/v1/me/avatar", content=a_picture(), headers=headers), 204)


async def _name_other_owners(world: "World") -> None:
    """Whoever is the last owner of a workspace cannot leave it."""
    for workspace in ok(await world.caller.get("/api/v1/workspaces"))["items"]:
        user = await make_user(world.services, "Iris Neher")
        body = {"email": user.email, "role": "owner"}
        answer = await world.caller.post(f"/api/v1/workspaces/{workspace['id']}/memberships", body)
        assert answer.status_code in (201, 403), answer.text


OWN_PLACES: dict[tuple[str, str], Callable[["World", Values], Any]] = {
    ("create_link", "project"): _shared_project,
    ("create_service_token", "membership"): _service,
    ("delete_service_token", "membership"): _service,
    ("get_membership_avatar", "membership"): _pictured,
    ("get_service_token", "membership"): _service,
    ("list_service_tokens", "membership"): _service,
}
"""Where a route needs other things than most."""
PLACES: dict[str, Callable[["World", Values], Any]] = {
    "code": _code,
    "comment": _comment,
    "identity": _identity,
    "grant": _grant,
    "import": _import,
    "invitation": _invitation,
    "label": _label,
    "link": _link,
    "membership": new_membership,
    "passkey": _passkey,
    "project": new_project,
    "provider": _provider,
    "role": _role,
    "seq": _seq,
    "session": _session,
    "status": _status,
    "task": new_task,
    "team": _team,
    "token": _token,
    "workspace": _workspace,
}


async def _enable_totp(world: "World") -> None:
    await enable_totp(world.caller, world.services, end_other_logins=False)


async def _follow_log(world: "World") -> None:
    await world.services.audit_follower.follow(world.workspace.id)


AHEAD: dict[str, Callable[["World"], Any]] = {
    "create_recovery_codes": _enable_totp,
    "deactivate_me": _name_other_owners,
    "delete_me": _name_other_owners,
    "delete_totp": _enable_totp,
    "export_audit_entries": _follow_log,
    "get_avatar": _put_avatar,
    "list_audit_entries": _follow_log,
    "list_my_audit_entries": _follow_log,
}
"""What must be so before a route can do anything, where its path does not name it."""
