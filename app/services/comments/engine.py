"""Comments: written, edited, deleted; the former text stays in the log."""

from app.core.documents import Doc, Entity, public
from app.core.errors import already_exists, not_found
from app.core.unit_of_work import Command, Outcome, Work
from app.models.comments import Comment
from app.models.projects import Project
from app.models.tasks import Task
from app.schemas.comments import CommentCreate, CommentPatch
from app.services.access import Page, PageRequest, Scope
from app.services.comments import queries, rules
from app.services.tasks import resolve_task
from app.services.tasks.rules import check_changeable, check_open
from app.utils.ids import new_id


class CommentEngine:
    """The comments of one task."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def get(self, task_ref: str, comment_id: str) -> Doc:
        doc = await queries.get(self._scope, await resolve_task(self._scope, task_ref), comment_id)
        if doc is None:
            raise not_found("comment")
        return public(Comment, doc)

    async def page(self, task_ref: str, request: PageRequest) -> Page:
        task_id = await resolve_task(self._scope, task_ref)
        page = await queries.page(self._scope, task_id, request)
        if (
            not page.items
            and await self._scope.collection(Task).find_one({"_id": task_id}, {"_id": 1}) is None
        ):
            raise not_found("task")
        return page

    async def create(self, task_ref: str, data: CommentCreate) -> Outcome[Comment]:
        task_id = await resolve_task(self._scope, task_ref)
        comment_id = data.id or new_id()

        async def decide(work: Work) -> Comment:
            await _open_task(work, task_id)
            if data.id is not None and await work.get(Comment, comment_id) is not None:
                raise already_exists("comment", "id")
            return work.add(
                Comment(
                    id=comment_id,
                    workspace_id=work.workspace_id,
                    task_id=task_id,
                    author_id=work.actor["membership_id"],
                    body=data.body,
                    created_at=work.now,
                    updated_at=work.now,
                )
            )

        return await self._scope.run(Command("comment.create", decide, {Task: [task_id]}))

    async def update(self, task_ref: str, comment_id: str, patch: CommentPatch) -> Outcome[Comment]:
        task_id = await resolve_task(self._scope, task_ref)

        async def decide(work: Work) -> Comment:
            comment = await self._own(work, task_id, comment_id)
            if comment.body == patch.body:
                return comment
            return work.update(comment, body=patch.body, edited_at=work.now)

        reads: dict[type[Entity], list[str]] = {Task: [task_id], Comment: [comment_id]}
        return await self._scope.run(Command("comment.update", decide, reads))

    async def delete(self, task_ref: str, comment_id: str) -> Outcome[None]:
        task_id = await resolve_task(self._scope, task_ref)

        async def decide(work: Work) -> None:
            work.remove(await self._own(work, task_id, comment_id))

        reads: dict[type[Entity], list[str]] = {Task: [task_id], Comment: [comment_id]}
        return await self._scope.run(Command("comment.delete", decide, reads))

    async def _own(self, work: Work, task_id: str, comment_id: str) -> Comment:
        task = await _open_task(work, task_id)
        comment = await work.require(Comment, comment_id)
        if comment.task_id != task_id:
            raise not_found("comment")
        self._scope.check_version(comment)
        rules.check_own(comment, self._scope.standing, task.project_id)
        return comment


async def _open_task(work: Work, task_id: str) -> Task:
    """Raises `trashed` or `archived`: what was put away can be read, not discussed."""
    task = await work.require(Task, task_id)
    check_changeable(task)
    check_open(await work.require(Project, task.project_id))
    return task
