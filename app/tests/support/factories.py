"""What tests start from, made through the program's own engines."""

from dataclasses import dataclass, field
from typing import Any

from app.core.security import hash_password
from app.models.users import User
from app.schemas.tokens import TokenCreate
from app.services.bootstrap import Services
from app.services.tokens import Owner
from app.services.users import queries as user_queries
from app.tests.support.clients import Answer, Client, ok
from app.utils.ids import new_id

PASSWORD = "correct horse battery staple"


class _Hash:
    """Argon2 is slow on purpose; all accounts of a run share one hash."""

    value: str | None = None


async def password_hash() -> str:
    if _Hash.value is None:
        _Hash.value = await hash_password(PASSWORD)
    return _Hash.value


async def make_user(services: Services, name: str = "Justin Obara") -> User:
    """An account with the password PASSWORD."""
    now = services.clock.now()
    user_id = new_id()
    user = User(
        id=user_id,
        email=f"{user_id}@fluid.example",
        display_name=name,
        password_hash=await password_hash(),
        created_at=now,
        updated_at=now,
    )
    assert await user_queries.insert(services.database, user)
    return user


async def log_in(services: Services, user: User) -> str:
    """An access token."""
    return (await services.sessions.open(user.id, remember_me=False, client="tests")).access_token


@dataclass
class Workspace:
    """A workspace with one client for each role; `api` is the owner's, under the workspace's path."""

    id: str
    slug: str
    api: Client
    admin: Client
    member: Client
    stranger: Client
    users: dict[str, User]
    membership_ids: dict[str, str]
    project: dict[str, Any] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    """Ids of FLUID's statuses by name."""

    async def task(
        self, title: str = "Focus is lost when the dialog closes", **fields: Any
    ) -> dict[str, Any]:
        body = {"project_id": "FLUID", "title": title, **fields}
        task: dict[str, Any] = ok(await self.api.post("/tasks", body), 201)
        return task

    async def label(self, name: str = "Accessibility") -> dict[str, Any]:
        label: dict[str, Any] = ok(await self.api.post("/labels", {"name": name}), 201)
        return label

    async def comment(self, task: dict[str, Any], body: str = "Fixed in r10241.") -> dict[str, Any]:
        comment: dict[str, Any] = ok(
            await self.api.post(f"/tasks/{task['id']}/comments", {"body": body}), 201
        )
        return comment

    async def team(self, name: str, *roles: str) -> dict[str, Any]:
        """A team of these."""
        body = {"name": name, "member_ids": [self.membership_ids[role] for role in roles]}
        team: dict[str, Any] = ok(await self.api.post("/teams", body), 201)
        return team

    async def grant(self, role: str, project: str = "FLUID", **holder: str) -> Answer:
        """Give a member (`membership_id`) or a team (`team_id`) a role in a project."""
        return await self.api.post(f"/projects/{project}/grants", {"role": role, **holder})

    async def guest(self, services: Services, **grants: str) -> Client:
        """Somebody new who has just these roles in these projects."""
        user = await make_user(services, "Laurel Williams")
        body = {"email": user.email, "role": "guest"}
        membership_id = ok(await self.api.post("/memberships", body), 201)["id"]
        for project, role in grants.items():
            ok(await self.grant(role, project, membership_id=membership_id), 201)
        return Client(self.api.http, await log_in(services, user), self.api.base)

    async def service(self, services: Services, role: str = "member", *scopes: str) -> Client:
        """Something new that works through a token; it may do all that it can where no scopes are named."""
        body = {"type": "service", "display_name": "Nightly build", "role": role}
        membership_id = ok(await self.api.post("/memberships", body), 201)["id"]
        owner = Owner(workspace_id=self.id, membership_id=membership_id)
        return await self._with_token(services, owner, *scopes)

    async def token(self, services: Services, role: str, *scopes: str) -> Client:
        """One of those who have logins, with an API token instead."""
        return await self._with_token(services, Owner(user_id=self.users[role].id), *scopes)

    async def link(self, role: str, project: str = "FLUID", **fields: Any) -> dict[str, Any]:
        """A public link to a project, which is opened to links."""
        ok(await self.api.patch(f"/projects/{project}", {"visibility": "link"}))
        body = {"name": "Beta testers", "role": role, **fields}
        link: dict[str, Any] = ok(await self.api.post(f"/projects/{project}/links", body), 201)
        return link

    async def visitor(self, role: str, project: str = "FLUID", **fields: Any) -> Client:
        """Somebody who has opened a new link, outside of the workspace's path."""
        link = await self.link(role, project, **fields)
        client = self.api.at("").as_(None)
        visit = ok(await client.post("/api/v1/auth/visits", {"token": link["token"]}), 200)
        return client.as_(visit["access_token"])

    async def _with_token(self, services: Services, owner: Owner, *scopes: str) -> Client:
        data = TokenCreate(name="Tests", scopes=list(scopes or ["*:*"]))
        made = await services.tokens.create(owner, data)
        return self.api.as_(made.secret).at("")


async def found_workspace(services: Services, anonymous: Client) -> Workspace:
    users = {
        "owner": await make_user(services, "Justin Obara"),
        "admin": await make_user(services, "Colin Clark"),
        "member": await make_user(services, "Anastasia Cheetham"),
        "stranger": await make_user(services, "Michelle D'Souza"),
    }
    slug = f"fluid-{new_id()[-12:]}"
    clients = {role: anonymous.as_(await log_in(services, user)) for role, user in users.items()}
    made = ok(await clients["owner"].post("/api/v1/workspaces", {"slug": slug, "name": "Fluid Project"}), 201)
    base = f"/api/v1/workspaces/{slug}"
    api = clients["owner"].at(base)
    membership_ids = {}
    for role in ("admin", "member"):
        body = {"email": users[role].email, "role": role}
        membership_ids[role] = ok(await api.post("/memberships", body), 201)["id"]
    people = ok(await api.get("/memberships"))["items"]
    membership_ids["owner"] = next(one["id"] for one in people if one["role"] == "owner")
    project = ok(await api.post("/projects", {"key": "FLUID", "name": "Fluid Infusion"}), 201)
    statuses = ok(await api.get("/projects/FLUID/statuses"))["items"]
    return Workspace(
        id=made["id"],
        slug=slug,
        api=api,
        admin=clients["admin"].at(base),
        member=clients["member"].at(base),
        stranger=clients["stranger"].at(base),
        users=users,
        membership_ids=membership_ids,
        project=project,
        statuses={one["name"]: one["id"] for one in statuses},
    )
