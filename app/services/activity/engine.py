"""Reads the log as history, and undoes events by their inverse commands."""

from app.core.documents import Doc, Entity, public, stored
from app.core.errors import ErrorCode, FieldCode, PastisError, invalid, not_found
from app.core.unit_of_work import Command, Outcome, Work
from app.models import ENTITIES
from app.services.access import Page, PageRequest, Permission, Scope, Standing
from app.services.access.paging import Order, cut, fingerprint, read_cursor
from app.services.activity import changes, queries, rules
from app.services.tasks import project_of, resolve_task

_ORDER = Order("seq", descending=True)


class ActivityEngine:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def event(self, seq: int) -> Doc:
        """One event by its number; raises `not_found`."""
        return shown(await self._event(seq))

    async def _event(self, seq: int) -> Doc:
        found = await queries.event(self._scope, seq)
        seen = [] if found is None else await self._visible([found])
        if not seen:
            raise not_found("event")
        return seen[0]

    async def page(self, request: PageRequest) -> Page:
        """All that happened in the workspace, the newest first."""
        return await self._page(None, request)

    async def of_task(self, ref: str, request: PageRequest) -> Page:
        """Who changed what of a task and its comments, the newest first."""
        task_id = await resolve_task(self._scope, ref)
        if not self._sees_all:
            await project_of(self._scope, None, task_id)
        return await self._page(task_id, request)

    async def _page(self, task_id: str | None, request: PageRequest) -> Page:
        if request.count and task_id is None and not self._sees_all:
            # It would count what one may not see.
            raise invalid("/query/count", FieldCode.REFUSED, reason="counted_by_admins")
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
        return Page([shown(event) for event in await self._visible(events, task_id)], cursor, total)

    @property
    def _sees_all(self) -> bool:
        return self._scope.standing.is_admin

    async def _visible(self, events: list[Doc], task_id: str | None = None) -> list[Doc]:
        """What one may see of events by one's present rights; a page may so become shorter."""
        if self._sees_all:
            return events
        standing = self._scope.standing
        projects = await queries.projects_of_tasks(self._scope, rules.tasks_named(events))

        def sees(op: Doc, group: str) -> bool:
            kind, _, id_ = group.partition(":")
            project_id = {"project": id_, "task": projects.get(id_, "")}.get(kind)
            doc = {"_id": op["id"], **op["before"], **op["set"]}
            return standing.sees(ENTITIES[op["kind"]], doc, project_id)

        seen = (rules.visible(event, sees, task_id) for event in events)
        return [_with_known_actor(standing, event) for event in seen if event is not None]

    async def undo(self, seq: int) -> Outcome[None]:
        """Do the inverse of an event, as a command of its own.

        Raises `undo_conflict` with the reason where later changes, or the nature of the event, forbid it,
        and `permission_denied` where the actor may not do the inverse by hand.
        """
        event = await self._event(seq)
        rules.check_undoable(event)
        await self._check_undo(seq, event)

        async def decide(work: Work) -> None:
            for op in rules.undo_order(event["ops"]):
                await self._undo_operation(work, op)

        reads: dict[type[Entity], list[str]] = {}
        for op in event["ops"]:
            reads.setdefault(ENTITIES[op["kind"]], []).append(op["id"])
        return await self._scope.run(Command("event.undo", decide, reads))

    async def _check_undo(self, seq: int, seen: Doc) -> None:
        """Raises `permission_denied` where one may not see, or not do by hand, all that would be undone."""
        whole = await queries.event(self._scope, seq)
        if whole is None or len(whole["ops"]) != len(seen["ops"]):
            raise PastisError(ErrorCode.PERMISSION_DENIED, permission=Permission.EVENT_UNDO)
        projects = await queries.projects_of_tasks(self._scope, rules.tasks_named([seen]))
        for op in seen["ops"]:
            permission = rules.permission_to_undo(op)
            self._scope.demand(permission)
            for project_id in rules.projects_named(op, projects):
                self._scope.demand_in(project_id, permission)
        self._scope.demand(Permission.EVENT_UNDO)

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


def _with_known_actor(standing: Standing, event: Doc) -> Doc:
    """Whom a guest does not know did it as nobody."""
    actor = event["actor"]
    if standing.people is None or standing.people.sees({"_id": actor.get("membership_id")}):
        return event
    return {**event, "actor": {"kind": actor["kind"]}}


def shown(event: Doc) -> Doc:
    """An event as clients see it: without the audiences of its operations."""
    hidden = ("groups_before", "groups_after", "project_id")
    ops = [{name: value for name, value in op.items() if name not in hidden} for op in event["ops"]]
    told = {**event, "ops": ops}
    del told["_id"]
    return told
