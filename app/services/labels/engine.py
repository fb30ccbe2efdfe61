"""Labels: made, changed, deleted; tasks let go of a deleted one in the same command."""

from typing import Any

from app.core.documents import Doc, public
from app.core.errors import already_exists, not_found
from app.core.unit_of_work import Command, Outcome, Work
from app.models.labels import Label
from app.schemas.labels import LabelCreate, LabelPatch
from app.services.access import Page, PageRequest, Scope
from app.services.labels import queries
from app.utils.ids import new_id


class LabelEngine:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def get(self, label_id: str) -> Doc:
        doc = await queries.get(self._scope, label_id)
        if doc is None:
            raise not_found("label")
        return public(Label, doc)

    async def page(self, request: PageRequest) -> Page:
        return await queries.page(self._scope, request)

    async def create(self, data: LabelCreate) -> Outcome[Label]:
        """Raises `already_exists` where a label has the name, whatever its case."""
        label_id = data.id or new_id()

        async def decide(work: Work) -> Label:
            if await work.get(Label, label_id) is not None:
                raise already_exists("label", "id")
            await _check_name(work, data.name, label_id)
            return work.add(
                Label(
                    id=label_id,
                    workspace_id=work.workspace_id,
                    name=data.name,
                    folded=data.name.casefold(),
                    color=data.color,
                    description=data.description,
                    created_at=work.now,
                    updated_at=work.now,
                )
            )

        return await self._scope.run(Command("label.create", decide, {Label: [label_id]}))

    async def update(self, label_id: str, patch: LabelPatch) -> Outcome[Label]:
        changes: dict[str, Any] = patch.model_dump(exclude_unset=True)

        async def decide(work: Work) -> Label:
            label = await work.require(Label, label_id)
            self._scope.check_version(label)
            if "name" not in changes:
                return work.update(label, **changes)
            await _check_name(work, changes["name"], label_id)
            return work.update(label, **changes, folded=changes["name"].casefold())

        return await self._scope.run(Command("label.update", decide, {Label: [label_id]}))

    async def delete(self, label_id: str) -> Outcome[None]:
        async def decide(work: Work) -> None:
            label = await work.require(Label, label_id)
            self._scope.check_version(label)
            work.remove(label)

        return await self._scope.run(Command("label.delete", decide, {Label: [label_id]}))


async def _check_name(work: Work, name: str, label_id: str) -> None:
    found = await queries.with_name(work, name.casefold())
    if found is not None and found.id != label_id:
        raise already_exists("label", "name")
