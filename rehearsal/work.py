"""What is done over the API of a version for its data set: as much as it can, in the same way each time.

The issues, people and comments are real ones, brought in by an import before.
"""

from collections.abc import Callable
from typing import Any

import httpx2

EMAIL = "justin@fluid.example"
COLLEAGUE = "colin@fluid.example"
PASSWORD = "correct horse battery staple"
WORKSPACE = "fluid"
Body = dict[str, Any]


class Work:
    """Requests of one person to one workspace; anything but success raises."""

    def __init__(self, url: str) -> None:
        self._http = httpx2.Client(base_url=f"{url}/api/v1", timeout=30)
        login = self.send("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD})
        self._http.headers["Authorization"] = f"Bearer {login['access_token']}"
        self._base = f"/workspaces/{WORKSPACE}"

    def send(self, method: str, path: str, body: Body | None = None) -> Any:
        answer = self._http.request(method, path, json=body)
        if not answer.is_success:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None

    def post(self, path: str, body: Body | None = None) -> Any:
        return self.send("POST", self._base + path, body or {})

    def patch(self, path: str, body: Body) -> Any:
        return self.send("PATCH", self._base + path, body)

    def delete(self, path: str) -> None:
        self.send("DELETE", self._base + path)

    def member(self, name: str) -> Body:
        members: list[Body] = self.send("GET", f"{self._base}/memberships?limit=200")["items"]
        (found,) = [one for one in members if one["display_name"] == name]
        return found

    def task(self, title: str, **fields: Any) -> Body:
        made: Body = self.post("/tasks", {"project_id": "KETTLE", "title": title, **fields})
        return made


def plan(work: Work) -> None:
    """Tasks that are made, changed, discussed, moved, put away and undone."""
    work.post("/projects", {"key": "KETTLE", "name": "Kettle"})
    work.post("/projects", {"key": "ENGAGE", "name": "Engage"})
    label = work.post("/labels", {"name": "Accessibility"})
    gone = work.post("/labels", {"name": "Flash"})
    task = work.task("Focus is lost when the dialog closes", label_ids=[label["id"], gone["id"]])
    child = work.task("Return it to the button", parent_id=task["id"], estimate=3, due_date="2026-12-18")
    changed = work.patch(f"/tasks/{child['id']}", {"priority": "high", "description": "As *ARIA* says."})
    work.post(f"/events/{changed['version']}/undo")
    said = work.post(f"/tasks/{task['id']}/comments", {"body": "Fixed in r10241."})
    work.patch(f"/tasks/{task['id']}/comments/{said['id']}", {"body": "Fixed in r10242."})
    regretted = work.post(f"/tasks/{child['id']}/comments", {"body": "No, it is not."})
    work.delete(f"/tasks/{child['id']}/comments/{regretted['id']}")
    work.delete(f"/labels/{gone['id']}")
    work.post(f"/tasks/{child['id']}/rank", {"before_id": task["id"]})
    moved = work.task("Say which files were uploaded", label_ids=[label["id"]])
    work.post(f"/tasks/{moved['id']}/comments", {"body": "Screen readers are silent."})
    work.post(f"/tasks/{moved['id']}/move", {"project_id": "ENGAGE"})
    work.delete(f"/tasks/{work.task('A mistake')['id']}")
    work.post(f"/tasks/{work.task('Drop support of IE 6')['id']}/archive")
    old = work.post("/projects", {"key": "OLD", "name": "Flash uploader"})
    work.post(f"/projects/{old['id']}/archive")
    work.post("/projects/KETTLE/statuses", {"name": "In review", "category": "in_progress"})


def share(work: Work) -> None:
    """A colleague, and people of whom only the name is known."""
    work.post("/memberships", {"email": COLLEAGUE, "role": "member"})


def give_roles(work: Work) -> None:
    """A guest, a team, a role of their own, and a project that not everybody sees."""
    colleague = work.member("Colin Clark")
    team = work.post("/teams", {"name": "Design", "member_ids": [colleague["id"]]})
    work.patch("/projects/ENGAGE", {"visibility": "private"})
    work.post("/projects/ENGAGE/grants", {"role": "contributor", "team_id": team["id"]})
    role = work.post("/roles", {"name": "Triage", "permissions": ["label:create", "project:create"]})
    work.patch(f"/memberships/{colleague['id']}", {"role": "member", "custom_role_id": role["id"]})


def let_in(work: Work) -> None:
    """An invitation, a service with a token, a public link, and a person who was two."""
    work.post("/invitations", {"email": "laurel@fluid.example", "role": "guest"})
    service = work.post(
        "/memberships", {"type": "service", "display_name": "Nightly build", "role": "member"}
    )
    work.post(f"/memberships/{service['id']}/tokens", {"name": "Build", "scopes": ["task:read"]})
    work.patch("/projects/KETTLE", {"visibility": "link"})
    work.post("/projects/KETTLE/links", {"name": "Beta testers", "role": "viewer"})
    once = work.member("Cindy Li")
    work.post(f"/memberships/{once['id']}/merge", {"into_id": work.member("Colin Clark")["id"]})


DEEDS: dict[Callable[[Work], None], int] = {plan: 1, share: 1, give_roles: 2, let_in: 4}
"""What is done, and since which level."""


def do(url: str, level: int) -> None:
    work = Work(url)
    for deed, since in DEEDS.items():
        if since <= level:
            deed(work)
