"""What a transaction stands on: the workspace's head, remembered or read, and the transaction before."""

import asyncio
from collections.abc import Callable

from pymongo.asynchronous.client_session import AsyncClientSession

from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.log import Head
from app.core.unit_of_work.recent import Recent


class ConflictError(Exception):
    """Somebody else changed what this transaction stands on: run it again."""


class Ground:
    """The head that decisions go by.

    Where nobody else writes, it is the one that was left: reads by id then need no transaction, as they are
    true if the head is still the same when the transaction begins. That is found out by `open`, or by moving
    the head, before anything is written or answered.
    """

    def __init__(
        self,
        database: Database,
        session: AsyncClientSession,
        workspace_id: str,
        recent: Recent,
        before: "asyncio.Future[None] | None",
        begun: Callable[[], None],
    ) -> None:
        self._database = database
        self._session = session
        self._workspace_id = workspace_id
        self._recent = recent
        self._before = before
        self._begun = begun
        self.head = recent.head()
        self._generation = recent.generation
        self._opened = False

    @property
    def reading(self) -> AsyncClientSession | None:
        """The session to read by id in; None while there is no snapshot yet."""
        return self._session if self._opened else None

    async def open(self) -> AsyncClientSession:
        """Begin the transaction's snapshot, if that has not been done, and see that the head is in it.

        Raises ConflictError where it is not the one that decisions went by.
        """
        if not self._opened:
            await self._wait()
            found = await self._database.collection(Head).find_one(
                {"_id": self._workspace_id}, session=self._session
            )
            self._begin()
            self._check(found)
        return self._session

    async def take(self) -> None:
        """Begin with the head, so that nobody else can move it until this transaction ends.

        Raises the driver's conflict where somebody else has it.
        """
        await self._wait()
        found = await self._database.collection(Head).find_one_and_update(
            {"_id": self._workspace_id}, {"$inc": {"writes": 1}}, session=self._session
        )
        self._begin()
        self._check(found)
        if found is not None:
            self.head = {**found, "writes": found["writes"] + 1}

    def _check(self, found: Doc | None) -> None:
        if self.head is not None and (found is None or found["writes"] != self.head["writes"]):
            raise self._met()
        self.head = found
        if found is not None:
            self._recent.trust(found)
            self._generation = self._recent.generation

    async def move(self, events: int) -> Doc:
        """Move the head by so many events, and by one for writing at all; gives the new one.

        Raises ConflictError where it is not the one that decisions went by.
        """
        await self._wait()
        head = self.head
        assert head is not None  # noqa: S101 - decisions went by it
        after = {**head, "seq": head["seq"] + events, "writes": head["writes"] + 1}
        heads = self._database.collection(Head)
        if head["writes"] == 0:
            await heads.insert_one(after, session=self._session)
        else:
            moved = await heads.update_one(
                {"_id": self._workspace_id, "seq": head["seq"], "writes": head["writes"]},
                {"$set": {"seq": after["seq"], "writes": after["writes"]}},
                session=self._session,
            )
            if moved.matched_count != 1:
                raise self._met()
        self._begin()
        return after

    def _met(self) -> ConflictError:
        self._recent.turns.meet()
        return ConflictError()

    def _begin(self) -> None:
        self._opened = True
        self._begun()

    async def _wait(self) -> None:
        """Let the transaction before come to its end; raises ConflictError where it left something else."""
        if self._before is not None:
            await asyncio.wait({self._before})
            self._before = None
        if self._recent.generation != self._generation:
            raise ConflictError
