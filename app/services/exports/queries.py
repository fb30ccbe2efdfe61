"""Reads a whole workspace as of one moment, a batch at a time."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pymongo.asynchronous.client_session import AsyncClientSession

from app.core.database.engine import Database
from app.core.database.moments import moment
from app.core.documents import Doc, Entity
from app.core.log import Event, Head
from app.models.comments import Comment
from app.models.grants import Grant
from app.models.invitations import Invitation
from app.models.labels import Label
from app.models.links import Link
from app.models.memberships import Membership
from app.models.projects import Project
from app.models.roles import CustomRole
from app.models.statuses import Status
from app.models.tasks import State, Task
from app.models.teams import Team
from app.models.workspaces import Workspace

ORDER: Sequence[tuple[type[Entity], Sequence[str]]] = (
    (Workspace, ()),
    (CustomRole, ("folded",)),
    (Membership, ("display_name", "_id")),
    (Invitation, ("created_at", "_id")),
    (Team, ("folded",)),
    (Label, ("folded",)),
    (Project, ("name", "_id")),
    (Grant, ("project_id", "_id")),
    (Link, ("project_id", "_id")),
    (Status, ("project_id", "rank", "_id")),
    (Task, ("created_at", "_id")),
    (Comment, ("task_id", "created_at", "_id")),
)
"""Every kind after those that it names; within a kind the order of an index, so that nothing is sorted."""
HINTS: Mapping[type[Entity], str] = {Task: "tasks_by_created"}
"""Where the server would rather sort: the three states' parts of an index, merged, are in order too."""
BATCH = 500


@dataclass(frozen=True, slots=True)
class View:
    """A workspace as of one moment: all reads agree, whatever is written meanwhile."""

    database: Database
    session: AsyncClientSession
    workspace_id: str

    async def head(self) -> Doc | None:
        """Where the log stands; it is read first, as the first read sets the moment."""
        return await self.database.collection(Head).find_one({"_id": self.workspace_id}, session=self.session)

    async def workspace(self) -> Doc | None:
        found = self.database.collection(Workspace)
        return await found.find_one({"_id": self.workspace_id}, session=self.session)

    async def count(self, model: type[Entity] | type[Event]) -> int:
        return await self.database.collection(model).count_documents(self._all(model), session=self.session)

    async def documents(self, model: type[Entity], order: Sequence[str]) -> AsyncIterator[Doc]:
        sort = [(field, 1) for field in order]
        async for doc in self.database.collection(model).find(
            self._all(model), session=self.session, sort=sort, batch_size=BATCH, hint=HINTS.get(model)
        ):
            yield doc

    async def events(self) -> AsyncIterator[Doc]:
        """The log in order."""
        async for event in self.database.collection(Event).find(
            self._all(Event), session=self.session, sort=[("seq", 1)], batch_size=BATCH
        ):
            yield event

    def _all(self, model: type[Entity] | type[Event]) -> Doc:
        if model is Workspace:
            # It is found by its id alone: its collection needs no other index.
            return {"_id": self.workspace_id}
        if model is Task:
            # All that the lists' indexes begin with, as only they have the order.
            lists = {"derived.state": {"$in": list(State)}, "derived.lists": self.workspace_id}
            return {"workspace_id": self.workspace_id, **lists}
        return {"workspace_id": self.workspace_id}


@asynccontextmanager
async def view(database: Database, workspace_id: str) -> AsyncIterator[View]:
    """One moment of a workspace, for as long as the server remembers it."""
    async with moment(database) as session:
        yield View(database, session, workspace_id)
