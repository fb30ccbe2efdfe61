"""Whose role may be given and taken by whom: all cases."""

import itertools
from datetime import UTC, datetime

import pytest

from app.core.errors import ErrorCode, PastisError
from app.models.memberships import Membership, Role
from app.services.access.rules import may_manage
from app.services.memberships import rules

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
LADDER = (Role.GUEST, Role.MEMBER, Role.ADMIN, Role.OWNER)


def membership(role: Role, user_id: str | None = "u") -> Membership:
    return Membership(
        id="m",
        workspace_id="w",
        user_id=user_id,
        display_name="Colin Clark",
        role=role,
        created_at=NOW,
        updated_at=NOW,
    )


def test_the_ladder_has_every_role() -> None:
    assert set(LADDER) == set(Role)


@pytest.mark.parametrize(("actor", "target"), list(itertools.product(Role, Role)))
def test_nobody_reaches_above_their_own_role(actor: Role, target: Role) -> None:
    allowed = LADDER.index(actor) >= LADDER.index(target)
    assert may_manage(actor, target) is allowed
    if allowed:
        rules.check_manage(actor, target, Role.GUEST)
        return
    for roles in ((target,), (Role.GUEST, target), (target, Role.GUEST)):
        with pytest.raises(PastisError) as caught:
            rules.check_manage(actor, *roles)
        assert caught.value.code is ErrorCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("role", "new_role", "user_id"), list(itertools.product(Role, (*Role, None), ("u", None)))
)
def test_what_takes_an_owner_from_a_workspace(role: Role, new_role: Role | None, user_id: str | None) -> None:
    taken = role is Role.OWNER and new_role is not Role.OWNER and user_id is not None
    assert rules.takes_owner(membership(role, user_id), new_role) is taken
