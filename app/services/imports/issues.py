"""One issue with its comments as one command, which makes both or neither."""

from datetime import datetime

from app.core.documents import Doc, Entity
from app.core.errors import ErrorCode, PastisError
from app.core.unit_of_work import Command, Work
from app.models.comments import Comment
from app.models.labels import Label
from app.models.projects import Project
from app.models.statuses import Status
from app.models.tasks import Task
from app.services.access import Scope
from app.services.imports import rules
from app.services.imports.jira_archive import JiraIssue
from app.services.imports.structure import SOURCE, Targets
from app.services.tasks.changes import check_references
from app.services.tasks.rules import check_open, status_changes
from app.utils import ranks
from app.utils.ids import derived_id


def task_id(workspace_id: str, issue: JiraIssue) -> str:
    return derived_id(issue.created, workspace_id, SOURCE, "task", issue.key)


def is_ours(doc: Doc, id_: str, key: str) -> bool:
    """Whether a task that has an issue's key came from this issue."""
    external = doc.get("external") or {}
    return doc["_id"] == id_ or (external.get("source"), external.get("key")) == (SOURCE, key)


class Issues:
    """Makes the commands that bring an archive's issues to where `targets` says."""

    def __init__(self, scope: Scope, targets: Targets) -> None:
        self._workspace_id = scope.workspace_id
        self._targets = targets

    def command(self, issue: JiraIssue, parent_id: str | None) -> Command[Task | None]:
        """Its outcome is the new task, or None where it is here already.

        Raises `archived` where its project is and lacks the status; the command raises `archived` where it
        is, and `not_found` where its status has gone meanwhile.
        """
        fields = self._fields(issue)
        comments = self._comments(issue, fields["id"])

        async def decide(work: Work) -> Task | None:
            if await work.get(Task, fields["id"]) is not None:
                return None
            project = await work.require(Project, fields["project_id"])
            check_open(project)
            await work.require(Status, fields["status_id"])
            labels = await work.get_many(Label, fields["label_ids"])
            rank = ranks.between(project.last_rank, None)
            number = max(project.last_task_number, issue.number)
            given = {
                "rank": rank,
                "label_ids": [label.id for label in labels],
                "parent_id": await _present_parent(work, fields["id"], parent_id),
            }
            work.update(project, last_task_number=number, last_rank=rank)
            task = work.add(Task(**fields | given))
            for comment in comments:
                work.add(comment)
            return task

        reads: dict[type[Entity], list[str]] = {
            Task: [fields["id"], *([parent_id] if parent_id else [])],
            Project: [fields["project_id"]],
            Status: [fields["status_id"]],
            Label: fields["label_ids"],
        }
        return Command("import.issue", decide, reads)

    def _fields(self, issue: JiraIssue) -> Doc:
        key = issue.project.key
        column, _ = rules.column(issue.status, issue.resolution)
        status = self._targets.statuses.get((key, column.name.casefold()))
        if status is None:
            raise PastisError(ErrorCode.ARCHIVED, kind="project")
        updated = issue.updated or issue.created
        title = rules.title(issue.summary)
        priority = rules.priority(issue.priority)[0]
        names = dict.fromkeys(rules.short_name(name) for name in issue.components)
        assignee = self._person(issue.assignee)
        return {
            "id": task_id(self._workspace_id, issue),
            "workspace_id": self._workspace_id,
            "project_id": self._targets.projects[key],
            "key": issue.key,
            "title": issue.key if title is None else title.text,
            "description": rules.block(issue.description).text,
            "type": rules.task_type(issue.type)[0],
            "priority": priority,
            "label_ids": list({self._targets.labels[name.casefold()]: 0 for name in names if name}),
            "assignee_ids": [] if assignee is None else [assignee],
            "reporter_id": self._person(issue.reporter),
            "external": external(issue),
            "created_at": issue.created,
            "updated_at": updated,
            **status_changes(status, updated),
        }

    def _comments(self, issue: JiraIssue, task: str) -> list[Comment]:
        return [
            Comment(
                id=self._comment_id(issue.key, position, comment.author, comment.created),
                workspace_id=self._workspace_id,
                task_id=task,
                author_id=self._person(comment.author),
                body=rules.block(comment.body).text,
                created_at=comment.created,
                updated_at=comment.created,
            )
            for position, comment in enumerate(issue.comments)
        ]

    def _comment_id(self, key: str, position: int, author: str | None, created: datetime) -> str:
        return derived_id(created, self._workspace_id, SOURCE, "comment", key, str(position), author or "")

    def _person(self, name: str | None) -> str | None:
        short = rules.short_name(name)
        return None if short is None else self._targets.people[short]


def external(issue: JiraIssue) -> Doc:
    """Where the task came from, with all of the issue that has no field of its own here."""
    fields: Doc = {
        "type": issue.type,
        "status": issue.status,
        "resolution": issue.resolution,
        "priority": issue.priority,
        "versions": issue.versions,
        "fix_versions": issue.fix_versions,
        "environment": issue.environment,
    }
    if issue.parent is not None:
        fields["parent"] = issue.parent
    title = rules.title(issue.summary)
    if title is not None and title.cut:
        fields["summary"] = issue.summary
    if rules.block(issue.description).cut:
        fields["description"] = issue.description
    return {
        "source": SOURCE,
        "key": issue.key,
        "url": None,
        "links": [link.model_dump() for link in issue.links],
        "attachments": [attachment.model_dump() for attachment in issue.attachments],
        "fields": fields,
    }


async def _present_parent(work: Work, task: str, parent_id: str | None) -> str | None:
    """The parent where it may be one: a task too deep in a tree, or whose parent has gone, stands alone."""
    if parent_id is None:
        return None
    try:
        await check_references(work, task, {"parent_id": parent_id})
    except PastisError:
        return None
    return parent_id
