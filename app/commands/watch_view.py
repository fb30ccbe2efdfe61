"""What `pastis watch` shows of a task and of its changes."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pastis_client import Change, Client, Query
from pastis_client.documents import Task
from rich.console import Group
from rich.table import Table
from rich.text import Text

from app.utils.times import rfc3339

_COLUMNS = ("Key", "Status", "Priority", "Title", "Assignees", "Changed")
_AROUND_ROWS = 4
"""Lines of the terminal that are no rows."""
# What follows from something else that is told, or says nothing to people.
_UNTOLD = frozenset({"version", "updated_at", "category", "completed_at", "canceled_at", "former_keys"})
_LONG = frozenset({"description", "external", "rank"})
_NAMED = {
    "status_id": "status",
    "project_id": "project",
    "parent_id": "task",
    "reporter_id": "membership",
    "label_ids": "label",
    "assignee_ids": "membership",
}


class Watched:
    """A workspace's tasks, live, and what happened to them last."""

    def __init__(self, client: Client, slug: str, project: str | None) -> None:
        self.live = client.workspace(slug, project=project, changed=self._take)
        self.tell: Callable[[str], None] | None = None
        """Is told of each change, as a line."""
        self._last = ""
        self._me: str | None = None
        self._teams: Query[Any] | None = None
        self._tasks: Query[Task] | None = None

    async def enter(self, *, mine: bool) -> None:
        """Wait until there is something to show."""
        me = await self.live.calls.membership_id() if mine else None
        await self.live.__aenter__()
        self._me, self._teams = me, self.live.query("team")
        self._tasks = self.live.query("task", self._shows, lambda task: -task["version"])

    async def leave(self) -> None:
        await self.live.__aexit__(None, None, None)

    def view(self, limit: int, height: int) -> Group:
        """The table, with as many rows as there is room for, and the line at the bottom."""
        tasks = [] if self._tasks is None else self._tasks.result
        table = Table(box=None, pad_edge=False, expand=True)
        for name in _COLUMNS:
            table.add_column(name, no_wrap=True, ratio=1 if name == "Title" else None, overflow="ellipsis")
        for task in tasks[: max(1, min(limit, height - _AROUND_ROWS))]:
            table.add_row(*(Text(cell) for cell in self._row(task)))
        return Group(table, Text(""), Text(self._bottom(len(tasks)), no_wrap=True, overflow="ellipsis"))

    def _row(self, task: Task) -> tuple[str, ...]:
        assignees = self._said("assignee_ids", task["assignee_ids"])
        changed = _local(task["updated_at"])
        return (
            task["key"],
            self._said("status_id", task["status_id"]),
            "" if task["priority"] == "none" else task["priority"],
            plain(task["title"]),
            "" if assignees == "none" else assignees,
            changed,
        )

    def _bottom(self, count: int) -> str:
        state = "connected" if self.live.connected else "waiting for the server"
        return "  ".join(
            part for part in (f"{count} tasks, {state}, at {self.live.number}", self._last) if part
        )

    def _shows(self, task: Task | Mapping[str, Any]) -> bool:
        if task["archived_at"] or task["trashed_at"]:
            return False
        return self._concerns(task)

    def _concerns(self, task: Task | Mapping[str, Any]) -> bool:
        if self._me is None or self._teams is None:
            return True
        mine = {team["id"] for team in self._teams.result if self._me in team["member_ids"]}
        return not {self._me, *mine}.isdisjoint(task["assignee_ids"])

    def _take(self, change: Change) -> None:
        if change.kind != "task" or not any(map(self._concerns, filter(None, (change.before, change.after)))):
            return
        said = self._what(change.before, change.after)
        task = change.after or change.before
        if not said or task is None:
            return
        by = "" if change.by is None else f"  by {self._name('membership', change.by)}"
        at = rfc3339(datetime.now(UTC)) if change.after is None else task["updated_at"]
        self._last = f"{task['key']} {said}{by}"
        if self.tell is not None:
            self.tell(f"{at}  {task['key']}  {said}{by}")

    def _what(self, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
        """What has changed, to what."""
        if after is None:
            return "is out of sight"
        if before is None:
            return f"is here: {plain(after['title'])}"
        names = [name for name in after if name not in _UNTOLD and after[name] != before.get(name)]
        return "; ".join(self._field(name, before.get(name), after[name]) for name in names)

    def _field(self, name: str, before: Any, after: Any) -> str:
        label = name.removesuffix("_id").removesuffix("_ids").removesuffix("_at").replace("_", " ")
        if name.endswith("_at"):
            return label if after else f"no longer {label}"
        if name in _LONG:
            return f"{label} changed"
        return f"{label}: {self._said(name, before)} -> {self._said(name, after)}"

    def _said(self, field: str, value: Any) -> str:
        values = value if isinstance(value, list) else [value]
        kind = _NAMED.get(field)
        said = [
            plain(str(one)) if kind is None else self._name(kind, one) for one in values if one is not None
        ]
        return ", ".join(said) or "none"

    def _name(self, kind: str, id_: str) -> str:
        """How a document is called; of a team too, where a member may stand."""
        doc = self.live.get(kind, id_) or self.live.get("team", id_) or {}
        names = (doc.get(name) for name in ("key", "display_name", "name"))
        return plain(next((name for name in names if name), "somebody" if kind == "membership" else id_))


def plain(text: str) -> str:
    """What others wrote, without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _local(time: str) -> str:
    """Of today the time, else the day, where this machine is."""
    at = datetime.fromisoformat(time).astimezone()
    return f"{at:%H:%M:%S}" if at.date() == datetime.now().astimezone().date() else f"{at:%Y-%m-%d}"
