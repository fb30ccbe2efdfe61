"""What people do to a workspace: each deed is a request that may be refused, but never fails."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from app.core.documents import Doc
from app.tests.test_api.sync.oracle import Oracle

PROJECT_ROLES = ("viewer", "commenter", "contributor", "lead")
MOST_PROJECTS = 6
MOST_TASKS = 25


@dataclass(frozen=True)
class Deed:
    method: str
    path: str
    body: Doc | None = None


class Chooser:
    """Picks from all that there is, as who knows everything would."""

    def __init__(self, oracle: Oracle, emails: Mapping[str, str]) -> None:
        """`emails` are of those who may be members, by the account."""
        self.oracle = oracle
        self.chance = Random(0)
        self._emails = emails
        self._numbers = count(1)

    def canary(self) -> str:
        return f"canary{next(self._numbers)}x"

    def one(self, kind: str) -> Doc | None:
        found = self.oracle.of_kind(kind)
        return self.chance.choice(found) if found else None

    def member(self) -> Doc | None:
        """Not the founder, who does most of what is done, and not who came by a link."""
        people = [
            one
            for one in self.oracle.of_kind("membership")
            if one["user_id"] in self._emails and one["removed_at"] is None
        ]
        return self.chance.choice(people) if people else None

    def absent_email(self) -> str | None:
        there = {one["user_id"] for one in self.oracle.of_kind("membership") if one["removed_at"] is None}
        absent = [email for user, email in self._emails.items() if user not in there]
        return self.chance.choice(absent) if absent else None

    def label_ids(self) -> list[str]:
        label = self.one("label")
        return [label["_id"]] if label is not None and self.chance.random() < 0.5 else []


Maker = Callable[[Chooser], Deed | None]


def create_task(choose: Chooser) -> Deed | None:
    project = choose.one("project")
    if project is None or len(choose.oracle.of_kind("task")) >= MOST_TASKS:
        return None
    body = {"project_id": project["_id"], "title": choose.canary(), "label_ids": choose.label_ids()}
    return Deed("POST", "/tasks", body)


def update_task(choose: Chooser) -> Deed | None:
    task = choose.one("task")
    if task is None:
        return None
    changes: Doc = choose.chance.choice(
        [
            {"title": choose.canary()},
            {"description": choose.canary(), "label_ids": choose.label_ids()},
            {"priority": choose.chance.choice(["none", "low", "urgent"])},
        ]
    )
    return Deed("PATCH", f"/tasks/{task['_id']}", changes)


def move_task(choose: Chooser) -> Deed | None:
    task, project = choose.one("task"), choose.one("project")
    if task is None or project is None:
        return None
    return Deed("POST", f"/tasks/{task['_id']}/move", {"project_id": project["_id"]})


def trash_task(choose: Chooser) -> Deed | None:
    task = choose.one("task")
    if task is None:
        return None
    if task["trashed_at"] is None:
        return Deed("DELETE", f"/tasks/{task['_id']}")
    return Deed("POST", f"/tasks/{task['_id']}/restore")


def create_comment(choose: Chooser) -> Deed | None:
    task = choose.one("task")
    return Deed("POST", f"/tasks/{task['_id']}/comments", {"body": choose.canary()}) if task else None


def change_comment(choose: Chooser) -> Deed | None:
    comment = choose.one("comment")
    if comment is None:
        return None
    path = f"/tasks/{comment['task_id']}/comments/{comment['_id']}"
    if choose.chance.random() < 0.4:
        return Deed("DELETE", path)
    return Deed("PATCH", path, {"body": choose.canary()})


def create_label(choose: Chooser) -> Deed | None:
    return Deed("POST", "/labels", {"name": choose.canary()})


def change_label(choose: Chooser) -> Deed | None:
    label = choose.one("label")
    if label is None:
        return None
    if choose.chance.random() < 0.4:
        return Deed("DELETE", f"/labels/{label['_id']}")
    return Deed("PATCH", f"/labels/{label['_id']}", {"name": choose.canary()})


def create_project(choose: Chooser) -> Deed | None:
    number = len(choose.oracle.of_kind("project"))
    if number >= MOST_PROJECTS:
        return None
    visibility = choose.chance.choice(["private", "private", "workspace"])
    return Deed("POST", "/projects", {"key": f"P{number}", "name": choose.canary(), "visibility": visibility})


def update_project(choose: Chooser) -> Deed | None:
    project, member = choose.one("project"), choose.member()
    if project is None:
        return None
    changes: Doc = choose.chance.choice(
        [
            {"visibility": "private"},
            {"visibility": "workspace"},
            {"visibility": "link"},
            {"lead_id": member and member["_id"]},
            {"lead_id": None, "name": choose.canary()},
        ]
    )
    return Deed("PATCH", f"/projects/{project['_id']}", changes)


def create_grant(choose: Chooser) -> Deed | None:
    project, member, team = choose.one("project"), choose.member(), choose.one("team")
    if project is None or member is None:
        return None
    holder = {"membership_id": member["_id"]}
    if team is not None and choose.chance.random() < 0.4:
        holder = {"team_id": team["_id"]}
    body = {"role": choose.chance.choice(PROJECT_ROLES), **holder}
    return Deed("POST", f"/projects/{project['_id']}/grants", body)


def change_grant(choose: Chooser) -> Deed | None:
    grant = choose.one("grant")
    if grant is None:
        return None
    path = f"/projects/{grant['project_id']}/grants/{grant['_id']}"
    if choose.chance.random() < 0.6:
        return Deed("DELETE", path)
    role, custom = choose.chance.choice(PROJECT_ROLES), choose.one("role")
    narrow = custom is not None and choose.chance.random() < 0.4
    return Deed("PATCH", path, {"role": role, "custom_role_id": custom["_id"] if custom and narrow else None})


def create_team(choose: Chooser) -> Deed | None:
    return Deed("POST", "/teams", {"name": choose.canary()})


def change_team(choose: Chooser) -> Deed | None:
    team, member = choose.one("team"), choose.member()
    if team is None or member is None:
        return None
    if choose.chance.random() < 0.1:
        return Deed("DELETE", f"/teams/{team['_id']}")
    method = choose.chance.choice(["PUT", "PUT", "DELETE"])
    return Deed(method, f"/teams/{team['_id']}/members/{member['_id']}")


def create_role(choose: Chooser) -> Deed | None:
    permissions = choose.chance.choice([["task:update"], ["comment:create"], ["project:read"]])
    return Deed("POST", "/roles", {"name": choose.canary(), "permissions": permissions})


def change_role(choose: Chooser) -> Deed | None:
    role = choose.one("role")
    if role is None:
        return None
    if choose.chance.random() < 0.3:
        return Deed("DELETE", f"/roles/{role['_id']}")
    permissions = choose.chance.choice([["task:create"], ["comment:create"], ["project:read"]])
    return Deed("PATCH", f"/roles/{role['_id']}", {"permissions": permissions})


def update_member(choose: Chooser) -> Deed | None:
    member, custom = choose.member(), choose.one("role")
    if member is None:
        return None
    changes: Doc = {"display_name": choose.canary()}
    if choose.chance.random() < 0.6:
        changes = {"role": choose.chance.choice(["admin", "member", "guest"])}
    if custom is not None and choose.chance.random() < 0.15:
        changes = {"role": "member", "custom_role_id": custom["_id"]}
    return Deed("PATCH", f"/memberships/{member['_id']}", changes)


def remove_member(choose: Chooser) -> Deed | None:
    member = choose.member()
    return Deed("DELETE", f"/memberships/{member['_id']}") if member else None


def add_member(choose: Chooser) -> Deed | None:
    email = choose.absent_email()
    role = choose.chance.choice(["admin", "member", "guest", "guest"])
    return Deed("POST", "/memberships", {"email": email, "role": role}) if email else None


def change_link(choose: Chooser) -> Deed | None:
    """Of those there are; new ones are opened, too."""
    link = choose.one("link")
    if link is None:
        return None
    path = f"/projects/{link['project_id']}/links/{link['_id']}"
    if choose.chance.random() < 0.4:
        return Deed("DELETE", path)
    return Deed("PATCH", path, {"role": choose.chance.choice(["viewer", "commenter"])})


EDITS: tuple[Maker, ...] = (create_task, update_task, create_comment, change_comment, change_label)
"""What changes nobody's rights."""
_WEIGHTS: Mapping[Maker, int] = {
    create_task: 8,
    update_task: 9,
    move_task: 8,
    trash_task: 3,
    create_comment: 5,
    change_comment: 4,
    create_label: 2,
    change_label: 3,
    create_project: 3,
    update_project: 7,
    create_grant: 8,
    change_grant: 7,
    create_team: 2,
    change_team: 5,
    create_role: 1,
    change_role: 2,
    update_member: 6,
    remove_member: 3,
    add_member: 6,
    change_link: 2,
}
DEEDS: Mapping[str, Maker] = {maker.__name__: maker for maker in _WEIGHTS}


def make_up(choose: Chooser, makers: Mapping[str, Maker] = DEEDS) -> Deed:
    """Something that can be done as things are."""
    known = list(makers.values())
    weights = [_WEIGHTS[one] for one in known]
    while True:
        deed: Any = choose.chance.choices(known, weights)[0](choose)
        if deed is not None:
            assert isinstance(deed, Deed)
            return deed
