"""Who may do what, in plain sets: written from the documentation, with nothing of the program in it.

docs/guides/users.md has the tables, docs/decisions/0037 to 0039 say how they are weighed, and
docs/api/authentication.md says how long a login lives, docs/api/tokens.md what a token is good for.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.tests.test_api.access.tables import (
    EVERYBODY,
    LINK_ROLES,
    OF_PROJECT,
    OF_WORKSPACE,
    PROJECT_ROLES,
    RANKS,
    WITH_EVERY_TOKEN,
    WORKSPACE_ROLES,
    Permissions,
)

ACCESS_LIFE = timedelta(minutes=15)
LOGIN_LIFE = {True: timedelta(days=30), False: timedelta(hours=12)}
"""With `remember_me`, and without."""
GRACE = timedelta(seconds=60)
RECENT = timedelta(minutes=10)
TOKEN_LIFE = timedelta(days=90)
VISIT_LIFE = timedelta(hours=12)


@dataclass
class Account:
    id: str
    email: str
    password: str
    active: bool = True
    wrong: int = 0
    """Wrong passwords so far, which are limited."""


@dataclass
class Login:
    """`tokens` are all refresh tokens ever handed out, the newest last, `replaced` says when each was."""

    account: Account
    access: str
    access_ends: datetime
    tokens: list[str]
    remember: bool
    ends: datetime
    proven_at: datetime
    id: str = ""
    former_access: str = ""
    former_access_ends: datetime | None = None
    replaced: list[datetime] = field(default_factory=list)
    over: bool = False


@dataclass
class ApiToken:
    """An account's, or that of a service account, which is a member of one workspace."""

    id: str
    access: str
    account: Account | None
    member: str | None
    scopes: Permissions | None
    ends: datetime
    over: bool = False


@dataclass
class Link:
    """A public link, with the membership in whose name its visitors write."""

    id: str
    project: str
    member: str
    role: str
    token: str
    ends: datetime | None


@dataclass
class Visit:
    """Of somebody who has opened a link."""

    access: str
    link: Link
    ends: datetime
    account: None = None


Caller = Login | ApiToken | Visit


@dataclass
class Workspace:
    id: str
    slug: str


@dataclass
class Member:
    id: str
    workspace: str
    account: str | None
    role: str
    custom: str | None = None
    removed: bool = False
    service: bool = False
    link: bool = False


@dataclass
class Team:
    id: str
    workspace: str
    members: set[str]


@dataclass
class CustomRole:
    id: str
    workspace: str
    permissions: Permissions


@dataclass
class Project:
    id: str
    workspace: str
    key: str
    visibility: str
    lead: str | None = None


@dataclass
class Grant:
    id: str
    project: str
    member: str | None
    team: str | None
    role: str
    custom: str | None = None


@dataclass
class Task:
    id: str
    project: str
    key: str
    trashed: bool = False
    been: set[str] = field(default_factory=set)
    """Every project that it ever was in."""


@dataclass
class Comment:
    id: str
    task: str
    author: str


@dataclass(frozen=True)
class Actor:
    """A living principal in a workspace that lets it in; a token narrows what its holder may."""

    member: Member
    caller: Caller

    @property
    def scopes(self) -> Permissions | None:
        return self.caller.scopes if isinstance(self.caller, ApiToken) else None

    @property
    def visit(self) -> Visit | None:
        return self.caller if isinstance(self.caller, Visit) else None

    @property
    def is_admin(self) -> bool:
        """With a token for some things only, nobody is."""
        return self.member.role in ("owner", "admin") and self.scopes is None

    def narrow(self, held: Permissions) -> Permissions:
        return held if self.scopes is None else held & self.scopes


class Oracle:
    def __init__(self, now: datetime) -> None:
        self.now = now
        self.accounts: dict[str, Account] = {}
        self.logins: list[Login] = []
        self.tokens: list[ApiToken] = []
        self.links: dict[str, Link] = {}
        self.visits: list[Visit] = []
        self.workspaces: dict[str, Workspace] = {}
        self.members: dict[str, Member] = {}
        self.teams: dict[str, Team] = {}
        self.roles: dict[str, CustomRole] = {}
        self.projects: dict[str, Project] = {}
        self.grants: dict[str, Grant] = {}
        self.tasks: dict[str, Task] = {}
        self.comments: dict[str, Comment] = {}
        self.deleted: dict[str, Comment] = {}
        """Comments of which only history tells."""

    # --- logins

    def lives(self, login: Login) -> bool:
        return not login.over and login.account.active and self.now < login.ends

    def login_of(self, token: str | None) -> Login | None:
        """The living login behind an access token."""
        for login in self.logins:
            present = token == login.access and self.now < login.access_ends
            ends = login.former_access_ends
            former = token == login.former_access and ends is not None and self.now < ends
            if (present or former) and self.lives(login):
                return login
        return None

    def caller_of(self, token: str | None) -> Caller | None:
        """Whoever lives behind what a request shows."""
        for one in self.tokens:
            if one.access == token and not one.over and self.now < one.ends:
                return one if one.account is None or one.account.active else None
        for visit in self.visits:
            if visit.access == token and self.now < visit.ends and self.opens(visit.link):
                return visit
        return self.login_of(token)

    def opens(self, link: Link) -> bool:
        """Only while it is there, has not ended, and the project's visibility is `link`."""
        lasts = link.ends is None or self.now < link.ends
        return lasts and link.id in self.links and self.projects[link.project].visibility == "link"

    def ends(self) -> Iterator[datetime]:
        """When anything that is shown with requests ends by itself."""
        for login in self.logins:
            yield from (login.access_ends, login.ends)
            if login.former_access_ends is not None:
                yield login.former_access_ends
        yield from (one.ends for one in self.tokens)
        yield from (one.ends for one in self.visits)
        yield from (one.ends for one in self.links.values() if one.ends is not None)

    def is_recent(self, login: Login) -> bool:
        return self.now - login.proven_at <= RECENT

    def opened(self, account: Account, access: str, refresh: str, *, remember: bool) -> Login:
        ends = self.now + LOGIN_LIFE[remember]
        access_ends = min(self.now + ACCESS_LIFE, ends)
        login = Login(account, access, access_ends, [refresh], remember, ends, proven_at=self.now)
        self.logins.append(login)
        return login

    def refresh(self, login: Login, token: str) -> str:
        """What becomes of a refresh token: `new` tokens, the `same` ones, `late`, or the login `ends`."""
        if not self.lives(login):
            return "late"
        place = login.tokens.index(token)
        if place == len(login.tokens) - 1:
            return "new"
        if self.now - login.replaced[place] > GRACE:
            return "ends"
        return "same" if place == len(login.tokens) - 2 else "late"

    def rotated(self, login: Login, access: str, refresh: str) -> None:
        login.former_access = login.access
        login.former_access_ends = min(self.now + GRACE, login.access_ends)
        login.access, login.access_ends = access, min(self.now + ACCESS_LIFE, login.ends)
        login.tokens.append(refresh)
        login.replaced.append(self.now)

    def end_logins(self, account: Account, but: Login | None = None) -> None:
        for login in self.logins:
            if login.account is account and login is not but:
                login.over = True

    # --- who has what

    def enter(self, caller: Caller, workspace: str) -> Actor | None:
        """None for who is no member, or no longer."""
        for member in self.members.values():
            if isinstance(caller, Visit):
                mine = caller.link.member == member.id
            elif caller.account is None:
                mine = isinstance(caller, ApiToken) and caller.member == member.id
            else:
                mine = caller.account.id == member.account
            if mine and member.workspace == workspace and not member.removed:
                return Actor(member, caller)
        return None

    def end_tokens(self, account: Account) -> None:
        for token in self.tokens:
            token.over = token.over or token.account is account

    def of_workspace(self, member: Member) -> Permissions:
        if member.custom is None:
            return WORKSPACE_ROLES[member.role]
        return (self.roles[member.custom].permissions & OF_WORKSPACE) | EVERYBODY

    def in_project(self, member: Member, project: Project) -> Permissions:
        """The union of all that gives something there."""
        return frozenset().union(*self._sources(member, project))

    def _sources(self, member: Member, project: Project) -> Iterator[Permissions]:
        if project.workspace != member.workspace:
            return
        if member.role in ("owner", "admin") or project.lead == member.id:
            yield OF_PROJECT
        if member.role == "member" and project.visibility != "private":
            custom = member.custom
            yield PROJECT_ROLES["contributor"] if custom is None else self.given("", custom)
        for grant in self.grants.values():
            if grant.project == project.id and self._is_for(grant, member):
                yield self.given(grant.role, grant.custom)

    def _is_for(self, grant: Grant, member: Member) -> bool:
        if grant.team is None:
            return grant.member == member.id
        return grant.team in self.teams and member.id in self.teams[grant.team].members

    def given(self, role: str, custom: str | None) -> Permissions:
        """What a role in a project gives; a custom one takes its place."""
        return PROJECT_ROLES[role] if custom is None else self.roles[custom].permissions & OF_PROJECT

    def own(self, actor: Actor) -> Permissions:
        """What somebody may do in the workspace itself, with what is shown."""
        if actor.visit is not None:
            return WITH_EVERY_TOKEN
        return actor.narrow(self.of_workspace(actor.member))

    def there(self, actor: Actor, project: Project) -> Permissions:
        """What somebody may do in a project, with what is shown."""
        if actor.visit is not None:  # whatever else its membership was given
            return (
                LINK_ROLES[actor.visit.link.role] if actor.visit.link.project == project.id else frozenset()
            )
        return actor.narrow(self.in_project(actor.member, project))

    def has(self, actor: Actor, permission: str, project: Project) -> bool:
        return permission in self.there(actor, project)

    def may_ask(self, actor: Actor, permission: str) -> bool:
        """Whether a route lets somebody in: who has it nowhere is refused before anything is looked up.

        Everybody may ask what there is to read in projects, and admins anything, also where none is yet.
        """
        if permission in OF_WORKSPACE:
            return permission in self.own(actor)
        if permission.endswith(":read") or actor.is_admin:
            return True
        return any(
            self.has(actor, permission, project) for project in self.projects_in(actor.member.workspace)
        )

    # --- what is seen

    def projects_in(self, workspace: str) -> list[Project]:
        return [one for one in self.projects.values() if one.workspace == workspace]

    def seen_projects(self, actor: Actor, permission: str = "project:read") -> list[Project]:
        found = self.projects_in(actor.member.workspace)
        return [one for one in found if self.has(actor, permission, one)]

    def sees_task(self, actor: Actor, task: Task) -> bool:
        return self.has(actor, "task:read", self.projects[task.project])

    def sees_comment(self, actor: Actor, comment: Comment) -> bool:
        task = self.tasks[comment.task]
        return self.sees_task(actor, task) and self.has(actor, "comment:read", self.projects[task.project])

    def sees_member(self, actor: Actor, other: Member) -> bool:
        """Guests see the people of their projects, all others everybody."""
        me = actor.member
        if other.workspace != me.workspace:
            return False
        if (me.role != "guest" and actor.visit is None) or other.id == me.id:
            return True
        # Visitors see who is there by name, and not all to whom the project is open.
        return any(self._is_in(other, one, actor.visit is None) for one in self.seen_projects(actor))

    def _is_in(self, member: Member, project: Project, opened: bool) -> bool:
        by_role = member.role in ("owner", "admin") or (
            opened and member.role == "member" and project.visibility != "private"
        )
        granted = (one for one in self.grants.values() if one.project == project.id)
        linked = any((one.project, one.member) == (project.id, member.id) for one in self.links.values())
        by_name = project.lead == member.id or any(self._is_for(one, member) for one in granted)
        return by_role or by_name or linked

    # --- what is changed

    def may_manage(self, actor: Actor, *roles: str) -> bool:
        """Nobody gives, changes or takes a role above their own; a token for some things only lowers it."""
        lowered = actor.member.role in ("owner", "admin") and not actor.is_admin
        own = RANKS.index("member" if lowered else actor.member.role)
        return all(RANKS.index(role) <= own for role in roles)

    def is_last_owner(self, member: Member) -> bool:
        """Placeholders and deactivated accounts cannot log in, so they are no owners that count."""
        owners = {
            one.id: one.account
            for one in self.members.values()
            if (one.workspace, one.role, one.removed) == (member.workspace, "owner", False) and one.account
        }
        mine = owners.pop(member.id, None)
        return mine is not None and not any(self.accounts[one].active for one in owners.values())

    def leave(self, member: Member) -> None:
        """Who leaves the workspace loses teams and grants."""
        member.removed = True
        for team in self.teams.values():
            team.members.discard(member.id)
        self.grants = {id_: one for id_, one in self.grants.items() if one.member != member.id}

    def delete_link(self, link: Link) -> None:
        """Its visitors are out; what they wrote keeps its name."""
        del self.links[link.id]
        self.leave(self.members[link.member])

    def delete_team(self, team: Team) -> None:
        del self.teams[team.id]
        self.grants = {id_: one for id_, one in self.grants.items() if one.team != team.id}

    def is_used(self, role: CustomRole) -> bool:
        by_members = any(one.custom == role.id for one in self.members.values())
        return by_members or any(one.custom == role.id for one in self.grants.values())
