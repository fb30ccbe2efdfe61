"""Reads the log as history, and undoes events by their inverse commands."""

from app.core.documents import Doc, Entity, public, stored
from app.core.errors import not_found
from app.core.unit_of_work import Command, Outcome, Work
from app.models import ENTITIES
from app.services.access import Page, PageRequest, Scope
from app.services.access.paging import Order, cut, fingerprint, read_cursor
from app.services.activity import changes, queries, rules
from app.services.tasks import resolve_task

_ORDER = Order("seq", descending=True)


class ActivityEngine:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def event(self, seq: int) -> Doc:
        """One event by its number; raises `not_found`."""
        found = await queries.event(self._scope, seq)
        if found is None:
            raise not_found("event")
        return shown(found)

    async def page(self, request: PageRequest) -> Page:
        """All that happened in the workspace, the newest first."""
        return await self._page(None, request)

    async def of_task(self, ref: str, request: PageRequest) -> Page:
        """Who changed what of a task and its comments, the newest first."""
        return await self._page(await resolve_task(self._scope, ref), request)

    async def _page(self, task_id: str | None, request: PageRequest) -> Page:
        bound = fingerprint("activity", self._scope.workspace_id, {"ref": task_id}, _ORDER)
        before = None
        if request.cursor is not None:
            before = read_cursor(request.cursor, self._scope.secret, bound)[0]
        found = await queries.events(self._scope, task_id, before, request.limit + 1)
        # The log knows the history of comments and labels by their ids too.
        if task_id is not None and before is None and not (found and rules.is_of_task(found[0], task_id)):
            raise not_found("task")
        total = await queries.count(self._scope, task_id) if request.count else None
        events, cursor = cut(found, request.limit, _ORDER, self._scope.secret, bound)
        return Page([shown(event) for event in events], cursor, total)

    async def undo(self, seq: int) -> Outcome[None]:
        """Do the inverse of an event, as a command of its own.

        Raises `undo_conflict` with the reason where later changes, or the nature of the event, forbid it,
        and `permission_denied` where the actor may not do the inverse by hand.
        """
        event = await queries.event(self._scope, seq)
        if event is None:
            raise not_found("event")
        for op in event["ops"]:
            self._scope.demand(rules.permission_to_undo(op))

        async def decide(work: Work) -> None:
            for op in rules.undo_order(event["ops"]):
                await self._undo_operation(work, op)

        reads: dict[type[Entity], list[str]] = {}
        for op in event["ops"]:
            reads.setdefault(ENTITIES[op["kind"]], []).append(op["id"])
        return await self._scope.run(Command("event.undo", decide, reads))

    async def _undo_operation(self, work: Work, op: Doc) -> None:
        model = ENTITIES[op["kind"]]
        entity = await work.get(model, op["id"])
        if op["verb"] == "delete":
            if entity is not None:
                raise rules.conflict("changed_since", seq=entity.version)
            self._scope.check_version(None)
            await changes.bring_back(work, self._scope, model, op["before"])
            return
        if entity is None:
            raise rules.conflict("gone")
        self._scope.check_version(entity)
        current = public(model, stored(entity))
        if op["verb"] == "update":
            await changes.take_back(work, self._scope, entity, rules.former_values(op, current))
        else:
            rules.check_untouched(op, current)
            await changes.remove(work, self._scope, entity)


def shown(event: Doc) -> Doc:
    """An event as clients see it: without the audiences of its operations."""
    hidden = ("groups_before", "groups_after")
    ops = [{name: value for name, value in op.items() if name not in hidden} for op in event["ops"]]
    told = {**event, "ops": ops}
    del told["_id"]
    return told
