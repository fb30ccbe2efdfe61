"""What must be there before the issues: people, labels, projects, statuses; made once, then found."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.core.unit_of_work import Command, Outcome, Work
from app.models.labels import Label
from app.models.memberships import Membership, Role
from app.models.projects import Project
from app.models.statuses import Status
from app.schemas.labels import DEFAULT_COLOR
from app.services.access import Scope
from app.services.imports import queries, rules
from app.services.imports.rules import Column
from app.services.imports.survey import ProjectNeed, Survey
from app.services.statuses.rules import check_room, default_of
from app.utils import ranks
from app.utils.ids import derived_id

SOURCE = "jira"
_TOGETHER = 500
"""People or labels that one command makes: one event holds them all."""

Run = Callable[[Command[Any]], Awaitable[Outcome[Any]]]


@dataclass(slots=True)
class Targets:
    """Where the names of the archive are here, and how many were made for it or found."""

    people: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    projects: dict[str, str] = field(default_factory=dict)
    statuses: dict[tuple[str, str], Status] = field(default_factory=dict)
    """By the project's key and the folded name; an archived project lacks those that it did not have."""
    created: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)


class Structure:
    """Finds or makes what an archive's issues need. Ids are derived, so that no second run makes a twin."""

    def __init__(self, scope: Scope, founded_at: datetime, run: Run) -> None:
        """`founded_at` is the time in the ids of what has no time of its own; `run` commits a command."""
        self._scope = scope
        self._founded_at = founded_at
        self._run = run

    async def prepare(self, survey: Survey, *, dry_run: bool) -> Targets:
        """Only what issues still to be imported need is made; in a dry run it is only counted."""
        targets = Targets()
        await self._people(survey, targets, dry_run=dry_run)
        await self._labels(survey, targets, dry_run=dry_run)
        needs = [project for project in survey.projects.values() if project.needed]
        if dry_run:
            await self._foresee(needs, targets)
        else:
            for need in needs:
                await self._project(need, targets)
        targets.known["projects"] = len(survey.projects) - targets.created["projects"]
        rest = [project for project in survey.projects.values() if not project.needed]
        targets.known["statuses"] += sum(len(project.columns) for project in rest)
        return targets

    def _id(self, *parts: str) -> str:
        return derived_id(self._founded_at, self._scope.workspace_id, SOURCE, *parts)

    async def _people(self, survey: Survey, targets: Targets, *, dry_run: bool) -> None:
        for doc in await queries.placeholders(self._scope, survey.people):
            targets.people.setdefault(doc["display_name"], doc.get("merged_into_id") or doc["_id"])
        targets.known["people"] = len(targets.people)
        missing = [name for name, needed in survey.people.items() if needed and name not in targets.people]
        if dry_run:
            targets.created["people"] = len(missing)
            return
        for names in _slices(missing):
            outcome = await self._run(self._people_command(names))
            targets.people.update(
                zip(names, (one.merged_into_id or one.id for one in outcome.value), strict=True)
            )
            _count(targets, "people", outcome)

    def _people_command(self, names: Sequence[str]) -> Command[list[Membership]]:
        ids = [self._id("person", name) for name in names]

        async def decide(work: Work) -> list[Membership]:
            # A placeholder that was given another name here is still the one.
            return [
                await work.get(Membership, id_) or work.add(_placeholder(work, id_, name))
                for name, id_ in zip(names, ids, strict=True)
            ]

        return Command("import.people", decide, {Membership: ids})

    async def _labels(self, survey: Survey, targets: Targets, *, dry_run: bool) -> None:
        found = await queries.labels(self._scope, survey.labels)
        targets.labels.update({doc["folded"]: doc["_id"] for doc in found})
        targets.known["labels"] = len(targets.labels)
        needed = [folded for folded, (_, is_needed) in survey.labels.items() if is_needed]
        missing = [folded for folded in needed if folded not in targets.labels]
        if dry_run:
            targets.created["labels"] = len(missing)
            return
        for some in _slices(missing):
            outcome = await self._run(self._labels_command({one: survey.labels[one][0] for one in some}))
            targets.labels.update(zip(some, (one.id for one in outcome.value), strict=True))
            _count(targets, "labels", outcome)

    def _labels_command(self, names: dict[str, str]) -> Command[list[Label]]:
        ids = {folded: self._id("label", folded) for folded in names}

        async def decide(work: Work) -> list[Label]:
            known = {label.folded: label for label in await queries.labels_named(work, list(names))}
            return [
                known.get(folded)
                or await work.get(Label, ids[folded])
                or work.add(_label(work, ids[folded], name, folded))
                for folded, name in names.items()
            ]

        return Command("import.labels", decide, {Label: list(ids.values())})

    async def _project(self, need: ProjectNeed, targets: Targets) -> None:
        outcome = await self._run(self._project_command(need))
        project, *statuses = outcome.value
        targets.projects[need.key] = project.id
        targets.created["projects"] += project.version == outcome.seq
        by_id = {status.id: status for status in statuses}
        by_name = {status.name.casefold(): status for status in statuses}
        for folded in need.columns:
            # A status that was given another name here is still the one.
            status = by_name.get(folded) or by_id.get(self._status_id(need.key, folded))
            if status is not None:
                targets.statuses[need.key, folded] = status
                targets.known["statuses"] += status.version != outcome.seq
        targets.created["statuses"] += sum(status.version == outcome.seq for status in statuses)

    def _project_command(self, need: ProjectNeed) -> Command[list[Any]]:
        async def decide(work: Work) -> list[Any]:
            project = await queries.project_with_key(work, need.key)
            if project is None:
                return self._new_project(work, need)
            statuses = await queries.statuses_of(work, project.id)
            if project.archived_at is None:
                statuses += self._missing(work, project.id, need, statuses)
            return [project, *statuses]

        return Command("import.project", decide)

    def _new_project(self, work: Work, need: ProjectNeed) -> list[Any]:
        project_id = self._id("project", need.key)
        columns = rules.board(list(need.needed.values()))
        statuses = [
            work.add(self._status(work, project_id, need.key, column, rank))
            for column, rank in zip(columns, ranks.spread(len(columns)), strict=True)
        ]
        project = Project(
            id=project_id,
            workspace_id=work.workspace_id,
            key=need.key,
            name=need.title,
            description="",
            default_status_id=default_of(statuses).id,
            created_at=work.now,
            updated_at=work.now,
        )
        return [work.add(project), *statuses]

    def _missing(
        self, work: Work, project_id: str, need: ProjectNeed, present: Sequence[Status]
    ) -> list[Status]:
        """New columns behind those that the project has; raises `limit_reached` where there is no room."""
        taken = {status.name.casefold() for status in present} | {status.id for status in present}
        last = present[-1].rank if present else None
        added: list[Status] = []
        for folded, column in need.needed.items():
            if taken.isdisjoint({folded, self._status_id(need.key, folded)}):
                check_room([*present, *added])
                last = ranks.between(last, None)
                added.append(work.add(self._status(work, project_id, need.key, column, last)))
        return added

    def _status_id(self, project_key: str, folded: str) -> str:
        return self._id("status", project_key, folded)

    def _status(self, work: Work, project_id: str, project_key: str, column: Column, rank: str) -> Status:
        return Status(
            id=self._status_id(project_key, column.name.casefold()),
            workspace_id=work.workspace_id,
            project_id=project_id,
            name=column.name,
            category=column.category,
            rank=rank,
            created_at=work.now,
            updated_at=work.now,
        )

    async def _foresee(self, needs: Sequence[ProjectNeed], targets: Targets) -> None:
        """Count what would be made, by names alone."""
        found = await queries.projects(self._scope, [need.key for need in needs])
        ids = {doc["key"]: doc["_id"] for doc in found}
        names: dict[str, set[str]] = {id_: set() for id_ in ids.values()}
        for doc in await queries.statuses(self._scope, list(names)):
            names[doc["project_id"]].add(doc["name"].casefold())
        for need in needs:
            if need.key in ids:
                missing = need.needed.keys() - names[ids[need.key]]
                targets.created["statuses"] += len(missing)
                targets.known["statuses"] += len(need.columns) - len(missing)
            else:
                targets.created["projects"] += 1
                targets.created["statuses"] += len(rules.board(list(need.needed.values())))


def _placeholder(work: Work, id_: str, name: str) -> Membership:
    return Membership(
        id=id_,
        workspace_id=work.workspace_id,
        user_id=None,
        display_name=name,
        role=Role.MEMBER,
        created_at=work.now,
        updated_at=work.now,
    )


def _label(work: Work, id_: str, name: str, folded: str) -> Label:
    return Label(
        id=id_,
        workspace_id=work.workspace_id,
        name=name,
        folded=folded,
        color=DEFAULT_COLOR,
        description="",
        created_at=work.now,
        updated_at=work.now,
    )


def _count(targets: Targets, kind: str, outcome: Outcome[Any]) -> None:
    """Tell what a command made from what it found: its number is the version of the former."""
    made = sum(one.version == outcome.seq for one in outcome.value)
    targets.created[kind] += made
    targets.known[kind] += len(outcome.value) - made


def _slices(items: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(items), _TOGETHER):
        yield list(items[start : start + _TOGETHER])
