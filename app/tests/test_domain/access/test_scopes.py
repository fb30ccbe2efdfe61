"""What the scopes of a token let it be used for."""

from hypothesis import given
from hypothesis import strategies as st

from app.models.permissions import Permission
from app.services.access.rules import closed, named, scoped, within

scope = st.one_of(
    st.sampled_from([str(one) for one in Permission]),
    st.builds(
        "{}:{}".format, st.sampled_from(["*", "task", "label"]), st.sampled_from(["*", "read", "update"])
    ),
)
permissions = st.frozensets(st.sampled_from(list(Permission)))


ALWAYS = {Permission.LABEL_READ, Permission.MEMBERSHIP_READ, Permission.WORKSPACE_READ}


def held(*scopes: str) -> frozenset[Permission]:
    found = scoped(scopes)
    return frozenset(Permission) if found is None else found


def test_some() -> None:
    assert scoped(["*:*"]) is None
    assert held() == ALWAYS
    assert held("team:create") == {Permission.TEAM_CREATE, Permission.TEAM_READ, *ALWAYS}
    assert Permission.TASK_READ in held("comment:read")
    assert held("*:read") == {one for one in Permission if one.reads}


@given(st.lists(scope))
def test_nothing_comes_with_scopes_but_reading(scopes: list[str]) -> None:
    wanted = {one for text in scopes for one in named(text)}
    found = held(*scopes)
    assert wanted <= found
    assert all(one.reads for one in found - wanted)
    assert closed(found) == found


@given(permissions, st.none() | permissions)
def test_a_token_has_what_both_have(
    held: frozenset[Permission], scopes: frozenset[Permission] | None
) -> None:
    assert within(scopes, held) == (held if scopes is None else held & scopes)
