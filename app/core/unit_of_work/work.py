"""What a command's decision sees: reads through the identity map, writes that become one event."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar

from app.core.documents import Doc, Entity, derived, loaded, plain, public, stored
from app.core.errors import already_exists, not_found
from app.core.jobs import Job
from app.core.log import event_id
from app.core.unit_of_work.batch import Batch
from app.core.unit_of_work.command import Command, Context
from app.core.unit_of_work.recent import Key

E = TypeVar("E", bound=Entity)


class Work:
    """One command's part of a transaction.

    `seq` is the number that the command will have, `now` the time of its event, `actor` who asks.
    """

    def __init__(
        self,
        batch: Batch,
        command: Command[Any],
        context: Context,
        workspace_id: str,
        seq: int,
        now: datetime,
    ) -> None:
        self._batch = batch
        self._command = command
        self._context = context
        self.workspace_id = workspace_id
        self.seq = seq
        self.now = now
        self.touched: dict[Key, Doc | None] = {}
        """What each changed document was before this command."""
        self.asked: list[Job] = []
        """What is to be done once this command is committed."""

    @property
    def actor(self) -> dict[str, Any]:
        return dict(self._context.actor)

    async def get(self, model: type[E], id_: str) -> E | None:
        """The document, as the commands before this one left it; None where the actor sees none."""
        await self._batch.load(model, (id_,))
        doc = self._batch.entries[model, id_].current
        return loaded(model, doc) if doc is not None and await self._sees(model, doc) else None

    async def require(self, model: type[E], id_: str) -> E:
        """The document; raises `not_found` where the actor sees none in this workspace."""
        found = await self.get(model, id_)
        if found is None:
            raise not_found(model.KIND)
        return found

    async def get_many(self, model: type[E], ids: Collection[str]) -> list[E]:
        """Those of the documents that the actor sees, in the order of their ids."""
        await self._batch.load(model, ids)
        docs = [self._batch.entries[model, id_].current for id_ in ids]
        return [loaded(model, doc) for doc in docs if doc is not None and await self._sees(model, doc)]

    async def find(
        self, model: type[E], query: Doc, sort: Sequence[tuple[str, int]] = (), limit: int = 0
    ) -> list[E]:
        """Documents of this workspace by a query, whoever sees them; the caller's queries.py holds it."""
        docs = await self._batch.find(model, query, sort, limit)
        return [loaded(model, doc) for doc in docs]

    async def count(self, model: type[Entity], query: Doc, limit: int) -> int:
        """How many documents of this workspace match, counted up to the limit."""
        return await self._batch.count(model, query, limit)

    def add(self, instance: E) -> E:
        """A new document; its version is this command's number. Raises `already_exists` for the id."""
        key = (type(instance), instance.id)
        entry = self._batch.entries.get(key)
        if entry is not None and entry.current is not None:  # which the actor may not see
            raise already_exists(instance.KIND, "id", instance.id)
        doc = stored(instance)
        doc["version"] = self.seq
        doc |= derived(type(instance), doc)
        self._put(key, doc)
        return loaded(type(instance), doc)

    def update(self, instance: E, **changes: Any) -> E:
        """The document with these fields changed; nothing happens where they hold these values already.

        A change of internal fields alone leaves the version and the log untouched.
        """
        model = type(instance)
        key = (model, instance.id)
        entry = self._batch.entries[key]
        assert entry.current is not None  # noqa: S101 - the instance came from it
        before = entry.current
        changed = {name: plain(value) for name, value in changes.items() if before.get(name) != plain(value)}
        if not changed:
            return instance
        if not changed.keys() <= model.INTERNAL:
            changed["version"] = self.seq
            changed.setdefault("updated_at", self.now)
        doc = {**before, **changed}
        doc |= derived(model, doc)
        self._put(key, doc)
        return loaded(model, doc)

    def remove(self, instance: Entity) -> None:
        """Delete the document; its last state stays in the log."""
        self._put((type(instance), instance.id), None)

    def ask(self, job: Job) -> None:
        """Have a job done if, and only if, this command is committed."""
        self.asked.append(job)

    async def check_rights(self) -> None:
        """Raises `permission_denied` where what was changed lies where the actor may not do that."""
        guard = self._context.guard
        if guard is None:
            return
        for (model, id_), before in self.touched.items():
            if model.PROJECT is None:
                continue
            for doc in (before, self._batch.entries[model, id_].current):
                if doc is not None:
                    guard.check(self._command.permission, await self._project_of(model, doc) or "")

    async def _sees(self, model: type[Entity], doc: Doc) -> bool:
        guard = self._context.guard
        return guard is None or guard.sees(model, doc, await self._project_of(model, doc))

    async def _project_of(self, model: type[Entity], doc: Doc) -> str | None:
        """The project that a document is of, itself or as a part of something; "" where that is gone."""
        place = model.PROJECT
        if place is None:
            return None
        if isinstance(place, str):
            return str(doc[place])
        owner, name = place
        await self._batch.load(owner, (doc[name],))
        whole = self._batch.entries[owner, doc[name]].current
        return "" if whole is None else await self._project_of(owner, whole)

    async def operations(self) -> list[Doc]:
        """What this command changed, in order, as the log keeps it."""
        found = []
        for (model, id_), before in self.touched.items():
            after = self._batch.entries[model, id_].current
            op = _operation(model, before, after, self.seq)
            some = before if after is None else after
            if op is not None and some is not None:
                found.append(op | {"project_id": await self._project_of(model, some)})
        return found

    def event(self, operations: list[Doc]) -> Doc:
        """The event of this command, or of what is left of it when nothing public changed."""
        return {
            "_id": event_id(self.workspace_id, self.seq),
            "workspace_id": self.workspace_id,
            "seq": self.seq,
            "at": self.now,
            "actor": dict(self._context.actor),
            "source": dict(self._context.source),
            "command": self._command.name,
            "mutation": self._context.idempotency_key,
            "refs": self._refs(),
            "ops": operations,
        }

    def undo(self) -> None:
        """Leave the identity map as it was before this command."""
        for key, before in self.touched.items():
            self._batch.put(key, before)
        self.touched.clear()

    def _put(self, key: Key, doc: Doc | None) -> None:
        if key not in self.touched:
            entry = self._batch.entries.get(key)
            self.touched[key] = None if entry is None else entry.current
        self._batch.put(key, doc)

    def _refs(self) -> list[str]:
        refs: set[str] = set()
        for key, before in self.touched.items():
            for doc in (before, self._batch.entries[key].current):
                if doc is not None:
                    refs.update(key[0].refs(doc))
        return sorted(refs)


def _operation(model: type[Entity], before: Doc | None, after: Doc | None, seq: int) -> Doc | None:
    if before is None and after is None:
        return None
    groups_before = [] if before is None else model.groups(before)
    groups_after = [] if after is None else model.groups(after)
    some = after if after is not None else before
    assert some is not None  # noqa: S101 - one of the two is there
    op: Doc = {"kind": model.KIND, "id": some["_id"], "version": seq}
    if after is None:
        op |= {"verb": "delete", "set": {}, "before": public(model, some)}
    elif before is None:
        op |= {"verb": "create", "set": public(model, after), "before": {}}
    else:
        old, new = public(model, before), public(model, after)
        names = [name for name in new if old.get(name) != new[name]]
        if not names:
            return None
        op |= {"verb": "update", "set": {n: new[n] for n in names}, "before": {n: old.get(n) for n in names}}
    return op | {"groups_before": groups_before, "groups_after": groups_after}
