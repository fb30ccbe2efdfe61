"""What a first reading of an archive finds: what its issues need, how they map, what is wrong. Pure."""

from collections import Counter
from collections.abc import Iterable, Sized
from dataclasses import dataclass, field

from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.services.imports import rules
from app.services.imports.jira_archive import JiraIssue, Line, Problem
from app.services.imports.rules import Column
from app.services.statuses.rules import MAX_STATUSES

LIMITS = {"item": 1_000_000, "label": 10_000, "membership": 10_000, "project": 1_000, "status": MAX_STATUSES}
"""How many of a kind one archive may have (statuses: one project), so that no file can fill the memory."""
MAX_SHOWN = 100
"""Problems that are kept with their lines; beyond that they are counted."""
_MAX_LINES = 10
_MAX_ROWS = 1_000
_MAX_TARGETS = 100_000

NOTES = {
    "blank_title": "issues without a title, which have their key for one",
    "title_cut": "titles cut to 500 characters; the whole is in external.fields.summary",
    "description_cut": "descriptions cut to 100,000 characters; the whole is in external.fields.description",
    "comment_cut": "comments cut to 100,000 characters",
    "title_cleaned": "titles in which control characters became spaces",
    "text_cleaned": "descriptions and comments in which control characters were replaced",
    "subtask_without_parent": "sub-tasks of which the file does not say the parent: they are plain tasks",
    "parent_missing": "issues whose parent is not there, or too deep to be one: they have no parent",
    "parent_circle": "issues that are their own ancestors: they have no parent",
    "unknown_type": "issues of a type without a counterpart: they are tasks",
    "unknown_priority": "issues of a priority without a counterpart: they have none",
    "no_priority": "issues without a priority: they have none here either",
    "unknown_status": "issues in a status of unknown meaning: its category is backlog",
    "links_kept": "links to other issues, kept in external.links until relations exist here",
    "links_dangling": "of these links, those to issues that are not in the file",
    "attachments_kept": "attachments, kept as addresses in external.attachments: the file does not hold them",
    "versions_kept": "issues with versions, kept in external.fields",
    "environment_kept": "issues with an environment, kept in external.fields",
    "member_ignored": "members that have no place here",
}
"""Everything that does not become a field of a task, and why, by the code that clients may switch on."""


@dataclass(slots=True)
class Note:
    """How often something was not mapped, the first lines where, and which words it was about."""

    count: int = 0
    lines: list[int] = field(default_factory=list)
    names: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class ProjectNeed:
    """A project of the archive.

    `columns` are by folded name, with whether issues that are still to be imported need them.
    """

    key: str
    title: str
    columns: dict[str, tuple[Column, bool]] = field(default_factory=dict)

    @property
    def needed(self) -> dict[str, Column]:
        return {folded: column for folded, (column, needed) in self.columns.items() if needed}


@dataclass(slots=True)
class Survey:
    """What is known of an archive; `needed` people and labels are those of issues still to be imported."""

    lines: dict[str, int] = field(default_factory=dict)
    """The line of each key; its first, where it is there twice."""
    projects: dict[str, ProjectNeed] = field(default_factory=dict)
    people: dict[str, bool] = field(default_factory=dict)
    labels: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """By the folded name: the name, and whether it is needed."""
    parents: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    total: int = 0
    failed: int = 0
    new: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    statuses: Counter[tuple[str, ...]] = field(default_factory=Counter)
    types: Counter[tuple[str, ...]] = field(default_factory=Counter)
    priorities: Counter[tuple[str, ...]] = field(default_factory=Counter)
    notes: dict[str, Note] = field(default_factory=dict)
    link_targets: Counter[str] = field(default_factory=Counter)

    def refuse(self, problem: Problem) -> None:
        """Count a line that is not imported."""
        self.failed += 1
        if len(self.problems) < MAX_SHOWN:
            self.problems.append(problem)

    def note(self, code: str, line: int, count: int = 1, name: str | None = None) -> None:
        if count:
            found = self.notes.setdefault(code, Note())
            found.count += count
            if len(found.lines) < _MAX_LINES and line:
                found.lines.append(line)
            if name is not None and (name in found.names or len(found.names) < MAX_SHOWN):
                found.names[name] += count

    def place(self, line: Line) -> bool:
        """Note the line of a key; false where an earlier line has it."""
        assert line.issue is not None  # noqa: S101 - only issues have keys
        first = self.lines.setdefault(line.issue.key, line.number) == line.number
        _check_room("item", self.lines)
        return first

    def is_repeated(self, line: Line) -> bool:
        """Whether an earlier line had the key."""
        return line.issue is not None and self.lines[line.issue.key] != line.number

    def add(self, line: Line, *, known: bool) -> None:
        """Take in a line that can be imported. `known`: its issue is here already."""
        assert line.issue is not None  # noqa: S101 - lines with a problem are refused before
        issue = line.issue
        counter = self.known if known else self.new
        counter["tasks"] += 1
        counter["comments"] += len(issue.comments)
        self._map(issue, line.number, known=known)
        self._names(issue, known=known)
        self._left_over(issue, line)
        if issue.parent is not None:
            self.parents[issue.key] = issue.parent

    def _map(self, issue: JiraIssue, line: int, *, known: bool) -> None:
        column, sure = rules.column(issue.status, issue.resolution)
        origin = issue.status or "(none)"
        if column.category == "canceled":
            origin = f"{origin}, {issue.resolution}"
        _count(self.statuses, (origin, column.name, column.category.value))
        if not sure:
            self.note("unknown_status", line, name=issue.status)
        type_, sure = rules.task_type(issue.type)
        _count(self.types, (issue.type or "(none)", type_.value))
        if not sure:
            self.note("unknown_type", line, name=issue.type)
        priority, sure = rules.priority(issue.priority)
        _count(self.priorities, (issue.priority or "(none)", priority.value))
        if not sure:
            self.note("unknown_priority" if issue.priority else "no_priority", line, name=issue.priority)
        key = issue.project.key
        title = rules.short_name(issue.project.title) or key
        project = self.projects.setdefault(key, ProjectNeed(key, title))
        first, needed = project.columns.get(column.name.casefold(), (column, False))
        project.columns[column.name.casefold()] = (first, needed or not known)
        _check_room("project", self.projects)
        _check_room("status", project.columns)

    def _names(self, issue: JiraIssue, *, known: bool) -> None:
        texts = (issue.reporter, issue.assignee, *(comment.author for comment in issue.comments))
        for name in _short(texts):
            self.people[name] = self.people.get(name, False) or not known
        for name in _short(issue.components):
            first, needed = self.labels.get(name.casefold(), (name, False))
            self.labels[name.casefold()] = (first, needed or not known)
        _check_room("membership", self.people)
        _check_room("label", self.labels)

    def _left_over(self, issue: JiraIssue, line: Line) -> None:
        number = line.number
        if rules.is_subtask(issue.type) and issue.parent is None:
            self.note("subtask_without_parent", number, name=issue.type)
        self.note("links_kept", number, len(issue.links))
        for link in issue.links:
            if link.key not in self.lines and len(self.link_targets) < _MAX_TARGETS:
                self.link_targets[link.key] += 1
        self.note("attachments_kept", number, len(issue.attachments))
        self.note("versions_kept", number, bool(issue.versions or issue.fix_versions))
        self.note("environment_kept", number, bool(issue.environment))
        for name in line.ignored:
            self.note("member_ignored", number, name=name[:100])
        self._texts(issue, number)

    def _texts(self, issue: JiraIssue, line: int) -> None:
        title = rules.title(issue.summary)
        description = rules.block(issue.description)
        bodies = [rules.block(comment.body) for comment in issue.comments]
        self.note("blank_title", line, title is None)
        self.note("title_cut", line, title is not None and title.cut)
        self.note("title_cleaned", line, title is not None and title.cleaned)
        self.note("description_cut", line, description.cut)
        self.note("comment_cut", line, sum(body.cut for body in bodies))
        self.note("text_cleaned", line, description.cleaned + sum(body.cleaned for body in bodies))

    def finish(self) -> None:
        """Draw what only the whole file tells: which links lead out of it."""
        for key, count in self.link_targets.items():
            if key not in self.lines:
                self.note("links_dangling", 0, count, key[:100])
        self.link_targets.clear()


def _count(counter: Counter[tuple[str, ...]], row: tuple[str, ...]) -> None:
    """Count a mapping; the words of an archive are bounded, those of a broken one are not."""
    known = row in counter or len(counter) < _MAX_ROWS
    counter[tuple(word[:100] for word in row) if known else ("(others)", *row[1:])] += 1


def _check_room(kind: str, things: Sized) -> None:
    if len(things) > LIMITS[kind]:
        raise PastisError(ErrorCode.LIMIT_REACHED, kind=kind, limit=LIMITS[kind])


def _short(texts: Iterable[str | None]) -> set[str]:
    return {name for text in texts if (name := rules.short_name(text)) is not None}


def mapping(counter: Counter[tuple[str, ...]]) -> list[Doc]:
    """A table of what became what, the most frequent first."""
    rows = sorted(counter.items(), key=lambda row: (-row[1], row[0]))[:MAX_SHOWN]
    names = ("from", "to", "category")
    return [{**dict(zip(names, words, strict=False)), "count": count} for words, count in rows]


def left_over(survey: Survey) -> list[Doc]:
    """What was not mapped, in a fixed order, each with its reason."""
    found = ((code, reason, survey.notes[code]) for code, reason in NOTES.items() if code in survey.notes)
    return [
        {
            "code": code,
            "reason": reason,
            "count": note.count,
            "lines": note.lines,
            "names": [{"name": name, "count": count} for name, count in note.names.most_common(MAX_SHOWN)],
        }
        for code, reason, note in found
    ]
