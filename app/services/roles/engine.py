"""Custom roles: made, changed, deleted when nobody has them any more."""

from typing import Any

from app.core.documents import Doc, public
from app.core.errors import ErrorCode, PastisError, already_exists, not_found
from app.core.unit_of_work import Command, Outcome, Work
from app.models.roles import CustomRole
from app.schemas.roles import RoleCreate, RolePatch
from app.services.access import Page, PageRequest, Scope
from app.services.roles import queries, rules
from app.utils.ids import new_id


class RoleEngine:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def get(self, role_id: str) -> Doc:
        doc = await queries.get(self._scope, role_id)
        if doc is None:
            raise not_found("role")
        return public(CustomRole, doc)

    async def page(self, request: PageRequest) -> Page:
        return await queries.page(self._scope, request)

    async def create(self, data: RoleCreate) -> Outcome[CustomRole]:
        """Raises `already_exists` where a role has the name, whatever its case."""
        role_id = data.id or new_id()
        permissions = rules.chosen(data.permissions)

        async def decide(work: Work) -> CustomRole:
            await check_role_name(work, data.name, role_id)
            return work.add(
                CustomRole(
                    id=role_id,
                    workspace_id=work.workspace_id,
                    name=data.name,
                    description=data.description,
                    permissions=permissions,
                    created_at=work.now,
                    updated_at=work.now,
                )
            )

        return await self._scope.run(Command("role.create", decide, {CustomRole: [role_id]}))

    async def update(self, role_id: str, patch: RolePatch) -> Outcome[CustomRole]:
        """What it permits counts within a second for all who have it."""
        changes: dict[str, Any] = patch.model_dump(exclude_unset=True)
        if "permissions" in changes:
            changes["permissions"] = rules.chosen(patch.permissions)

        async def decide(work: Work) -> CustomRole:
            role = await self._present(work, role_id)
            if "name" in changes:
                await check_role_name(work, changes["name"], role_id)
            return work.update(role, **changes)

        return await self._scope.run(Command("role.update", decide, {CustomRole: [role_id]}))

    async def delete(self, role_id: str) -> Outcome[None]:
        """Raises `in_use` while somebody has the role."""

        async def decide(work: Work) -> None:
            role = await self._present(work, role_id)
            await check_unused(work, role_id)
            work.remove(role)

        return await self._scope.run(Command("role.delete", decide, {CustomRole: [role_id]}))

    async def _present(self, work: Work, role_id: str) -> CustomRole:
        role = await work.require(CustomRole, role_id)
        self._scope.check_version(role)
        return role


async def require_role(work: Work, role_id: str) -> CustomRole:
    """A role that a grant has or gets, also for who may not look at roles; raises `not_found`."""
    role = await queries.find(work, role_id)
    if role is None:
        raise not_found("role")
    return role


async def check_unused(work: Work, role_id: str) -> None:
    count = await queries.uses(work, role_id, 1000)
    if count:
        raise PastisError(ErrorCode.IN_USE, kind="role", count=count)


async def check_role_name(work: Work, name: str, role_id: str) -> None:
    found = await queries.with_name(work, name.casefold())
    if found is not None and found.id != role_id:
        raise already_exists("role", "name")
