from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.errors import ErrorCode, PastisError
from app.core.oidc_settings import GroupRole, OidcProvider
from app.models.memberships import Role
from app.services.identities import rules

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
NAMES = ("email", "email_verified", "name", "preferred_username", "groups", "amr", "acr")
CLAIMS = st.fixed_dictionaries({"sub": st.just("s")}, optional=dict.fromkeys(NAMES, JSON))


def provider(**policy: Any) -> OidcProvider:
    described = {"id": "p", "name": "P", "issuer": "https://p.example", "client_id": "c"}
    return OidcProvider.model_validate({**described, **policy})


@given(CLAIMS)
def test_whatever_a_provider_says_is_a_proof(claims: dict[str, Any]) -> None:
    proof = rules.proof_of(claims, provider())
    assert (proof.issuer, proof.subject) == ("https://p.example", "s")
    assert proof.email_verified is (claims.get("email_verified") is True)
    assert proof.methods in {("fed",), ("fed", "mfa")}
    assert all(isinstance(one, str) for one in proof.groups)
    for text in (proof.email, proof.display_name):
        assert text is None or (0 < len(text) <= 254 and text.strip() == text)
    assert 0 < len(rules.name_of(proof)) <= rules.NAME_LENGTH


@example({"sub": "s", "email_verified": True}, True, [])
@given(CLAIMS, st.booleans(), st.lists(st.sampled_from(["fluid.example", "b.example"])))
def test_an_account_needs_a_verified_address_and_the_operators_leave(
    claims: dict[str, Any], create: bool, domains: list[str]
) -> None:
    policy = provider(create_accounts=create, allowed_domains=domains)
    proof = rules.proof_of(claims, policy)
    if rules.may_create(policy, proof):
        assert create
        assert proof.email_verified
        assert proof.email is not None
        assert not domains or proof.email.rpartition("@")[2] in domains


GROUPS = st.sampled_from(["a", "b", "c"])
MAPPING = st.lists(
    st.builds(
        GroupRole,
        group=GROUPS,
        workspace=st.sampled_from(["x", "y"]),
        role=st.sampled_from(["admin", "guest", "member"]),
    )
)


@given(st.sets(GROUPS), MAPPING)
def test_of_several_roles_the_one_that_may_most_counts(groups: set[str], mapping: list[GroupRole]) -> None:
    roles = rules.roles_of(groups, mapping)
    assert Role.OWNER not in roles.values()
    for workspace in ("x", "y"):
        given_roles = {one.role for one in mapping if one.workspace == workspace and one.group in groups}
        expected = next((one for one in ("admin", "member", "guest") if one in given_roles), None)
        assert roles.get(workspace) == expected
    assert rules.roles_of(groups, list(reversed(mapping))) == roles


@pytest.mark.parametrize(
    ("claims", "asked"),
    [
        ({}, False),
        ({"amr": ["pwd"]}, False),
        ({"amr": ["pwd", "user", "geo", "rba"]}, False),
        ({"amr": "mfa"}, False),
        ({"amr": {"mfa": True}}, False),
        ({"amr": [["mfa"]]}, False),
        ({"amr": ["pwd", "otp"]}, True),
        ({"amr": ["mfa"]}, True),
        ({"amr": ["hwk"]}, True),
        ({"acr": "1"}, False),
        ({"acr": "gold"}, True),
        ({"acr": ["gold"]}, False),
    ],
    ids=str,
)
def test_only_what_the_provider_says_plainly_is_a_second_factor(claims: dict[str, Any], asked: bool) -> None:
    assert rules.login_methods(claims, ("gold",)) == (("fed", "mfa") if asked else ("fed",))


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://pastis.example/auth/oidc/p", True),
        ("https://PASTIS.example:443/x?y=z", True),
        ("https://pastis.example/x#y", False),
        ("https://pastis.example/#", False),
        ("https://:secret@pastis.example/", False),
        ("http://127.0.0.1:3000/", True),
        ("http://pastis.example/", False),
        ("https://pastis.example:8443/", False),
        ("https://pastis.example.evil.example/", False),
        ("https://pastis.example@evil.example/", False),
        ("https://user@pastis.example/", False),
        ("https://evil.example/https://pastis.example/", False),
        ("https://evil.example#https://pastis.example/", False),
        ("//pastis.example/", False),
        ("", False),
        ("javascript:alert(1)", False),
        ("http:///x", False),
        ("capacitor://localhost/x", False),
    ],
)
def test_where_people_may_be_sent_back_to(address: str, allowed: bool) -> None:
    # The last ones may well be allowed to call the API.
    origins = ["https://pastis.example", "http://127.0.0.1:3000", "*", "http://", "capacitor://localhost"]
    if allowed:
        rules.check_return(address, origins)
        return
    with pytest.raises(PastisError) as caught:
        rules.check_return(address, origins)
    assert caught.value.code is ErrorCode.VALIDATION_FAILED
