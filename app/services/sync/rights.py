"""Who may see what in a workspace, as of one number of its log, kept by the log itself. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError, not_found
from app.models.memberships import Role
from app.services.access import Principal, PrincipalKind, Standing
from app.services.access.rules import ADMINS, WATCHED, Holder, Permissions, closed, is_shared
from app.services.access.standing import People, check_factors, is_open, standing_of, visitor_standing
from app.services.sync.reach import Reach, View, Wanted, reach_of

EVERYTHING = Wanted()
Docs = dict[str, dict[str, Doc]]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever is told of a workspace: who it is, as which member, and what was asked for."""

    principal: Principal
    membership_id: str
    wanted: Wanted = field(default_factory=Wanted)

    @property
    def is_visitor(self) -> bool:
        return self.principal.kind is PrincipalKind.LINK


class Rights:
    """All that rights follow from, in memory: what a request asks the database for, a stream asks this."""

    def __init__(self, workspace_id: str, docs: Docs) -> None:
        """`docs` are the public documents of each of the `WATCHED` kinds, by their ids."""
        self.workspace_id = workspace_id
        self._docs = docs
        self._known: dict[tuple[str, Permissions | None], View] = {}
        """All that a member sees; with it goes its digest, which takes long to make."""
        self._members: dict[str, str] = {}
        """The memberships of accounts, once somebody has asked."""

    def apply(self, events: Iterable[Doc]) -> bool:
        """Take in events, in their order; whether any was about rights."""
        changed = False
        for op in _of_rights(events):
            docs = self._docs[op["kind"]]
            if op["verb"] == "delete":
                docs.pop(op["id"], None)
            else:
                docs[op["id"]] = {**docs.get(op["id"], {}), **op["set"]}
            changed = True
        if changed:
            self._known.clear()
            self._members.clear()
        return changed

    def before(self, events: Iterable[Doc]) -> "Rights":
        """The rights as they were before these last events."""
        docs = {kind: dict(of_kind) for kind, of_kind in self._docs.items()}
        for op in reversed(list(_of_rights(events))):
            if op["verb"] == "create":
                docs[op["kind"]].pop(op["id"], None)
            else:
                now = docs[op["kind"]].get(op["id"], {})
                docs[op["kind"]][op["id"]] = {**now, **op["before"]}
        return Rights(self.workspace_id, docs)

    def role_of(self, membership_id: str) -> str:
        """The role of a membership, a guest's where there is none."""
        found = self._docs["membership"].get(membership_id)
        return Role.GUEST if found is None else str(found["role"])

    def is_called(self, ref: str) -> bool:
        """Whether this is the id of the workspace, or its slug."""
        return ref in (self.workspace_id, self.slug)

    @property
    def slug(self) -> str:
        return str(self._docs["workspace"].get(self.workspace_id, {}).get("slug"))

    def membership_of(self, user_id: str) -> str | None:
        """The membership of an account, also a former one; None where there never was one."""
        if not self._members:
            memberships = self._docs["membership"].values()
            self._members = {one["user_id"]: one["id"] for one in memberships if one["user_id"]}
        return self._members.get(user_id)

    def view(self, viewer: Viewer, now: datetime) -> View:
        """What somebody is sent now.

        Raises `not_found` for who is no member any more, `second_factor_required` where the workspace asks
        for one by now, and `invalid_token` for visitors whose link is over.
        """
        if viewer.is_visitor:
            return viewer.wanted.of(self._reach_of(self._visitor(viewer, now)), visitor=True)
        check_factors(viewer.principal, self._docs["workspace"].get(self.workspace_id, {}))
        known = self._member_view(viewer)
        return known if viewer.wanted == EVERYTHING else viewer.wanted.of(known.reach, visitor=False)

    def _member_view(self, viewer: Viewer) -> View:
        key = (viewer.membership_id, viewer.principal.scopes)
        known = self._known.get(key)
        if known is None:
            reach = self._reach_of(self._member(viewer))
            known = self._known[key] = EVERYTHING.of(reach, visitor=False)
        return known

    def _reach_of(self, standing: Standing) -> Reach:
        return reach_of(standing, self._docs["project"])

    def _member(self, viewer: Viewer) -> Standing:
        found = self._docs["membership"].get(viewer.membership_id)
        if found is None or found["removed_at"] is not None:
            raise not_found("workspace")
        holder = Holder(found["id"], Role(found["role"]), found.get("custom_role_id"))
        roles = {id_: closed(doc["permissions"]) for id_, doc in self._docs["role"].items()}
        projects = [_stored(one) for one in self._docs["project"].values()]
        grants = self._grants_of(holder)
        standing = standing_of(viewer.principal, self.workspace_id, holder, roles, projects, grants)
        if not standing.is_guest:
            return standing
        mine = [self._docs["project"][id_] for id_ in standing.keys.values()]
        ids = frozenset({holder.membership_id, *self._people_in(mine)})
        return replace(standing, people=People(ids, any(is_open(one) for one in mine)))

    def _visitor(self, viewer: Viewer, now: datetime) -> Standing:
        links = [one for one in self._docs["link"].values() if one["membership_id"] == viewer.membership_id]
        project = self._docs["project"].get(links[0]["project_id"]) if links else None
        if project is None or not is_shared(links, [project], now):
            raise PastisError(ErrorCode.INVALID_TOKEN)
        return visitor_standing(viewer.principal, links[0], _stored(project), self._people_in([project]))

    def _grants_of(self, holder: Holder) -> list[Doc]:
        teams = {id_ for id_, one in self._docs["team"].items() if holder.membership_id in one["member_ids"]}
        return [
            _stored(one)
            for one in self._docs["grant"].values()
            if one["membership_id"] == holder.membership_id or one["team_id"] in teams
        ]

    def _people_in(self, projects: Iterable[Doc]) -> set[str]:
        """Who has a grant in one of the projects, leads it, or is the name of its links; and all admins."""
        ids = {one["id"] for one in projects}
        if not ids:
            return set()
        grants = [one for one in self._docs["grant"].values() if one["project_id"] in ids]
        teams = [self._docs["team"].get(one["team_id"], {}) for one in grants]
        return {
            *(one["id"] for one in self._docs["membership"].values() if one["role"] in ADMINS),
            *(one["membership_id"] for one in grants if one["membership_id"] is not None),
            *(member for team in teams for member in team.get("member_ids", ())),
            *(one["membership_id"] for one in self._docs["link"].values() if one["project_id"] in ids),
            *(one["lead_id"] for one in projects if one["lead_id"] is not None),
        }


def _of_rights(events: Iterable[Doc]) -> Iterable[Doc]:
    return (op for event in events for op in event["ops"] if op["kind"] in WATCHED)


def concerns(event: Doc) -> bool:
    """Whether an event may change who sees what."""
    return any(op["kind"] in WATCHED for op in event["ops"])


def _stored(doc: Doc) -> Doc:
    """A document with its id where those of the database have it, as what weighs rights is used to."""
    return {**doc, "_id": doc["id"]}


def by_id(docs: Mapping[str, Iterable[Doc]]) -> Docs:
    return {kind: {doc["id"]: doc for doc in of_kind} for kind, of_kind in docs.items()}
