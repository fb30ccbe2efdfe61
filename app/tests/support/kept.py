"""What the database keeps, which every test of the API looks at besides the answer."""

from app.core.documents import Doc, Entity
from app.core.log import Event
from app.services.bootstrap import Services
from app.tests.support import replay
from app.tests.support.factories import Workspace


class Kept:
    """The documents of a workspace, past the API."""

    def __init__(self, services: Services, workspace: Workspace) -> None:
        self._database = services.database
        self._workspace_id = workspace.id

    async def find(self, model: type[Entity], id_: str) -> Doc | None:
        query = {"_id": id_, "workspace_id": self._workspace_id}
        return await self._database.collection(model).find_one(query)

    async def one(self, model: type[Entity], id_: str) -> Doc:
        found = await self.find(model, id_)
        assert found is not None, f"there is no {model.KIND} {id_}"
        return found

    async def all(self, model: type[Entity]) -> list[Doc]:
        found = self._database.collection(model).find({"workspace_id": self._workspace_id})
        return await found.sort("_id").to_list()

    async def head(self) -> int:
        return await replay.head(self._database, self._workspace_id)

    async def event(self, seq: int) -> Doc:
        query = {"workspace_id": self._workspace_id, "seq": seq}
        found = await self._database.collection(Event).find_one(query)
        assert found is not None, f"there is no event {seq}"
        return found

    async def last_event(self) -> Doc:
        return await self.event(await self.head())

    async def state(self) -> replay.State:
        """Everything, to see that nothing has changed."""
        return await replay.snapshot(self._database, self._workspace_id)
