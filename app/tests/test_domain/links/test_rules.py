"""What opens a link."""

from hypothesis import given
from hypothesis import strategies as st

from app.services.links.rules import link_of, link_token
from app.utils.ids import new_id

secret = st.binary(min_size=1, max_size=40)


@given(secret, st.lists(secret))
def test_any_known_secret_opens(own: bytes, others: list[bytes]) -> None:
    link_id = new_id()
    assert link_of(link_token(own, link_id), [*others, own]) == link_id


@given(secret, secret)
def test_no_other_secret_opens(own: bytes, other: bytes) -> None:
    if own != other:
        assert link_of(link_token(own, new_id()), [other]) is None


@given(st.text(max_size=120))
def test_no_text_opens(text: str) -> None:
    assert link_of(text, [b"secret"]) is None
