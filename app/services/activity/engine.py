"""Reads the log as history, and undoes events by their inverse commands."""

from app.core.documents import Doc, Entity, public, stored
from app.core.errors import not_found
from app.core.unit_of_work import Command, Outcome, Work
from app.models import ENTITIES
from app.models.comments import Comment
from app.models.labels import Label
from app.models.statuses import Status
from app.models.tasks import Task
from app.services.access import Page, PageRequest, Scope
from app.services.access.paging import Order, fingerprint, read_cursor, write_cursor
from app.services.activity import queries, rules
from app.services.comments.rules import check_own
from app.services.tasks import resolve_task
from app.services.tasks.rules import with_derived

_ORDER = Order("seq", descending=True)
_REMOVABLE: frozenset[type[Entity]] = frozenset({Comment, Label, Status})


class ActivityEngine:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def event(self, seq: int) -> Doc:
        """One event by its number; raises `not_found`."""
        found = await queries.event(self._scope, seq)
        if found is None:
            raise not_found("event")
        return shown(found)

    async def of_task(self, ref: str, request: PageRequest) -> Page:
        """Who changed what of a task and its comments, the newest first."""
        task_id = await resolve_task(self._scope, ref)
        bound = fingerprint("activity", self._scope.workspace_id, {"ref": task_id}, _ORDER)
        before = None
        if request.cursor is not None:
            before = read_cursor(request.cursor, self._scope.secret, bound)[0]
        found = await queries.of_ref(self._scope, task_id, before, request.limit + 1)
        if not found and before is None:
            raise not_found("task")
        events = found[: request.limit]
        more = len(found) > request.limit
        last = {**events[-1], "_id": ""} if events else {}
        cursor = write_cursor(_ORDER, last, self._scope.secret, bound) if more else None
        return Page([shown(event) for event in events], cursor)

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
            for op in reversed(event["ops"]):
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
                raise rules.conflict("changed_since")
            await _bring_back(work, model, op["before"])
            return
        if entity is None:
            raise rules.conflict("gone")
        if isinstance(entity, Comment):
            check_own(entity, self._scope.grant.membership_id, self._scope.grant.role, "comment:update")
        current = public(model, stored(entity))
        if op["verb"] == "update":
            await _take_back(work, entity, rules.former_values(op, current))
        else:
            rules.check_untouched(op, current)
            _remove(work, entity)


async def _take_back(work: Work, entity: Entity, former: Doc) -> None:
    if isinstance(entity, Task):
        for model, ids in ((Label, former.get("label_ids")), (Status, _one(former.get("status_id")))):
            if ids and len(await work.get_many(model, ids)) != len(ids):
                raise rules.conflict("gone")
        keys = [former.get("key", entity.key), *former.get("former_keys", entity.former_keys)]
        former = with_derived(entity, former) | {"keys": keys}
    if isinstance(entity, Label) and "name" in former:
        former = former | {"folded": former["name"].casefold()}
    work.update(entity, **former)


def _remove(work: Work, entity: Entity) -> None:
    if isinstance(entity, Task):
        work.update(entity, **with_derived(entity, {"trashed_at": work.now}))
    elif type(entity) in _REMOVABLE:
        work.remove(entity)
    else:
        raise rules.conflict("not_undoable")


async def _bring_back(work: Work, model: type[Entity], former: Doc) -> None:
    doc = {**former, "_id": former["id"], "updated_at": work.now}
    del doc["id"]
    if model is Comment and await work.get(Task, former["task_id"]) is None:
        raise rules.conflict("gone")
    if model is Label:
        doc["folded"] = former["name"].casefold()
        if await work.find(Label, {"folded": doc["folded"]}, limit=1):
            raise rules.conflict("changed_since")
    work.add(model.model_validate_doc(doc))


def _one(value: str | None) -> list[str]:
    return [] if value is None else [value]


def shown(event: Doc) -> Doc:
    """An event as clients see it: without the audiences of its operations."""
    hidden = ("groups_before", "groups_after")
    ops = [{name: value for name, value in op.items() if name not in hidden} for op in event["ops"]]
    return {**event, "ops": ops}
