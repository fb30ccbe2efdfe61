"""Teams: made, changed, joined, left, deleted; what named a team lets go of it in the same command."""

from collections.abc import Collection

from app.core.documents import Doc, public
from app.core.errors import already_exists, not_found
from app.core.unit_of_work import Command, Outcome, Work
from app.models.memberships import Membership
from app.models.teams import Team
from app.schemas.teams import TeamCreate, TeamPatch
from app.services.access import Page, PageRequest, Scope
from app.services.teams import queries
from app.utils.ids import new_id


class TeamEngine:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    async def get(self, team_id: str) -> Doc:
        doc = await queries.get(self._scope, team_id)
        if doc is None:
            raise not_found("team")
        return public(Team, doc)

    async def page(self, request: PageRequest) -> Page:
        return await queries.page(self._scope, request)

    async def create(self, data: TeamCreate) -> Outcome[Team]:
        """Raises `already_exists` where a team has the name, whatever its case."""
        team_id = data.id or new_id()

        async def decide(work: Work) -> Team:
            await check_team_name(work, data.name, team_id)
            await check_members(work, data.member_ids)
            return work.add(
                Team(
                    id=team_id,
                    workspace_id=work.workspace_id,
                    name=data.name,
                    description=data.description,
                    member_ids=data.member_ids,
                    created_at=work.now,
                    updated_at=work.now,
                )
            )

        return await self._scope.run(Command("team.create", decide, {Team: [team_id]}))

    async def update(self, team_id: str, patch: TeamPatch) -> Outcome[Team]:
        changes = patch.model_dump(exclude_unset=True)

        async def decide(work: Work) -> Team:
            team = await self._present(work, team_id)
            if "name" in changes:
                await check_team_name(work, changes["name"], team_id)
            await check_members(work, set(changes.get("member_ids", ())) - set(team.member_ids))
            return work.update(team, **changes)

        return await self._scope.run(Command("team.update", decide, {Team: [team_id]}))

    async def add_member(self, team_id: str, membership_id: str) -> Outcome[Team]:
        """Raises `not_found` for who is no member of the workspace; nothing happens for one of the team."""

        async def decide(work: Work) -> Team:
            team = await self._present(work, team_id)
            if membership_id in team.member_ids:
                return team
            await check_members(work, [membership_id])
            return work.update(team, member_ids=[*team.member_ids, membership_id])

        return await self._scope.run(Command("team.add_member", decide, {Team: [team_id]}))

    async def remove_member(self, team_id: str, membership_id: str) -> Outcome[Team]:
        """Raises `not_found` for who is not in the team."""

        async def decide(work: Work) -> Team:
            team = await self._present(work, team_id)
            if membership_id not in team.member_ids:
                raise not_found("membership")
            return work.update(team, member_ids=without(team, membership_id))

        return await self._scope.run(Command("team.remove_member", decide, {Team: [team_id]}))

    async def delete(self, team_id: str) -> Outcome[None]:
        async def decide(work: Work) -> None:
            work.remove(await self._present(work, team_id))

        return await self._scope.run(Command("team.delete", decide, {Team: [team_id]}))

    async def _present(self, work: Work, team_id: str) -> Team:
        team = await work.require(Team, team_id)
        self._scope.check_version(team)
        return team


def without(team: Team, membership_id: str) -> list[str]:
    return [one for one in team.member_ids if one != membership_id]


async def check_team_name(work: Work, name: str, team_id: str) -> None:
    found = await queries.with_name(work, name.casefold())
    if found is not None and found.id != team_id:
        raise already_exists("team", "name")


async def check_members(work: Work, membership_ids: Collection[str]) -> None:
    """Raises `not_found` for somebody who is not, or no longer, in the workspace."""
    people = await work.get_many(Membership, membership_ids)
    if len(people) != len(membership_ids) or any(one.removed_at is not None for one in people):
        raise not_found("membership")
