from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import ErrorCode, PastisError
from app.models.invitations import Invitation
from app.models.memberships import Role
from app.services.invitations import rules

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def invitation(*, uses: int = 0, max_uses: int = 1, left: timedelta = timedelta(days=7)) -> Invitation:
    return Invitation(
        id="i",
        workspace_id="w",
        email="h***@fluid.example",
        role=Role.MEMBER,
        invited_by="m",
        max_uses=max_uses,
        uses=uses,
        expires_at=NOW + left,
        created_at=NOW,
        updated_at=NOW,
    )


@given(uses=st.integers(0, 5), max_uses=st.integers(1, 5), seconds=st.integers(-100, 100))
def test_it_lives_until_it_is_used_up_or_its_time_is_over(uses: int, max_uses: int, seconds: int) -> None:
    one = invitation(uses=uses, max_uses=max_uses, left=timedelta(seconds=seconds))
    assert (rules.ended(one, NOW) is None) is (uses < max_uses and seconds > 0)


@given(single=st.booleans(), wanted=st.none() | st.integers(1, 1000))
def test_what_is_for_one_is_used_once(single: bool, wanted: int | None) -> None:
    if single and wanted not in (None, 1):
        with pytest.raises(PastisError) as refusal:
            rules.uses(single=single, wanted=wanted)
        assert refusal.value.errors[0].pointer == "/max_uses"
        return
    assert rules.uses(single=single, wanted=wanted) == (1 if single else wanted or rules.LINK_USES)


@given(local=st.text("abcxyz.+-", min_size=1), domain=st.sampled_from(["fluid.example", "x.test"]))
def test_a_masked_address_keeps_one_letter_of_a_name(local: str, domain: str) -> None:
    masked = rules.masked(f"{local}@{domain}")
    assert masked == f"{local[0]}***@{domain}"


@given(bound=st.sampled_from([None, "a@x.test", "b@x.test"]), own=st.sampled_from(["a@x.test", "b@x.test"]))
def test_who_was_written_to_alone_may_accept(bound: str | None, own: str) -> None:
    if bound in (None, own):
        rules.check_bound(bound, own)
        return
    with pytest.raises(PastisError) as refusal:
        rules.check_bound(bound, own)
    assert refusal.value.code is ErrorCode.WRONG_ACCOUNT


def test_the_token_stands_behind_the_hash() -> None:
    assert rules.link("https://plan.example", "t") == "https://plan.example/invitations/accept#token=t"
